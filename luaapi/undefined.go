package luaapi

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/yuin/gopher-lua/parse"

	"slavedriver/internal/spelling"
)

// warnOfNames says which names are read in the sources and set nowhere, and which
// keys stand twice in a table. A name that any file sets is one for all of them:
// in what order their functions are called is not known.
func (s *Script) warnOfNames(sources map[string][]byte) {
	known, byFile, elusive := map[string]bool{}, map[string]*nameUse{}, false
	for path, source := range sources {
		chunk, err := parse.Parse(bytes.NewReader(source), s.display(path))
		if err != nil {
			continue
		}
		n := namesOf(chunk)
		byFile[path], elusive = n, elusive || n.elusive
		for name := range n.set {
			known[name] = true
		}
	}
	for _, name := range s.globals() {
		known[name] = true
	}
	seen := map[string]bool{}
	for _, path := range s.files {
		n := byFile[path]
		if n == nil || seen[path] {
			continue
		}
		seen[path] = true
		if !elusive {
			s.warnOfUndefined(path, n, known)
		}
		for _, t := range n.twice {
			s.warn("%s: `%s` stands twice in this table, first in line %d: only this one counts", position{s.display(path), t.line}, t.key, t.first)
		}
	}
}

// warnOfUndefined tells each name once a line.
func (s *Script) warnOfUndefined(path string, n *nameUse, known map[string]bool) {
	var globals []string
	for name := range known {
		globals = append(globals, name)
	}
	slices.Sort(globals)
	told := map[string]bool{}
	for _, r := range n.reads {
		if where := fmt.Sprint(r.line, r.name); !known[r.name] && !told[where] {
			told[where] = true
			s.warn("%s: %s", position{s.display(path), r.line}, r.undefined(n.locals[r.name], globals))
		}
	}
}

// undefined says that nobody sets the name, what becomes of it, and what was
// probably meant; local is the line of a variable of that name, or 0.
func (r nameRead) undefined(local int, globals []string) string {
	sentence := fmt.Sprintf("there is no variable `%s`, so it is nil here", r.name)
	if r.key != "" {
		sentence = fmt.Sprintf("there is no variable `%s`, so `%s` is as if it were left out", r.name, r.key)
	}
	switch form, near := memberForm(r.name), r.meant(globals); {
	case local > 0:
		return sentence + fmt.Sprintf("; the local `%s` of line %d does not reach here", r.name, local)
	case form != "":
		return sentence + "; write `" + form + "`"
	case near != "":
		return sentence + "; did you mean `" + near + "`?"
	case r.key != "":
		return sentence + fmt.Sprintf("; a text is written in quotes: %q", r.name)
	}
	return sentence
}

// meant is the name that this one was probably meant to be, or "".
func (r nameRead) meant(globals []string) string {
	switch r.name {
	case "yes", "on", "Yes", "On":
		return "true"
	case "no", "off", "No", "Off":
		return "false"
	case "null", "NULL", "None", "none", "undefined":
		return "nil"
	}
	return spelling.Nearest(r.name, append(append([]string{"true", "false", "nil"}, r.visible...), globals...))
}
