package luaapi

import (
	"math"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

// FuzzOptions gives every option values of every type. None may panic; what is
// accepted must be read back as something that is accepted again, and then
// stay the same.
func FuzzOptions(f *testing.F) {
	for _, c := range optionCases {
		f.Add(c.option, 3, strings.Trim(c.value, `"`), 1.0)
		f.Add(c.option, 4, strings.Trim(c.value, `"`), 14.0)
	}
	f.Add("limits", 5, "openFiles", 1024.0)
	f.Add("env", 6, "PATH", 1.0)
	f.Add("timeout", 2, "", math.NaN())
	f.Add("timeout", 3, "1h30m", math.Inf(1))
	f.Add("runAtDateTime", 2, "", 1e300)

	dir := f.TempDir()
	s := newScript("slavedriver.lua", testOptions(dir, &strings.Builder{}))
	s.o.Root = true
	s.openLibraries()
	s.jobMeta = jobClass().metatable(s, nil)
	at := site{s: s, L: s.L, from: position{"slavedriver.lua", 1}}
	f.Fuzz(func(t *testing.T, option string, shape int, text string, n float64) {
		i, ok := jobOptions().index[option]
		if !ok || jobOptions().fields[i].set == nil {
			return
		}
		j := at.newJob()
		if err := j.set(at, i, fuzzValue(s.L, shape, text, n)); err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error says nothing")
			}
			return
		}
		back := jobOptions().fields[i].get(at, j)
		if j.ScheduleFunc {
			return // as text it is only for people
		}
		again := at.newJob()
		if err := again.set(at, i, back); err != nil {
			t.Fatalf("%s: %s is read back as %s, which is refused: %v", option, text, describe(back), err)
		}
		if second := jobOptions().fields[i].get(at, again); describe(second) != describe(back) {
			t.Errorf("%s: %s became %s, then %s", option, text, describe(back), describe(second))
		}
	})
}

// fuzzValue is a value of one of the shapes that Lua has.
func fuzzValue(L *lua.LState, shape int, text string, n float64) lua.LValue {
	t := L.NewTable()
	switch shape % 9 {
	case 0:
		return lua.LNil
	case 1:
		return lua.LBool(n > 0)
	case 2:
		return lua.LNumber(n)
	case 3:
		return lua.LString(text)
	case 4:
		t.RawSetInt(1, lua.LString(text))
		t.RawSetInt(2, lua.LNumber(n))
	case 5:
		t.RawSetString(text, lua.LNumber(n))
	case 6:
		t.RawSetString(text, lua.LString(text))
	case 7:
		t.RawSetInt(1, lua.LNumber(n))
	default:
		return L.NewFunction(func(*lua.LState) int { return 0 })
	}
	return t
}

// FuzzSyntaxHint: whatever the source, a hint is found or not, and nothing
// panics; the tokens stand in the source, in their order.
func FuzzSyntaxHint(f *testing.F) {
	for _, source := range []string{"x = { a = 'b'\nc = 5 }", "job->x()", "x = [==[ ]=]", "'\\", "--[[", "x = '\\d' # no\r\n// y", "for while do end )"} {
		f.Add(source, 2, 1)
	}
	f.Fuzz(func(t *testing.T, source string, line, column int) {
		_ = syntaxHint(source, line, column)
		_ = syntaxHint(source, endOfFile, 0)
		_ = lostEscapes(source)
		rest := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
		for i, token := range tokensOf(source) {
			_, after, ok := strings.Cut(rest, token.text)
			if token.text == "" || !ok {
				t.Errorf("token %d is %q", i, token.text)
			}
			rest = after
		}
	})
}
