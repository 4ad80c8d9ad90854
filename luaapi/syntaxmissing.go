package luaapi

import (
	"fmt"
	"strings"

	"slavedriver/schedule"
)

// What is missing before the place at which the parser stopped.

// joining is about texts that are put together.
func (r refusal) joining() string {
	t, before := r.at(0), r.at(-1)
	if t.is(".") && before.kind == stringToken || t.kind == stringToken && before.is(".") {
		return "texts are joined by `..` in Lua"
	}
	return ""
}

// quote is about a string that ended sooner than was meant.
func (r refusal) quote() string {
	t, before := r.at(0), r.at(-1)
	if before.kind != stringToken || !t.joined || t.kind != nameToken && t.kind != numberToken {
		return ""
	}
	return fmt.Sprintf("a string ends right before `%s`: a quote is missing before it, or one inside the string is to be written `\\%s`",
		t.text, before.text[:1])
}

// lostQuote is about a string without its end, which goes on to the begin of the
// next one. What follows may read as Lua for a while: `* *` multiplies.
func (r refusal) lostQuote() string {
	for i := r.i - 1; i >= 0 && r.tokens[i].endLine == r.at(0).line; i-- {
		t := r.tokens[i]
		if t.kind != stringToken || t.text[0] == '[' || !r.tokens[i+1].joined {
			continue
		}
		inside := strings.TrimRight(t.text[1:len(t.text)-1], " ")
		if strings.HasSuffix(inside, "=") || strings.HasSuffix(inside, ",") {
			return fmt.Sprintf("a quote may be missing in %s: it ends only where the next string was to begin", t.text)
		}
	}
	return ""
}

// lineOf is a line of a source, "" where it has none of that number.
func lineOf(source []byte, number int) string {
	lines := strings.Split(string(source), "\n")
	if number < 1 || number > len(lines) {
		return ""
	}
	return lines[number-1]
}

// isCrontab says whether a line of a source begins as those of a crontab do.
func isCrontab(line string) bool {
	words := strings.Fields(line)
	if len(words) > 1 && strings.HasPrefix(words[0], "@") {
		words = words[:1]
	} else {
		words = words[:min(5, len(words))]
	}
	_, err := schedule.Parse(strings.Join(words, " "), nil)
	return err == nil
}

// returned is about a job file that is a table and nothing else.
func (r refusal) returned() string {
	if r.i == 0 && r.at(0).is("{") {
		return "a file of a job returns its table: `return {`"
	}
	return ""
}

// reserved is about a word of Lua as a name.
func (r refusal) reserved() string {
	t, before := r.at(0), r.at(-1)
	starts := before.is("{") || before.is(",") || before.is(";")
	switch {
	case t.kind == keywordToken && before.is("."):
		return fmt.Sprintf("`%s` is a word of Lua, and no name after a dot: write `[\"%s\"]`", t.text, t.text)
	case t.kind == keywordToken && r.inside("{") && starts && r.at(1).is("="):
		return fmt.Sprintf("`%s` is a word of Lua, and no name: write `[\"%s\"] = ...`", t.text, t.text)
	}
	return ""
}

// closer is about an end of something else than what is open.
func (r refusal) closer() string {
	t := r.at(0)
	if !t.closes() {
		return ""
	}
	if len(r.open) == 0 {
		return fmt.Sprintf("nothing is open that this `%s` could end", t.text)
	}
	if closerOf(r.open[len(r.open)-1]) == t.text {
		return ""
	}
	return unclosed(r.open, r.doubtful)
}

// then is about an if or a loop without the word before its body.
func (r refusal) then() string {
	t, before := r.at(0), r.at(-1)
	if !before.endsValue() || t.line == before.endLine || t.kind != nameToken && t.kind != keywordToken {
		return ""
	}
	switch r.condition() {
	case "if", "elseif":
		return fmt.Sprintf("a `then` may be missing at the end of line %d", before.endLine)
	case "while":
		return fmt.Sprintf("a `do` may be missing at the end of line %d", before.endLine)
	}
	return ""
}

// comma is about two entries of a table, or two arguments, one after the other.
func (r refusal) comma() string {
	t, before := r.at(0), r.at(-1)
	if !t.beginsValue() || !before.endsValue() || len(r.open) == 0 {
		return ""
	}
	around := r.open[len(r.open)-1]
	if t.line == before.endLine {
		if around.is("{") && r.entry() && !t.joined {
			return fmt.Sprintf("a comma may be missing before `%s`", t.text)
		}
		return ""
	}
	missing := fmt.Sprintf("a comma may be missing at the end of line %d", before.endLine)
	switch statement := t.kind == nameToken && !r.entry() && !r.at(1).is(",") && !r.at(1).is("}"); {
	case around.is("{") && !statement:
		return missing
	case around.is("{"), around.is("("): // or the next statement stands here
		return fmt.Sprintf("%s, or the `%s` of the `%s` of line %d", missing, closerOf(around), around.text, around.line)
	}
	return ""
}

// entry says whether a key and its value begin at the refused token.
func (r refusal) entry() bool {
	return r.at(0).kind == nameToken && r.at(1).is("=") || r.at(0).is("[")
}

// statement is about a word that begins a statement, where something is still
// open that has none in it.
func (r refusal) statement() string {
	t := r.at(0)
	if !r.inside("{") && !r.inside("(") && !r.inside("[") {
		return ""
	}
	switch t.text { // a string has its quotes
	case "local", "return", "if", "for", "while", "repeat", "break", "else", "elseif", "then", "do":
		return unclosed(r.open, r.doubtful)
	}
	return ""
}
