package luaapi

import (
	"strings"
	"time"

	"github.com/ncruces/go-strftime"
	lua "github.com/yuin/gopher-lua"
)

// dateLayout is os.date without a format, as C has it.
const dateLayout = "%c"

// replaceDate gives os.date all the directives of C. Lua's own here knows few
// of them, and some of those wrongly: its %a is always "mon".
func (s *Script) replaceDate() {
	os := s.library("os")
	original := os.RawGetString("date").(*lua.LFunction).GFunction
	os.RawSetString("date", s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		at.refuseNow(L.Get(2))
		layout := L.OptString(1, dateLayout)
		format, utc := strings.CutPrefix(layout, "!")
		if strings.HasPrefix(format, "*t") {
			return original(L)
		}
		t := time.Now()
		if L.Get(2) != lua.LNil {
			t = time.Unix(int64(L.CheckNumber(2)), 0)
		}
		if utc {
			t = t.UTC()
		}
		text, problem := formatDate(format, t)
		if problem != "" {
			at.raise(wrong("os.date: there is no directive `%s`", problem).hinting("the directives are those of strftime; a percent sign is written %%%%"))
		}
		return at.give(lua.LString(text))
	}))
}

// refuseNow throws where the table that schedule functions are called with
// stands instead of the number in it.
func (at site) refuseNow(v lua.LValue) {
	if now, ok := v.(*lua.LTable); ok && now.RawGetString("epoch") != lua.LNil {
		at.raise(wrong("os.date: the time must be a number, not a table; the number of `now` is `now.epoch`"))
	}
}

// formatDate is strftime in the C locale; problem is the first directive that
// does not exist.
func formatDate(layout string, t time.Time) (text, problem string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(layout, "%")
		b.WriteString(before)
		if !found {
			return b.String(), ""
		}
		directive, known := directiveOf(rest)
		if !known {
			return "", "%" + directive
		}
		b.WriteString(strftime.Format("%"+directive, t))
		layout = rest[len(directive):]
	}
}

// directives are the letters of C99's strftime, and those that glibc adds and
// people know.
const directives = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%"

// directiveOf is the directive that text begins with; E, O and - may stand
// before its letter.
func directiveOf(text string) (directive string, known bool) {
	for i := range min(2, len(text)) {
		switch c := text[i : i+1]; {
		case strings.Contains(directives, c):
			return text[:i+1], true
		case i == 0 && c != "E" && c != "O" && c != "-":
			return c, false
		}
	}
	return text[:min(1, len(text))], false
}
