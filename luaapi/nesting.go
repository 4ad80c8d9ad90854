package luaapi

import (
	"bytes"

	lua "github.com/yuin/gopher-lua"
)

// The compiler calls itself for each level of a source, and what is nested too deep
// ends the process with a trace of Go, which nothing can catch. That takes more than a
// million levels, and so as many bytes.

const (
	// longestSource is the most that is compiled.
	longestSource = 16 << 20
	// shallowSource cannot be nested too deep, and is not looked at: all that people
	// write by hand.
	shallowSource = 512 << 10
	// deepestSource is the most levels that a longer one may have, tokens counted.
	deepestSource = 200_000
)

// checkSource refuses a source that cannot be compiled, and says at which line.
func checkSource(source []byte) (line int, err error) {
	switch {
	case len(source) > longestSource:
		return 0, wrong("is larger than %d MiB, the most that is read as Lua", longestSource>>20)
	case len(source) > shallowSource:
		return tooDeep(string(source))
	}
	return 0, nil
}

// level is one of a source: what is between two brackets, or between the words
// around a block.
type level struct {
	tokens int // of the expression so far: as deep as that, at the most
	kept   int // of them those that a comma does not end
}

// nesting counts the levels that a source has at a token, or more.
type nesting struct {
	open []level // the innermost last, never empty
	deep int     // all of their tokens
}

// tooDeep is the first line at which a source is nested too deep, 0 for none.
func tooDeep(source string) (line int, err error) {
	n := nesting{open: []level{{}}}
	s := newTokenScanner(source)
	var before token
	for s.skip(false); s.at < len(s.source); s.skip(false) {
		s.tokens = s.tokens[:0]
		s.next(false)
		t := s.tokens[0]
		if n.take(before, t); n.deep > deepestSource {
			return t.line, wrong("is nested more than %d levels deep here, or one expression is that long", deepestSource)
		}
		before = t
	}
	return 0, nil
}

// take goes on by one token.
func (n *nesting) take(before, t token) {
	if t.kind == stringToken {
		n.count(1)
		return
	}
	switch t.text {
	case "if", "while", "for", "local", "return", "break", "goto":
		n.end(0)
	case ",", ";", "=":
		n.end(n.innermost().kept)
	case "(", "[", "{", "do", "then":
		n.push()
	case "function", "repeat":
		if before.endsValue() {
			n.end(0)
		}
		n.push()
	case ")", "]", "}", "end", "until":
		n.pop()
	case "else":
		n.pop()
		n.push()
	case "elseif": // each is a level below the one before
		n.pop()
		n.innermost().kept++
	default:
		if t.kind == nameToken && before.endsValue() {
			n.end(0)
		}
		n.count(1)
	}
}

func (n *nesting) innermost() *level { return &n.open[len(n.open)-1] }

func (n *nesting) count(tokens int) {
	n.innermost().tokens += tokens
	n.deep += tokens
}

// end is the end of an expression, of which kept tokens stay.
func (n *nesting) end(kept int) {
	n.count(kept - n.innermost().tokens)
	n.innermost().kept = kept
}

func (n *nesting) push() {
	n.count(1)
	n.open = append(n.open, level{})
}

func (n *nesting) pop() {
	n.end(0)
	if len(n.open) > 1 {
		n.open = n.open[:len(n.open)-1]
	}
	n.count(1)
}

// replaceLoad bounds what loadstring and load compile.
func (s *Script) replaceLoad() {
	s.L.SetGlobal("loadstring", s.L.NewFunction(func(L *lua.LState) int {
		return loadSource(L, []byte(L.CheckString(1)), L.OptString(2, "<string>"))
	}))
	s.L.SetGlobal("load", s.L.NewFunction(func(L *lua.LState) int {
		piece, source := L.CheckFunction(1), []byte(nil)
		for len(source) <= longestSource {
			L.Push(piece)
			L.Call(0, 1)
			v := L.Get(-1)
			L.Pop(1)
			if v == lua.LNil || v.String() == "" {
				break
			}
			if !lua.LVCanConvToString(v) {
				return notCompiled(L, "reader function must return a string")
			}
			source = append(source, v.String()...)
		}
		return loadSource(L, source, L.OptString(2, "?"))
	}))
}

// loadSource returns the function of a chunk, or nil and what is wrong with it.
func loadSource(L *lua.LState, source []byte, name string) int {
	line, err := checkSource(source)
	if err != nil {
		return notCompiled(L, position{name, line}.String()+": the source "+err.Error())
	}
	fn, err := L.Load(bytes.NewReader(source), name)
	if err != nil {
		return notCompiled(L, err.Error())
	}
	L.Push(fn)
	return 1
}

func notCompiled(L *lua.LState, why string) int {
	L.Push(lua.LNil)
	L.Push(lua.LString(why))
	return 2
}
