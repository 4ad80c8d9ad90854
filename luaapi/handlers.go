package luaapi

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// defaultDeadline is how long a call into the script may take, where nothing
// else is said.
const defaultDeadline = 10 * time.Second

// handler is a function that the script attached to events.
type handler struct {
	id      int
	pattern string   // of event names
	events  []string // of those that match; nil: all
	fn      *lua.LFunction
	where   position
	chunk   position // see chunkCaller
	attachOptions
}

// attachOptions are the third argument of attach.
type attachOptions struct {
	job      string // name or pattern; "": all jobs
	tags     []string
	priority float64
	timeout  time.Duration
}

// attachFields are the options of attach.
var attachFields = sync.OnceValue(func() *fieldSet[attachOptions] {
	return newFields("option", attachFieldsOf(func(o *attachOptions) *attachOptions { return o })...)
})

// attachFieldsOf are the options of attach, as part of a T.
func attachFieldsOf[T any](in func(*T) *attachOptions) []field[T] {
	return []field[T]{
		stored("job", line, func(o *T) *string { return &in(o).job }, "", "every job",
			"Only events of the job of that name; a `*` stands for any run of characters."),
		stored("tags", words, func(o *T) *[]string { return &in(o).tags }, nil, "any",
			"Only events of jobs that have one of these tags."),
		stored("priority", number, func(o *T) *float64 { return &in(o).priority }, 0, "0",
			"Handlers with a higher number are called first; equal ones in the order of their attach."),
		stored("timeout", positive, func(o *T) *time.Duration { return &in(o).timeout }, defaultDeadline, "10 s",
			"The duration after which a call is cut off."),
	}
}

// number is any finite number.
var number = kind[float64]{"number",
	func(_ site, v lua.LValue) (float64, error) {
		n, ok := v.(lua.LNumber)
		if !ok || math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
			return 0, mustBe("a number", v)
		}
		return float64(n), nil
	},
	func(n float64) lua.LValue { return lua.LNumber(n) },
}

// attach is slavedriver:attach(pattern, handler [, priority or options]).
func attach(at site, s *Script) int {
	at.hearsEvents("attach")
	h := &handler{where: at.position(), chunk: chunkCaller(at.L), attachOptions: attachOptions{timeout: defaultDeadline}}
	var err error
	if h.pattern, err = eventPattern(at, at.L.Get(2)); err != nil {
		at.raise(about("attach:", err))
	}
	var ok bool
	if h.fn, ok = at.L.Get(3).(*lua.LFunction); !ok {
		at.raise(about("attach: the handler", mustBe("a function", at.L.Get(3))))
	}
	switch v := at.L.Get(4).(type) {
	case *lua.LNilType:
	case lua.LNumber:
		h.priority, err = number.decode(at, v)
	case lua.LString:
		err = mustBe("a table of options", v).hinting("for the events of one job write { job = " + describe(v) + " }")
	default:
		err = attachFields().read(at, v, &h.attachOptions)
	}
	if err != nil {
		at.raise(about("attach: the third argument", err))
	}
	s.lastHandler++
	h.id = s.lastHandler
	s.addHandler(h)
	at.L.Push(lua.LNumber(h.id))
	return 1
}

// hearsEvents throws in the function of a job, where a handler would never be called.
func (at site) hearsEvents(name string) {
	if at.s.inFunction {
		at.raise(about(name+":", wrong("a job in Lua hears of no events: it has a process of its own").
			hinting("attach handlers and alerts at the top of the entry file, outside of the job's function")))
	}
}

// eventPattern is a pattern that matches an event there is.
func eventPattern(at site, v lua.LValue) (string, error) {
	pattern, err := line.decode(at, v)
	if err != nil {
		return "", about("the event", err)
	}
	var known []string
	for _, e := range engine.EventDocs {
		if engine.MatchPattern(pattern, e.Name) {
			return pattern, nil
		}
		if engine.MatchPattern("slavedriver."+pattern, e.Name) {
			return "", wrong("unknown event `%s`, did you mean `slavedriver.%s`?", pattern, pattern).entire()
		}
		known = append(known, e.Name, e.Name[:strings.LastIndexByte(e.Name, '.')+1]+"*")
	}
	return "", unknown("event", pattern, known)
}

// addHandler keeps the handlers in the order in which they are called. The
// list is never changed, only replaced: Wants reads it from other goroutines.
func (s *Script) addHandler(h *handler) {
	list := slices.Clone(*s.handlers.Load())
	i := len(list)
	for i > 0 && list[i-1].priority < h.priority {
		i--
	}
	list = slices.Insert(list, i, h)
	s.handlers.Store(&list)
}

// detach is slavedriver:detach(id).
func detach(at site, s *Script) int {
	at.hearsEvents("detach")
	id, ok := at.L.Get(2).(lua.LNumber)
	if !ok {
		at.raise(about("detach(id): the id", mustBe("what attach returned", at.L.Get(2))))
	}
	before := *s.handlers.Load()
	after := slices.DeleteFunc(slices.Clone(before), func(h *handler) bool { return lua.LNumber(h.id) == id })
	if len(after) == len(before) {
		at.raise(wrong("detach: there is no handler %s", id))
	}
	s.handlers.Store(&after)
	return 0
}

// wants says whether the handler is to be called; job is nil for events of
// slavedriver itself, which no filter by job or tag lets through.
func (h *handler) wants(event string, job *engine.Job) bool {
	if !h.tellsOf(event) {
		return false
	}
	if h.job == "" && h.tags == nil {
		return true
	}
	if job == nil || h.job != "" && !engine.MatchPattern(h.job, job.Name) {
		return false
	}
	return h.tags == nil || slices.ContainsFunc(job.Tags, func(tag string) bool { return slices.Contains(h.tags, tag) })
}

// Wants says whether any handler would be called for such an event. It is safe
// to call from any goroutine.
func (s *Script) Wants(event string, job *engine.Job) bool {
	return slices.ContainsFunc(*s.handlers.Load(), func(h *handler) bool { return h.wants(event, job) })
}

// LongestDeadline is the longest that one call of Call, Due or Log may take:
// of Call the deadlines of all handlers of one event together.
func (s *Script) LongestDeadline() time.Duration {
	longest := defaultDeadline
	for _, event := range engine.EventDocs {
		var all time.Duration
		for _, h := range *s.handlers.Load() {
			if h.tellsOf(event.Name) {
				all += h.timeout
			}
		}
		longest = max(longest, all)
	}
	return longest
}

// Call calls each handler of the event, in order, each under its own deadline,
// and returns the failures of those that threw or overran. When ctx ends, the
// handlers left are not called, and each of them is a failure that wraps what
// ended it.
func (s *Script) Call(ctx context.Context, event *engine.Event) []engine.HandlerError {
	var failures []engine.HandlerError
	var e *eventObject
	defer s.telling(nil, 0)
	for _, h := range *s.handlers.Load() {
		if !h.wants(event.Name, event.Job) {
			continue
		}
		if e == nil {
			e = s.newEvent(event)
		}
		s.telling(event, h.id)
		if failure := s.handle(ctx, h, e); failure != nil {
			failures = append(failures, *failure)
		}
		if e.stopped {
			break
		}
	}
	return failures
}

// handle calls one handler and says how it failed, or nil.
func (s *Script) handle(ctx context.Context, h *handler, e *eventObject) *engine.HandlerError {
	err := context.Cause(ctx)
	if err == nil {
		_, err = s.call(ctx, h.timeout, h.fn, 0, e.job, e.params, e.self)
	}
	if err == nil {
		return nil
	}
	var late *overran
	return &engine.HandlerError{Handler: h.where.String(), Number: h.id, Err: err, Overran: errors.As(err, &late)}
}

// Due asks a job's schedule function about the minute of now.
func (s *Script) Due(ctx context.Context, j *engine.Job, now time.Time) (bool, error) {
	mine, fn, err := s.functionOf(j, "schedule")
	if err != nil {
		return false, err
	}
	results, err := s.call(ctx, defaultDeadline, fn, 1, dateTable(s.L, now.In(mine.Location)))
	if err != nil {
		return false, err
	}
	due, ok := results[0].(lua.LBool)
	if !ok && results[0] != lua.LNil {
		return false, place(mine.source, about("job `"+j.Name+"`: what the schedule function returns", mustBe("true or false", results[0])))
	}
	return bool(due), nil
}

// nowContents are the keys of a dateTable.
func nowContents() []fieldDoc {
	number := func(name, doc string) fieldDoc { return fieldDoc{name: name, typ: "number", doc: doc} }
	return []fieldDoc{
		number("year", "The year, as 2027"),
		number("month", "1 to 12"),
		number("day", "The day of the month, 1 to 31"),
		number("hour", "0 to 23"),
		number("min", "0 to 59"),
		number("sec", "0 to 59"),
		number("wday", "The day of the week, 1 for Sunday to 7 for Saturday"),
		number("yday", "The day of the year, 1 to 366"),
		{name: "isdst", typ: "boolean", doc: "Whether it is daylight saving time"},
		number("epoch", "All of it as a number, as of `os.time()`"),
	}
}

// dateTable is t as os.date("*t") gives it, and t.epoch as os.time() does.
func dateTable(L *lua.LState, t time.Time) *lua.LTable {
	table := L.NewTable()
	for name, n := range map[string]int64{
		"year": int64(t.Year()), "month": int64(t.Month()), "day": int64(t.Day()),
		"hour": int64(t.Hour()), "min": int64(t.Minute()), "sec": int64(t.Second()),
		"wday": int64(t.Weekday()) + 1, "yday": int64(t.YearDay()), "epoch": t.Unix(),
	} {
		table.RawSetString(name, lua.LNumber(n))
	}
	table.RawSetString("isdst", lua.LBool(t.IsDST()))
	return table
}
