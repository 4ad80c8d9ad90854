package engine

import (
	"math/rand/v2"
	"strconv"
)

// What is asked of the ledger when the agenda does not say it: the agenda was lost, or
// a job's schedule was changed within the minute.

// recorded are the outcomes at the end of the ledger, in order; read once.
func (d *duty) recorded() []Outcome {
	if d.lately == nil {
		d.lately = d.ledger.lately()
	}
	return d.lately
}

// isRecorded says whether it was decided what becomes of a run, as far as that is in
// doubt: of one that is not kept nothing but the ledger tells.
func (d *duty) isRecorded(id string) bool {
	if !d.inDoubt {
		return false
	}
	if d.decidedLately == nil {
		d.decidedLately = map[string]bool{}
		for _, o := range d.recorded() {
			d.decidedLately[o.Run] = true
		}
	}
	return d.decidedLately[id]
}

// restoreRetries puts the next attempts of failed runs into an agenda that was lost.
// Should one be too late, or its job gone, the run's failure is told after all.
func (d *duty) restoreRetries() {
	last := map[string]Outcome{}
	for _, o := range d.recorded() {
		last[o.Run] = o
	}
	for _, o := range d.recorded() {
		if o.Outcome != OutcomeRetrying || last[o.Run].Attempt != o.Attempt || last[o.Run].Outcome != OutcomeRetrying {
			continue
		}
		id := AttemptID(o.Run, o.Attempt+1)
		if !d.isActive(id) && !d.isKnownRun(&Job{Slug: slugOfRun(id)}, id) && !d.wasSetAside(id) {
			d.addIntent(d.attemptAfter(o, id))
		}
	}
}

// attemptAfter is the start of the attempt after one that the ledger tells of. Nothing
// knows the token of its run's lease any more: if somebody else has that by now, the
// attempt is not made.
func (d *duty) attemptAfter(o Outcome, id string) *intent {
	job := d.jobNamed(o.Job)
	if o.Reason == "" && o.Exit != nil {
		o.Reason = ExitWords(*o.Exit)
	}
	delay := retryDelay(job, o.Attempt)
	start := o.Time.Add(delay)
	return &intent{
		Run: id, Job: o.Job, Instant: o.Instant, NotBefore: start, Until: start.Add(catchUpOfAttempt(job, o.Instant)),
		Token: strconv.FormatUint(rand.Uint64(), 36), World: d.world, job: d.jobs[o.Job], fence: o.Fence,
		Retry: &retry{
			Attempt: o.Attempt + 1, Delay: delay, Since: o.Started, Fence: o.Fence, Exit: o.Exit,
			TimedOut: o.Reason == ending{TimedOut: true}.String(), Reason: o.Reason,
		},
	}
}
