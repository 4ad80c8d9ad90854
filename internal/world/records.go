package world

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/imagined"
	"slavedriver/modules"
)

// records are what happened, in the order in which it did. World.mu guards them.
type records struct {
	events   []Event
	logged   []Logged
	requests []Request
	mails    []Mail
	executed []Executed
	failures []Failure
	printed  strings.Builder
	story    []line
}

// Event is one that handlers were told of, or would have been.
type Event struct {
	Slave string
	*engine.Event
}

// Logged is a message for the loggers of the entry file.
type Logged struct {
	Time    time.Time
	Slave   string
	Level   engine.Level
	Message string
	Fields  map[string]any
}

// Request is one that was sent, whatever was answered.
type Request struct {
	Time  time.Time
	Slave string
	*modules.Request
	Try    int // which of one message of the outbox, from 1; else 1
	Status int // of the answer, 0: there was none
}

// Mail is one that was sent; Taken says whether it was taken over.
type Mail struct {
	Time  time.Time
	Slave string
	*modules.Mail
	Taken bool
	Try   int // as that of a Request
}

// Executed is a command of os.execute or io.popen.
type Executed struct {
	Time    time.Time
	Command string
}

// Failure is a handler that threw, or overran its deadline.
type Failure struct {
	Slave, Event string
	engine.HandlerError
}

// Run is a process of a job: one attempt of a run.
type Run struct {
	Slave string
	imagined.Attempt
}

// Events are those so far whose names match a pattern.
func (w *World) Events(pattern string) []Event {
	return some(w, w.events, func(e Event) bool { return engine.MatchPattern(pattern, e.Name) })
}

// Unheard says that an event comes on no slave because the entry file has no handler
// for it: minutes in which a shift would do nothing are passed over.
func (w *World) Unheard(event string) bool {
	return !slices.ContainsFunc(w.slaves, func(s *Slave) bool { return !slices.Contains(s.deaf, event) })
}

// Logged are the messages so far.
func (w *World) Logged() []Logged { return some(w, w.logged, nil) }

// Requests are those so far whose URLs match a pattern.
func (w *World) Requests(pattern string) []Request {
	return some(w, w.requests, func(r Request) bool { return engine.MatchPattern(pattern, r.URL) })
}

// Mails are those so far.
func (w *World) Mails() []Mail { return some(w, w.mails, nil) }

// Executed are the commands so far that match a pattern.
func (w *World) Executed(pattern string) []Executed {
	return some(w, w.executed, func(e Executed) bool { return engine.MatchPattern(pattern, e.Command) })
}

// Failures are the failures of handlers so far.
func (w *World) Failures() []Failure { return some(w, w.failures, nil) }

// Printed is what the entry file and its handlers printed so far, and the
// output of jobs that is forwarded.
func (w *World) Printed() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.printed.String()
}

// Runs are the processes started so far, of jobs whose names match a pattern.
func (w *World) Runs(pattern string) (runs []Run) {
	for _, s := range w.slaves {
		for _, a := range s.processes.Attempts() {
			if engine.MatchPattern(pattern, a.Intent.Job) {
				runs = append(runs, Run{s.name, a})
			}
		}
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.StartedAt.Compare(b.StartedAt) })
	return runs
}

// some are those of a list that are wanted; nil: all.
func some[T any](w *World, list []T, want func(T) bool) []T {
	w.mu.Lock()
	defer w.mu.Unlock()
	if want == nil {
		return slices.Clone(list)
	}
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return !want(v) })
}

// printer takes what is printed in the world.
func (w *World) printer() io.Writer { return printer{w} }

type printer struct{ w *World }

func (p printer) Write(data []byte) (int, error) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.w.printed.Write(data)
}

// witness is the script of a shift, with somebody who listens: each event of a
// job is told, whether handlers want it or not.
type witness struct {
	Script
	s *Slave
}

// Wants is true of all but what would make a shift out of nothing.
func (t *witness) Wants(event string, job *engine.Job) bool {
	return event != engine.EventStarted && event != engine.EventFinished || t.Script.Wants(event, job)
}

// Call records the event, and calls its handlers.
func (t *witness) Call(ctx context.Context, e *engine.Event) []engine.HandlerError {
	w, name := t.s.w, t.s.name
	seen := *e
	seen.Params = t.Secrets().Fields(e.Params) // as handlers see them
	w.mu.Lock()
	w.events = append(w.events, Event{name, &seen})
	if e.Name != engine.EventJobStdout && e.Name != engine.EventJobStderr && e.Name != engine.EventStarted && e.Name != engine.EventFinished {
		w.noteEvent(name, &seen)
	}
	w.mu.Unlock()
	failures := t.Script.Call(ctx, e)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range failures {
		w.failures = append(w.failures, Failure{name, e.Name, f})
	}
	return failures
}

// logger records what is logged, and hands it to the script's logger functions;
// nothing is written to files, syslog or stderr.
type logger struct {
	s    *Slave
	to   []engine.LoggerConfig
	call func(index int, level engine.Level, message string, fields map[string]any)
}

func (l *logger) Log(level engine.Level, message string, fields map[string]any) {
	w := l.s.w
	w.mu.Lock()
	w.logged = append(w.logged, Logged{time.Now(), l.s.name, level, message, fields})
	if level.AtLeast(engine.Error) {
		w.note(l.s.name, fmt.Sprintf("log %s: %s", level, message))
	}
	w.mu.Unlock()
	for _, cfg := range l.to {
		if cfg.Kind == "function" && level.AtLeast(engine.Level(cfg.Level)) {
			l.call(cfg.Index, level, message, fields)
		}
	}
}
