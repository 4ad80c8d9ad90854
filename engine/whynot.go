package engine

import (
	"fmt"
	"strings"
	"time"

	"slavedriver/schedule"
)

// The sentences of Explain about starts of which nothing is recorded.

// sayUnrecorded tells why nothing is recorded of an instant that is due by the
// schedule.
func (q Why) sayUnrecorded(a *Explanation, t time.Time) {
	r := q.Records
	switch {
	case q.notHere(a):
	case q.isToCome(t):
		q.sayDue(a, t)
	case r.Evaluated.IsZero():
		a.Verdict, a.Sentence = VerdictNoShift, q.notStarted(t)+": "+q.noShiftEver()
	case t.After(r.Evaluated):
		q.sayNoShift(a, t)
	case r.Since.IsZero():
		a.Verdict, a.Sentence = VerdictNew, q.notStarted(t)+": no shift has seen it with this schedule yet, and it begins with the one that does"
	case t.Before(r.Since):
		a.Verdict = VerdictNew
		a.Sentence = fmt.Sprintf("%s: a shift first saw it with this schedule at %s, and it begins with that minute", q.notStarted(t), q.words(r.Since))
	case q.Job.ScheduleFunc:
		a.Verdict = VerdictNoRecord
		a.Sentence = fmt.Sprintf("%s: its schedule function says yes now, but no shift noted that it did then: none asked it in time, or it said no", q.notStarted(t))
	default:
		a.Verdict = VerdictNoRecord
		a.Sentence = fmt.Sprintf("%q was due at %s and a shift decided about it, but the ledger has nothing of it: was a file of it removed?", q.Job.Name, q.words(t))
	}
}

// isToCome says whether an instant is later than this minute, or in it and no
// shift has decided about it yet.
func (q Why) isToCome(t time.Time) bool {
	minute := q.Now.Truncate(time.Minute)
	return !t.Before(minute.Add(time.Minute)) || !t.Before(minute) && t.After(q.Records.Evaluated)
}

func (q Why) sayNoShift(a *Explanation, t time.Time) {
	until := q.latestStart(t)
	a.Verdict, a.Until = VerdictNoShift, q.inZone(until)
	a.Sentence = fmt.Sprintf("%s: no shift has run since %s", q.notStarted(t), q.near(t, q.Records.LastShift()))
	if until.Before(q.Now) {
		a.Sentence += ", and the next one will report it missed"
	} else {
		a.Sentence += fmt.Sprintf("; one that runs by %s starts it", q.near(t, until))
	}
}

// notHere tells of a job that does not start on this slave at all, and says
// whether that is so.
func (q Why) notHere(a *Explanation) bool {
	switch {
	case !q.Job.Enabled:
		a.Verdict = VerdictDisabled
		a.Sentence = fmt.Sprintf("%q does not start: it is disabled (enabled = false)", q.Job.Name)
		if r := q.Records; r.Off && !r.Since.IsZero() {
			a.Sentence += " since " + q.words(r.Since)
			if a.Instant.Before(r.Since) {
				a.Sentence += ", and nothing is recorded of " + q.words(a.Instant)
			}
		}
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
	if q.isPast() {
		is = "was"
	}
	a.Sentence = fmt.Sprintf("%q %s not due %s", q.Job.Name, is, q.span())
	switch {
	case q.FunctionErr != nil:
		a.Verdict = VerdictUnknown
		a.Sentence = fmt.Sprintf("whether %q %s due %s is not known: its schedule function fails: %v", q.Job.Name, is, q.span(), q.FunctionErr)
	case q.Job.ScheduleFunc:
		about := "that minute"
		if q.isDay() {
			about = "each minute"
		}
		a.Sentence += ": its schedule function, asked again about " + about + ", says no"
	default:
		a.Sentence += q.byWhich()
		q.sayNeighbours(&a)
	}
	return a
}

// byWhich names the schedule by which something was not due, where that is not
// the one that the job had then.
func (q Why) byWhich() string {
	switch r := q.Records; {
	case r.Evaluated.IsZero() || !q.From.Before(q.Now) || q.Job.Removed:
		return ""
	case r.Since.IsZero():
		return " by the schedule that it has now, and which no shift has seen yet"
	case q.From.Before(r.Since):
		return " by the schedule that it has since " + q.words(r.Since)
	}
	return ""
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
// in the five years before that.
func lastBefore(s schedule.Schedule, t time.Time) time.Time {
	for _, from := range []time.Time{
		t.Add(-time.Minute - 1), t.Add(-time.Hour - 1), t.Add(-25*time.Hour - 1), // most are due as often as that
		t.AddDate(-5, 0, 0),
	} {
		if instants, _ := schedule.Between(s, from, t.Add(-1), 1); len(instants) > 0 {
			return instants[0]
		}
	}
	return time.Time{}
}
