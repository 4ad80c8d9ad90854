package engine

import (
	"time"

	"slavedriver/schedule"
)

// mostAhead is how many starts of one job are intended at a time whose time is
// still to come: far more than a minute has seconds.
const mostAhead = 1000

// functionCatchUp is how late a minute may start that a function said yes to.
const functionCatchUp = 2 * time.Minute

// countedBack is how long ago missed instants are still counted; of those
// before, it is only said since when there were any, so that ten thousand jobs
// come back from ten years ahead within a tick.
const countedBack = 366 * 24 * time.Hour

// clockBack is how far a clock may go back and simply be waited for: cronie's
// limit for what is a correction of the time and what is daylight saving.
const clockBack = 3 * time.Hour

// window is a span of time whose due instants are to be decided: after From,
// up to and including To.
type window struct{ From, To time.Time }

// nextWindow is what is to be evaluated at now, when everything up to evaluated
// is decided: all since then up to the end of this minute. A first evaluation
// begins with this minute; so does one after the clock went back by more than
// three hours (reset). When it went back by less the window is empty until the
// time that was evaluated comes again.
func nextWindow(evaluated, now time.Time) (w window, reset bool) {
	begin, end := minuteAround(now)
	switch {
	case evaluated.IsZero():
		return window{begin, end}, false
	case evaluated.After(end.Add(clockBack)):
		return window{begin, end}, true
	case evaluated.After(end):
		return window{evaluated, evaluated}, false
	}
	return window{evaluated, end}, false
}

// minuteAround is the minute of t as a window has it.
func minuteAround(t time.Time) (begin, end time.Time) {
	begin = t.Truncate(time.Minute).Add(-time.Nanosecond)
	return begin, begin.Add(time.Minute)
}

// dueness is what a window means for one job.
type dueness struct {
	// Starts are the instants to start for: the newest whose time has come, and
	// all whose time is still to come, in order.
	Starts []time.Time
	Merged span // missed instants that the first of the starts makes good
	Missed span // instants that are too old to be started
	Excess span // instants that are still to come, before so many that these are left out
}

// span is Count instants from First to Last.
type span struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int       `json:"count"`
}

// and is a span of which some instants may be in either, not in both.
func (s span) and(other span) span {
	switch {
	case s.Count == 0:
		return other
	case other.Count == 0:
		return s
	}
	if other.First.Before(s.First) {
		s.First = other.First
	}
	s.Last, s.Count = latest(s.Last, other.Last), s.Count+other.Count
	return s
}

// spanOf is the instants of a schedule after a moment and not after another.
func spanOf(s schedule.Schedule, after, to time.Time) span {
	if !after.Before(to) {
		return span{}
	}
	last, more := schedule.Between(s, after, to, 1)
	if len(last) == 0 {
		return span{}
	}
	return span{First: s.Next(after), Last: last[0], Count: more + 1}
}

// addEarlier counts one more instant, before those that are there.
func (s *span) addEarlier(t time.Time) {
	s.First = t
	if s.Count == 0 {
		s.Last = t
	}
	s.Count++
}

// due decides about the instants of a schedule in a window, each of which is to
// start lag after its time: the newest whose start has passed is started now if
// that is no longer ago than catchUp, and makes good all others of these; what
// is older is missed. Those whose start is still to come start then, each for
// itself. What is due in this minute is never late: a shift comes when cron has
// the time for it.
func due(s schedule.Schedule, w window, now time.Time, lag, catchUp time.Duration) dueness {
	var d dueness
	first := s.Next(w.From)
	if first.IsZero() || first.After(w.To) {
		return d
	}
	counted := latest(w.From, now.Add(-lag-max(catchUp, countedBack)))
	tooOld := latest(counted, now.Truncate(time.Minute).Add(-lag-catchUp-1))
	passed := latest(tooOld, now.Add(-lag))
	d.Missed = spanOf(s, counted, tooOld)
	if !first.After(counted) {
		d.Missed.addEarlier(first)
	}
	d.Merged = spanOf(s, tooOld, passed)
	if d.Merged.Count > 0 {
		d.Starts = append(d.Starts, d.Merged.Last)
		d.Merged = d.Merged.butLast(s, tooOld)
	}
	ahead, more := schedule.Between(s, passed, w.To, mostAhead)
	if more > 0 {
		d.Excess = spanOf(s, passed, ahead[0].Add(-1))
	}
	d.Starts = append(d.Starts, ahead...)
	return d
}

// butLast is a span of a schedule's instants after a moment without its last.
func (s span) butLast(sched schedule.Schedule, after time.Time) span {
	return spanOf(sched, after, s.Last.Add(-1))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// catchUpOf is how late an instant of the job may start.
func catchUpOf(job *Job, t time.Time) time.Duration {
	if job.CatchUp >= 0 {
		return job.CatchUp
	}
	if job.Schedule == nil { // a function, which is asked about single minutes
		return functionCatchUp
	}
	return schedule.DefaultCatchUp(job.Schedule, t)
}
