package luaapi

import (
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// surface is all that a script is offered, as the tables declare it: what the
// annotations for editors and the reference are written from.
type surface struct {
	object  objectDoc // slavedriver itself
	job     objectDoc
	objects []objectDoc // others that handlers are given
	options []tableDoc  // tables that the script hands over
}

// objectDoc is a class of objects.
type objectDoc struct {
	name, typ, doc string
	fields         []fieldDoc // read as object.x
	accessors      []accessorDoc
	methods        []callDoc
	constructors   []callDoc // called with a dot or a colon
}

// tableDoc is a table whose keys are known.
type tableDoc struct {
	typ, doc string
	fields   []fieldDoc
	unset    bool // a false stands for "none"
}

type fieldDoc struct {
	name, typ, def, doc string
	settable            bool
	maybeNil            bool // when it is read
}

// accessorDoc is a setX or getX.
type accessorDoc struct {
	name  string
	set   bool
	field fieldDoc
}

type callDoc struct {
	name, args, doc string
	signature
}

// signature is what editors are told of a call; types are LuaLS's.
type signature struct {
	params  []paramDoc
	returns string // "": nothing
}

type paramDoc struct{ name, typ string } // a name that ends in ? may be left out

const (
	// Of a handler's job only some patterns say whether it may be nil.
	typeHandler = "fun(job: slavedriver.Job, params: table<string, any>, event: slavedriver.Event)"
	typeLogger  = "slavedriver.Logger|fun(level: string, message: string, context: table)"
)

// signatures has one for each method of each class, by "class.method".
var signatures = sync.OnceValue(func() map[string]signature {
	return map[string]signature{
		"slavedriver.addJob":                {[]paramDoc{{"job", "slavedriver.Job|slavedriver.JobOptions"}}, "slavedriver.Job"},
		"slavedriver.addAllJobsInDirectory": {[]paramDoc{{"dir", "string"}, {"defaults?", "slavedriver.JobOptions"}}, ""},
		"slavedriver.setDefaults":           {[]paramDoc{{"options", "slavedriver.JobOptions"}}, ""},
		"slavedriver.setLogger":             {[]paramDoc{{"logger", typeLogger + "|(" + typeLogger + ")[]"}, {"levels?", "slavedriver.LogLevels"}}, "slavedriver"},
		"slavedriver.getSlaveName":          {nil, "string"},
		"slavedriver.attach":                {[]paramDoc{{"pattern", "string"}, {"handler", typeHandler}, {"options?", "number|slavedriver.AttachOptions"}}, "integer"},
		"slavedriver.detach":                {[]paramDoc{{"id", "integer"}}, ""},
		"slavedriver.start":                 {[]paramDoc{{"job", "slavedriver.Job|string"}}, "string|nil"},
		"slavedriver.run":                   {},
		"slavedriver.alert":                 {[]paramDoc{{"options", "slavedriver.AlertOptions"}}, "integer"},
		"slavedriver.Job":                   {[]paramDoc{{"job", "string|slavedriver.JobOptions"}}, "slavedriver.Job"},
		"slavedriver.FileLogger":            {[]paramDoc{{"options", "slavedriver.FileLoggerOptions"}}, "slavedriver.Logger"},
		"slavedriver.StderrLogger":          {[]paramDoc{{"options?", "slavedriver.StderrLoggerOptions"}}, "slavedriver.Logger"},
		"slavedriver.SyslogLogger":          {[]paramDoc{{"options?", "slavedriver.SyslogLoggerOptions"}}, "slavedriver.Logger"},
		"event.stopPropagation":             {},
		"event.getName":                     {nil, "string"},
		"event.getTarget":                   {nil, "slavedriver.Job?"},
		"event.getParam":                    {[]paramDoc{{"name", "string"}}, "any"},
		"run.output":                        {[]paramDoc{{"options?", "slavedriver.OutputOptions"}}, "string"},
		"state.get":                         {[]paramDoc{{"key", "string"}}, "any"},
		"state.set":                         {[]paramDoc{{"key", "string"}, {"value", "any"}}, ""},
		"state.increment":                   {[]paramDoc{{"key", "string"}, {"by?", "number"}}, "number"},
	}
})

// surfaceOf collects the tables. It is made when it is asked for: a shift does
// without.
var surfaceOf = sync.OnceValue(func() *surface {
	s := &surface{
		object: describeClass(slavedriverClass(), "slavedriver", "What `require(\"slavedriver\")` returns; a global too."),
		job:    describeClass(jobClass(), "slavedriver.Job", "A job. Handlers can read it; it is changed while the entry file loads."),
		objects: []objectDoc{
			describeClass(eventClass(), "slavedriver.Event", "What handlers get as their third argument."),
			describeClass(runClass(), "slavedriver.Run", "The run that an event is about: `event.run`."),
			{name: "now", typ: "slavedriver.Now", doc: "What schedule functions and conditions get as `now`: a table as of `os.date(\"*t\")`, " +
				"on the clock of the job's zone. `os.date` takes its `epoch`.", fields: nowContents()},
			describeClass(stateClass(), "slavedriver.State", "Small values that last from shift to shift: `slavedriver.state`."),
			describeClass(loggerClass(), "slavedriver.Logger", "A ready logger, for setLogger."),
		},
		options: []tableDoc{
			{"slavedriver.JobOptions", "The options of a job, all in one table.", settableOnly(describeFields(jobOptions(), nil)), true},
			{"slavedriver.Limits", "The keys of the option `limits`.", describeFields(limitFields(), nil), true},
			{"slavedriver.AttachOptions", "The third argument of `attach`.", describeFields(attachFields(), nil), false},
			{"slavedriver.AlertOptions", "The argument of `slavedriver.alert`.", describeFields(alertFields(), nil), false},
			{"slavedriver.Alert", "What the function `send` of an alert gets.", alertContents(), false},
			{"slavedriver.OutputOptions", "The argument of `event.run:output`.", describeFields(outputFields(), nil), false},
			{"slavedriver.LockStore", "The table form of `setLockStore`.", describeFields(storeFields(), nil), false},
			{"slavedriver.LogLevels", "The second argument of `setLogger`: how grave each message is.", describeFields(levelFields(), nil), false},
		},
	}
	s.object.constructors = []callDoc{
		constructorDoc("Job", "name or options", "makes a job, which addJob then adds"),
		constructorDoc("alert", "options", "sends something when jobs fail so often in a row, then once in a while, and when they recover; returns an id for detach"),
	}
	for _, kind := range loggerKinds() {
		s.object.constructors = append(s.object.constructors, constructorDoc(kind.name, "options", "makes a logger for setLogger"))
		s.options = append(s.options, tableDoc{"slavedriver." + kind.name + "Options", "The argument of `slavedriver." + kind.name + "`.",
			describeFields(kind.fields, nil), false})
	}
	return s
})

func constructorDoc(name, args, doc string) callDoc {
	return callDoc{name, args, doc, signatures()["slavedriver."+name]}
}

// describeClass is a class without what is made for each VM.
func describeClass[T any](c *class[T], typ, doc string) objectDoc {
	o := objectDoc{name: c.name, typ: typ, doc: doc}
	for i, d := range describeFields(c.fields, c.nilWhenUnset) {
		f := &c.fields.fields[i]
		if c.properties && f.get != nil {
			o.fields = append(o.fields, d)
		}
		if c.set != nil && f.set != nil {
			o.accessors = append(o.accessors, accessorDoc{"set" + capital(f.name), true, d})
		}
		if c.get && f.get != nil {
			o.accessors = append(o.accessors, accessorDoc{"get" + capital(f.name), false, d})
		}
	}
	for _, m := range c.methods {
		o.methods = append(o.methods, callDoc{m.name, m.args, m.doc, signatures()[c.name+"."+m.name]})
	}
	return o
}

func describeFields[T any](set *fieldSet[T], maybeNil func(field[T]) bool) []fieldDoc {
	docs := make([]fieldDoc, len(set.fields))
	for i, f := range set.fields {
		docs[i] = fieldDoc{f.name, f.typ, f.def, f.doc, f.set != nil, maybeNil != nil && maybeNil(f)}
	}
	return docs
}

func settableOnly(fields []fieldDoc) (out []fieldDoc) {
	for _, f := range fields {
		if f.settable {
			out = append(out, f)
		}
	}
	return out
}

// nilWhenUnset says whether an object may give nil for a field.
func (c *class[T]) nilWhenUnset(f field[T]) bool {
	if strings.Contains(f.doc, "nil") {
		return true
	}
	if _, isJob := any(new(T)).(*job); !isJob || f.get == nil || f.name == "name" || f.name == "nameSlug" || f.name == "command" {
		return false // each job in a plan has these
	}
	s := newScript("slavedriver.lua", Options{})
	defer s.Close()
	at := site{s: s, L: s.L}
	fresh, _ := any(at.newJob()).(*T)
	return f.get(at, fresh) == lua.LNil
}
