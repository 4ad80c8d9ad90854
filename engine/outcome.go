package engine

import (
	"fmt"
	"time"
)

// outcome decides what became of an instant; the next commit makes it true and
// writes it to the ledger.
func (d *duty) outcome(o Outcome) {
	o.Time, o.Slave = d.now(), d.Plan.Slave
	if run, attempt := cutAttempt(o.Run); attempt > 1 {
		o.Run, o.Attempt = run, attempt
	}
	d.agenda.Outcomes = append(d.agenda.Outcomes, o)
	d.dirty = true
}

// settle gives an intent up with an outcome.
func (d *duty) settle(in *intent, outcome, reason string) {
	d.giveUpLease(in)
	in.settled = true
	d.outcome(Outcome{Job: in.Job, Run: in.Run, Instant: in.Instant, Outcome: outcome, Reason: reason})
}

// skip gives an intent up because it is not to start.
func (d *duty) skip(in *intent, reason string) {
	if in.Retry != nil {
		d.notRetried(in, reason)
		return
	}
	d.leaveOut(in, reason)
	d.log(Info, in.job, "Not started: "+reason)
	d.notify(EventJobSkipped, in.Job, in.Run+"/skipped", map[string]any{"reason": reason})
}

// leaveOut gives an intent up, and lets the others know that it was left out.
func (d *duty) leaveOut(in *intent, reason string) {
	d.settle(in, OutcomeSkipped, reason)
	d.decided(in)
	d.report.Skipped++
}

// stillRunning gives an intent up because the last run is still there.
func (d *duty) stillRunning(in *intent, since time.Time, slave string) {
	if in.Retry != nil {
		d.notRetried(in, "another run of the job is going on, on "+slave)
		return
	}
	d.heldUp(in, since, slave, stillRunningWords(since, slave), "Cannot start, as the last instance is still running")
}

// retryPending gives an intent up because the last run failed and waits for its
// next attempt: it still goes on.
func (d *duty) retryPending(in, again *intent) {
	reason := fmt.Sprintf("the last run failed and waits for attempt %d, at %s on %s", again.Retry.Attempt, moment(again.NotBefore), d.Plan.Slave)
	d.heldUp(in, again.Retry.Since, d.Plan.Slave, reason, "Cannot start, as the last instance waits for its next attempt")
}

func (d *duty) heldUp(in *intent, since time.Time, slave, reason, message string) {
	d.leaveOut(in, reason)
	d.log(d.Plan.Levels.CannotStartNextAsLastStillRunning, in.job, message)
	params := map[string]any{"slave": slave}
	if !since.IsZero() {
		params["runningSince"] = since.Unix()
	}
	d.notify(EventJobStillRunning, in.Job, in.Run+"/last_instance_still_running", params)
}

func stillRunningWords(since time.Time, slave string) string {
	return fmt.Sprintf("the last run still runs, since %s on %s", moment(since), slave)
}

// heldBy gives an intent up because the store says that the last run is still
// there. Where it is, that is said; of all others each would say it too.
func (d *duty) heldBy(in *intent, g Grant) {
	if in.Retry != nil || g.Holder == d.Plan.Slave {
		d.stillRunning(in, g.Since, g.Holder)
		return
	}
	reason := stillRunningWords(g.Since, g.Holder)
	d.leaveOut(in, reason)
	d.log(Debug, in.job, "Not started: "+reason)
}

// miss gives an intent up because its time has passed.
func (d *duty) miss(in *intent) {
	reason := in.Problem
	if reason == "" {
		reason = "its catch-up time ended before it could be started"
	}
	if in.Retry != nil {
		d.notRetried(in, reason)
		return
	}
	in.settled = true
	d.giveUpLease(in)
	s := in.instants()
	d.missed(d.jobNamed(in.Job), &miss{
		Run: in.Run, Token: in.Token, First: s.First, Last: in.Instant, Count: s.Count, Merged: s.Count > 1, Reason: reason,
	})
}

// elsewhere gives an intent up because another slave started the instant.
func (d *duty) elsewhere(in *intent, holder string) {
	reason := "another slave started it"
	if holder != "" {
		reason = holder + " started it"
	}
	if in.Retry != nil {
		d.notRetried(in, reason)
		return
	}
	d.settle(in, OutcomeElsewhere, reason)
	if in.Merged.Count > 0 { // that start makes good these too, of which its slave may not know
		d.decided(in)
	}
	d.log(Debug, in.job, reason)
}
