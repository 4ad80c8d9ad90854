package engine

import (
	"fmt"
	"time"
)

// waits is how long it is until the time of a start comes; not positive when it
// has. A retry is measured by the clock that nobody changes as well: a change
// of the wall clock can bring it forward, never put it off.
func (d *duty) waits(in *intent) time.Duration {
	if in.NotBefore.IsZero() {
		return 0
	}
	wait := in.NotBefore.Sub(d.now())
	if again := in.Retry; again != nil && again.BootID == d.world.BootID {
		wait = min(wait, again.Boot-d.Clock.Boot())
	}
	return wait
}

// untilNextStart is how long it is until the time of some start comes.
func (d *duty) untilNextStart() time.Duration {
	next := longestSleep
	for _, in := range d.agenda.Intents {
		if wait := d.waits(in); wait > 0 && !in.settled {
			next = min(next, wait)
		}
	}
	return next
}

// isLate says whether a start is not to be made any more.
func (d *duty) isLate(in *intent) bool {
	late := d.now().Sub(in.Until)
	if again := in.Retry; again != nil && again.BootID == d.world.BootID {
		late = min(late, d.Clock.Boot()-again.Boot-in.Until.Sub(in.NotBefore))
	}
	return late > 0
}

// intend puts a start into the agenda; what else there is of its job is looked
// at when its time has come (arrive).
func (d *duty) intend(job *Job, in *intent) {
	if d.isKnownRun(job, in.Run) {
		return // an agenda was lost, or the clock went back; the instant was not
	}
	d.addIntent(in)
}

func (d *duty) addIntent(in *intent) {
	d.agenda.Intents = append(d.agenda.Intents, in)
	d.dirty = true
}

// arrive places the starts whose time has come since the last look, in their
// order: what waited is there before what is new.
func (d *duty) arrive() {
	var ofJob map[string][]*intent
	for _, in := range d.agenda.Intents {
		ready := !in.settled && !in.placed && !in.Ask && in.phase == phaseWaiting
		if !ready || in.job == nil || !in.job.Enabled || d.waits(in) > 0 {
			continue
		}
		if ofJob == nil {
			ofJob = d.startsByJob()
		}
		d.place(in, ofJob[in.Job])
	}
}

func (d *duty) startsByJob() map[string][]*intent {
	ofJob := make(map[string][]*intent, len(d.agenda.Intents))
	for _, in := range d.agenda.Intents {
		ofJob[in.Job] = append(ofJob[in.Job], in)
	}
	return ofJob
}

// place gives up a start that the job's last run, or another of the job's starts,
// is in the way of; or has those make way for it.
func (d *duty) place(in *intent, starts []*intent) {
	in.placed = true
	if in.job.Overlaps() || in.Retry != nil || d.heldByRetry(in, starts) {
		return
	}
	for _, other := range starts {
		switch {
		case other == in || other.Retry != nil || other.settled || !other.placed:
		case byAt(other.Run) != byAt(in.Run): // what is asked for is no start of the schedule, nor in its place
		case in.Instant.Before(other.Instant) && other.phase == phaseWaiting:
			d.giveWay(in, other)
			return
		default:
			d.merge(other, in)
			return
		}
	}
	if live := d.bySlug[in.job.Slug]; len(live) > 0 && !d.makeWay(in.job, live) {
		d.stillRunning(in, live[0].intent.StartedAt, d.Plan.Slave)
	}
}

// heldByRetry says whether a run that waits for its next attempt keeps a start
// of the same job from being made: it still goes on, so onOverlap says what
// happens, as if its process were there.
func (d *duty) heldByRetry(in *intent, starts []*intent) bool {
	for _, again := range starts {
		switch {
		case again.Retry == nil || again.settled || d.isLate(again):
		case in.job.OnOverlap != OverlapReplace:
			d.retryPending(in, again)
			return true
		case again.phase == phaseWaiting:
			d.notRetried(again, reasonReplaced)
		}
	}
	return false
}

// merge lets a start that still waits make way for a newer one of the same job,
// in its place in the queue: one start for both. One that is past waiting, or
// whose time is over, goes its own way.
func (d *duty) merge(earlier, in *intent) {
	switch {
	case earlier.phase != phaseWaiting:
		d.skip(in, fmt.Sprintf("the start of %s is being made", moment(earlier.Instant)))
		return
	case d.isLate(earlier):
		d.miss(earlier)
	default:
		d.makeGood(earlier, in)
	}
	d.swap(earlier, in)
}

// giveWay is for an older start whose time comes later, as functions are asked about
// the newest minute first: one start for both.
func (d *duty) giveWay(older, newer *intent) {
	if d.isLate(older) {
		d.miss(older)
		return
	}
	d.makeGood(older, newer)
}

// makeGood makes one start for two instants. Should it be missed, both are.
func (d *duty) makeGood(older, newer *intent) {
	d.settle(older, OutcomeMerged, mergedWith(newer.Run))
	newer.Depth = max(newer.Depth, older.Depth)
	newer.Merged = newer.Merged.and(older.instants())
}

// instants are those for which a start is made.
func (in *intent) instants() span {
	return span{First: in.Instant, Last: in.Instant, Count: 1}.and(in.Merged)
}

// swap exchanges the places of two starts in the queue.
func (d *duty) swap(a, b *intent) {
	for i, in := range d.agenda.Intents {
		switch in {
		case a:
			d.agenda.Intents[i] = b
		case b:
			d.agenda.Intents[i] = a
		}
	}
}

// makeWay says whether a due instant may wait for the job's live runs to end,
// and ends them for onOverlap = "replace".
func (d *duty) makeWay(job *Job, live []*run) bool {
	if job.OnOverlap != OverlapReplace {
		return false
	}
	for _, r := range live {
		d.stop(r, reasonReplaced)
	}
	return true
}

func (d *duty) isKnownRun(job *Job, id string) bool {
	return d.runs[id] != nil || d.intentNamed(id) != nil || d.hasEnded(job.Slug, id) || d.ranAhead(id)
}

func (d *duty) dropIntent(in *intent) {
	for i, other := range d.agenda.Intents {
		if other == in {
			d.agenda.Intents = append(d.agenda.Intents[:i:i], d.agenda.Intents[i+1:]...)
			return
		}
	}
}
