package luaapi

import (
	"fmt"
	"strings"
)

// refusal is the place in a source at which the parser stopped.
type refusal struct {
	tokens         []token
	i              int // which of them was refused; len(tokens): the end of the file
	open, doubtful []token
}

// endOfFile is a line that the parser names for it.
const endOfFile = -1

// syntaxHint says what was probably meant where the parser stopped, at the last
// character of what it refused; "" where that is not plain.
func syntaxHint(source string, line, column int) string {
	r := refusal{tokens: tokensOf(source)}
	for r.i < len(r.tokens) && (r.tokens[r.i].endLine != line || r.tokens[r.i].endColumn != column) {
		r.i++
	}
	r.open, r.doubtful = openAt(r.tokens[:r.i])
	if line == endOfFile {
		return r.atEnd()
	}
	if r.i == len(r.tokens) {
		return ""
	}
	for _, rule := range []func(refusal) string{
		refusal.arrow, refusal.otherOperator, refusal.otherComment, refusal.otherAssignment, refusal.otherList, refusal.otherTable, refusal.otherWord, refusal.otherBlock,
		refusal.comparison, refusal.joining, refusal.quote, refusal.lostQuote, refusal.returned, refusal.reserved, refusal.closer, refusal.then, refusal.comma, refusal.statement,
	} {
		if hint := rule(r); hint != "" {
			return hint
		}
	}
	return ""
}

// at is the token so many after the refused one, or none.
func (r refusal) at(offset int) token {
	if i := r.i + offset; i >= 0 && i < len(r.tokens) {
		return r.tokens[i]
	}
	return token{}
}

// pair says whether the refused token is part of what Lua reads as two tokens
// and another language as one, and where the second of them is.
func (r refusal) pair(one, two string) (second int, ok bool) {
	for second := range 2 {
		t := r.at(second)
		if r.at(second-1).is(one) && t.is(two) && t.joined {
			return second, true
		}
	}
	return 0, false
}

// inside says whether the innermost of what is open is that bracket.
func (r refusal) inside(bracket string) bool {
	return len(r.open) > 0 && r.open[len(r.open)-1].text == bracket
}

// atEnd is about a file that ends too early.
func (r refusal) atEnd() string {
	if last := r.at(-1); last.unfinished() {
		return fmt.Sprintf("the string that begins in line %d is not closed", last.line)
	}
	switch {
	case len(r.tokens) == 0:
		return ""
	case len(r.open) == 0:
		return "the last statement is not whole"
	}
	outer := r.open[len(r.open)-1]
	for i, t := range r.tokens[1:] {
		if before := r.tokens[i]; t.is("if") && before.is("else") && t.line == before.line && t.line >= outer.line && closerOf(outer) == "end" {
			return fmt.Sprintf("the `else if` of line %d begins an `if` of its own: write `elseif`", t.line)
		}
	}
	return unclosed(r.open, r.doubtful)
}

func (r refusal) arrow() string {
	i, ok := r.pair("-", ">")
	if !ok || r.at(i-2).kind != nameToken || r.at(i+1).kind != nameToken {
		return ""
	}
	object, name := r.at(i-2).text, r.at(i+1).text
	if r.at(i + 2).is("(") {
		return fmt.Sprintf("Lua calls methods with a colon: `%s:%s()`", object, name)
	}
	return fmt.Sprintf("Lua reads fields with a dot: `%s.%s`", object, name)
}

func (r refusal) otherOperator() string {
	t, next := r.at(0), r.at(1)
	for sign, word := range map[string]string{"&": "and", "|": "or"} {
		if _, ok := r.pair(sign, sign); ok {
			return fmt.Sprintf("`%s%s` is `%s` in Lua", sign, sign, word)
		}
	}
	switch {
	case t.is("!") && next.joined && strings.HasPrefix(next.text, "="):
		return "not equal is `~=` in Lua"
	case t.is("!") && (next.kind == nameToken || next.is("(")):
		return "`!` is `not` in Lua"
	case t.is("$") && next.kind == nameToken && next.joined:
		return fmt.Sprintf("names have no $ in Lua: `%s`", next.text)
	}
	return ""
}

const commentHint = "a comment begins with `--` in Lua"

func (r refusal) otherComment() string {
	if i, ok := r.pair("/", "/"); ok {
		if r.at(i - 1).first {
			return commentHint
		}
		return commentHint + "; a division without a remainder is `math.floor(a / b)`"
	}
	if _, ok := r.pair("/", "*"); ok {
		return commentHint + ", one of several lines stands between `--[[` and `]]`"
	}
	if r.at(0).is("#") || r.afterHash() {
		return commentHint
	}
	return ""
}

// afterHash says whether a # that begins a comment elsewhere, and here an entry
// of a table, stands before the refused token: on its line, or on the one that
// the parser read last.
func (r refusal) afterHash() bool {
	last := r.at(-1).line
	for i := r.i - 1; i > 0 && r.tokens[i].line == last; i-- {
		hash, before := r.tokens[i], r.tokens[i-1]
		spaced := i+1 < r.i && !r.tokens[i+1].joined
		if hash.is("#") && spaced && (before.is(",") || before.is(";") || before.is("{")) {
			return true
		}
	}
	return false
}

func (r refusal) otherAssignment() string {
	for _, sign := range []string{"+", "-", "*", "/", ".."} {
		if i, ok := r.pair(sign, "="); ok && r.at(i-2).kind == nameToken {
			return fmt.Sprintf("Lua has no `%s=`: write `x = x %s y`", sign, sign)
		}
	}
	if i, ok := r.pair("+", "+"); ok && r.at(i-2).kind == nameToken {
		return "Lua has no `++`: write `x = x + 1`"
	}
	return ""
}

// otherList is about tables as PHP and Python have them.
func (r refusal) otherList() string {
	t, before := r.at(0), r.at(-1)
	if _, ok := r.pair("=", ">"); ok {
		return "a key and its value are joined by `=` in Lua: `{ key = value }`"
	}
	if t.is("[") && (before.is("=") || before.is("(") || before.is(",") || before.is("return")) {
		return "a list stands in braces in Lua: `{ 1, 2 }`"
	}
	return ""
}

// otherTable is about tables as JSON has them.
func (r refusal) otherTable() string {
	if !r.inside("{") {
		return ""
	}
	t, before, key := r.at(0), r.at(-1), r.at(-2)
	switch {
	case t.is(":") && before.kind == stringToken:
		key = before
	case before.is(":") && key.kind == nameToken && !t.joined:
	case r.at(-2).is(":") && r.at(-3).kind == nameToken && !before.joined && (t.is(",") || t.is("}")):
		key = r.at(-3)
	default:
		return ""
	}
	return fmt.Sprintf("a key and its value are joined by `=` in Lua: `%s = ...`", strings.Trim(key.text, `"'`))
}

// otherWord is about a word that begins a statement elsewhere, and is a name here.
func (r refusal) otherWord() string {
	t, before := r.at(0), r.at(-1)
	if !before.first {
		return ""
	}
	switch before.text {
	case "var", "let", "const", "my":
		if t.kind == nameToken {
			return fmt.Sprintf("a variable is made by `local` in Lua: `local %s`", t.text)
		}
	case "elif", "elsif":
		return fmt.Sprintf("`%s` is `elseif` in Lua", before.text)
	}
	return ""
}

// otherBlock is about braces around the body of a function.
func (r refusal) otherBlock() string {
	if !r.at(0).is("{") || !r.at(-1).is(")") {
		return ""
	}
	i := r.i - 1
	for i > 0 && !r.tokens[i].is("(") { // parameters have no brackets
		i--
	}
	for i > 0 && (r.tokens[i].is("(") || r.tokens[i].is(".") || r.tokens[i].is(":") || r.tokens[i].kind == nameToken) {
		i--
	}
	if !r.tokens[i].is("function") {
		return ""
	}
	return "the body of a function has no braces in Lua, and ends with `end`"
}

func (r refusal) comparison() string {
	if r.at(0).is("=") && r.condition() != "" {
		return "a comparison is `==` in Lua"
	}
	return ""
}

// condition is the word that begins the condition in which the refused token
// stands; "": it stands in none.
func (r refusal) condition() string {
	for i := r.i - 1; i >= 0; i-- {
		switch t := r.tokens[i]; {
		case t.is("if"), t.is("elseif"), t.is("while"):
			return t.text
		case t.is("and"), t.is("or"), t.is("not"), t.is("nil"), t.is("true"), t.is("false"): // an expression goes on
		case t.kind == keywordToken, t.is("="), t.is("{"):
			return ""
		}
	}
	return ""
}
