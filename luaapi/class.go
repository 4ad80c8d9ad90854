package luaapi

import (
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// site is the place in the script that a call to us comes from.
type site struct {
	s *Script
	L *lua.LState // the thread that calls
	// from is set where the values come from another place than the line that
	// calls: what a job file returned.
	from position
}

// position is the line of Lua that a value or a call comes from.
func (at site) position() position {
	if at.from.file != "" {
		return at.from
	}
	return caller(at.L)
}

// folder is where the relative paths of that line's file start.
func (at site) folder() string { return filepath.Dir(at.s.absolute(at.position().file)) }

// stillLoading throws, unless the entry file is being loaded.
func (at site) stillLoading(name string) {
	if at.s.complete {
		at.raise(wrong("`%s` can only be called while the entry file loads", name))
	}
}

// method is one that the script calls with a colon. It finds its arguments in
// at.L from 2 on, pushes what it returns and says how many.
type method[T any] struct {
	name, args, doc string
	call            func(at site, self *T) int
}

// class is a kind of object that the script is given.
type class[T any] struct {
	name    string // one of them, in messages: "event"
	methods []method[T]
	fields  *fieldSet[T]
	// properties says that fields are read as object.x; set that they are
	// changed by setX and, with properties, by object.x = v. Without it none
	// can be changed. get says that there is a getX for each field that can be
	// read.
	properties, get bool
	set             func(at site, self *T, i int, v lua.LValue) error
	read            func(at site, self *T, i int) lua.LValue // nil: the field's own
	show            func(self *T) string                     // tostring; nil: the name
}

// metatable makes what Lua needs for objects of this class. statics are values
// that every object has. It is made once for each VM.
func (c *class[T]) metatable(s *Script, statics map[string]lua.LValue) *lua.LTable {
	members := c.members(s, statics)
	mt := s.L.CreateTable(0, 4)
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int { return c.index(site{s: s, L: L}, members) }))
	mt.RawSetString("__newindex", s.L.NewFunction(func(L *lua.LState) int { return c.newIndex(site{s: s, L: L}, members) }))
	mt.RawSetString("__tostring", s.L.NewFunction(func(L *lua.LState) int { return c.toString(L) }))
	mt.RawSetString("__metatable", lua.LFalse)
	return mt
}

// members are what each object of the class has by name, but for its properties.
func (c *class[T]) members(s *Script, statics map[string]lua.LValue) *lua.LTable {
	members := s.L.CreateTable(0, len(c.methods)+2*len(c.fields.fields)+len(statics))
	for _, m := range c.methods {
		members.RawSetString(m.name, c.function(s, m.name, m.call))
	}
	for i := range c.fields.fields {
		c.accessors(s, members, i)
	}
	for name, v := range statics {
		members.RawSetString(name, v)
	}
	return members
}

// accessors makes setX and getX of a field, as far as the class has them.
func (c *class[T]) accessors(s *Script, members *lua.LTable, i int) {
	f := &c.fields.fields[i]
	if c.set != nil && f.set != nil {
		name := "set" + capital(f.name)
		members.RawSetString(name, c.function(s, name, func(at site, self *T) int { return c.callSetter(at, self, i) }))
	}
	if c.get && f.get != nil {
		name := "get" + capital(f.name)
		members.RawSetString(name, c.function(s, name, func(at site, self *T) int {
			at.L.Push(c.value(at, self, i))
			return 1
		}))
	}
}

// callSetter returns the object, so that setters chain.
func (c *class[T]) callSetter(at site, self *T, i int) int {
	f := &c.fields.fields[i]
	if at.L.GetTop() < 2 {
		at.raise(wrong("set%s needs a value: %s", capital(f.name), article(f.typ)))
	}
	if err := c.set(at, self, i, at.L.Get(2)); err != nil {
		at.raise(err)
	}
	at.L.SetTop(1)
	return 1
}

// value is what getX and object.x give.
func (c *class[T]) value(at site, self *T, i int) lua.LValue {
	if c.read != nil {
		return c.read(at, self, i)
	}
	return c.fields.fields[i].get(at, self)
}

// function is a method as Lua calls it.
func (c *class[T]) function(s *Script, name string, call func(site, *T) int) *lua.LFunction {
	return s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		self := selfOf[T](L)
		if self == nil {
			at.raise(wrong("`%s` was called without its %s", name, c.name).
				hinting("write it with a colon: " + c.name + ":" + name + "(...)"))
		}
		return call(at, self)
	})
}

// selfOf is the object that a method was called on, or nil.
func selfOf[T any](L *lua.LState) *T { return objectOf[T](L.Get(1)) }

// objectOf is the T that a value of the script holds, or nil. The type tells the
// classes apart, so no object of one can pass for one of another.
func objectOf[T any](v lua.LValue) *T {
	if ud, ok := v.(*lua.LUserData); ok {
		object, _ := ud.Value.(*T)
		return object
	}
	return nil
}

// index answers object.x.
func (c *class[T]) index(at site, members *lua.LTable) int {
	self, key := selfOf[T](at.L), at.L.Get(2).String()
	if v := members.RawGetString(key); v != lua.LNil {
		at.L.Push(v)
		return 1
	}
	i, ok := c.fields.index[key]
	if self == nil || !ok || !c.properties || c.fields.fields[i].get == nil {
		at.raise(c.unknown(key, members))
	}
	at.L.Push(c.value(at, self, i))
	return 1
}

// newIndex answers object.x = v.
func (c *class[T]) newIndex(at site, members *lua.LTable) int {
	self, key := selfOf[T](at.L), at.L.Get(2).String()
	i, ok := c.fields.index[key]
	switch {
	case self != nil && !ok && !c.properties && members.RawGetString(key) == lua.LNil:
		at.raise(wrong("%s has no `%s` that could be assigned to", c.name, key))
	case self == nil || !ok && members.RawGetString(key) == lua.LNil:
		at.raise(c.unknown(key, members))
	case !ok || c.set == nil || c.fields.fields[i].set == nil:
		at.raise(wrong("`%s` of %s can only be read", key, article(c.name)))
	case !c.properties:
		at.raise(wrong("`%s` cannot be assigned to", key).hinting("write " + c.name + ":set" + capital(key) + "(...)"))
	}
	if err := c.set(at, self, i, at.L.Get(3)); err != nil {
		at.raise(err)
	}
	return 0
}

// unknown says which of all names the object has was probably meant.
func (c *class[T]) unknown(key string, members *lua.LTable) error {
	what, known := "method", []string(nil)
	members.ForEach(func(name, _ lua.LValue) { known = append(known, name.String()) })
	if c.properties {
		known = append(known, c.fields.names()...)
		what = c.fields.what + " or method"
	}
	slices.Sort(known)
	if constants := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return !isConstant(name) }); isConstant(key) && len(constants) > 0 {
		what, known = "constant", constants
	}
	return about(c.name+":", unknown(what, key, known))
}

// isConstant says whether a name is written as those of constants are.
func isConstant(name string) bool {
	return strings.ToUpper(name) == name && strings.Contains(name, "_")
}

func (c *class[T]) toString(L *lua.LState) int {
	name := c.name
	if self := selfOf[T](L); self != nil && c.show != nil {
		name = c.show(self)
	}
	L.Push(lua.LString(name))
	return 1
}

// wrap makes v an object of the class whose metatable mt is.
func (s *Script) wrap(v any, mt *lua.LTable) *lua.LUserData {
	return &lua.LUserData{Value: v, Env: s.L.Env, Metatable: mt}
}
