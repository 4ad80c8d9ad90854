package engine

import (
	"crypto/rand"
	"fmt"
	"time"
)

// What a script's functions say about a start. The questions are in the agenda
// with the start that they are about: they are asked again only if a shift dies
// between an answer and the next commit.

// ask intends to ask the job's schedule function about a minute.
func (d *duty) ask(job *Job, minute time.Time) {
	id := runID(job, minute)
	start := minute.Add(JitterOf(job, d.Plan.Slave))
	if !d.At.IsZero() {
		id += "-at-" + rand.Text()[:6]
		start = d.now()
	}
	if d.isKnownRun(job, id) {
		return
	}
	in := d.newIntent(job, minute, start, catchUpOf(job, minute), id)
	in.Ask = true
	d.addIntent(in)
}

// askSchedule puts the question to the script, which answers in its own time.
func (d *duty) askSchedule(in *intent) {
	in.phase = phaseAsking
	d.voice.ask(func() func() {
		due, err := d.Script.Due(d.ctx, in.job, in.Instant)
		return func() { d.scheduleSays(in, due, err) }
	}, func() { d.scheduleSays(in, false, errHung) })
}

func (d *duty) scheduleSays(in *intent, due bool, err error) {
	in.phase, in.Ask = phaseWaiting, false
	d.dirty = true
	switch {
	case err != nil:
		d.log(Error, in.job, fmt.Sprintf("its schedule function failed: %v", err))
		d.skip(in, fmt.Sprintf("its schedule function failed: %v", err))
	case !due:
		in.settled = true // it is no instant of the job
	}
}

// askCondition asks the script whether an instant whose time has come is to
// start now. An error is a no: what a condition guards against is worse than a
// start that is left out, and that is said.
func (d *duty) askCondition(in *intent) {
	in.phase = phaseAsking
	now := d.now()
	d.voice.ask(func() func() {
		ok, reason, err := d.Script.Condition(d.ctx, in.job, now)
		return func() { d.conditionSays(in, ok, reason, err) }
	}, func() { d.conditionSays(in, false, "", errHung) })
}

func (d *duty) conditionSays(in *intent, ok bool, reason string, err error) {
	in.phase = phaseWaiting
	switch {
	case err != nil:
		reason = fmt.Sprintf("its condition failed: %v", err)
		d.log(Error, in.job, reason)
		d.skip(in, reason)
	case !ok:
		d.skip(in, reason)
	default:
		in.Asked, d.dirty = true, true
	}
}
