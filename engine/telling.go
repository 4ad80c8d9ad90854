package engine

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"slavedriver/internal/runfile"
)

// The events of a run, as its cursor names them: the one that is being told,
// and a bit for each that was.
const (
	tellNothing uint8 = iota
	tellStarted
	tellStdout
	tellStderr
	tellWarned
	tellTimeout
	tellFinished
	tellRecovered
)

const (
	// partialAfter is how long an unfinished line may wait for its end.
	partialAfter = 5 * time.Second
	// pieceSize is the most output that one event brings.
	pieceSize = 64 << 10
	// An event is set aside once the deaths of shifts in its handlers come to
	// deathsAllowed: three past their deadline, or for any reason those of two
	// hours (it may be the system that ends a handler which takes all memory;
	// fewer may be a bad day).
	deathsAllowed     = 120
	deathPastDeadline = 40
)

// deathsMore is what the death of a shift counts, boot being when it called the
// handlers.
func (v *voice) deathsMore(boot time.Duration) uint8 {
	if boot > 0 && v.d.Clock.Boot()-boot > v.d.Script.LongestDeadline() {
		return deathPastDeadline
	}
	return 1
}

// telling is what the voice knows of a run. All but what is said to be the
// shift's belongs to the voice's goroutine.
type telling struct {
	run   *run // only its file, intent and job, which do not change
	wants [2]bool
	all   bool // some event of the run is wanted, or its output

	loaded   bool
	told     runfile.Told
	offset   [2]atomic.Int64 // told.Offset, for the shift
	warned   bool
	timedOut bool
	ending   *ending
	partial  [2]time.Duration // Clock.Boot since when an unfinished line waits; 0: none does
	lookedAt time.Duration    // Clock.Boot
	looking  [2]bool          // there may be new output
	retryAt  time.Duration    // Clock.Boot: nothing can be noted before
	queued   bool
	over     bool
}

func newTelling(d *duty, r *run) *telling {
	t := &telling{run: r}
	t.wants[runfile.Stdout] = d.Plan.ForwardOutput || d.Script.Wants(EventJobStdout, r.job)
	t.wants[runfile.Stderr] = d.Plan.ForwardOutput || d.Script.Wants(EventJobStderr, r.job)
	t.all = t.wants[0] || t.wants[1]
	for _, name := range []string{EventJobStarted, EventJobExpectedPassed, EventJobTimeout, EventJobRetrying, EventJobSuccess, EventJobError, EventJobRecovered} {
		t.all = t.all || d.Script.Wants(name, r.job)
	}
	if told, err := r.file.ReadTold(); err == nil && r.adopted {
		t.note(told) // a lower bound until the voice reads it again
	}
	return t
}

func (t *telling) wantsAny() bool { return t.all }

func (t *telling) note(told runfile.Told) {
	t.told = told
	t.offset[0].Store(told.Offset[0])
	t.offset[1].Store(told.Offset[1])
}

// delivered is how far each stream was told; one that nobody wants is told as
// soon as it is there. It is safe to call from any goroutine.
func (t *telling) delivered() (d [2]int64) {
	for _, s := range []runfile.Stream{runfile.Stdout, runfile.Stderr} {
		d[s] = t.offset[s].Load()
		if !t.wants[s] {
			d[s], _ = t.run.file.Size(s)
		}
	}
	return d
}

func (t *telling) has(event uint8) bool { return t.told.Done&(1<<event) != 0 }

// sayOf tells one event of a run, and says whether there may be more now.
func (v *voice) sayOf(t *telling) bool {
	if t.over || v.d.Clock.Boot() < t.retryAt || v.tellings[previousOf(t.run.intent)] != nil {
		return false
	}
	if t.all && !t.loaded && !v.loadTold(t) {
		return false
	}
	if t.told.Call != tellNothing {
		return v.tellAgain(t)
	}
	return v.sayFact(t) || v.tellOutput(t, runfile.Stdout) || v.tellOutput(t, runfile.Stderr) || v.sayEnd(t)
}

// sayFact tells what happened to a run before its end, and says whether it did.
func (v *voice) sayFact(t *telling) bool {
	switch {
	case !t.has(tellStarted) && !t.isNever():
		return v.tell(t, tellStarted, EventJobStarted, nil)
	case t.warned && !t.has(tellWarned):
		return v.tell(t, tellWarned, EventJobExpectedPassed, nil)
	case t.timedOut && !t.has(tellTimeout):
		return v.tell(t, tellTimeout, EventJobTimeout, nil)
	}
	return false
}

// sayEnd tells the end of a run once all else was told.
func (v *voice) sayEnd(t *telling) bool {
	switch {
	case t.ending == nil || v.d.Clock.Boot() < t.retryAt:
		return false
	case !t.has(tellFinished):
		name, params := t.ending.event(t.run.job, t.run.intent.Attempt)
		return v.tell(t, tellFinished, name, params)
	case t.ending.streak.Ended > 0 && !t.has(tellRecovered):
		return v.tell(t, tellRecovered, EventJobRecovered, t.ending.recoveredParams())
	}
	v.toldAll(t)
	return false
}

// failingSince is Event.Since.
func (t *telling) failingSince() (since time.Time) {
	if t.ending != nil {
		since = t.ending.streak.Since
	}
	return since
}

func (t *telling) isNever() bool { return t.ending != nil && t.ending.Never }

// loadTold reads what earlier shifts told of the run. Where the last of them
// died in a handler past its deadline, that is counted.
func (v *voice) loadTold(t *telling) bool {
	told, err := t.run.file.ReadTold()
	if errors.Is(err, runfile.ErrCorrupt) {
		v.d.Log.Log(Error, fmt.Sprintf("%v; the run is told again from its beginning", err), nil)
		told, err = runfile.Told{}, nil
	}
	if err != nil {
		v.cannotNote(t, err)
		return false
	}
	if told.Call != tellNothing && told.CallBoot > 0 { // else it is counted already
		told.Deaths = min(deathsAllowed, told.Deaths+v.deathsMore(told.CallBoot))
	}
	t.loaded = true
	t.note(told)
	return true
}

// tellAgain tells the event in whose handler the shift before died, the same
// as it was; one that was the end of three shifts is set aside.
func (v *voice) tellAgain(t *telling) bool {
	call := t.told.Call
	if t.told.Deaths >= deathsAllowed {
		return v.setEventAside(t, call)
	}
	switch call {
	case tellStdout:
		return v.tellPiece(t, runfile.Stdout, t.told.CallEnd)
	case tellStderr:
		return v.tellPiece(t, runfile.Stderr, t.told.CallEnd)
	case tellStarted:
		return v.tell(t, call, EventJobStarted, nil)
	case tellWarned:
		return v.tell(t, call, EventJobExpectedPassed, nil)
	case tellTimeout:
		return v.tell(t, call, EventJobTimeout, nil)
	}
	if t.ending == nil {
		return false // its end is seen again in a moment
	}
	if call == tellRecovered {
		return v.tell(t, call, EventJobRecovered, t.ending.recoveredParams())
	}
	name, params := t.ending.event(t.run.job, t.run.intent.Attempt)
	return v.tell(t, call, name, params)
}

func (v *voice) setEventAside(t *telling, call uint8) bool {
	told := t.told
	told.Call, told.Deaths = tellNothing, 0
	told.Done |= 1 << call
	if call == tellStdout || call == tellStderr {
		told.Done &^= 1 << call
		told.Offset[call-tellStdout] = told.CallEnd
	}
	if err := t.run.file.NoteTold(told); err != nil {
		return v.cannotNote(t, err)
	}
	t.note(told)
	message := fmt.Sprintf("the event %s of run %s was set aside: shift after shift ended in its handlers", t.eventOf(call), t.run.intent.ID)
	v.d.Log.Log(Error, message, nil)
	v.call(&Event{
		Name: EventHandlerError, ID: fmt.Sprintf("%s/set-aside/%s/%d", t.run.intent.ID, t.eventOf(call), told.CallEnd), Time: v.d.now(), Job: t.run.job, Run: v.runInfo(t), Depth: t.run.intent.Depth,
		Params: map[string]any{"event": t.eventOf(call), "error": message},
	})
	return true
}

// eventOf names the event of a note in the cursor.
func (t *telling) eventOf(call uint8) string {
	switch call {
	case tellStarted:
		return EventJobStarted
	case tellStdout:
		return EventJobStdout
	case tellStderr:
		return EventJobStderr
	case tellWarned:
		return EventJobExpectedPassed
	case tellTimeout:
		return EventJobTimeout
	case tellRecovered:
		return EventJobRecovered
	}
	switch {
	case t.ending != nil && t.ending.good(t.run.job):
		return EventJobSuccess
	case t.ending != nil && t.ending.Retried:
		return EventJobRetrying
	}
	return EventJobError
}

// tell calls the handlers of one event: noted before, so that a shift that
// dies in them is known to have; noted after, so that it is not told again.
// What cannot be noted is not told. An event that nobody wants costs no note.
func (v *voice) tell(t *telling, kind uint8, name string, params map[string]any) bool {
	told := t.told
	if v.d.Script.Wants(name, t.run.job) {
		if !v.noteCall(t, kind, 0) {
			return false
		}
		returned := v.calls(calling{what: "a handler", note: t.diedIn})
		v.call(&Event{
			Name: name, ID: t.run.intent.ID + "/" + t.word(kind), Time: v.d.now(),
			Job: t.run.job, Run: v.runInfo(t), Depth: t.run.intent.Depth, Since: t.failingSince(), Params: params,
		})
		returned()
		told.Done |= 1 << kind
		return v.noteDone(t, told)
	}
	told.Done |= 1 << kind
	told.Call, told.Deaths = tellNothing, 0
	t.note(told)
	return true
}

// noteCall notes that the handlers of an event are about to be called.
func (v *voice) noteCall(t *telling, kind uint8, end int64) bool {
	told := t.told
	told.Call, told.CallEnd, told.CallBoot = kind, end, v.d.Clock.Boot()
	if err := t.run.file.NoteTold(told); err != nil {
		return v.cannotNote(t, err)
	}
	t.note(told)
	return true
}

// noteDone notes that they have returned.
func (v *voice) noteDone(t *telling, told runfile.Told) bool {
	told.Call, told.Deaths, told.CallEnd = tellNothing, 0, 0
	t.note(told)
	if err := t.run.file.NoteTold(told); err != nil {
		v.cannotNote(t, err)
	}
	return true
}

func (v *voice) cannotNote(t *telling, err error) bool {
	t.retryAt = v.d.Clock.Boot() + tryAgain
	v.d.send(func() {
		v.d.sayOnce("told "+t.run.intent.ID, Error,
			fmt.Sprintf("cannot note what was told of run %s: %v; its handlers wait", t.run.intent.ID, err))
	})
	return false
}

// toldAll hands a run back to the shift: there is nothing more to say.
func (v *voice) toldAll(t *telling) {
	v.close(t)
	v.d.send(func() {
		t.run.told = true
		v.d.putAwayIfTold(t.run)
	})
}

func (t *telling) word(kind uint8) string {
	switch {
	case kind == tellStarted:
		return "started"
	case kind == tellWarned:
		return "expected_runtime_elapsed"
	case kind == tellTimeout:
		return "timeout"
	case kind == tellRecovered:
		return "recovered"
	case t.ending.Retried:
		return "retrying"
	}
	return "finished"
}
