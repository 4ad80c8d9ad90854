package luaapi

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// overran is why a call into the script was cut off.
type overran struct{ limit time.Duration }

func (o *overran) Error() string { return fmt.Sprintf("did not finish within %g s", o.limit.Seconds()) }

// errRun is how run() ends the entry file.
var errRun = errors.New("slavedriver:run() was called")

// deadline is the context of one call into the script. The VM asks it before
// each instruction and throws its Err, so that is a sentence for the user.
type deadline struct {
	context.Context
	done  <-chan struct{}
	cause context.CancelCauseFunc
	timer *time.Timer
	ticks func()      // counts instructions; nil: only the timer cuts off
	ate   atomic.Bool // more memory than a call may; for ticks, see memoryWatch
	pause pause
	rest  rest
	// left are closed when the processes of io.popen are gone.
	left []<-chan struct{}
}

// goneWithin is how long the end of a call waits for processes that were
// killed: they must not outlive a shift that ends right after.
const goneWithin = time.Second

// newDeadline begins a call that may take limit. Every one must be ended: what
// hangs on it (a timer, processes) lives until then.
func newDeadline(parent context.Context, limit time.Duration) *deadline {
	ctx, cause := context.WithCancelCause(parent)
	d := &deadline{Context: ctx, done: ctx.Done(), cause: cause}
	d.timer = time.AfterFunc(limit, func() { cause(&overran{limit}) })
	return d
}

// Done is what the embedded context's is, without asking it each time. It comes
// back once the call is not paused. A pause counts as time of the call: what is
// said to take 10 s at the most does.
func (d *deadline) Done() <-chan struct{} {
	if d.ticks != nil {
		d.ticks()
	}
	if d.pause.held.Load() {
		d.pause.wait(d.done, &d.rest)
	}
	return d.done
}

// askEach is how many instructions pass before a stopwatch is asked again.
const askEach = 4096

// watchedBy lets a stopwatch cut the call off too.
func (d *deadline) watchedBy(stopwatch func() time.Duration, limit time.Duration) {
	n, began := 0, stopwatch()
	d.ticks = func() {
		if n++; n%askEach == 0 && stopwatch()-began > limit {
			d.cause(&overran{limit})
		}
		if d.ate.Load() {
			d.cause(&greedy{mostMemory()})
		}
	}
}

// Err is nil, or why the call is cut off.
func (d *deadline) Err() error {
	if d.Context.Err() == nil {
		return nil
	}
	return context.Cause(d.Context)
}

// stop cuts the call off.
func (d *deadline) stop(why error) { d.cause(why) }

// end frees what the call left: its timer, and the processes of io.popen that
// it did not close. From then on the call rests.
func (d *deadline) end() {
	d.rest.begin()
	d.timer.Stop()
	d.cause(context.Canceled)
	if len(d.left) == 0 {
		return
	}
	enough := time.After(goneWithin)
	for _, gone := range d.left {
		select {
		case <-gone:
		case <-enough:
			return
		}
	}
}

// call runs fn under its own deadline and returns what it returned, nret
// values. The error is an *Error that wraps *overran, errRun or the end of
// parent if one of them cut fn off. A Go panic in a builtin is an error too.
func (s *Script) call(parent context.Context, limit time.Duration, fn *lua.LFunction, nret int, args ...lua.LValue) ([]lua.LValue, error) {
	d := newDeadline(parent, limit)
	defer d.end()
	outer := s.running
	defer outer.resting()()
	defer s.watch(d, limit)()
	s.enter(d)
	defer s.enter(outer)
	if err := s.L.CallByParam(lua.P{Fn: fn, NRet: nret, Protect: true}, args...); err != nil {
		failure := s.failure(err, d.Err())
		failure.Message = s.secrets.String(failure.Message)
		failure.Trace = s.secrets.String(traceOf(err))
		return nil, failure
	}
	results := make([]lua.LValue, nret)
	for i := range results {
		results[i] = s.L.Get(i - nret)
	}
	s.L.Pop(nret)
	return results, nil
}

// watch has the call looked after until over is called. Where time is virtual,
// or that of a test's world, no timer of ours can.
func (s *Script) watch(d *deadline, limit time.Duration) (over func()) {
	if s.o.tests != nil {
		d.timer.Stop()
	}
	if s.o.Stopwatch != nil {
		d.watchedBy(s.o.Stopwatch, limit)
		return s.o.memory.watch(d)
	}
	j := s.o.judge
	if j == nil {
		j = &ofProcess
	}
	w := j.watch(d, s.hung)
	return func() { j.forget(w) }
}

// traceOf is the stack trace of an error, without its head and Go's own end.
func traceOf(err error) string {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return ""
	}
	_, trace, _ := strings.Cut(api.StackTrace, "\n")
	return strings.TrimSuffix(trace, "\n\t[G]: ?")
}

// enter puts the VM under d. It is also how the outer call goes on after an
// inner one, such as a logger that is called while a handler runs.
func (s *Script) enter(d *deadline) {
	s.running = d
	if d != nil {
		s.L.SetContext(d)
	}
}

// failure explains why a call failed; cause is why it was cut off, or nil.
func (s *Script) failure(err, cause error) *Error {
	e := s.explain(err)
	if cause == nil {
		return e
	}
	out := &Error{File: e.File, Line: e.Line, Message: e.Message, Err: cause}
	if !strings.Contains(e.Message, cause.Error()) {
		out.Message = cause.Error()
	}
	return out
}
