package luaapi

import "fmt"

// closerOf is what ends what a token begins, if that is a bracket or a block; ""
// if not.
func closerOf(t token) string {
	if t.kind == stringToken {
		return ""
	}
	switch t.text {
	case "{":
		return "}"
	case "(":
		return ")"
	case "[":
		return "]"
	case "repeat":
		return "until"
	case "function", "if", "do", "for", "while":
		return "end"
	}
	return ""
}

// closes says whether the token ends a bracket or a block.
func (t token) closes() bool {
	return t.is("}") || t.is(")") || t.is("]") || t.is("until") || t.is("end")
}

// openAt are the brackets and blocks that are open after the tokens, the
// innermost last. doubtful are those that were closed by something further left
// than they stand, which was probably meant for one around them.
func openAt(tokens []token) (open, doubtful []token) {
	var loop token // a for or while whose do is still to come
	for _, t := range tokens {
		switch {
		case t.is("for") || t.is("while"):
			loop = t
		case t.is("do") && loop.text != "":
			open, loop = append(open, loop), token{}
		case closerOf(t) != "":
			open = append(open, t)
		case t.closes() && len(open) > 0:
			if last := open[len(open)-1]; t.first && t.indent < last.indent {
				doubtful = append(doubtful, last)
			}
			open = open[:len(open)-1]
		}
	}
	return open, doubtful
}

// unclosed says which of what is open lacks its end: the innermost, or a doubtful
// one in it that may have taken the end of it.
func unclosed(open, doubtful []token) string {
	verb, last := "has no", open[len(open)-1]
	for _, t := range doubtful {
		if t.line >= last.line && closerOf(t) == closerOf(last) {
			verb, last = "may lack its", t
			break
		}
	}
	return fmt.Sprintf("the `%s` of line %d %s `%s`", last.text, last.line, verb, closerOf(last))
}
