package engine

import (
	"slices"
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

// giveUp misses the starts that wait and will not be made any more: their time has
// passed, or their job is gone. Where it was not even known whether one is due, there
// is nothing to tell.
func (d *duty) giveUp() {
	var gone []*intent
	for _, in := range d.agenda.Intents {
		switch {
		case in.settled || in.phase != phaseWaiting:
		case in.job != nil && in.job.Enabled:
			if !in.Ask && d.isLate(in) && !d.waitsForEarlier(in) {
				gone = append(gone, in)
			}
		case in.Ask:
			in.settled, d.dirty = true, true
		default:
			in.Problem = "the job is no longer in the entry file, or was disabled"
			gone = append(gone, in)
		}
	}
	d.missTogether(gone)
}

// scheduled says whether a start is the first of a run by its job's schedule.
func (in *intent) scheduled() bool { return in.Retry == nil && !byHand(in.Run) }

// missTogether misses starts, all of a job's schedule with the newest of them: so they
// are one alert.
func (d *duty) missTogether(starts []*intent) {
	newest := map[string]*intent{}
	for _, in := range starts {
		if other := newest[in.Job]; in.scheduled() && (other == nil || in.Instant.After(other.Instant)) {
			newest[in.Job] = in
		}
	}
	for _, in := range starts {
		if in != newest[in.Job] && in.scheduled() {
			d.makeGood(in, newest[in.Job])
		}
	}
	for _, in := range starts {
		if !in.settled {
			d.miss(in)
		}
	}
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

// arrive places the starts whose time has come since the last look, the older first.
func (d *duty) arrive() {
	var arrived []*intent
	for _, in := range d.agenda.Intents {
		if d.arrives(in) {
			arrived = append(arrived, in)
		}
	}
	if len(arrived) == 0 {
		return
	}
	slices.SortStableFunc(arrived, func(a, b *intent) int { return a.Instant.Compare(b.Instant) })
	come, all := byJob(arrived), byJob(d.agenda.Intents)
	for _, in := range arrived {
		if !in.settled {
			d.place(in, come[in.Job], all[in.Job])
		}
	}
}

// arrives says whether the time of a start has come since the last look, and all that
// comes with it is known.
func (d *duty) arrives(in *intent) bool {
	ready := !in.settled && !in.Placed && !in.Ask && in.phase == phaseWaiting
	return ready && in.job != nil && in.job.Enabled && d.waits(in) <= 0 && !d.isLate(in) && !d.waitsForAnswers(in)
}

func byJob(starts []*intent) map[string][]*intent {
	ofJob := make(map[string][]*intent, len(starts))
	for _, in := range starts {
		ofJob[in.Job] = append(ofJob[in.Job], in)
	}
	return ofJob
}

// place gives up a start that the job's last run, or another of the job's starts,
// is in the way of; or has those make way for it. Come are the starts of the job that
// come with it.
func (d *duty) place(in *intent, come, starts []*intent) {
	d.placed(in)
	switch {
	case in.Retry != nil || d.cameLate(in) && d.madeGood(in):
		return
	case in.job.Overlaps():
		d.placeBeside(in, come)
		return
	case d.heldByRetry(in, starts):
		return
	}
	if d.isOneWith(in, starts) {
		return
	}
	if live := d.bySlug[in.job.Slug]; len(live) > 0 && !d.makeWay(in.job, live) {
		d.stillRunning(in, live[0].intent.StartedAt, d.Plan.Slave)
	}
}

// isOneWith says whether another start of the job waits, with which it is one start.
func (d *duty) isOneWith(in *intent, starts []*intent) bool {
	for _, other := range starts {
		switch {
		case other == in || other.Retry != nil || other.settled || !other.Placed:
		case other.phase == phaseWaiting && d.isLate(other): // it is about to be missed
		case byAt(other.Run) || byAt(in.Run): // what is asked for is no start of the schedule, nor in its place
		case in.Instant.Before(other.Instant) && other.phase == phaseWaiting:
			d.makeGood(in, other) // it comes with, or after, a newer one
			return true
		default:
			d.merge(other, in)
			return true
		}
	}
	return false
}

// placed is for the next shifts too: what waits, for a slot perhaps, is not placed anew.
func (d *duty) placed(in *intent) { in.Placed, d.dirty = true, true }

// onTime is how long after its time a start comes at the latest where nothing held
// the shift up.
const onTime = 2 * time.Second

// cameLate says whether the time of a start passed while no shift was there.
func (d *duty) cameLate(in *intent) bool {
	return !byHand(in.Run) && !in.NotBefore.IsZero() && d.waits(in) < -onTime
}

// placeBeside is for a job whose runs may overlap: only a start that comes late makes
// way, for the newest of those that come with it.
func (d *duty) placeBeside(in *intent, come []*intent) {
	if !d.cameLate(in) {
		return
	}
	for _, other := range slices.Backward(come) {
		if other.Instant.After(in.Instant) && other.scheduled() && !other.settled {
			d.makeGood(in, other)
			return
		}
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
// in its place in the queue: one start for both. What becomes of one that is past
// waiting (a lock store may be slow to answer) is waited for.
func (d *duty) merge(earlier, in *intent) {
	if earlier.phase != phaseWaiting {
		in.Placed = false
		return
	}
	d.makeGood(earlier, in)
	d.swap(earlier, in)
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
	return d.runs[id] != nil || d.intentNamed(id) != nil || d.hasEnded(job.Slug, id) || d.ranAhead(id) || d.isRecorded(id)
}

func (d *duty) dropIntent(in *intent) {
	for i, other := range d.agenda.Intents {
		if other == in {
			d.agenda.Intents = append(d.agenda.Intents[:i:i], d.agenda.Intents[i+1:]...)
			return
		}
	}
}
