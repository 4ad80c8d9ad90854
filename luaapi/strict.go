package luaapi

import (
	"slices"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// strict makes the metatable of tables that the script is given: reading a name
// that none of them ever has throws, with the one that was probably meant. One
// that only this table lacks is nil, as ever.
func (s *Script) strict(what string, known []string) *lua.LTable {
	mt := s.L.CreateTable(0, 1)
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		// Numbers are no names: ipairs reads the first that it does not find.
		if name, ok := L.Get(2).(lua.LString); ok && !slices.Contains(known, string(name)) {
			site{s: s, L: L}.raise(about(what+":", unknown("key", string(name), known)))
		}
		return 0
	}))
	return mt
}

// paramNames are those of all events.
var paramNames = sync.OnceValue(func() (all []string) {
	for _, e := range engine.EventDocs {
		all = append(all, namesOfParams(e)...)
	}
	return all
})

// alertNames are the keys of an alert.
var alertNames = sync.OnceValue(func() (all []string) {
	for _, f := range alertContents() {
		all = append(all, f.name)
	}
	return all
})
