package engine

import (
	"fmt"
	"time"
)

// The sentences of Explain about starts that wait, and about those that were merged
// into later ones.

// mergedAtLast is the run into which an instant was merged, over all that were
// merged in between.
func (q Why) mergedAtLast(o Outcome) (run string) {
	run = mergedInto(o)
	for seen := map[string]bool{o.Run: true, run: true}; ; seen[run] = true {
		next := q.outcomeOf(run)
		if next == nil || next.Outcome != OutcomeMerged || seen[mergedInto(*next)] {
			return run
		}
		run = mergedInto(*next)
	}
}

// mergedWords says what became of the run into which an instant was merged: where no
// start was made for that either, plainly so.
func (q Why) mergedWords(run string) string {
	const made, into = " by itself: one start was made for it and a later one, run ", "it was merged into a later start, run "
	if r := q.activeRun(run); r != nil && q.outcomeOf(run) == nil {
		return made + run + ", which " + q.state(*r)
	}
	if o := q.outcomeOf(run); o != nil && o.Outcome != OutcomeMerged {
		switch o.Outcome {
		case OutcomeSucceeded, OutcomeFailed, OutcomeRetrying:
			return made + run + ", which " + ended(*o)
		case OutcomeElsewhere:
			return ": " + into + run + ": " + o.Reason
		}
		return fmt.Sprintf(": %s%s, which was %s: %s", into, run, o.Outcome, o.Reason)
	}
	for _, w := range q.Records.Waiting {
		if w.Run == run {
			return " by itself: one start is to be made for it and a later one, run " + run + ": " + q.waitsAndUntil(w)
		}
	}
	return " by itself: " + into + run
}

// sayWaiting tells what a start waits for.
func (q Why) sayWaiting(a *Explanation, w WaitingStart) {
	a.Verdict, a.Until = VerdictWaiting, q.inZone(w.Until)
	if w.Attempt <= 1 {
		a.Sentence = fmt.Sprintf("%q is to be started for %s as run %s: %s", q.Job.Name, q.words(w.Instant), w.Run, q.waitsAndUntil(w))
		return
	}
	a.Verdict, a.Started = Verdict(OutcomeRetrying), q.inZone(q.lives()[w.Run].From)
	follows := "is to follow: " + q.waitsAndUntil(w)
	if w.Stopped != "" {
		follows = "is given up by the next shift: " + w.Stopped
	}
	a.Sentence = fmt.Sprintf("%s and failed at attempt %d (%s); attempt %d %s",
		q.wasStarted(w.Run, w.Instant), w.Attempt-1, w.Failure, w.Attempt, follows)
}

// waitsAndUntil is what a start waits for, and what becomes of it in the end.
func (q Why) waitsAndUntil(w WaitingStart) string {
	end, past := "it is missed after", "missed"
	if w.Attempt > 1 {
		end, past = fmt.Sprintf("attempt %d is given up if it has not started by", w.Attempt), "failed"
	}
	text, until := q.waitsFor(w), q.near(w.Instant, w.Until)
	next := q.takesPlaceOf(w)
	switch when := q.near(w.Instant, next); {
	case q.Now.After(w.Until):
		return fmt.Sprintf("%s; its time ended at %s, and the next shift reports it %s", text, until, past)
	case next.IsZero():
		return fmt.Sprintf("%s; %s %s", text, end, until)
	case next.After(q.Now):
		return fmt.Sprintf("%s; if not by %s, that of %s is one start for both", text, when, when)
	default:
		return fmt.Sprintf("%s; that of %s is one start for both", text, when)
	}
}

// takesPlaceOf is the next instant of the job, where it comes while a start still
// waits: one start is made for both then. Else it is the zero time.
func (q Why) takesPlaceOf(w WaitingStart) (next time.Time) {
	if w.Attempt > 1 || q.Job.Schedule == nil || q.Job.Overlaps() || byAt(w.Run) {
		return next
	}
	next = q.Job.Schedule.Next(w.Instant)
	if next.IsZero() || next.Add(JitterOf(q.Job, q.Slave)).After(w.Until) {
		return time.Time{}
	}
	return next
}

func (q Why) waitsFor(w WaitingStart) string {
	switch {
	case w.NotBefore.After(q.Now):
		return q.waitsUntil(w)
	case w.Asking:
		return "a shift asks its schedule function first"
	case !q.Records.StoreDownSince.IsZero() && q.Job.RunOn == RunOnOne:
		return "the lock store cannot be reached since " + q.words(q.Records.StoreDownSince)
	case q.blocker(w) != "" && !q.Job.Overlaps():
		return "it waits for run " + q.blocker(w) + " to end"
	case q.MaxConcurrent > 0 && q.Records.Active >= q.MaxConcurrent:
		return fmt.Sprintf("it waits for one of %d places (setMaxConcurrentJobs)", q.MaxConcurrent)
	case q.Job.Condition && !w.Asked && w.Attempt <= 1:
		return "a shift asks its condition first"
	}
	return "a shift is about to start it"
}

// waitsUntil is about a start whose time has not come.
func (q Why) waitsUntil(w WaitingStart) string {
	when := q.near(w.Instant, w.NotBefore)
	if w.Attempt <= 1 && JitterOf(q.Job, q.Slave) > 0 {
		return "its jitter puts that off until " + when
	}
	return "it starts at " + when
}

// blocker is an active run that is another than that of a start, or "".
func (q Why) blocker(w WaitingStart) string {
	for _, r := range q.Records.Runs {
		if r.ID != w.Run {
			return r.ID
		}
	}
	return ""
}
