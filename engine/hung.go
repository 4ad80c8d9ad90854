package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// errHung is the answer of a script that does not come back.
var errHung = errors.New("it hung inside a function of Lua that cannot be interrupted")

// settleWithin is how long a shift that begins anew may take to commit what it
// decided.
const settleWithin = 2 * time.Second

// calling is the call into the script that is going on.
type calling struct {
	what string // for people
	note func() // notes on the disk that a shift ended in it; may be nil
	give func() // has the shift give it up, in its own goroutine; may be nil
}

// calls notes which call into the script begins, and returns what notes its end.
func (v *voice) calls(c calling) (returned func()) {
	v.mu.Lock()
	before := v.calling
	if c.note == nil && c.give == nil { // a part of the one before
		c.note, c.give = before.note, before.give
	}
	v.calling = c
	v.mu.Unlock()
	return func() {
		v.mu.Lock()
		v.calling = before
		v.mu.Unlock()
	}
}

// hung ends a shift whose script does not come back: what was being called is
// noted, so that it is given up after deathsAllowed of these, and the shift
// begins anew, which is the way in which any crash is made good. So starts and
// timeouts go on; without Again the next shift does the rest.
func (v *voice) hung() {
	v.mu.Lock()
	c := v.calling
	v.mu.Unlock()
	v.d.hangs(c, v.d.ctx.Err() != nil || v.isOver())
}

// hungTogether is how long others are waited for that hang at the same time: what
// was asked of several scripts at once is given up with one new beginning.
const hungTogether = 200 * time.Millisecond

// hanging are the calls of a shift that do not come back.
type hanging struct {
	mu    sync.Mutex
	calls []calling
}

// add says whether it is the first one.
func (h *hanging) add(c calling) (first bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
	return len(h.calls) == 1
}

func (h *hanging) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = nil
}

func (h *hanging) all() []calling {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.calls)
}

// hangs ends the process in the middle of a call; over says that the shift has
// nothing left to do. Of several calls that hang, the first one ends it.
func (d *duty) hangs(c calling, over bool) {
	if !d.hanging.add(c) {
		return
	}
	time.Sleep(hungTogether)
	calls := d.hanging.all()
	for _, c := range calls {
		d.Log.Log(Error, fmt.Sprintf("%s hangs inside a function of Lua that cannot be interrupted; the shift begins anew", c.what), nil)
		if c.note != nil {
			c.note()
		}
	}
	if !over {
		d.settleHung(calls)
	}
	if d.Again != nil {
		d.Again(over)
	}
	d.hanging.forget()
}

// settleHung has the shift give calls up, and commit that.
func (d *duty) settleHung(calls []calling) {
	settled := make(chan struct{})
	d.send(func() {
		for _, c := range calls {
			if c.give != nil {
				c.give()
			}
		}
		d.commit()
		close(settled)
	})
	select {
	case <-settled:
	case <-d.ctx.Done():
	case <-time.After(settleWithin):
	}
}

// isOver says whether the shift has nothing left but its own last event.
func (v *voice) isOver() bool {
	select {
	case <-v.over:
		return true
	default:
		return false
	}
}

// diedIn notes that the shift ends in the event of the run that is being told.
func (t *telling) diedIn() {
	told := t.told
	told.Deaths, told.CallBoot = told.Deaths+deathPastDeadline, 0
	_ = t.run.file.NoteTold(told) // where it cannot be noted it counts as any death
}
