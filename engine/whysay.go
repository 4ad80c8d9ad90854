package engine

import (
	"fmt"
	"strings"
	"time"

	"slavedriver/schedule"
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
	a.Verdict, a.Started = Verdict(o.Outcome), q.inZone(o.Started)
	switch o.Outcome {
	case OutcomeSucceeded, OutcomeFailed:
		a.Sentence = q.wasStarted(o.Run, o.Instant, o.Started) + " and " + ended(o)
	case OutcomeSkipped:
		a.Sentence = q.skipped(a, o)
	case OutcomeMissed:
		a.Sentence = q.notStarted(a.Instant) + ": missed, because " + q.missedBecause(o)
	case OutcomeMerged:
		a.Because = mergedInto(o)
		a.Sentence = q.notStarted(a.Instant) + " by itself: one start was made for it and a later one, run " + q.fate(a.Because)
	case OutcomeElsewhere:
		a.Sentence = q.notStarted(a.Instant) + " on " + q.Slave + ": " + o.Reason
	default:
		a.Sentence = fmt.Sprintf("whether %q was started for %s is not known: %s", q.Job.Name, q.words(a.Instant), o.Reason)
	}
}

// ended is how a run ended, after "it".
func ended(o Outcome) string {
	text := o.Outcome
	if o.Outcome == OutcomeFailed {
		switch {
		case o.Reason != "":
			text += " (" + o.Reason + ")"
		case o.Exit != nil:
			text += " with " + ending{Exit: *o.Exit}.String()
		}
	}
	if o.Attempt > 1 {
		text += fmt.Sprintf(" at attempt %d", o.Attempt)
	}
	if o.Duration > 0 {
		text += " after " + words(seconds(o.Duration))
	}
	return text
}

func seconds(s float64) time.Duration {
	d := time.Duration(s * float64(time.Second))
	if d > time.Second {
		return d.Round(time.Second)
	}
	return d
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

// fate is a run by its id and what became of it.
func (q Why) fate(run string) string {
	if o := q.outcomeOf(run); o != nil {
		switch o.Outcome {
		case OutcomeSucceeded, OutcomeFailed:
			return run + ", which " + ended(*o)
		case OutcomeMerged:
			return run + ", which was merged into run " + mergedInto(*o)
		}
		return fmt.Sprintf("%s, which was %s: %s", run, o.Outcome, o.Reason)
	}
	if r := q.activeRun(run); r != nil {
		return run + ", which " + q.state(*r)
	}
	return run
}

// sayRun tells what can be seen of an active run.
func (q Why) sayRun(a *Explanation, r ActiveRun) {
	a.Verdict, a.Started = Verdict(r.State), q.inZone(r.Started)
	if r.State == RunUnclear {
		a.Sentence = fmt.Sprintf("run %s cannot be understood, and a shift is to report it", r.ID)
		return
	}
	a.Sentence = q.wasStarted(r.ID, r.Instant, r.Started) + " and " + q.state(r)
}

// state is what an active run does, after "it".
func (q Why) state(r ActiveRun) string {
	switch r.State {
	case RunStarting:
		return "is just coming up"
	case RunRunning:
		text := fmt.Sprintf("still runs (process %d, for %s", r.PID, words(q.Now.Sub(r.Started).Round(time.Second)))
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
	case RunPrepared:
		return "had no process yet when its shift ended; the next shift makes the start"
	}
	return "is gone without an exit status, which a shift is still to record"
}

// sayWaiting tells what a start waits for.
func (q Why) sayWaiting(a *Explanation, w WaitingStart) {
	a.Verdict, a.Until = VerdictWaiting, q.inZone(w.Until)
	a.Sentence = fmt.Sprintf("%q is to be started for %s as run %s: %s", q.Job.Name, q.words(w.Instant), w.Run, q.waitsFor(w))
	if q.Now.After(w.Until) {
		a.Sentence += fmt.Sprintf("; its time ended at %s, and the next shift reports it missed", q.near(w.Instant, w.Until))
		return
	}
	a.Sentence += fmt.Sprintf("; it is missed after %s", q.near(w.Instant, w.Until))
}

func (q Why) waitsFor(w WaitingStart) string {
	delayed := w.Instant.Add(JitterOf(q.Job, q.Slave))
	switch {
	case w.Asking:
		return "a shift asks its schedule function first"
	case delayed.After(q.Now):
		return "its jitter puts that off until " + q.near(w.Instant, delayed)
	case !q.Records.StoreDownSince.IsZero() && q.Job.RunOn == RunOnOne:
		return "the lock store cannot be reached since " + q.words(q.Records.StoreDownSince)
	case len(q.Records.Runs) > 0 && !q.Job.Overlaps():
		return "it waits for run " + q.Records.Runs[0].ID + " to end"
	case q.MaxConcurrent > 0 && q.Records.Active >= q.MaxConcurrent:
		return fmt.Sprintf("it waits for one of %d places (setMaxConcurrentJobs)", q.MaxConcurrent)
	}
	return "a shift is about to start it"
}

// sayUnrecorded tells why nothing is recorded of an instant that is due by the
// schedule.
func (q Why) sayUnrecorded(a *Explanation, t time.Time) {
	r := q.Records
	switch {
	case q.notHere(a):
	case t.Add(JitterOf(q.Job, q.Slave) + time.Minute).After(q.Now):
		q.sayDue(a, t)
	case r.Evaluated.IsZero():
		a.Verdict, a.Sentence = VerdictNoShift, q.notStarted(t)+": no shift has run yet with this var dir"
	case t.After(r.Evaluated):
		q.sayNoShift(a, t)
	case r.Since.IsZero():
		a.Verdict, a.Sentence = VerdictNew, q.notStarted(t)+": no shift has seen it with this schedule yet, and it begins with the one that does"
	case t.Before(r.Since):
		a.Verdict = VerdictNew
		a.Sentence = fmt.Sprintf("%s: a shift first saw it with this schedule at %s, and it begins with that minute", q.notStarted(t), q.words(r.Since))
	default:
		a.Verdict = VerdictNoRecord
		a.Sentence = fmt.Sprintf("%q was due at %s and a shift decided about it, but the ledger has nothing of it: was a file of it removed?", q.Job.Name, q.words(t))
	}
}

func (q Why) sayDue(a *Explanation, t time.Time) {
	a.Verdict = VerdictDue
	a.Sentence = fmt.Sprintf("%q is due at %s", q.Job.Name, q.words(t))
	if reason := schedule.Reason(q.Job.Schedule, t); reason != "" {
		a.Sentence += " (" + reason + ")"
	}
	switch delay := JitterOf(q.Job, q.Slave); {
	case delay > 0:
		a.Sentence += ", and started at " + q.near(t, t.Add(delay)) + " because of its jitter"
	case t.After(q.Now):
		a.Sentence += ", which is in " + words(t.Sub(q.Now).Round(time.Second))
	default:
		a.Sentence += ", and the shift of this minute starts it"
	}
}

func (q Why) sayNoShift(a *Explanation, t time.Time) {
	until := t.Add(catchUpOf(q.Job, t))
	a.Verdict, a.Until = VerdictNoShift, q.inZone(until)
	last := q.Records.Evaluated.Truncate(time.Minute) // it is the end of that minute
	a.Sentence = fmt.Sprintf("%s: no shift has run since %s", q.notStarted(t), q.near(t, last))
	if until.Before(q.Now) {
		a.Sentence += ", and the next one will report it missed"
	} else {
		a.Sentence += fmt.Sprintf("; one that runs by %s starts it", q.near(t, until))
	}
}

// notHere tells of a job that does not start on this slave at all, and says
// whether that is so.
func (q Why) notHere(a *Explanation) bool {
	since := ""
	if r := q.Records; r.Off && !r.Since.IsZero() {
		since = " since " + q.words(r.Since)
	}
	switch {
	case !q.Job.Enabled:
		a.Verdict, a.Sentence = VerdictDisabled, fmt.Sprintf("%q does not start: it is disabled (enabled = false)%s", q.Job.Name, since)
	case !q.Job.OnSlave(q.Slave):
		a.Verdict = VerdictElsewhere
		a.Sentence = fmt.Sprintf("%q does not start on slave %s: it is for %s", q.Job.Name, q.Slave, strings.Join(q.Job.Slaves, ", "))
	default:
		return false
	}
	return true
}

// nothingDue tells of a time in which the job has no instant.
func (q Why) nothingDue() Explanation {
	a := Explanation{Job: q.Job.Name, Slave: q.Slave, Instant: q.inZone(q.From), Verdict: VerdictNotDue}
	if q.notHere(&a) {
		return a
	}
	is := "is"
	if q.From.Before(q.Now) {
		is = "was"
	}
	a.Sentence = fmt.Sprintf("%q %s not due at %s", q.Job.Name, is, q.words(q.From))
	switch {
	case q.FunctionErr != nil:
		a.Verdict = VerdictUnknown
		a.Sentence = fmt.Sprintf("whether %q %s due at %s is not known: its schedule function fails: %v", q.Job.Name, is, q.words(q.From), q.FunctionErr)
	case q.Job.ScheduleFunc:
		a.Sentence += ": its schedule function, asked again about that minute, says no"
	default:
		q.sayNeighbours(&a)
	}
	return a
}

// sayNeighbours names the instants before and after that time.
func (q Why) sayNeighbours(a *Explanation) {
	if q.Job.Schedule == nil { // it is no longer in the entry file
		return
	}
	a.Next = q.inZone(q.Job.Schedule.Next(q.To.Add(-1)))
	a.Last = q.inZone(lastBefore(q.Job.Schedule, q.From))
	switch {
	case a.Next.IsZero() && a.Last.IsZero():
		a.Sentence += ", nor at any other time"
	case a.Next.IsZero():
		a.Sentence += ", nor ever again: the last time was " + q.words(a.Last)
	case a.Last.IsZero():
		a.Sentence += "; the next time is " + q.words(a.Next)
	default:
		a.Sentence += fmt.Sprintf("; the time before is %s, the next %s", q.words(a.Last), q.words(a.Next))
	}
}

// lastBefore is the last instant before t, or the zero time where there is none
// in the four years before that.
func lastBefore(s schedule.Schedule, t time.Time) time.Time {
	for back := time.Minute; back < 5*366*24*time.Hour; back *= 4 {
		if instants, _ := schedule.Between(s, t.Add(-back), t.Add(-1), 1); len(instants) > 0 {
			return instants[0]
		}
	}
	return time.Time{}
}

// wasStarted begins the sentences about a run.
func (q Why) wasStarted(run string, instant, started time.Time) string {
	text := fmt.Sprintf("%q was started for %s as run %s", q.Job.Name, q.words(instant), run)
	if byHand(run) {
		text += " (asked for with --at)"
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
	return fmt.Sprintf("%q was not started for %s", q.Job.Name, q.words(t))
}

// inZone is a time on the clock of the job's zone; the zero time stays.
func (q Why) inZone(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(q.Job.Location).Truncate(time.Second)
}

// words is such a time for people: to the second where that is not zero.
func (q Why) words(t time.Time) string {
	return q.inZone(t).Format("2006-01-02 ") + q.clock(t)
}

// near is words for a time in a sentence that named another: without the date
// where that is the same.
func (q Why) near(named, t time.Time) string {
	if q.inZone(t).Format(time.DateOnly) == q.inZone(named).Format(time.DateOnly) {
		return q.clock(t)
	}
	return q.words(t)
}

func (q Why) clock(t time.Time) string {
	if t = q.inZone(t); t.Second() == 0 {
		return t.Format("15:04 MST")
	}
	return t.Format("15:04:05 MST")
}
