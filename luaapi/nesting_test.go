package luaapi

import (
	"fmt"
	"strings"
	"testing"
)

// What would end the process is a sentence: a stack of Go that overflows cannot be
// caught.
func TestASourceThatIsNestedTooDeep(t *testing.T) {
	const deep = "the source is nested more than 200000 levels deep here, or one expression is that long"
	for source, want := range map[string]string{
		`"return " .. ("2^"):rep(2e6) .. "2"`:                                          "<string>:1: " + deep,
		`"\nreturn " .. ("not "):rep(4e6) .. "2"`:                                      "<string>:2: " + deep,
		`"return " .. ("#"):rep(2e6) .. "x"`:                                           "<string>:1: " + deep,
		`"return " .. ("{"):rep(2e6) .. ("}"):rep(2e6)`:                                "<string>:1: " + deep,
		`"return x" .. (".x"):rep(2e6)`:                                                "<string>:1: " + deep,
		`"x" .. ("()"):rep(2e6)`:                                                       "<string>:1: " + deep,
		`"x" .. ("''"):rep(2e6)`:                                                       "<string>:1: " + deep,
		`"return " .. ("x,y["):rep(1e6)`:                                               "<string>:1: " + deep,
		`"return " .. ("function() return "):rep(5e5)`:                                 "<string>:1: " + deep,
		`("while x do "):rep(1e6)`:                                                     "<string>:1: " + deep,
		`"if x then " .. ("elseif x then "):rep(1e6) .. "end"`:                         "<string>:1: " + deep,
		`"return '" .. ("x"):rep(2 ^ 24) .. "'"`:                                       "<string>: the source is larger than 16 MiB, the most that is read as Lua",
		`"return " .. ("{ x = 1, f(2, a.b.c[1]) },"):rep(3, "\n"):sub(1, -2)`:          "nil",
		`"return { " .. ("{ x = 1, f(2, a.b.c[1]), 'y' .. z },\n"):rep(20000) .. " }"`: "nil",
		`("do local x = 1 x = x + 1 f(x) f 'x' ; (g or h)() if x then y() elseif z then y() else repeat until x end for i = 1, 2 do end end\n"):rep(6000)`:   "nil",
		`("do f(function() return { a = 1 } end)\ng(function(a, b) local c = a + b end)\nlocal function h(...) return ... end goto_x = -1 end\n"):rep(6000)`: "nil",
	} {
		for _, load := range []string{"loadstring(source)", `load(function() local piece = source source = nil return piece end, "<string>")`} {
			_, out := mustLoad(t, "local source = "+source+"\nlocal _, why = "+load+"\nprint(why)")
			if got := strings.TrimSpace(out.String()); got != want {
				t.Errorf("%s of %s: %.200s", load, source, got)
			}
		}
	}
	e := loadError(t, "local x = 1\nreturn "+strings.Repeat("#", 2e6)+"x")
	equal(t, "of a file", fmt.Sprint(e), "slavedriver.lua:2: the file is nested more than 200000 levels deep here, or one expression is that long")
}
