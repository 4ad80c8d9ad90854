package luaapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"
)

// most is how many values can leave the script at once.
const most = 100_000

var (
	errCannotKeep = wrong("can only be made of strings, finite numbers, booleans and tables")
	errEndless    = wrong("holds itself")
	errTooMuch    = wrong("is too large: it holds more than %d values", most)
	errTooDeep    = wrong("is nested more than %d deep", deepest)
	errMixed      = wrong("has a table that is neither a list nor has only strings as keys")
)

// conversion makes values of Go of those of Lua: string, float64, bool, nil,
// []any, map[string]any. An empty table becomes a map.
type conversion struct {
	// lenient leaves out functions and objects, and turns the keys of mixed
	// tables into strings.
	lenient bool
	left    int                  // how many more values there may be
	open    map[*lua.LTable]bool // the tables that we are in
}

// toGo is strict: whatever would be lost is an error, a predicate for about.
func toGo(v lua.LValue) (any, error) { return convert(v, false) }

func convert(v lua.LValue, lenient bool) (any, error) {
	c := conversion{lenient: lenient, left: most, open: map[*lua.LTable]bool{}}
	return c.value(v)
}

func (c *conversion) value(v lua.LValue) (any, error) {
	if c.left--; c.left < 0 {
		return nil, errTooMuch
	}
	switch v := v.(type) {
	case *lua.LNilType:
		return nil, nil
	case lua.LBool:
		return bool(v), nil
	case lua.LString:
		return string(v), nil
	case lua.LNumber:
		switch n := float64(v); {
		case !math.IsNaN(n) && !math.IsInf(n, 0):
			return n, nil
		case c.lenient:
			return nil, wrong("must not hold %s: it is kept as JSON, which has no such number", v)
		}
	case *lua.LTable:
		switch {
		case c.open[v]:
			return nil, errEndless
		case len(c.open) == deepest:
			return nil, errTooDeep
		}
		c.open[v] = true
		defer delete(c.open, v)
		return c.table(v)
	}
	return nil, errCannotKeep
}

// table makes a list of a table with the keys 1 to n and a map of one that has
// only strings as keys; which of the two a reader gets must not depend on luck,
// so there is nothing in between.
func (c *conversion) table(t *lua.LTable) (any, error) {
	var failure error
	count, list, named := 0, make([]any, 0, t.MaxN()), map[string]any{}
	t.ForEach(func(key, v lua.LValue) {
		if failure != nil {
			return
		}
		value, err := c.value(v)
		if c.lenient && errors.Is(err, errCannotKeep) {
			return
		}
		if err != nil {
			failure = err
			return
		}
		count++
		if n, ok := key.(lua.LNumber); ok && float64(n) == float64(len(list)+1) {
			list = append(list, value)
		}
		if name, ok := key.(lua.LString); ok || c.lenient {
			if !ok {
				name = lua.LString(key.String())
			}
			named[string(name)] = value
		}
	})
	switch {
	case failure != nil:
		return nil, failure
	case count > 0 && len(list) == count:
		return list, nil
	case len(named) == count:
		return named, nil
	}
	return nil, errMixed
}

// toJSON is a value as JSON, without the functions and objects in it; nil if
// that is everything. Its errors are predicates.
func toJSON(v lua.LValue) (json.RawMessage, error) {
	value, err := convert(v, true)
	if err != nil && !errors.Is(err, errCannotKeep) {
		return nil, err
	}
	if value == nil {
		return nil, nil
	}
	return json.Marshal(value)
}

// fromJSON reads what toJSON wrote; a file that was damaged gives nil.
func fromJSON(L *lua.LState, data json.RawMessage) lua.LValue {
	var v any
	if len(data) == 0 || json.Unmarshal(data, &v) != nil {
		return lua.LNil
	}
	return toLua(L, v)
}

// toLua makes a value of Lua of one of Go; what has no counterpart becomes a
// string.
func toLua(L *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case string:
		return lua.LString(v)
	case bool:
		return lua.LBool(v)
	case int:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case float64:
		return lua.LNumber(v)
	case []any:
		t := L.CreateTable(len(v), 0)
		for i, item := range v {
			t.RawSetInt(i+1, toLua(L, item))
		}
		return t
	case map[string]any:
		t := L.CreateTable(0, len(v))
		for name, item := range v {
			t.RawSetString(name, toLua(L, item))
		}
		return t
	}
	return lua.LString(fmt.Sprint(v))
}
