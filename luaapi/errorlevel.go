package luaapi

import lua "github.com/yuin/gopher-lua"

// replaceError gives error the levels of Lua: 2 is the line that called the
// function that calls error. The VM counts itself, so its 2 is what 1 is.
func (s *Script) replaceError() {
	s.L.SetGlobal("error", s.L.NewFunction(func(L *lua.LState) int {
		level := L.OptInt(2, 1)
		if level > 1 {
			level++
		}
		L.Error(L.CheckAny(1), level)
		return 0
	}))
}
