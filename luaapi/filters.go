package luaapi

import (
	"slices"
	"strings"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
)

// warnOfFilters looks for handlers and alerts about a job or a tag that is not
// there: a misspelt one would keep quiet for ever.
func (s *Script) warnOfFilters() {
	var names, tags []string
	for _, j := range s.jobs {
		names, tags = append(names, j.Name), append(tags, j.Tags...)
	}
	for _, h := range *s.handlers.Load() {
		where, what := h.place()
		if h.job != "" && !slices.ContainsFunc(names, func(name string) bool { return engine.MatchPattern(h.job, name) }) {
			s.warn("%s: no job matches the filter `%s` of %s%s", where, h.job, what, didYouMean(nearestPattern(h.job, names)))
		}
		for _, tag := range h.tags {
			if !slices.Contains(tags, tag) {
				s.warn("%s: no job has the tag `%s` of %s%s", where, tag, what, didYouMean(spelling.Nearest(tag, tags)))
			}
		}
	}
}

// place is where a person wrote the filter of a handler, and what has it: one that
// a function of another file attached, a sender say, was given it by its caller.
func (h *handler) place() (where position, what string) {
	what = "handler"
	if h.events != nil {
		what = "alert"
	}
	if h.chunk.file == "" || h.chunk.file == h.where.file {
		return h.where, "this " + what
	}
	return h.chunk, "the " + what + "s that " + h.where.file + " attaches here"
}

// didYouMean is the end of a sentence about a misspelt name; "": nothing is near.
func didYouMean(near string) string {
	if near == "" {
		return ""
	}
	return ", did you mean `" + near + "`?"
}

// nearestPattern is the name that a pattern was probably meant to be, or the
// pattern that was meant, with its * where it has one at an end or at both: those
// are compared with as many words of the names. Of others nothing is known.
func nearestPattern(pattern string, names []string) string {
	text, last := strings.CutSuffix(pattern, "*")
	text, first := strings.CutPrefix(text, "*")
	if text == "" || strings.Contains(text, "*") {
		return ""
	}
	var parts []string
	for _, name := range names {
		parts = append(parts, partsOf(name, first, last)...)
	}
	near := spelling.Nearest(text, parts)
	switch {
	case near == "":
		return ""
	case first:
		near = "*" + near
	}
	if last {
		near += "*"
	}
	return near
}

// partsOf are the parts of a name that begin and end with a word: its own begin
// and end, unless first or last lets go of these.
func partsOf(name string, first, last bool) (parts []string) {
	for from := range name {
		if from > 0 && (!first || name[from-1] != ' ') {
			continue
		}
		for to := from + 1; to <= len(name); to++ {
			if to == len(name) || last && name[to] == ' ' {
				parts = append(parts, name[from:to])
			}
		}
	}
	return parts
}
