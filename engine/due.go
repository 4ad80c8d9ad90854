package engine

import (
	"time"

	"slavedriver/schedule"
)

// maxInstants is how many missed instants of one job are looked at one by one;
// earlier ones are only counted.
const maxInstants = 1000

// functionCatchUp is how late a minute may start that a function said yes to.
const functionCatchUp = 2 * time.Minute

// countedBack is how long ago missed instants are still counted one by one; of
// those before, it is only said since when there were any, so that coming back
// after a year takes no longer than a tick.
const countedBack = 24 * time.Hour

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
	minute := now.Truncate(time.Minute)
	end := minute.Add(time.Minute - time.Nanosecond)
	begin := minute.Add(-time.Nanosecond)
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

// dueness is what a window means for one job.
type dueness struct {
	// Starts are the instants to start for: the newest whose time has come, and
	// all whose time is still to come, in order.
	Starts []time.Time
	Merged span // missed instants that the first of the starts makes good
	Missed span // instants that are too old to be started
}

// span is Count instants from First to Last.
type span struct {
	First, Last time.Time
	Count       int
}

func (s *span) add(t time.Time) {
	if s.Count == 0 {
		s.First = t
	}
	s.Last = t
	s.Count++
}

// addEarlier counts n more instants, from first on and before those that are there.
func (s *span) addEarlier(first time.Time, n int) {
	s.First = first
	if s.Count == 0 {
		s.Last = first
	}
	s.Count += n
}

// due decides about the instants of a schedule in a window, each of which is to
// start lag after its time: the newest whose start has passed is started now if
// that is no longer ago than catchUp, and makes good all others that have
// passed; the rest of these is missed. Those whose start is still to come start
// then, each for itself. What is due in this minute is never late: a shift comes
// when cron has the time for it.
func due(s schedule.Schedule, w window, now time.Time, lag, catchUp time.Duration) dueness {
	var d dueness
	first := s.Next(w.From)
	if first.IsZero() || first.After(w.To) {
		return d
	}
	from := now.Add(-lag - max(catchUp, countedBack))
	if from.Before(w.From) {
		from = w.From
	}
	instants, more := schedule.Between(s, from, w.To, maxInstants)
	if !first.After(from) {
		more++
	}
	for _, t := range instants {
		d.add(t, t.Add(lag), now, catchUp)
	}
	if more > 0 {
		d.Missed.addEarlier(first, more)
	}
	return d
}

// add decides about the next instant, which is to start at that time.
func (d *dueness) add(t, start, now time.Time, catchUp time.Duration) {
	switch {
	case now.Truncate(time.Minute).Sub(start) > catchUp:
		d.Missed.add(t)
	case !start.After(now) && len(d.Starts) > 0:
		d.Merged.add(d.Starts[0])
		d.Starts[0] = t
	default:
		d.Starts = append(d.Starts, t)
	}
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
