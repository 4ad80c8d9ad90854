package luaapi

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/modules"
)

const (
	// mostValues bounds a value that goes to a module, deepest any that leaves the script.
	mostValues = 1_000_000
	deepest    = 1000
)

// openValues makes what stands for values of JSON that Lua does not have: null,
// arrays, and numbers that a float64 cannot hold.
func (s *Script) openValues() {
	named := func(name string) *lua.LTable {
		mt := s.L.NewTable()
		mt.RawSetString("__tostring", s.L.NewFunction(func(L *lua.LState) int {
			L.Push(lua.LString(name))
			return 1
		}))
		return mt
	}
	s.null = s.wrap(modules.Null{}, named("null"))
	s.arrayMeta = s.L.NewTable()
	s.numberMeta = s.L.NewTable()
	digits := func(v lua.LValue) string {
		if n, ok := bigNumber(v); ok {
			return n.String()
		}
		return s.L.ToStringMeta(v).String()
	}
	for name, fn := range map[string]func(L *lua.LState) lua.LValue{
		"__tostring": func(L *lua.LState) lua.LValue { return lua.LString(digits(L.Get(1))) },
		"__concat":   func(L *lua.LState) lua.LValue { return lua.LString(digits(L.Get(1)) + digits(L.Get(2))) },
		"__eq":       func(L *lua.LState) lua.LValue { return lua.LBool(digits(L.Get(1)) == digits(L.Get(2))) },
	} {
		s.numberMeta.RawSetString(name, s.L.NewFunction(func(L *lua.LState) int {
			L.Push(fn(L))
			return 1
		}))
	}
}

func bigNumber(v lua.LValue) (json.Number, bool) {
	if ud, ok := v.(*lua.LUserData); ok {
		n, ok := ud.Value.(json.Number)
		return n, ok
	}
	return "", false
}

// moduleValue is a result of a module as the script gets it.
func (s *Script) moduleValue(v any) lua.LValue {
	switch v := v.(type) {
	case modules.Null:
		return s.null
	case json.Number:
		return s.wrap(v, s.numberMeta)
	case []string:
		return fromStrings(v)
	case map[string]string:
		t := s.L.CreateTable(0, len(v))
		for name, text := range v {
			t.RawSetString(name, lua.LString(text))
		}
		return t
	case []any:
		t := s.L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, s.moduleValue(item))
		}
		t.Metatable = s.arrayMeta
		return t
	case map[string]any:
		t := s.L.CreateTable(0, len(v))
		for name, item := range v {
			t.RawSetString(name, s.moduleValue(item))
		}
		return t
	case modules.Iterator:
		return s.L.NewFunction(func(L *lua.LState) int {
			item, ok := v()
			if !ok {
				item = nil
			}
			L.Push(s.moduleValue(item))
			return 1
		})
	}
	return toLua(s.L, v)
}

// moduleDecode reads a value of the script as its type says.
func (at site) moduleDecode(p *modules.Param, v lua.LValue) (any, error) {
	switch p.Type {
	case modules.TypeString:
		return at.moduleString(v)
	case modules.TypeLine:
		return line.decode(at, v)
	case modules.TypeFlag:
		return flag.decode(at, v)
	case modules.TypeWhole:
		return whole(p.Least, p.Most).decode(at, v)
	case modules.TypeDuration:
		return positive.decode(at, v)
	case modules.TypeSize:
		return size.decode(at, v)
	case modules.TypePath:
		return folder.decode(at, v)
	case modules.TypeChoice:
		return oneOf(p.Choices...).decode(at, v)
	case modules.TypeStrings:
		if one, ok := v.(lua.LString); ok {
			text, err := line.decode(at, one)
			return []string{text}, err
		}
		return words.decode(at, v)
	case modules.TypeMap:
		return at.moduleMap(v)
	case modules.TypeRecords:
		return at.moduleRecords(p, v)
	case modules.TypeFields:
		return moduleFields(v)
	case modules.TypeValue:
		c := valueReader{s: at.s, left: mostValues, open: map[*lua.LTable]bool{}}
		return c.value(v, "")
	default:
		return nil, wrong("is declared with a type that no value can have: %s", p.Type)
	}
}

// moduleString takes numbers too, as Lua's own functions do.
func (at site) moduleString(v lua.LValue) (string, error) {
	switch v.(type) {
	case lua.LString, lua.LNumber:
		return v.String(), nil
	}
	if n, ok := bigNumber(v); ok {
		return n.String(), nil
	}
	return "", mustBe("a string", v)
}

// moduleMap is a table of strings.
func (at site) moduleMap(v lua.LValue) (map[string]string, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, mustBe("a table of strings", v)
	}
	out, problem := map[string]string{}, error(nil)
	t.ForEach(func(key, v lua.LValue) {
		name, ok := key.(lua.LString)
		text, err := at.moduleString(v)
		switch {
		case !ok:
			problem = wrong("must have names as keys, not %s", describe(key))
		case err != nil:
			problem = about("entry "+describe(key), err)
		default:
			out[string(name)] = text
		}
	})
	return out, problem
}

// moduleRecords is a list of tables.
func (at site) moduleRecords(p *modules.Param, v lua.LValue) ([]modules.Args, error) {
	items, err := toList(v, "tables")
	if err != nil {
		return nil, err
	}
	out := make([]modules.Args, len(items))
	for i, item := range items {
		out[i] = modules.Args{}
		if err := at.moduleRecord("key", p.Keys, item, out[i]); err != nil {
			return nil, about(fmt.Sprintf("entry %d:", i+1), err)
		}
	}
	return out, nil
}

// moduleFields is a table for people: what cannot be converted is printed.
func moduleFields(v lua.LValue) (map[string]any, error) {
	t, ok := v.(*lua.LTable)
	if !ok {
		return nil, mustBe("a table", v)
	}
	fields := map[string]any{}
	t.ForEach(func(key, v lua.LValue) {
		value, err := toGo(v)
		if err != nil {
			value = v.String()
			if n, ok := bigNumber(v); ok {
				value = n.String()
			}
		}
		fields[key.String()] = value
	})
	return fields, nil
}

// valueReader makes a value of JSON of one of Lua, without loss.
type valueReader struct {
	s     *Script
	left  int // how many more values there may be
	depth int
	open  map[*lua.LTable]bool // the tables that we are in
}

// value reads v, which stands at path.
func (r *valueReader) value(v lua.LValue, path string) (any, error) {
	if r.left--; r.left < 0 {
		return nil, wrong("is too large: it holds more than %d values", mostValues)
	}
	switch v := v.(type) {
	case lua.LBool:
		return bool(v), nil
	case lua.LString:
		return string(v), nil
	case lua.LNumber:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, wrong("cannot hold %s%s: JSON has no such number", v.String(), in(path))
		}
		return float64(v), nil
	case *lua.LUserData:
		switch v.Value.(type) {
		case modules.Null, json.Number:
			return v.Value, nil
		}
	case *lua.LTable:
		if r.open[v] {
			return nil, wrong("holds itself%s", in(path))
		}
		if r.depth++; r.depth > deepest {
			return nil, wrong("is nested more than %d deep", deepest)
		}
		r.open[v] = true
		defer func() { delete(r.open, v); r.depth-- }()
		return r.table(v, path)
	}
	return nil, wrong("cannot hold %s%s", describe(v), in(path))
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return ", at " + strings.TrimPrefix(path, ".")
}

// table is a list or an object. A table without entries is an object, unless
// it was made as an array.
func (r *valueReader) table(t *lua.LTable, path string) (any, error) {
	n, count := t.MaxN(), 0
	t.ForEach(func(lua.LValue, lua.LValue) { count++ })
	switch {
	case count == n && (n > 0 || t.Metatable == r.s.arrayMeta):
		return r.list(t, n, path)
	case t.Metatable == r.s.arrayMeta:
		return nil, wrong("holds an array with gaps or names%s", in(path)).hinting("json.null stands for what is not there")
	}
	return r.object(t, count, path)
}

func (r *valueReader) list(t *lua.LTable, n int, path string) (any, error) {
	list := make([]any, n)
	for i := range list {
		v, err := r.value(t.RawGetInt(i+1), path+"["+strconv.Itoa(i+1)+"]")
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

func (r *valueReader) object(t *lua.LTable, n int, path string) (any, error) {
	object, problem := make(map[string]any, n), error(nil)
	t.ForEach(func(key, v lua.LValue) {
		if problem != nil {
			return
		}
		name, ok := key.(lua.LString)
		if !ok {
			problem = wrong("holds a table that is neither a list without gaps nor has only strings as keys%s", in(path)).
				hinting("json.null stands for what is not there, tostring(key) makes a string of a number")
			return
		}
		object[string(name)], problem = r.value(v, path+"."+string(name))
	})
	return object, problem
}
