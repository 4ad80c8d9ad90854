package engine

import (
	"crypto/rand"
	"fmt"
	"time"

	"slavedriver/internal/durable"
)

// tryAgain is how long what failed for want of something (a lease, memory,
// disk) waits before it is tried again.
const tryAgain = time.Second

// pump brings every intent as far as it can go now: decide, commit, act. What
// is not committed is not acted upon.
func (d *duty) pump() {
	d.releaseAll()
	d.giveUp()
	d.arrive()
	d.advance()
	ok := d.commit()
	d.voice.begin() // its first word is this shift's own event
	if !ok {
		return
	}
	d.launch()
	d.settleMisses()
	d.askWhole()
	d.tellRoster()
	d.commit()
}

// advance takes the intents in order, and lets each go on as slots allow.
func (d *duty) advance() {
	slots := d.freeSlots()
	next := d.nextQuestions()
	var claims []*intent
	for _, in := range d.agenda.Intents {
		switch {
		case in.settled || in.phase != phaseWaiting:
		case in.Ask:
			if next[in.job] == in {
				d.askSchedule(in)
			}
		case d.isLate(in): // it is missed with earlier ones
		case d.mustWait(in, slots), !in.Placed:
		case in.job.Condition && !in.Asked && in.Retry == nil:
			d.askCondition(in)
		default:
			slots.take()
			if d.setOut(in) {
				claims = append(claims, in)
			}
		}
	}
	if len(claims) > 0 {
		d.claim(claims)
	}
}

// mustWait says whether the time of a start has not come, or something that
// passes is in its way: its job's last run, the limits of how many may run, a
// failure of a moment ago.
func (d *duty) mustWait(in *intent, slots slots) bool {
	if d.waits(in) > 0 {
		return true
	}
	d.explainWait(in, slots)
	return d.Clock.Boot() < in.notBefore || d.blocked(in) || slots.none()
}

// setOut sends an intent on its way, and says whether it first needs a claim. A
// retry needs none: its run has the lease, which only has to be still there.
func (d *duty) setOut(in *intent) (claim bool) {
	switch {
	case !d.needsLease(in.job):
		in.phase = phaseStarting
	case in.Retry != nil:
		in.phase = phaseClaimed
	default:
		in.phase = phaseLeasing
		d.markStarting(in, !in.triedLease)
		in.triedLease = true
		return true
	}
	d.markStarting(in, true)
	return false
}

// markStarting notes whether the start of an intent may come before the next commit.
func (d *duty) markStarting(in *intent, starting bool) {
	if in.Starting == starting && in.World == d.world {
		return
	}
	in.Starting, in.World, in.committed = starting, d.world, false
	if in.Mark == "" {
		in.Mark = rand.Text()
	}
	d.dirty = true
}

// blocked says whether the job's last run is in the way of a start.
func (d *duty) blocked(in *intent) bool {
	if in.job.Overlaps() {
		return false
	}
	live := d.bySlug[in.job.Slug]
	if len(live) > 0 && (in.Retry != nil || !d.makeWay(in.job, live)) {
		d.stillRunning(in, live[0].intent.StartedAt, d.Plan.Slave)
	}
	return len(live) > 0
}

// commit makes what was decided durable, once for all of it, and then hands
// over what follows from it: lines for the ledger and notices for the voice.
// While it fails nothing is started; it is tried again every second.
func (d *duty) commit() bool {
	if !d.dirty {
		return true
	}
	if d.Clock.Boot() < d.commitAfter {
		return false
	}
	if d.stillOurs() != nil {
		return false // the shift is about to end for that
	}
	next, err := d.nextAgenda()
	if err == nil {
		err = next.save(d.path(fileAgenda))
	}
	if err != nil {
		d.sayOnce("agenda", Error, fmt.Sprintf("%v; nothing is started before it can be written", err))
		d.commitAfter = d.Clock.Boot() + tryAgain
		return false
	}
	d.committed(next)
	return true
}

// afterCommit does what must not be done before the agenda, as it is now, is durable.
func (d *duty) afterCommit(do func()) {
	if !d.dirty {
		do()
		return
	}
	d.afterwards = append(d.afterwards, do)
}

// nextAgenda is the agenda as it is to be: without what is settled, and
// without what has a run folder (whose name is made durable first) or was told.
// A start that was made stays until its folder was seen whole.
func (d *duty) nextAgenda() (*agenda, error) {
	next := d.agenda
	next.Intents = nil
	dropped := false
	for _, in := range d.agenda.Intents {
		if d.leaves(in) {
			dropped = dropped || in.created
			d.discard(in)
			continue
		}
		next.Intents = append(next.Intents, in)
	}
	next.Notices, next.LeaseLost = d.voice.untold(d.agenda.Notices), d.leaseLostActive()
	if dropped {
		return &next, durable.SyncDir(d.path(folderActive))
	}
	return &next, nil
}

func (d *duty) committed(next *agenda) {
	d.dirty = false
	d.agenda = *next
	for _, in := range d.agenda.Intents {
		in.committed = true
	}
	d.requestsCommitted()
	afterwards := d.afterwards
	d.afterwards = nil
	for _, do := range afterwards {
		do()
	}
	d.throwAway()
	d.pruneRest()
	d.concludeRetried()
	d.voice.hear(d.agenda.Notices)
	if err := d.ledger.append(d.agenda.Outcomes...); err != nil {
		d.sayOnce("ledger", Error, err.Error())
		return // they stay in the agenda, for the next commit or shift
	}
	d.agenda.Outcomes = nil
}

// launch starts what is committed, and confirms the leases of what had to
// wait for that.
func (d *duty) launch() {
	var confirms []*intent
	for _, in := range d.agenda.Intents {
		if in.settled || !in.committed || !in.Starting {
			continue
		}
		switch in.phase {
		case phaseClaimed:
			in.phase = phaseConfirming
			confirms = append(confirms, in)
		case phaseStarting:
			if d.ctx.Err() != nil {
				return
			}
			d.start(in)
		default: // it waits for an answer
		}
	}
	if len(confirms) > 0 {
		d.confirm(confirms)
	}
}
