package luaapi

import (
	"strings"
	"testing"
)

// typeReader reads a type as LuaLS's annotations have it, from the beginning of
// a text: "string|fun(job: slavedriver.Job): boolean|nil".
type typeReader struct {
	rest  string
	names []string // that were found in it
	wrong bool
}

// readType returns what follows the type, and the names in it; ok is false where
// there is no whole type.
func readType(text string) (rest string, names []string, ok bool) {
	r := &typeReader{rest: text}
	r.union()
	return r.rest, r.names, !r.wrong
}

func (r *typeReader) take(s string) bool {
	rest, found := strings.CutPrefix(r.rest, s)
	r.rest = rest
	return found
}

func (r *typeReader) need(s string) { r.wrong = !r.take(s) || r.wrong }

// word takes the letters of a name, dots too.
func (r *typeReader) word() string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
	word := r.rest[:len(r.rest)-len(strings.TrimLeft(r.rest, letters))]
	r.rest = r.rest[len(word):]
	r.wrong = r.wrong || word == ""
	return word
}

func (r *typeReader) union() {
	r.item()
	for !r.wrong && r.take("|") {
		r.item()
	}
}

func (r *typeReader) item() {
	switch {
	case r.take("("):
		r.union()
		for r.take(", ") { // a second result of a function
			r.union()
		}
		r.need(")")
	case r.take("fun("):
		r.function()
	case r.take(`"`):
		_, rest, ok := strings.Cut(r.rest, `"`)
		r.rest, r.wrong = rest, r.wrong || !ok
	default:
		r.names = append(r.names, r.word())
		if r.take("<") {
			r.union()
			for r.take(", ") {
				r.union()
			}
			r.need(">")
		}
	}
	for r.take("[]") {
	}
	r.take("?")
}

// function reads on after "fun(".
func (r *typeReader) function() {
	for more := !r.take(")"); more && !r.wrong; {
		r.word()
		r.take("?")
		r.need(": ")
		r.union()
		if more = r.take(", "); !more {
			r.need(")")
		}
	}
	if r.take(": ") {
		r.union()
	}
}

func TestReadType(t *testing.T) {
	for _, c := range []struct {
		text, rest string
		ok         bool
	}{
		{"string", "", true},
		{"string|number[]|nil and more", " and more", true},
		{`"a"|"b c"|false x`, " x", true},
		{"table<string, string|number>|false x", " x", true},
		{"(fun(now: table): boolean)|false x", " x", true},
		{"(fun(a: string): boolean, string?)|nil x", " x", true},
		{"fun(a: string, b?: slavedriver.Job?): integer x", " x", true},
		{"(string|fun())[] x", " x", true},
		{"", "", false}, {"|string", "", false}, {"string|", "", false}, {"(string", "", false}, {"fun(a)", "", false}, {`"a`, "", false},
	} {
		rest, _, ok := readType(c.text)
		if ok != c.ok || ok && rest != c.rest {
			t.Errorf("%q: %q, %v", c.text, rest, ok)
		}
	}
}
