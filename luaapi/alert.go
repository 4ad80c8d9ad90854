package luaapi

import (
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// slavedriver.alert is a handler that keeps quiet: it sends when a job has failed
// so often in a row, then once in a while, and once when the job recovered. What it
// sent is in the state, so that this holds from shift to shift.

// The kinds of alerts.
const (
	alertFailing   = "failing"
	alertRecovered = "recovered"
)

// alertLines is how much of the output an alert brings.
const alertLines = 50

// alertOptions are what slavedriver.alert is called with.
type alertOptions struct {
	attachOptions
	after     int
	every     time.Duration // 0: once until the job recovers
	recovered bool
	send      *lua.LFunction
}

var alertFields = sync.OnceValue(func() *fieldSet[alertOptions] {
	return newFields("option", append([]field[alertOptions]{
		stored("after", whole(1, math.MaxInt32), func(o *alertOptions) *int { return &o.after }, 1, "1",
			"At which failure in a row it is sent first."),
		stored("every", positive, func(o *alertOptions) *time.Duration { return &o.every }, 0, "once until the job recovers",
			"The duration after which it is sent again while the job still fails."),
		stored("recovered", flag, func(o *alertOptions) *bool { return &o.recovered }, true, "true",
			"Whether it is sent when the job recovers about whose failures it was sent."),
		{
			name: "send", typ: "function of an alert", doc: "A function `(alert)` that sends it; where it throws, or returns nil and a message, the next failure tries again.",
			set: func(_ site, o *alertOptions, v lua.LValue) (err error) {
				o.send, err = toSend(v)
				return err
			},
			get:   func(_ site, o *alertOptions) lua.LValue { return o.send },
			unset: func(o *alertOptions) { o.send = nil },
		},
	}, attachFieldsOf(func(o *alertOptions) *attachOptions { return &o.attachOptions })...)...)
})

// alertContents are the keys of an alert.
func alertContents() []fieldDoc {
	doc := func(name, typ, doc string) fieldDoc { return fieldDoc{name: name, typ: typ, doc: doc} }
	return []fieldDoc{
		doc("kind", `"failing" or "recovered"`, "What it is about"),
		doc("text", "string", "All of it in a sentence, for people"),
		doc("job", "job", "The job"),
		doc("failures", "number", "How many runs have, or had, failed in a row"),
		doc("since", "number", "When the first of them ended, as os.time()"),
		doc("time", "number", "When this happened, as os.time()"),
		doc("run", "run", "The run that ended"),
		doc("output", "string", "The last 50 lines of its stdout, then of its stderr"),
		doc("reason", "string", "Why it failed, for people; nil when it recovered"),
		doc("exitCode", "number", "Nil if it is not known"),
		doc("timedOut", "boolean", "It was ended because of its timeout"),
		doc("slave", "string", "This slave"),
		doc("id", "string", "The same for all alerts about this job on this slave: what a pager tells incidents apart by"),
	}
}

// makeAlert is slavedriver.alert{...}; it returns an id for detach.
func makeAlert(at site, v lua.LValue) (lua.LValue, error) {
	s := at.s
	o := &alertOptions{after: 1, recovered: true, attachOptions: attachOptions{timeout: defaultDeadline}}
	err := alertFields().read(at, v, o)
	if err == nil && o.send == nil {
		err = wrong("`send` is missing: a function (alert) that sends it")
	}
	if err != nil {
		return nil, about("alert:", err)
	}
	key, where := s.alertKey(o), at.position()
	s.lastHandler++
	s.addHandler(&handler{
		id: s.lastHandler, pattern: "slavedriver.job.*", events: []string{engine.EventJobError, engine.EventJobRecovered},
		where: where, chunk: chunkCaller(at.L), attachOptions: o.attachOptions,
		fn: s.L.NewFunction(func(L *lua.LState) int {
			site{s: s, L: L, from: where}.alert(o, key, objectOf[eventObject](L.Get(3)))
			return 0
		}),
	})
	return lua.LNumber(s.lastHandler), nil
}

// alertKey names an alert in the state: by whom it is about, not by its line,
// which changes with each edit of the file.
func (s *Script) alertKey(o *alertOptions) string {
	about := o.job + "\n" + strings.Join(o.tags, "\n")
	if s.alerts == nil {
		s.alerts = map[string]int{}
	}
	s.alerts[about]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", about, s.alerts[about]))
	return fmt.Sprintf("slavedriver.alert/%x/", sum[:6])
}

// lastAlert is what was sent last about a job: about which failures, and when.
type lastAlert struct{ since, sent time.Time }

// due says whether a failure is to be sent: the one that is often enough in a
// row, and later ones once in a while. Failures that began at another time are
// others, whatever was sent before.
func (o *alertOptions) due(last lastAlert, failures int, since, now time.Time) bool {
	switch {
	case failures < o.after:
		return false
	case last.sent.IsZero() || !last.since.Equal(since):
		return true
	}
	grain := min(o.every, time.Minute) // a job that fails each hour at its own pace is told each hour
	return o.every > 0 && !now.Truncate(grain).Before(last.sent.Truncate(grain).Add(o.every))
}

// alert decides about an event, sends, and then notes that. A shift that dies in
// between sends again, with the same event.
func (at site) alert(o *alertOptions, key string, e *eventObject) {
	if at.s.state == nil {
		at.raise(wrong("alert: there is no state in which it could be noted"))
	}
	key += e.Job.Slug
	last, broken := at.s.lastAlert(key) // an alert is not lost because the state is
	var next any
	switch failures := e.number("consecutiveFailures"); {
	case e.Name == engine.EventJobError:
		if !o.due(last, failures, e.Since, e.Time) {
			break
		}
		at.send(o, e, alertFailing, failures)
		next = map[string]any{"since": e.Since.Format(time.RFC3339Nano), "sent": e.Time.Format(time.RFC3339Nano)}
	case last.sent.IsZero():
		return
	default:
		if o.recovered && last.since.Equal(e.Since) {
			at.send(o, e, alertRecovered, e.number("failures"))
		}
		at.check("set", at.s.state.Set(key, nil))
	}
	if next != nil {
		at.check("set", at.s.state.Set(key, next))
	}
	at.check("get", broken)
}

func (s *Script) lastAlert(key string) (last lastAlert, err error) {
	v, _, err := s.state.Get(key)
	if kept, ok := v.(map[string]any); ok && err == nil {
		since, _ := kept["since"].(string)
		sent, _ := kept["sent"].(string)
		last.since, _ = time.Parse(time.RFC3339Nano, since)
		last.sent, _ = time.Parse(time.RFC3339Nano, sent)
	}
	return last, err
}

// number is one of the event's params.
func (e *eventObject) number(name string) int {
	n, _ := e.params.(*lua.LTable).RawGetString(name).(lua.LNumber)
	return int(n)
}

// send calls the function with the alert.
func (at site) send(o *alertOptions, e *eventObject, kind string, failures int) {
	alert, params := at.L.NewTable(), e.params.(*lua.LTable)
	alert.Metatable = at.s.alertMeta
	reason := ""
	if kind == alertFailing {
		reason = reasonOf(params)
		alert.RawSetString("reason", lua.LString(reason))
		alert.RawSetString("exitCode", params.RawGetString("exitCode"))
		alert.RawSetString("timedOut", params.RawGetString("timedOut"))
	}
	plan := at.s.plan
	for name, v := range map[string]lua.LValue{
		"kind": lua.LString(kind), "text": lua.LString(alertText(e.Job.Name, kind, reason, failures)),
		"job": e.job, "failures": lua.LNumber(failures), "since": unix(e.Since), "time": unix(e.Time),
		"run": e.run, "output": lua.LString(at.s.alertOutput(e.Run)), "slave": lua.LString(plan.Slave),
		"id": lua.LString(plan.Namespace + "/" + plan.Slave + "/" + e.Job.Slug),
	} {
		alert.RawSetString(name, v)
	}
	at.L.Push(o.send)
	at.L.Push(alert)
	at.L.Call(1, 2)
	first, second := at.L.Get(-2), at.L.Get(-1)
	at.L.Pop(2)
	if err := notSent(first, second); err != nil {
		at.raise(err)
	}
}

// hintOfSenders is for who forgot that a sender is called to make a function.
const hintOfSenders = `call the sender: send = slack({ url = … })`

// toSend is a function that sends alerts. A table that can be called makes one,
// as the senders of the examples do.
func toSend(v lua.LValue) (*lua.LFunction, error) {
	if fn, ok := v.(*lua.LFunction); ok {
		return fn, nil
	}
	if t, ok := v.(*lua.LTable); ok {
		if mt, ok := t.Metatable.(*lua.LTable); ok && mt.RawGetString("__call") != lua.LNil {
			return nil, wrong("must be a function, not a sender that was not called").hinting(hintOfSenders)
		}
	}
	return nil, mustBe("a function", v)
}

// notSent says why an alert counts as not sent after what send returned: it fails as
// the modules do, by nil and a message, or by false.
func notSent(first, second lua.LValue) error {
	switch {
	case first.Type() == lua.LTFunction:
		return wrong("alert: send returned a function, so nothing was sent: %s", hintOfSenders)
	case first == lua.LFalse && second == lua.LNil:
		return wrong("alert: send returned false, so it counts as not sent")
	case (first == lua.LNil || first == lua.LFalse) && second != lua.LNil:
		if lua.LVCanConvToString(second) {
			return wrong("alert: send failed: %s", second)
		}
		return wrong("alert: send failed, and returned %s instead of a message", describe(second))
	}
	return nil
}

// alertText is an alert in a sentence.
func alertText(job, kind, reason string, failures int) string {
	switch {
	case kind == alertRecovered:
		return fmt.Sprintf("%s recovered after %s", job, count(failures, "failure"))
	case failures > 1:
		return fmt.Sprintf("%s failed %d times in a row: %s", job, failures, reason)
	}
	return fmt.Sprintf("%s failed: %s", job, reason)
}

// reasonOf says why a run failed.
func reasonOf(params *lua.LTable) string {
	reason, signal := params.RawGetString("reason"), params.RawGetString("signal")
	switch {
	case params.RawGetString("timedOut") == lua.LTrue:
		return "its timeout was hit"
	case reason != lua.LNil:
		return reason.String()
	case signal != lua.LNil:
		return "signal " + signal.String()
	}
	return "exit code " + params.RawGetString("exitCode").String()
}

// alertOutput is the end of a run's output. That it cannot be read is no reason
// to keep the alert back, but is said.
func (s *Script) alertOutput(run *engine.RunInfo) string {
	if run == nil || run.Output == nil {
		return ""
	}
	text, err := run.Output("both", alertLines, 0)
	if err != nil {
		return "(the output cannot be read: " + err.Error() + ")"
	}
	return s.secrets.String(text)
}

// tellsOf says whether a handler is one for events of that name.
func (h *handler) tellsOf(event string) bool {
	return engine.MatchPattern(h.pattern, event) && (h.events == nil || slices.Contains(h.events, event))
}
