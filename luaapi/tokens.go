package luaapi

import "strings"

// The parser stops at the first thing that it does not know, and keeps no
// tokens. What is said about a source beyond its errors is read from these.

// tokenKind is what a token is; punctuation is all that is nothing else, also
// characters that no Lua has.
type tokenKind int

const (
	punctuation tokenKind = iota
	nameToken
	keywordToken
	numberToken
	stringToken
)

// token is a piece of Lua, without the comments and spaces around it.
type token struct {
	kind tokenKind
	text string // as it stands in the source, with its quotes
	line int    // of its first character, from 1
	// endLine and endColumn are those of its last character, counted in bytes from
	// 1: the place that the parser names.
	endLine, endColumn int
	indent             int  // of the line that it is on, in bytes
	first              bool // of its line
	joined             bool // nothing stands between it and the one before it
}

// keywords are those of the parser.
const keywords = " and break do else elseif end false for function if in local nil not or return repeat then true until while goto "

// tokenScanner goes through a source.
type tokenScanner struct {
	source    string
	at        int
	line      int
	lineStart int // where the line begins
	tokens    []token
}

func newTokenScanner(source string) *tokenScanner {
	return &tokenScanner{source: strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source), line: 1}
}

// tokensOf never fails: what is not closed goes on to the end of the line, or of
// the file.
func tokensOf(source string) []token {
	s := newTokenScanner(source)
	for joined := s.skip(false); s.at < len(s.source); joined = s.skip(true) {
		s.next(joined)
	}
	return s.tokens
}

// skip goes over spaces and comments, and says whether there was none.
func (s *tokenScanner) skip(joined bool) bool {
	for s.at < len(s.source) {
		rest := s.source[s.at:]
		switch {
		case rest[0] == '\n':
			s.at++
			s.line, s.lineStart = s.line+1, s.at
		case strings.IndexByte(" \t\v\f", rest[0]) >= 0:
			s.at++
		case strings.HasPrefix(rest, "--"):
			s.advance(commentLength(rest))
		default:
			return joined
		}
		joined = false
	}
	return joined
}

// advance goes over n bytes, in which lines may end.
func (s *tokenScanner) advance(n int) {
	passed := s.source[s.at : s.at+n]
	if last := strings.LastIndexByte(passed, '\n'); last >= 0 {
		s.line += strings.Count(passed, "\n")
		s.lineStart = s.at + last + 1
	}
	s.at += n
}

// next takes one token.
func (s *tokenScanner) next(joined bool) {
	rest, lineText := s.source[s.at:], s.source[s.lineStart:s.at]
	kind, length := tokenAt(rest)
	t := token{
		kind: kind, text: rest[:length], line: s.line, joined: joined,
		indent: len(lineText) - len(strings.TrimLeft(lineText, " \t")),
		first:  strings.TrimSpace(lineText) == "",
	}
	if kind == nameToken && strings.Contains(keywords, " "+t.text+" ") {
		t.kind = keywordToken
	}
	s.advance(length)
	t.endLine, t.endColumn = s.line, s.at-s.lineStart
	s.tokens = append(s.tokens, t)
}

// tokenAt says what text begins with.
func tokenAt(text string) (tokenKind, int) {
	switch c := text[0]; {
	case isNameByte(c) && (c < '0' || c > '9'):
		return nameToken, lengthWhile(text, isNameByte)
	case c >= '0' && c <= '9':
		return numberToken, lengthWhile(text, func(c byte) bool { return isNameByte(c) || c == '.' })
	case c == '"' || c == '\'':
		return stringToken, quotedLength(text)
	case longLength(text) > 0:
		return stringToken, longLength(text)
	}
	for _, long := range []string{"...", "..", "==", "~=", "<=", ">=", "::"} {
		if strings.HasPrefix(text, long) {
			return punctuation, len(long)
		}
	}
	return punctuation, 1
}

func isNameByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func lengthWhile(text string, holds func(byte) bool) int {
	n := 0
	for n < len(text) && holds(text[n]) {
		n++
	}
	return n
}

// quotedLength is that of a string in quotes, which a newline ends unless a
// backslash stands before it.
func quotedLength(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '\n':
			return i
		case text[0]:
			return i + 1
		}
	}
	return len(text)
}

// longLength is that of [[...]] or [==[...]==]; 0: text begins with none.
func longLength(text string) int {
	if text[0] != '[' {
		return 0
	}
	level := lengthWhile(text[1:], func(c byte) bool { return c == '=' })
	if level+1 >= len(text) || text[level+1] != '[' {
		return 0
	}
	end := strings.Index(text, "]"+strings.Repeat("=", level)+"]")
	if end < 0 {
		return len(text)
	}
	return end + level + 2
}

// commentLength is that of a comment, to the end of its line or of its brackets.
func commentLength(text string) int {
	if len(text) > 2 {
		if long := longLength(text[2:]); long > 0 {
			return 2 + long
		}
	}
	if end := strings.IndexByte(text, '\n'); end >= 0 {
		return end
	}
	return len(text)
}

// is says whether the token is that word or sign of Lua, not a string of it.
func (t token) is(text string) bool { return t.kind != stringToken && t.text == text }

// endsValue says whether an expression can end with the token.
func (t token) endsValue() bool {
	switch t.kind {
	case nameToken, numberToken, stringToken:
		return true
	case keywordToken:
		return t.text == "end" || t.text == "nil" || t.text == "true" || t.text == "false"
	case punctuation:
		return t.text == ")" || t.text == "}" || t.text == "]" || t.text == "..."
	}
	return false
}

// beginsValue says whether an entry of a table or an argument can begin with the
// token.
func (t token) beginsValue() bool {
	switch t.kind {
	case nameToken, numberToken, stringToken:
		return true
	case keywordToken:
		return t.text == "function"
	case punctuation:
		return t.text == "{" || t.text == "["
	}
	return false
}

// unfinished says whether the token is a string without its end.
func (t token) unfinished() bool {
	switch {
	case t.kind != stringToken:
		return false
	case t.text[0] == '[':
		return !strings.HasSuffix(t.text, strings.ReplaceAll(t.text[:strings.IndexByte(t.text[1:], '[')+2], "[", "]"))
	}
	return len(t.text) == 1 || t.text[len(t.text)-1] != t.text[0]
}
