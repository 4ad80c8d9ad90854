package luaapi

//go:generate go run ../docs/generate.go -o ../docs/reference.md

import (
	"fmt"
	"io"
	"strings"

	"slavedriver/engine"
)

const referenceHead = `# Reference

Every name that an entry file can use. Written from the tables in the code by ` + "`make docs`" + `; the [README](../README.md) tells what it is for.

Methods take a colon: ` + "`slavedriver:addJob(job)`" + `. A duration is a number of seconds or a text such as ` + "`\"90s\"`, `\"5m\"`, `\"1h30m\"`, `\"7d\"`" + `;
a size is a number of bytes or a text such as ` + "`\"64K\"`, `\"1M\"`, `\"2G\"`" + `. A relative path starts at the file that holds it.
`

// WriteReference writes all that a script is offered, in Markdown, for people.
func WriteReference(w io.Writer) error {
	s, r := surfaceOf(), &reference{}
	r.add("%s", referenceHead)
	r.calls("slavedriver", "slavedriver."+constantAll+" is "+code(patternAll)+", the pattern of all events; each event has a constant too.",
		append(s.object.constructors, s.object.methods...), "slavedriver")
	r.settings(s.object)
	for _, t := range s.options {
		r.table(t)
	}
	r.jobs(s.job)
	r.events()
	for _, o := range s.objects {
		if len(o.fields)+len(o.methods) > 0 {
			r.object(o)
		}
	}
	_, err := io.WriteString(w, r.String())
	return err
}

// reference is the text as it grows.
type reference struct{ strings.Builder }

func (r *reference) add(format string, args ...any) { fmt.Fprintf(r, format, args...) }

// row is a line of a table.
func (r *reference) row(cells ...string) {
	for _, c := range cells {
		r.add("| %s ", strings.ReplaceAll(c, "|", `\|`))
	}
	r.add("|\n")
}

func (r *reference) head(title, doc string, columns ...string) {
	r.add("\n## %s\n", title)
	if doc != "" {
		r.add("%s\n\n", doc)
	}
	r.columns(columns...)
}

func (r *reference) columns(columns ...string) {
	r.row(columns...)
	r.add("%s|\n", strings.Repeat("| --- ", len(columns)))
}

func code(s string) string { return "`" + s + "`" }

// calls is a table of functions. The constructors among those of slavedriver
// take a dot.
func (r *reference) calls(title, doc string, calls []callDoc, owner string) {
	r.head(title, doc, "call", "meaning")
	for _, c := range calls {
		dot := ":"
		if owner == "slavedriver" && c.name[0] >= 'A' && c.name[0] <= 'Z' {
			dot = "."
		}
		r.row(code(owner+dot+c.name+"("+c.args+")"), c.doc)
	}
}

// settings are the setters of slavedriver.
func (r *reference) settings(o objectDoc) {
	r.head("Settings", "Each is set while the entry file loads; the setters chain.", "call", "value", "default", "meaning")
	for _, c := range o.accessors {
		r.row(code("slavedriver:"+c.name+"(value)"), c.field.typ, c.field.def, c.field.doc)
	}
}

// table is a table of options.
func (r *reference) table(t tableDoc) {
	doc := t.doc
	if t.unset {
		doc += " A false stands for none."
	}
	r.head(strings.TrimPrefix(t.typ, "slavedriver."), doc, "key", "value", "default", "meaning")
	for _, f := range t.fields {
		r.row(code(f.name), f.typ, f.def, f.doc)
	}
}

// jobs says how options are reached on a job, and what else it has.
func (r *reference) jobs(o objectDoc) {
	r.head("job", o.doc+" Each option `x` of JobOptions is `job.x`, `job:getX()` and `job:setX(value)`, which returns the job. Besides:",
		"field", "value", "meaning")
	for _, f := range o.fields {
		if !f.settable {
			r.row(code(f.name), f.typ, f.doc)
		}
	}
}

// events is a table of all events, and one of what each brings.
func (r *reference) events() {
	r.head("Events", "A handler is called as `handler(job, params, event)`; job is nil for events of slavedriver itself. A param that is not known is nil, and so is one that only another event has; one that no event has is an error.",
		"event", "constant", "when")
	for _, e := range engine.EventDocs {
		r.row(code(e.Name), code(e.Constant), e.When)
	}
	r.add("\n")
	r.columns("event", "param", "value", "meaning")
	for _, e := range engine.EventDocs {
		name := code(e.Name)
		for _, p := range e.Params {
			r.row(name, code(p.Name), p.Type, p.Doc)
			name = ""
		}
	}
}

// object is what a handler is given.
func (r *reference) object(o objectDoc) {
	r.head(o.name, o.doc, "field or call", "value", "meaning")
	for _, f := range o.fields {
		r.row(code(o.name+"."+f.name), f.typ, f.doc)
	}
	for _, m := range o.methods {
		r.row(code(o.name+":"+m.name+"("+m.args+")"), "", m.doc)
	}
}
