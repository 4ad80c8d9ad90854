package luaapi

import (
	"errors"
	"strings"
	"testing"

	"github.com/yuin/gopher-lua/parse"
)

// TestSyntaxHint has sources that the parser refuses, and what is said to that;
// "" where it is not plain what was meant.
func TestSyntaxHint(t *testing.T) {
	const comment, pair = "a comment begins with `--`", "a key and its value are joined by `=`"
	for source, want := range map[string]string{
		// Commas.
		"x = {\n  name = 'a'\n  timeout = 5 }":           "a comma may be missing at the end of line 2",
		"x = { 'a',\n  'b'\n  'c' }":                     "a comma may be missing at the end of line 2",
		"x = { a = f()\n ['b'] = 5,\n c = {}\n {} }":     "",
		"x = { a = {}\n {} }":                            "a comma may be missing at the end of line 1",
		"x = { a = function() end\n b = 5 }":             "a comma may be missing at the end of line 1",
		"x = { a = [[\n]] -- ends here\n\n b = 5 }":      "a comma may be missing at the end of line 2",
		"x = { a = 1 b = 2 }":                            "a comma may be missing before `b`",
		"f({\n a = 1\ns:run()":                           "a comma may be missing at the end of line 2, or the `}` of the `{` of line 1",
		"f('x', function()\nend\ns:run()":                "a comma may be missing at the end of line 2, or the `)` of the `(` of line 1",
		"x = y z":                                        "the last statement is not whole",
		"x = { 'a' .. 'b' = 5 }":                         "",
		"x = {\n a = 'job, b = '* * * * *', c = 'x',\n}": "a quote may be missing in 'job, b = '",
		"x = { a = 'say 'x' to it' }":                    "a string ends right before `x`",
		"f('it's here')":                                 "a string ends right before `s`",
		"x = { a = 'true, b = '* * * * *', c = 1 }":      "a quote may be missing in 'true, b = '",
		"{ name = 'x' }":                                 "`return {`",
		// Other languages.
		"job->setTimeout(5)":             "a colon: `job:setTimeout()`",
		"x = job->name":                  "a dot: `job.name`",
		"x = 5 - > 3":                    "",
		"if a != b then end":             "`~=`",
		"if !a then end":                 "`!` is `not`",
		"$job = 5":                       "no $ in Lua: `job`",
		"if a && b then end":             "`&&` is `and`",
		"if a || b then end":             "`||` is `or`",
		"x = a & b":                      "",
		"// a comment":                   comment,
		"x = 5 // a comment":             comment,
		"x = 7 // 2":                     "math.floor",
		"/* a */":                        "`--[[`",
		"x = 5 # a comment":              comment,
		"x = 5\n# a comment":             comment,
		"x = { a = 1, # a\n b = 2 }":     comment,
		"x = { a = 1, # the a is b }":    comment,
		"x = { a = #list\n b = 2 }":      "a comma may be missing at the end of line 1",
		"x = { 'a' => 5 }":               pair,
		"x = { a => 5 }":                 pair,
		"x = { name: 'a' }":              "`name = ...`",
		"x = { \"name\": 'a' }":          "`name = ...`",
		"x = { name: a, b = 5 }":         "`name = ...`",
		"x = { job:run }":                "",
		"x = [1, 2]":                     "a list stands in braces",
		"x += 1":                         "`+=`",
		"x++":                            "`++`",
		"if x = 5 then end":              "a comparison is `==`",
		"if f(function() x = 5 = 6 end)": "",
		"var x = 5":                      "`local x`",
		"if a then\nelif b then\nend":    "`elseif`",
		"x = 'a' . 'b'":                  "`..`",
		"x = a . 'b'":                    "`..`",
		"function f() {\n}":              "no braces",
		"function a.b:c(d) {\n}":         "no braces",
		// Words of Lua.
		"x = { end = 5 }":             "write `[\"end\"] = ...`",
		"x = { a = 1,\n repeat = 5 }": "write `[\"repeat\"] = ...`",
		"x = job.end":                 "no name after a dot: write `[\"end\"]`",
		// The end of the file.
		"x = 'abc":                 "the string that begins in line 1 is not closed",
		"f({\nx = [==[\nabc ]] })": "the string that begins in line 2 is not closed",
		"x = 5\na.b":               "the last statement is not whole",
		"-- nothing\nx =":          "the last statement is not whole",
		// What is open.
		"if a then\nb()":       "the `if` of line 1 has no `end`",
		"f({\n a = 1,\n":       "the `{` of line 1 has no `}`",
		"f({ a = 1 )":          "the `{` of line 1 has no `}`",
		"f(function() g( end)": "the `(` of line 1 has no `)`",
		"function f()\n  if a then\n    b()\nend\nf()":         "the `if` of line 2 may lack its `end`",
		"f({\n  a = 1,\n  b = { 'c',\n})\n":                    "the `{` of line 3 may lack its `}`",
		"for i = 1, 2 do\n  while x do\n    y()\n  end\n":      "the `for` of line 1 has no `end`",
		"x = f(a,\n    function()\n      b()\nend)\nif c then": "the `if` of line 5 has no `end`",
		"f({\n  a = function()\nend,\n  b = 5":                 "the `{` of line 1 has no `}`",
		"repeat\n  x()":                                        "the `repeat` of line 1 has no `until`",
		"if a then\n  b()\nelse if c then\n  d()\nend\n":       "write `elseif`",
		"if a then b() else if c then d() end end\nif e then":  "the `if` of line 2 has no `end`",
		"x()\nend":               "nothing is open that this `end` could end",
		"x = {}}":                "nothing is open that this `}` could end",
		"x = {\n a = 1\nlocal y": "the `{` of line 1 has no `}`",
		"if a\nb()\nend":         "a `then` may be missing at the end of line 1",
		"if a == 5\nb()\nend":    "a `then` may be missing at the end of line 1",
		"while a == 5\nb()\nend": "a `do` may be missing at the end of line 1",
		"x = = 1":                "",
		"local function = 5":     "",
	} {
		_, err := parse.Parse(strings.NewReader(source), "x")
		var refused *parse.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: the parser gave %v", source, err)
			continue
		}
		got := syntaxHint(source, refused.Pos.Line, refused.Pos.Column)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s\n(%v)\ngot  %q\nwant %q", source, refused, got, want)
		}
	}
}
