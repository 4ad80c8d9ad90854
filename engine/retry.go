package engine

import (
	"math"
	"os"
	"time"
)

// longestDelay bounds what retryBackoff makes of retryDelay.
const longestDelay = 24 * time.Hour

// retry is what the intent of a second or later attempt knows of its run.
type retry struct {
	Attempt int           `json:"attempt"` // from 2
	Delay   time.Duration `json:"delay"`   // from the end of the attempt before to this one
	// Boot is when the delay is over by Clock.Boot, in the boot of that id.
	Boot   time.Duration `json:"boot"`
	BootID string        `json:"bootId"`
	// Since is when the attempt before was started.
	Since time.Time `json:"since"`
	// Lease and Fence are the run's, which keeps it while it waits.
	Lease string `json:"lease,omitempty"`
	Fence int64  `json:"fence,omitempty"`
	// Tokenless: the token of that lease was lost with an agenda.
	Tokenless bool `json:"tokenless,omitempty"`
	// Exit, TimedOut and Reason are how the attempt before ended.
	Exit     *int   `json:"exit,omitempty"`
	TimedOut bool   `json:"timedOut,omitempty"`
	Reason   string `json:"reason"`
}

// mayRetry says whether a run whose attempt ended like that is tried again:
// after a failure, a timeout and the loss of the process among them; not where
// somebody ended it on purpose, where nothing was started, nor where it is not
// known whether anything was.
func mayRetry(job *Job, attempt int, e ending) bool {
	return attempt <= job.Retries && !e.good(job) && !e.Never && !e.Unknown && !e.Stopped
}

// retryDelay is how long the next attempt waits after that one.
func retryDelay(job *Job, attempt int) time.Duration {
	if job.RetryDelay == 0 { // times infinity it would be no number
		return 0
	}
	delay := float64(job.RetryDelay) * math.Pow(job.RetryBackoff, float64(attempt-1))
	return time.Duration(min(delay, float64(max(job.RetryDelay, longestDelay))))
}

// tryAgainLater sees to it that a failed run is tried again, if it is to be, and
// notes that in its ending. The answer is true when the agenda has to be
// committed before the ending may be told.
func (d *duty) tryAgainLater(r *run, e *ending) (uncommitted bool) {
	next := AttemptID(r.intent.RunID(), r.intent.Attempt+1)
	if d.wasRetried(r, next) {
		e.Retried, e.Delay = true, retryDelay(r.job, r.intent.Attempt)
		if in := d.intentNamed(next); in != nil && in.Retry != nil {
			e.Delay = in.Retry.Delay
			return !in.committed
		}
		return false
	}
	here := !r.job.Removed && r.job.Enabled && r.job.OnSlave(d.Plan.Slave)
	if !here || !mayRetry(r.job, r.intent.Attempt, *e) || d.wasConcluded(r) {
		return false
	}
	in := d.nextAttempt(r, *e, next)
	if d.isLate(in) {
		e.Reason = e.String() + "; not retried: no shift ran in time"
		return false
	}
	e.Retried, e.Delay = true, in.Retry.Delay
	d.addIntent(in)
	return true
}

// wasRetried says whether some shift decided that before.
func (d *duty) wasRetried(r *run, next string) bool {
	if kept, err := r.file.ReadKept(); err == nil && kept.Flags&keptRetried != 0 {
		return true
	}
	if d.intentNamed(next) != nil || d.runs[next] != nil || d.hasEnded(r.job.Slug, next) || d.wasSetAside(next) {
		return true
	}
	_, err := os.Lstat(d.folderOf(next)) // perhaps it is not adopted yet
	return err == nil
}

// wasConcluded says whether some shift made the end of an attempt known as that
// of its run: whatever changed since (its job may be switched on again), that
// stays as it is.
func (d *duty) wasConcluded(r *run) bool {
	if !r.adopted {
		return false
	}
	kept, err := r.file.ReadKept()
	return err == nil && kept.Flags&keptSaid != 0 || d.ledger.has(r.intent.ID)
}

// nextAttempt is the start of a run's next attempt. The delay counts from the
// end of the last one, and the catch-up from there, as if a shift had been
// there all the time.
func (d *duty) nextAttempt(r *run, e ending, id string) *intent {
	delay := retryDelay(r.job, r.intent.Attempt)
	since := d.sinceEnd(r, e)
	again := &retry{
		Attempt: r.intent.Attempt + 1, Delay: delay, BootID: d.world.BootID, Boot: d.Clock.Boot() - since + delay,
		Since: r.intent.StartedAt, Fence: r.intent.Fence, TimedOut: e.TimedOut, Reason: e.String(),
	}
	if e.Exit >= 0 {
		again.Exit = &e.Exit
	}
	if again.Fence != 0 {
		again.Lease = d.claimOfRun(r).Key
	}
	start := d.now().Add(delay - since)
	return &intent{
		Run: id, Job: r.intent.Job, Instant: r.intent.Instant, NotBefore: start,
		Until: start.Add(catchUpOfAttempt(r.job, r.intent.Instant)),
		Token: r.intent.Token, World: d.world, Depth: r.intent.Depth, Retry: again, job: r.job, fence: again.Fence,
	}
}

// catchUpOfAttempt is how late an attempt of an instant's run may start.
func catchUpOfAttempt(job *Job, instant time.Time) time.Duration {
	return max(catchUpOf(job, instant), time.Minute)
}

// sinceEnd is how long ago an attempt ended. Where a machine stopped with it,
// that was some time after the last shift came.
func (d *duty) sinceEnd(r *run, e ending) time.Duration {
	switch {
	case !r.adopted:
		return 0
	case e.Timed:
		return max(0, d.elapsed(r)-e.Duration)
	}
	last := r.intent.StartedAt
	if d.agenda.Ticked.After(last) {
		last = d.agenda.Ticked
	}
	return max(0, d.now().Sub(last))
}

// notRetried gives up a next attempt: so the last one was that before, and its
// failure is the run's. That is told as its end once its retry was told.
func (d *duty) notRetried(in *intent, reason string) {
	again := in.Retry
	last := AttemptID(runOf(in.Run), again.Attempt-1)
	reason = again.Reason + "; not retried: " + reason
	in.settled = true
	d.giveUpLease(in)
	d.outcome(Outcome{
		Job: in.Job, Run: last, Instant: in.Instant, Outcome: OutcomeFailed, Reason: reason,
		Started: again.Since, Exit: again.Exit, Attempt: again.Attempt - 1, Fence: again.Fence,
	})
	d.report.Failed++
	job := d.jobNamed(in.Job)
	d.log(d.Plan.Levels.ErrorExitCode, job, "Failed: "+reason)
	params := map[string]any{"reason": reason, "timedOut": again.TimedOut, "attempt": again.Attempt - 1}
	if again.Exit != nil {
		params["exitCode"] = *again.Exit
	}
	d.notifyFailure(in.Job, last, params)
}
