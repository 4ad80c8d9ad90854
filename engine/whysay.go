package engine

import (
	"fmt"
	"strings"
	"time"
)

// The sentences of Explain. Each says what became of the start, and why.

// Reasons of the ledger by which these sentences know what they are about: what
// evaluateJob says of instants that were missed, and how stillRunning begins.
const (
	reasonNoShift   = "no shift ran in time"
	reasonStillRuns = "the last run still runs"
)

// sayOutcome tells what the ledger has.
func (q Why) sayOutcome(a *Explanation, o Outcome) {
	a.Verdict, a.Started = Verdict(o.Outcome), q.inZone(q.lives()[o.Run].From)
	switch o.Outcome {
	case OutcomeSucceeded, OutcomeFailed:
		a.Sentence = q.wasStarted(o.Run, o.Instant) + " and " + ended(o)
	case OutcomeRetrying:
		a.Sentence = q.wasStarted(o.Run, o.Instant) + " and " + ended(o) + "; it is to be tried again"
	case OutcomeSkipped:
		a.Sentence = q.skipped(a, o)
	case OutcomeMissed:
		a.Sentence = q.notStarted(a.Instant) + ": missed, because " + q.missedBecause(o)
	case OutcomeMerged:
		a.Because = q.mergedAtLast(o)
		a.Sentence = q.notStarted(a.Instant) + q.mergedWords(a.Because)
	case OutcomeElsewhere:
		a.Sentence = q.notStarted(a.Instant) + " on " + q.Slave + ": " + o.Reason
	default:
		a.Sentence = fmt.Sprintf("whether %q was started for %s is not known: %s", q.Job.Name, q.words(a.Instant), o.Reason)
	}
}

// ended is how a run ended, after "it".
func ended(o Outcome) string {
	text := o.Outcome
	if o.Outcome == OutcomeRetrying {
		text = OutcomeFailed
	}
	if o.Outcome != OutcomeSucceeded {
		switch {
		case o.Reason != "":
			text += " (" + o.Reason + ")"
		case o.Exit != nil:
			text += " with " + ending{Exit: *o.Exit}.String()
		}
	}
	if o.Attempt > 1 {
		text += fmt.Sprintf(" at attempt %d,", o.Attempt)
	}
	if took := o.Took(); took != "" {
		text += " after " + took
	}
	return strings.TrimSuffix(text, ",")
}

func (q Why) skipped(a *Explanation, o Outcome) string {
	text := q.notStarted(a.Instant) + ": skipped, because "
	if !strings.HasPrefix(o.Reason, reasonStillRuns) {
		return text + o.Reason
	}
	run, since := q.inTheWay(o)
	if run == "" { // on another slave, or what was recorded is gone
		return text + o.Reason
	}
	a.Because = run
	return fmt.Sprintf("%srun %s was still going since %s", text, run, q.near(o.Instant, since))
}

func (q Why) missedBecause(o Outcome) string {
	reason, first := o.Reason, o.Instant
	if !o.First.IsZero() {
		first = o.First
	}
	if reason == reasonNoShift {
		reason = fmt.Sprintf("no shift ran from %s to %s", q.words(first), q.near(first, o.Time))
	}
	if o.Count > 1 {
		reason += fmt.Sprintf(" (one of %d missed starts, the last is that of %s)", o.Count, q.near(first, o.Instant))
	}
	return reason
}

// sayRun tells what can be seen of an active run.
func (q Why) sayRun(a *Explanation, r ActiveRun) {
	a.Verdict, a.Started = Verdict(r.State), q.inZone(q.lives()[r.ID].From)
	if r.State == RunUnclear {
		a.Sentence = fmt.Sprintf("run %s cannot be understood, and a shift is to report it", r.ID)
		return
	}
	a.failed = r.State == RunLost || r.State == RunEnded && r.Exit != 0 && !q.Job.Succeeded(r.Exit)
	a.Sentence = q.wasStarted(r.ID, r.Instant) + " and " + q.state(r)
}

// state is what an active run does, after "it".
func (q Why) state(r ActiveRun) string {
	if over := r.State == RunEnded || r.State == RunLost; over && r.Reason != "" {
		return fmt.Sprintf("was ended (%s), which a shift is still to record", r.Reason)
	}
	switch r.State {
	case RunStarting:
		return "is just coming up"
	case RunRunning:
		text := fmt.Sprintf("still runs (process %d, for %s", r.PID, Took(q.Now.Sub(r.Started).Round(time.Second)))
		if r.Attempt > 1 {
			text += fmt.Sprintf(", attempt %d", r.Attempt)
		}
		return text + ")"
	case RunEnding:
		return "is being ended: " + r.Reason
	case RunEnded:
		return fmt.Sprintf("ended with %s, which a shift is still to record", ending{Exit: r.Exit})
	case RunOrphaned:
		return "lost its supervisor, but processes of it still run"
	case RunStray:
		return "still runs, though its folder was removed or renamed; the next shift makes that anew"
	case RunPrepared:
		return "had no process yet when its shift ended; the next shift makes the start"
	default:
		return "is gone without an exit status, which a shift is still to record"
	}
}

// wasStarted begins the sentences about a run.
func (q Why) wasStarted(run string, instant time.Time) string {
	started := q.lives()[run].From
	text := fmt.Sprintf("%q was started for %s as run %s", q.Job.Name, q.words(instant), run)
	if by := StartedBy(run); by != "" {
		text += " (" + by + ")"
	}
	late := started.Sub(instant.Add(JitterOf(q.Job, q.Slave))).Truncate(time.Minute)
	switch {
	case started.IsZero():
	case late > 0 && !byHand(run):
		text += fmt.Sprintf(" at %s, %s late,", q.near(instant, started), words(late))
	default:
		text += " at " + q.near(instant, started)
	}
	return text
}

func (q Why) notStarted(t time.Time) string {
	by := ""
	if q.startedByHand(t) {
		by = " by its schedule"
	}
	return fmt.Sprintf("%q was not started%s for %s", q.Job.Name, by, q.words(t))
}

// inZone is a time on the clock of the job's zone; the zero time stays.
func (q Why) inZone(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(q.Job.Location).Truncate(time.Second)
}

// words is such a time for people: to the second where that is not zero.
func (q Why) words(t time.Time) string { return inWords(q.inZone(t)) }

// inWords is a time for people, on its own clock.
func inWords(t time.Time) string { return t.Format("2006-01-02 ") + inClock(t) }

func inClock(t time.Time) string {
	if t.Second() == 0 {
		return t.Format("15:04 MST")
	}
	return t.Format("15:04:05 MST")
}

// near is words for a time in a sentence that named another: without the date
// where that is the same.
func (q Why) near(named, t time.Time) string {
	if q.inZone(t).Format(time.DateOnly) == q.inZone(named).Format(time.DateOnly) {
		return inClock(q.inZone(t))
	}
	return q.words(t)
}
