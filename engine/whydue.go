package engine

import (
	"fmt"
	"time"

	"slavedriver/schedule"
)

// The sentences of Explain about starts whose time has just come, or is to come.

func (q Why) sayDue(a *Explanation, t time.Time) {
	a.Verdict = VerdictDue
	a.Sentence = fmt.Sprintf("%q is due at %s", q.Job.Name, q.words(t))
	if reason := schedule.Reason(q.Job.Schedule, t); reason != "" {
		a.Sentence += " (" + reason + ")"
	}
	if end := q.Now.Truncate(time.Minute).Add(time.Minute); t.Before(end) && q.isHindered(a, t) {
		return
	}
	switch delay := JitterOf(q.Job, q.Slave); {
	case delay > 0:
		a.Sentence += ", and started at " + q.near(t, t.Add(delay)) + " because of its jitter"
	case t.After(q.Now) && q.isDay(): // where many starts are told, each needs no more
	case t.After(q.Now):
		a.Sentence += ", which is in " + words(t.Sub(q.Now).Round(time.Second))
	default:
		a.Sentence += ", and the shift of this minute starts it"
	}
}

// isHindered tells, of an instant of this minute, what keeps the shift of this
// minute from starting it, or is to be done first; and says whether anything does.
func (q Why) isHindered(a *Explanation, t time.Time) bool {
	r := q.Records
	switch {
	case r.Evaluated.IsZero():
		a.Verdict = VerdictNoShift
		a.Sentence += ", but " + q.noShiftEver()
	case ShiftOverdue(r.LastShift(), q.Now):
		until := q.latestStart(t)
		a.Verdict, a.Until = VerdictNoShift, q.inZone(until)
		a.Sentence += fmt.Sprintf(", but no shift has run since %s: does cron run? One that comes by %s still starts it", q.near(t, r.LastShift()), q.near(t, until))
	case q.sayOverlap(a, t):
	case q.needsStore() && !r.StoreDownSince.IsZero():
		a.Sentence += fmt.Sprintf(", but the lock store cannot be reached since %s, and the start waits for that", q.near(t, r.StoreDownSince))
	default:
		return false
	}
	return true
}

// needsStore says whether the job does not start while the lock store is away.
func (q Why) needsStore() bool {
	return q.Job.RunOn == RunOnOne && q.Job.OnNoStore != StoreErrorRun
}

// sayOverlap tells of the job's run that goes on, if it may not overlap.
func (q Why) sayOverlap(a *Explanation, t time.Time) bool {
	if q.Job.Overlaps() {
		return false
	}
	for _, r := range q.Records.Runs {
		if r.Goes() {
			a.Because = r.ID
			a.Sentence += fmt.Sprintf("; run %s %s, %s", r.ID, q.state(r), q.byOverlap("so that it is skipped unless that ends first", "and the shift of this minute ends that first"))
			return true
		}
	}
	for _, w := range q.Records.Waiting {
		if w.Attempt > 1 && !q.Now.After(w.Until) {
			a.Because = w.Run
			a.Sentence += fmt.Sprintf("; run %s failed and waits for attempt %d, at %s, %s", w.Run, w.Attempt, q.near(t, w.NotBefore),
				q.byOverlap("so that it is skipped", "which the shift of this minute gives up for it"))
			return true
		}
	}
	return false
}

// byOverlap is what happens to a start, by what the job says of overlaps.
func (q Why) byOverlap(skip, replace string) string {
	if q.Job.OnOverlap == OverlapReplace {
		return replace + ` (onOverlap = "replace")`
	}
	return skip + ` (onOverlap = "skip")`
}

// noShiftEver is said where no shift has decided anything.
func (q Why) noShiftEver() string {
	if q.Dir == "" {
		return "no shift has run by a crontab yet with this var dir"
	}
	return "no shift has run by a crontab yet with the var dir " + q.Dir
}

// latestStart is until when a shift that comes still starts an instant.
func (q Why) latestStart(t time.Time) time.Time {
	return t.Add(JitterOf(q.Job, q.Slave) + max(catchUpOf(q.Job, t), time.Minute))
}
