package luaapi

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// testFunction is a function of the module of tests. It finds its arguments in
// at.L from 1 on.
type testFunction struct {
	name, args, doc string
	call            func(at site) int
}

// testFunctions declares the module. What begins with is_ and the like are
// checks: one that does not hold ends the case.
func testFunctions() []testFunction {
	return []testFunction{
		{"case", "name, function", "declares a test", addCase},
		{"world", "options", "makes the world of a case, with the entry file in it", newWorld},
		{"equal", "got, want [, about]", "the two are the same; tables, if all that is in them is", func(at site) int {
			at.sure(same(at.L.Get(1), at.L.Get(2)), 3, "got %s, want %s", shown(at.L.Get(1)), shown(at.L.Get(2)))
			return 0
		}},
		{"different", "got, other [, about]", "they are not the same", func(at site) int {
			at.sure(!same(at.L.Get(1), at.L.Get(2)), 3, "got %s, which is not wanted", shown(at.L.Get(1)))
			return 0
		}},
		{"match", "text, pattern [, about]", "a pattern of Lua is found in the text", func(at site) int {
			at.sure(at.found(), 3, "%s does not match %s", shown(at.L.Get(1)), shown(at.L.Get(2)))
			return 0
		}},
		{"no_match", "text, pattern [, about]", "it is not found in it", func(at site) int {
			at.sure(!at.found(), 3, "%s matches %s", shown(at.L.Get(1)), shown(at.L.Get(2)))
			return 0
		}},
		{"contains", "text or list, part [, about]", "the text has that part, the list that value", func(at site) int {
			at.sure(holds(at.L.Get(1), at.L.Get(2)), 3, "%s does not contain %s", shown(at.L.Get(1)), shown(at.L.Get(2)))
			return 0
		}},
		{"is_true", "value [, about]", "the value is true", is(lua.LTrue)},
		{"is_false", "value [, about]", "the value is false", is(lua.LFalse)},
		{"is_nil", "value [, about]", "the value is nil", is(lua.LNil)},
		{"raises", "function [, pattern]", "the function throws, an error that matches", raises},
		{"fail", "message", "ends the case as failed", func(at site) int {
			at.sure(false, 0, "%s", at.L.ToStringMeta(at.L.Get(1)).String())
			return 0
		}},
	}
}

// sure ends the case unless ok. about is the argument that says what it is
// about, 0: there is none.
func (at site) sure(ok bool, about int, format string, values ...any) {
	if ok {
		return
	}
	e := place(at.position(), wrong(format, values...))
	if about > 0 && at.L.Get(about) != lua.LNil {
		e.Message = at.L.ToStringMeta(at.L.Get(about)).String() + ": " + e.Message
	}
	at.s.o.tests.failed = append(at.s.o.tests.failed, e)
	at.raise(e)
}

func is(want lua.LValue) func(at site) int {
	return func(at site) int {
		at.sure(at.L.Get(1) == want, 2, "got %s, want %s", shown(at.L.Get(1)), shown(want))
		return 0
	}
}

// found calls string.find(text, pattern).
func (at site) found() bool {
	text, isText := at.L.Get(1).(lua.LString)
	if !isText {
		at.sure(false, 3, "got %s, want a text that matches %s", shown(at.L.Get(1)), shown(at.L.Get(2)))
	}
	pattern, ok := at.L.Get(2).(lua.LString)
	if !ok {
		at.raise(about("match: the pattern", mustBe("a string", at.L.Get(2))))
	}
	at.L.Push(at.s.library("string").RawGetString("find"))
	at.L.Push(text)
	at.L.Push(pattern)
	at.L.Call(2, 1)
	found := at.L.Get(-1) != lua.LNil
	at.L.Pop(1)
	return found
}

// raises is t.raises(function [, pattern]).
func raises(at site) int {
	fn, ok := at.L.Get(1).(*lua.LFunction)
	if !ok {
		at.raise(about("raises: the argument", mustBe("a function", at.L.Get(1))))
	}
	err := at.L.CallByParam(lua.P{Fn: fn, Protect: true})
	at.sure(err != nil, 0, "the function did not throw")
	pattern := at.L.Get(2)
	if pattern == lua.LNil {
		return 0
	}
	message := at.s.explain(err).Error()
	at.L.SetTop(0)
	at.L.Push(lua.LString(message))
	at.L.Push(pattern)
	at.sure(at.found(), 0, "it threw %s, which does not match %s", shown(lua.LString(message)), shown(pattern))
	return 0
}

// holds says whether a part is in a text, or a value in a list.
func holds(in, part lua.LValue) bool {
	switch in := in.(type) {
	case lua.LString:
		text, ok := part.(lua.LString)
		return ok && strings.Contains(string(in), string(text))
	case *lua.LTable:
		for i := 1; i <= in.Len(); i++ {
			if same(in.RawGetInt(i), part) {
				return true
			}
		}
	}
	return false
}

// same compares values, and what is in tables.
func same(a, b lua.LValue) bool { return sameIn(a, b, 0) }

// deepestCompared is how deep tables are compared: far deeper than people nest them.
const deepestCompared = 50

func sameIn(a, b lua.LValue, depth int) bool {
	x, isTable := a.(*lua.LTable)
	y, ok := b.(*lua.LTable)
	if !isTable || !ok || x == y || depth > deepestCompared {
		return a == b
	}
	left := 0
	equal := true
	x.ForEach(func(key, v lua.LValue) {
		left++
		equal = equal && sameIn(v, y.RawGet(key), depth+1)
	})
	y.ForEach(func(_, _ lua.LValue) { left-- })
	return equal && left == 0
}

// longestShown is how much of a text is shown, in bytes.
const longestShown = 1000

// shown is a value for people.
func shown(v lua.LValue) string { return shownIn(v, 0) }

func shownIn(v lua.LValue, depth int) string {
	switch v := v.(type) {
	case lua.LString:
		if len(v) > longestShown {
			return strconv.Quote(string(v[:longestShown])) + fmt.Sprintf("... (%d bytes)", len(v))
		}
		return strconv.Quote(string(v))
	case *lua.LTable:
		if depth > 3 {
			return "{...}"
		}
		return "{" + strings.Join(entries(v, depth), ", ") + "}"
	}
	return describe(v)
}

// entries are those of a list in their order, others by the names of their keys.
func entries(t *lua.LTable, depth int) (all []string) {
	n := t.Len()
	for i := 1; i <= n; i++ {
		all = append(all, shownIn(t.RawGetInt(i), depth+1))
	}
	var others []string
	t.ForEach(func(key, v lua.LValue) {
		if i, ok := key.(lua.LNumber); ok && i >= 1 && int(i) <= n {
			return
		}
		others = append(others, key.String()+" = "+shownIn(v, depth+1))
	})
	slices.Sort(others)
	return append(all, others...)
}
