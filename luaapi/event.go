package luaapi

import (
	"math"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// eventObject is what handlers get as their third argument; all handlers of an
// event share one.
type eventObject struct {
	*engine.Event
	job, params, run, self lua.LValue
	stopped                bool
}

// runObject is event.run.
type runObject struct{ *engine.RunInfo }

// newEvent makes the script's side of an event.
func (s *Script) newEvent(event *engine.Event) *eventObject {
	e := &eventObject{Event: event, job: lua.LNil, run: lua.LNil}
	if event.Job != nil {
		e.job = site{s: s, L: s.L}.jobFor(event.Job).self
	}
	if event.Run != nil {
		e.run = s.wrap(&runObject{event.Run}, s.runMeta)
	}
	params := toLua(s.L, s.secrets.Fields(event.Params))
	params.(*lua.LTable).Metatable = s.paramsMeta
	e.params = params
	e.self = s.wrap(e, s.eventMeta)
	return e
}

// eventClass declares what handlers can do with their third argument.
var eventClass = sync.OnceValue(func() *class[eventObject] {
	return &class[eventObject]{
		name: "event", properties: true,
		fields: newFields("field",
			seen("name", "string", "the event's name", func(e *eventObject) lua.LValue { return lua.LString(e.Name) }),
			seen("id", "string", "the same when the event is delivered again", func(e *eventObject) lua.LValue { return lua.LString(e.ID) }),
			seen("time", "number", "when it happened, as os.time()", func(e *eventObject) lua.LValue { return unix(e.Time) }),
			seen("job", "job", "the job, nil for events of slavedriver itself", func(e *eventObject) lua.LValue { return e.job }),
			seen("params", "table", "what the event brings", func(e *eventObject) lua.LValue { return e.params }),
			seen("run", "run", "the run, nil where there is none", func(e *eventObject) lua.LValue { return e.run }),
		),
		methods: []method[eventObject]{
			{"stopPropagation", "", "keeps the event from the handlers that would be called later", func(_ site, e *eventObject) int {
				e.stopped = true
				return 0
			}},
			{"getName", "", "returns the event's name", func(at site, e *eventObject) int { return at.give(lua.LString(e.Name)) }},
			{"getTarget", "", "returns the job, or nil", func(at site, e *eventObject) int { return at.give(e.job) }},
			{"getParam", "name", "returns one of params, or nil", func(at site, e *eventObject) int {
				return at.give(e.params.(*lua.LTable).RawGet(at.L.Get(2)))
			}},
		},
		show: func(e *eventObject) string { return "event: " + e.Name },
	}
})

// runClass declares event.run.
var runClass = sync.OnceValue(func() *class[runObject] {
	return &class[runObject]{
		name: "run", properties: true,
		fields: newFields("field",
			seen("id", "string", "the run's id", func(r *runObject) lua.LValue { return lua.LString(r.ID) }),
			seen("attempt", "number", "which attempt, from 1", func(r *runObject) lua.LValue { return lua.LNumber(r.Attempt) }),
			seen("scheduledAt", "number", "when it was due, as os.time()", func(r *runObject) lua.LValue { return unix(r.ScheduledAt) }),
			seen("startedAt", "number", "when it was started, as os.time()", func(r *runObject) lua.LValue { return unix(r.StartedAt) }),
			seen("pid", "number", "its process, nil if not known", func(r *runObject) lua.LValue { return unlessZero(int64(r.PID)) }),
			seen("slave", "string", "the slave that runs it", func(r *runObject) lua.LValue { return fromText(r.Slave) }),
			seen("fence", "number", "the lease's fencing number, nil if there is no lease", func(r *runObject) lua.LValue { return unlessZero(r.Fence) }),
		),
		methods: []method[runObject]{
			{"output", "{ stream =, lastLines =, maxBytes = }", "returns what is kept of the run's output", runOutput},
		},
		show: func(r *runObject) string { return "run: " + r.ID },
	}
})

// seen declares a field that can only be read.
func seen[T any](name, typ, doc string, get func(*T) lua.LValue) field[T] {
	return field[T]{name: name, typ: typ, doc: doc, get: func(_ site, from *T) lua.LValue { return get(from) }}
}

// unix is t as os.time() gives it; the zero time is nil.
func unix(t time.Time) lua.LValue {
	if t.IsZero() {
		return lua.LNil
	}
	return lua.LNumber(t.Unix())
}

func unlessZero(n int64) lua.LValue {
	if n == 0 {
		return lua.LNil
	}
	return lua.LNumber(n)
}

// give returns v from a method.
func (at site) give(v lua.LValue) int {
	at.L.Push(v)
	return 1
}

// outputOptions are the argument of run:output.
type outputOptions struct {
	stream    string
	lastLines int
	maxBytes  int64
}

var outputFields = sync.OnceValue(func() *fieldSet[outputOptions] {
	return newFields("option",
		stored("stream", oneOf("stdout", "stderr", "both"), func(o *outputOptions) *string { return &o.stream }, "both", `"both"`,
			"Which stream."),
		stored("lastLines", whole(0, math.MaxInt32), func(o *outputOptions) *int { return &o.lastLines }, 0, "0",
			"How many lines from the end; 0 is all."),
		stored("maxBytes", size, func(o *outputOptions) *int64 { return &o.maxBytes }, 64<<10, "64K",
			"How much from the end at most, as a size."),
	)
})

// runOutput reads what is kept of the output. That it cannot be read is an error
// of the handler: an alert with an empty output would mislead.
func runOutput(at site, r *runObject) int {
	o := outputOptions{stream: "both", maxBytes: 64 << 10}
	if v := at.L.Get(2); v != lua.LNil {
		if err := outputFields().read(at, v, &o); err != nil {
			at.raise(about("output: the options:", err))
		}
	}
	if r.Output == nil {
		return at.give(lua.LString(""))
	}
	text, err := r.Output(o.stream, o.lastLines, o.maxBytes)
	if err != nil {
		at.raise(about("the output cannot be read:", err))
	}
	return at.give(lua.LString(at.s.secrets.String(text)))
}
