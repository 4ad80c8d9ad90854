package engine

import (
	"crypto/rand"
	"time"
)

// What is asked of the ledger when the agenda does not say it: the agenda was lost, or
// a job's schedule was changed within the minute.

// recorded are the outcomes at the end of the ledger, in order, as far back as a retry
// may wait; read once.
func (d *duty) recorded() []Outcome {
	if d.lately == nil {
		longest := time.Duration(0)
		for _, job := range d.Plan.Jobs {
			if job.Retries > 0 {
				longest = max(longest, retryDelay(job, job.Retries))
			}
		}
		d.lately = d.ledger.lately(2 + int(longest/(24*time.Hour)))
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

// attemptAfter is the start of the attempt after one that the ledger tells of.
func (d *duty) attemptAfter(o Outcome, id string) *intent {
	job := d.jobNamed(o.Job)
	if o.Reason == "" && o.Exit != nil {
		o.Reason = ExitWords(*o.Exit)
	}
	delay := retryDelay(job, o.Attempt)
	start := o.Time.Add(delay)
	again := &retry{
		Attempt: o.Attempt + 1, Delay: delay, Since: o.Started, Fence: o.Fence, Exit: o.Exit,
		TimedOut: o.Reason == ending{TimedOut: true}.String(), Reason: o.Reason,
	}
	in := &intent{
		Run: id, Job: o.Job, Instant: o.Instant, NotBefore: start, Until: start.Add(catchUpOfAttempt(job, o.Instant)),
		World: d.world, job: d.jobs[o.Job], fence: o.Fence, Retry: again,
	}
	in.Token, again.Tokenless = d.tokenOf(AttemptID(o.Run, o.Attempt))
	if o.Fence != 0 {
		again.Lease = forAt(d.claimOf(job, d.Plan.Slave, o.Instant, in.Token, o.Fence), job, o.Run).Key
	}
	return in
}

// tokenOf is the token of the lease of a run of which an attempt has ended. Where its
// folder is gone, it is another one, with which that lease is waited for to be over.
func (d *duty) tokenOf(attempt string) (token string, unknown bool) {
	for _, dir := range keptIn(d.Dir, attempt) {
		if file, err := d.Supervisor.Open(dir); err == nil {
			token = file.Intent().Token
			_ = file.Close()
			return token, false
		}
	}
	return rand.Text(), true
}
