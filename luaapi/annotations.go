package luaapi

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"slavedriver/engine"
)

// AnnotationsMark is what a file of annotations begins with, whatever version
// wrote it.
const AnnotationsMark = "---@meta slavedriver\n"

const annotationsHead = AnnotationsMark + `
-- What slavedriver offers to an entry file, for editors with the Lua language
-- server (LuaLS). Written by "slavedriver types"; nothing of it is ever run.

---Seconds, or a text such as "90s", "5m", "1h30m" or "7d".
---@alias slavedriver.Duration number|string

---Bytes, or a text such as "64K", "1M" or "2G".
---@alias slavedriver.Size number|string
`

// luaTypes are LuaLS's types for those that the tables name, where they do not
// follow from the words (luaType).
var luaTypes = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"boolean": "boolean", "string": "string", "path": "string", "octal string": "string", "number": "number",
		"name of a time zone": "string", "number of at least 1": "number",
		"cron expression": "string", "date and time": "string", "function": "function", "table": "table",
		"duration": "slavedriver.Duration", "size": "slavedriver.Size", "any value": "any",
		"table of limits": "slavedriver.Limits", "table of strings": "table<string, string|number>",
		"list of them": "string[]", "list of strings": "string[]", "list of numbers": "number[]",
		"function of an alert":      "fun(alert: slavedriver.Alert)",
		"function of a job and now": "(fun(job: slavedriver.Job, now: slavedriver.Now): boolean, string?)",
		"job":                       "slavedriver.Job", "run": "slavedriver.Run",
		// The one table that a setting takes.
		"string or table": "string|slavedriver.LockStore", "string or function": "string|(fun(): string)",
		"cron expression, list of them, or function": "string|string[]|(fun(now: slavedriver.Now): boolean)",
		"string, list of strings, or function":       "string|string[]|(fun(job: slavedriver.Job, run: slavedriver.Run): any)",
	}
})

// luaType is a type of the tables as LuaLS has it: a union of what stands
// between commas and "or", where a value in quotes stands for itself; "" if a
// part of it is not known.
func luaType(typ string) string {
	if known, ok := luaTypes()[typ]; ok {
		return known
	}
	var parts []string
	for _, part := range strings.Split(strings.NewReplacer(", or ", ", ", " or ", ", ").Replace(typ), ", ") {
		switch known := luaTypes()[part]; {
		case strings.HasPrefix(part, `"`):
			parts = append(parts, part)
		case known == "":
			return ""
		default:
			parts = append(parts, known)
		}
	}
	return strings.Join(parts, "|")
}

// WriteAnnotations writes all that a script is offered as annotations for LuaLS,
// which are a file of Lua too.
func WriteAnnotations(w io.Writer) error {
	a := &annotations{}
	a.add("%s", annotationsHead)
	s := surfaceOf()
	for _, t := range s.options {
		a.table(t)
	}
	for _, e := range engine.EventDocs {
		a.params(e)
	}
	for _, o := range append([]objectDoc{s.job}, s.objects...) {
		a.object(o)
		a.add("local %s = {}\n", o.name)
		a.calls(o)
	}
	a.slavedriver(s.object)
	_, err := io.WriteString(w, a.String())
	return err
}

// annotations is the text as it grows.
type annotations struct{ strings.Builder }

func (a *annotations) add(format string, args ...any) { fmt.Fprintf(a, format, args...) }

// table is a class of tables, all of whose keys may be left out.
func (a *annotations) table(t tableDoc) {
	a.add("\n---%s\n---@class %s\n", t.doc, t.typ)
	for _, f := range t.fields {
		typ := luaType(f.typ)
		if t.unset && typ != "boolean" && typ != "any" && f.name != "name" {
			typ += "|false"
		}
		a.field(f.name+"?", typ, f)
	}
}

func (a *annotations) field(name, typ string, f fieldDoc) {
	a.add("---@field %s %s %s\n", name, typ, f.sentence())
}

// sentence is what a field is for, with its default.
func (f fieldDoc) sentence() string {
	doc := strings.ToUpper(f.doc[:1]) + strings.TrimSuffix(f.doc[1:], ".") + "."
	if f.def != "" {
		doc += " Default: " + f.def + "."
	}
	return doc
}

// params is what an event brings.
func (a *annotations) params(e engine.EventDoc) {
	a.add("\n---Params of %s.\n---@class %s\n", e.Name, paramsType(e))
	for _, p := range e.Params {
		name := p.Name
		if strings.Contains(p.Doc, "nil") {
			name += "?"
		}
		a.add("---@field %s %s %s\n", name, luaType(p.Type), p.Doc)
	}
}

// paramsType makes slavedriver.params.JobStarted of EVENT_JOB_STARTED.
func paramsType(e engine.EventDoc) string {
	typ := "slavedriver.params."
	for _, word := range strings.Split(strings.TrimPrefix(e.Constant, "EVENT_"), "_") {
		typ += word[:1] + strings.ToLower(word[1:])
	}
	return typ
}

// object is the head of a class.
func (a *annotations) object(o objectDoc) {
	a.add("\n---%s\n---@class %s\n", o.doc, o.typ)
	for _, f := range o.fields {
		name := f.name
		if f.maybeNil {
			name += "?"
		}
		a.field(name, luaType(f.typ), f)
	}
}

// calls are the methods of an object, after the table that stands for it.
func (a *annotations) calls(o objectDoc) {
	for _, c := range o.accessors {
		f := c.field
		typ := luaType(f.typ)
		if c.set {
			a.add("\n---%s\n---@param value %s\n---@return %s\nfunction %s:%s(value) end\n", f.sentence(), typ, o.typ, o.name, c.name)
			continue
		}
		if f.maybeNil {
			typ += "|nil"
		}
		a.add("\n---%s\n---@return %s\nfunction %s:%s() end\n", f.sentence(), typ, o.name, c.name)
	}
	for _, m := range o.methods {
		a.call(o.name+":", m)
	}
}

// call is one function, whose body is empty.
func (a *annotations) call(owner string, c callDoc) {
	a.add("\n---%s.\n", strings.ToUpper(c.doc[:1])+c.doc[1:])
	names := make([]string, len(c.params))
	for i, p := range c.params {
		a.add("---@param %s %s\n", p.name, p.typ)
		names[i] = strings.TrimSuffix(p.name, "?")
	}
	if c.returns != "" {
		a.add("---@return %s\n", c.returns)
	}
	switch {
	case owner == "slavedriver." && len(c.params) > 0: // a constructor takes a colon too
		a.add("---@overload fun(self: slavedriver, %s: %s): %s\n", c.params[0].name, c.params[0].typ, c.returns)
	case owner+c.name == "slavedriver:attach":
		a.overloads()
	}
	a.add("function %s%s(%s) end\n", owner, c.name, strings.Join(names, ", "))
}

// overloads let editors know the params of each event in its handlers.
func (a *annotations) overloads() {
	for _, e := range engine.EventDocs {
		job := "nil"
		if e.OfJob {
			job = "slavedriver.Job"
		}
		a.add("---@overload fun(self: slavedriver, pattern: %q, handler: fun(job: %s, params: %s, event: slavedriver.Event), "+
			"options?: number|slavedriver.AttachOptions): integer\n", e.Name, job, paramsType(e))
	}
}

// slavedriver is the object that the file returns.
func (a *annotations) slavedriver(o objectDoc) {
	a.object(o)
	a.add("---@field state slavedriver.State\nslavedriver = {}\n\n")
	a.add("slavedriver.%s = %q\n", constantAll, patternAll)
	for _, e := range engine.EventDocs {
		a.add("---%s.\nslavedriver.%s = %q\n", strings.ToUpper(e.When[:1])+e.When[1:], e.Constant, e.Name)
	}
	for _, c := range o.constructors {
		a.call("slavedriver.", c)
	}
	a.calls(o)
	a.add("\nreturn slavedriver\n")
}
