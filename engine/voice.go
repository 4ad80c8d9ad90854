package engine

import (
	"context"
	"fmt"
	"sync"

	"slavedriver/internal/runfile"
)

// voice is the one goroutine that owns the script: it calls handlers, and asks
// the script's functions. The shift never waits for it. It speaks only while
// it holds the right to (Shift.Speak), which the shift before gives up when its
// last handler has returned; what was told is read after that, not before.
type voice struct {
	d    *duty
	mu   sync.Mutex
	todo []func()      // what the shift wants done here, in order
	wake chan struct{} // there is something in todo
	busy int           // what is in todo or being done, and notices not told
	quit bool
	// calling is what the script was called for.
	calling calling
	over    chan struct{} // closed when the goroutine has ended

	// The goroutine's own.
	began bool
	ready []*telling // runs about which there may be something to say
	// tellings are all runs of which something is left to say, by the ids of
	// their attempts.
	tellings map[string]*telling
	notices  []notice // to be told, in order
	heard    uint64   // the newest notice that was taken
	told     *noticeCursor
	release  func() // gives up the right to speak; nil while it is not had
	taking   bool   // the right to speak was asked for
	piece    [pieceSize]byte
}

func newVoice(d *duty) *voice {
	v := &voice{d: d, wake: make(chan struct{}, 1), over: make(chan struct{}), tellings: map[string]*telling{}}
	v.told = openNoticeCursor(d.path(fileTold))
	return v
}

// begin starts the goroutine, once; what was posted before is done first.
func (v *voice) begin() {
	if v.began {
		return
	}
	v.began = true
	go v.run()
}

// post has something done by the voice's goroutine, after all that was posted before.
func (v *voice) post(act func()) {
	v.mu.Lock()
	v.todo = append(v.todo, act)
	v.busy++
	v.mu.Unlock()
	v.nudge()
}

func (v *voice) nudge() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// idle says that nothing was posted that is not done, and no notice is untold.
func (v *voice) idle() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.busy == 0
}

func (v *voice) done(n int) {
	v.mu.Lock()
	v.busy -= n
	idle := v.busy == 0
	v.mu.Unlock()
	if idle {
		v.d.send(func() {}) // the shift may be at its end
	}
}

// run is the goroutine: first what the shift wants, then one thing said, again
// and again, until the shift is relieved or at its end.
func (v *voice) run() {
	defer close(v.over)
	for v.d.ctx.Err() == nil {
		if v.doPosted() {
			continue
		}
		if v.quit {
			return
		}
		if v.sayOne() {
			continue
		}
		select {
		case <-v.wake:
		case <-v.d.ctx.Done():
		}
	}
}

func (v *voice) doPosted() bool {
	v.mu.Lock()
	if len(v.todo) == 0 {
		v.mu.Unlock()
		return false
	}
	act := v.todo[0]
	v.todo = v.todo[1:]
	v.mu.Unlock()
	act()
	v.done(1)
	return true
}

// sayOne tells one thing, notices first, then the runs in turn, so that one
// that floods does not hold the others up. It says whether there may be more.
func (v *voice) sayOne() bool {
	if len(v.notices) > 0 {
		if !v.maySpeak() {
			return false
		}
		before := v.toldBefore(v.notices[0])
		if before == nil {
			return v.sayNotice()
		}
		if v.sayOf(before) {
			return true
		}
	}
	if len(v.ready) == 0 {
		return false
	}
	t := v.ready[0]
	if t.wantsAny() && !v.maySpeak() {
		return false
	}
	v.ready = v.ready[1:]
	t.queued = false
	if v.sayOf(t) {
		v.enqueue(t)
	}
	return true
}

// enqueue notes that there may be something to say about a run.
func (v *voice) enqueue(t *telling) {
	if !t.queued && !t.over {
		t.queued = true
		v.ready = append(v.ready, t)
	}
}

// maySpeak says whether the right to speak is had, and asks for it once.
func (v *voice) maySpeak() bool {
	if v.release != nil {
		return true
	}
	if !v.taking {
		v.taking = true
		go v.waitForRight()
	}
	return false
}

// waitForRight waits for the right to speak and hands it to the voice's goroutine.
func (v *voice) waitForRight() {
	release, err := v.d.Speak(v.d.ctx)
	if err != nil {
		if v.d.ctx.Err() == nil {
			v.d.Log.Log(Error, fmt.Sprintf("handlers cannot be called: %v", err), nil)
		}
		return
	}
	v.post(func() {
		v.release = release
		v.told.load()
		v.skipTold()
		v.d.send(func() { v.d.takeRequests(false) }) // of the last handler of the shift before
	})
}

// take begins to tell about a run; it is called by the shift.
func (v *voice) take(r *run) {
	t := newTelling(v.d, r)
	if r.ending != nil {
		e := *r.ending
		t.ending = &e
	}
	r.telling = t
	v.post(func() {
		v.tellings[r.intent.ID] = t
		v.enqueue(t)
	})
}

// close ends the telling about an attempt; that about the next one may begin.
func (v *voice) close(t *telling) {
	in := t.run.intent
	t.over = true
	delete(v.tellings, in.ID)
	if next := v.tellings[AttemptID(in.RunID(), in.Attempt+1)]; next != nil {
		v.enqueue(next)
	}
}

// forget ends the telling about a run that turned out not to be one yet.
func (v *voice) forget(r *run) {
	if t := r.telling; t != nil {
		v.post(func() { v.close(t) })
	}
}

// The shift's facts about a run, each to be told in its time.

func (v *voice) warned(r *run)   { v.fact(r, func(t *telling) { t.warned = true }) }
func (v *voice) timedOut(r *run) { v.fact(r, func(t *telling) { t.timedOut = true }) }

func (v *voice) ended(r *run) {
	if r.telling == nil {
		v.take(r)
		return
	}
	e := *r.ending
	v.fact(r, func(t *telling) { t.ending = &e })
}

func (v *voice) fact(r *run, note func(*telling)) {
	t := r.telling
	if t == nil {
		return
	}
	v.post(func() {
		note(t)
		v.enqueue(t)
	})
}

// look lets the voice look for new output; it is called by the shift.
func (v *voice) look() {
	var all []*telling
	for _, r := range v.d.runs {
		if r.telling != nil {
			all = append(all, r.telling)
		}
	}
	v.post(func() {
		for _, t := range all {
			v.enqueue(t)
		}
	})
}

// ask puts a question to the script, and hands what it answers to the shift.
// An answer that the end of the shift cut off is none. Where the script does not
// come back, the shift does what hung says instead.
func (v *voice) ask(question func() (answer func()), hung func()) {
	v.post(func() {
		returned := v.calls(calling{what: "a function of a job", give: hung})
		answer := question()
		returned()
		v.d.send(func() {
			if v.d.ctx.Err() == nil {
				answer()
			}
		})
	})
}

// call calls the handlers of an event and reports those that failed, each by an
// event whose id is its own and the same when a later shift tells it again.
func (v *voice) call(e *Event) {
	defer v.calls(calling{what: "a handler of " + e.Name})()
	for _, failure := range v.d.Script.Call(context.WithoutCancel(v.d.ctx), e) {
		v.d.Log.Log(Error, fmt.Sprintf("the handler attached at %s failed for %s: %v", failure.Handler, e.Name, failure.Err), nil)
		if e.Name != EventHandlerError {
			v.call(&Event{
				Name: EventHandlerError, ID: fmt.Sprintf("%s/handler.error/%d", e.ID, failure.Number), Time: v.d.now(), Job: e.Job, Run: e.Run, Depth: e.Depth,
				Params: map[string]any{"event": e.Name, "error": failure.Err.Error()},
			})
		}
	}
}

// finishHandler waits until the handler that is running has returned, after
// the shift was relieved.
func (v *voice) finishHandler() {
	if v.began {
		<-v.over
	}
	if v.release != nil {
		v.release()
	}
}

// sayFinished ends the voice and tells the shift's own end.
func (v *voice) sayFinished(report Report) {
	v.post(func() { v.quit = true })
	<-v.over
	d := v.d
	if !d.Script.Wants(EventFinished, nil) {
		return
	}
	if v.release == nil {
		release, err := d.Speak(d.ctx)
		if err != nil {
			return
		}
		v.release = release
	}
	v.call(&Event{
		Name: EventFinished, ID: fmt.Sprintf("shift/%s/finished", d.shiftID()), Time: d.now(),
		Params: map[string]any{
			"started": report.Started, "succeeded": report.Succeeded, "failed": report.Failed,
			"skipped": report.Skipped, "missed": report.Missed, "adopted": report.Adopted,
		},
	})
}

// forward writes a job's output to the shift's own, each line with the job's name.
func (v *voice) forward(t *telling, s runfile.Stream, data []byte) {
	to := v.d.Out
	if s == runfile.Stderr {
		to = v.d.Err
	}
	_, _ = to.Write(withName(t.run.job.Name, data))
}
