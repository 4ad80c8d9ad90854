package luaapi

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
)

// missingGlobal is the last global that the script read and nobody had set.
type missingGlobal struct {
	name  string
	where position
}

// watchGlobals remembers globals that are read without being there: Lua's
// errors about a nil say neither its name nor that it was one.
func (s *Script) watchGlobals() {
	mt := s.L.NewTable()
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		if name, ok := L.Get(2).(lua.LString); ok {
			s.missing = missingGlobal{string(name), caller(L)}
		}
		return 0
	}))
	s.L.G.Global.Metatable = mt
}

// aboutNil says which global was nil in the line of an error that complains
// about a nil, if one was.
func (s *Script) aboutNil(e *Error) *Error {
	name := s.missing.name
	if name == "" || s.missing.where != (position{e.File, e.Line}) ||
		!strings.Contains(e.Message, "nil") && !strings.Contains(e.Message, "attempt to call") {
		return e
	}
	e.Message += ": there is no global `" + name + "`"
	if form := memberForm(name); form != "" {
		e.Hint = "write `" + form + "`"
	} else if near := spelling.Nearest(name, s.globals()); near != "" {
		e.Hint = "did you mean `" + near + "`?"
	}
	return e
}

// memberForm is how a script writes what the object slavedriver has under that
// name; "" where it has nothing.
func memberForm(name string) string {
	if name == "Job" || slices.ContainsFunc(loggerKinds(), func(k loggerKind) bool { return k.name == name }) {
		return "slavedriver." + name + "(...)"
	}
	if slices.ContainsFunc(engine.EventDocs, func(e engine.EventDoc) bool { return e.Constant == name }) {
		return "slavedriver." + name
	}
	class := slavedriverClass()
	for _, m := range class.methods {
		if m.name == name {
			return "slavedriver:" + name + "(...)"
		}
	}
	for _, f := range class.fields.fields {
		if name == "set"+capital(f.name) {
			return "slavedriver:" + name + "(...)"
		}
	}
	return ""
}

func (s *Script) globals() (names []string) {
	s.L.G.Global.ForEach(func(key, _ lua.LValue) { names = append(names, key.String()) })
	return names
}
