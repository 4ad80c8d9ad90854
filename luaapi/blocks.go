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
// innermost last. doubtful is the first of those that were closed by something
// further left than they stand, which was probably meant for another; nil: none.
func openAt(tokens []token) (open []token, doubtful *token) {
	var loop token // a for or while whose do is still to come
	for i, t := range tokens {
		switch {
		case t.is("for") || t.is("while"):
			loop = t
		case t.is("do") && loop.text != "":
			open, loop = append(open, loop), token{}
		case closerOf(t) != "":
			open = append(open, t)
		case t.closes() && len(open) > 0:
			last := &open[len(open)-1]
			if doubtful == nil && tokens[i].first && t.indent < last.indent {
				copied := *last
				doubtful = &copied
			}
			open = open[:len(open)-1]
		}
	}
	return open, doubtful
}

// unclosed says which of what is open lacks its end.
func unclosed(open []token, doubtful *token) string {
	verb := "has no"
	last := open[len(open)-1]
	if doubtful != nil {
		verb, last = "may lack its", *doubtful
	}
	return fmt.Sprintf("the `%s` of line %d %s `%s`", last.text, last.line, verb, closerOf(last))
}
