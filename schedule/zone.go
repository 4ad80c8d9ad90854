package schedule

import "time"

// clockChange is the longest change of the wall clock that counts as daylight
// saving (cronie's rule). A larger one corrects the clock or the calendar:
// nothing that it skips is caught up, and what it repeats is due again.
const clockChange = 3 * time.Hour

// cron is an expression in a zone.
type cron struct {
	*expression
	loc *time.Location
}

// Next asks the expression about one stretch after the other.
func (c *cron) Next(t time.Time) (next time.Time) {
	c.stretches(t, func(s stretch) bool {
		wall := s.from
		if !s.makesGood {
			wall = c.next(s.from, s.end)
		}
		if wall.IsZero() {
			return true
		}
		next = wall.Add(-s.offset).In(c.loc)
		return false
	})
	return next
}

// count is how many instants there are after a moment and not after another.
func (c *cron) count(after, to time.Time) (n int) {
	c.stretches(after, func(s stretch) bool {
		end := to.UTC().Add(s.offset).Truncate(time.Second).Add(time.Second)
		if !s.from.Before(end) {
			return false
		}
		if s.makesGood {
			n++
			return true
		}
		more := s.end.Before(end)
		if more {
			end = s.end
		}
		n += c.expression.count(s.from, end)
		return more
	})
	return n
}

// stretch is a piece of the wall clock's time that is as regular as UTC.
type stretch struct {
	from, end time.Time     // on the wall clock, written as if that were UTC; end is not part of it
	offset    time.Duration // wall clock minus UTC
	// makesGood says that from is the first second after a gap in which the
	// expression was due, and so due whatever the expression says about it.
	makesGood bool
}

// stretches goes through the time after a moment, from one change of the zone's
// clock to the next, until yield says no. At a change cronie's rule holds: an
// entry with a fixed time of day is due right after a gap that swallowed it,
// and the time that a change repeats is left out for it; all others follow the
// wall clock.
func (c *cron) stretches(after time.Time, yield func(stretch) bool) {
	after = notBefore1970(after).In(c.loc)
	p := periodAt(after)
	from := p.wall(after).Truncate(time.Second).Add(time.Second)
	for from.Before(c.end) {
		if c.fixed {
			from = p.afterRepeat(from)
		}
		if end := p.wallEnd(); from.Before(end) && !yield(stretch{from: from, end: end, offset: p.offset}) {
			return
		}
		if p.end.IsZero() {
			return
		}
		later := periodAt(p.end)
		from = later.wall(p.end)
		if c.fixed && c.swallowed(p, later) {
			if !yield(stretch{from: from, offset: later.offset, makesGood: true}) {
				return
			}
			from = from.Add(time.Second)
		}
		p = later
	}
}

// swallowed says whether the gap between two periods holds a time of the
// expression.
func (c *cron) swallowed(before, after period) bool {
	from, end := gap(before, after)
	return from.Before(end) && !c.next(from, end).IsZero()
}

// gap is what the wall clock leaves out between two periods, if that is no
// correction; from is not before end where there is none.
func gap(before, after period) (from, end time.Time) {
	from, end = before.wall(before.end), after.wall(before.end)
	if end.Sub(from) >= clockChange {
		return end, end
	}
	return from, end
}

// period is a time without a clock change.
type period struct {
	start, end time.Time     // end is not part of it; zero: always, for ever
	offset     time.Duration // wall clock minus UTC
}

// periodAt is the period around t in t's zone; its end is always after t.
func periodAt(t time.Time) period {
	start, end := t.ZoneBounds()
	_, seconds := t.Zone()
	if !end.IsZero() && !end.After(t) {
		// Go counts 365 days in every year that is beyond a zone's table: on
		// the last day of a leap year the end is in the past.
		end = t.Add(24 * time.Hour)
	}
	return period{start, end, time.Duration(seconds) * time.Second}
}

// wall is t on the period's wall clock, written as if that were UTC.
func (p period) wall(t time.Time) time.Time { return t.UTC().Add(p.offset) }

// wallEnd is where the wall clock gets to.
func (p period) wallEnd() time.Time {
	if p.end.IsZero() {
		return time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return p.wall(p.end)
}

// afterRepeat moves a wall-clock time that the period has in common with the
// one before it behind the common part.
func (p period) afterRepeat(wall time.Time) time.Time {
	if p.start.IsZero() || wall.Sub(p.wall(p.start)) >= clockChange {
		return wall
	}
	before := periodAt(p.start.Add(-1))
	if before.offset-p.offset >= clockChange {
		return wall
	}
	if repeated := before.wall(p.start); wall.Before(repeated) {
		return repeated
	}
	return wall
}

// notBefore1970 spares us the centuries before: nothing is due then.
func notBefore1970(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(0, -1)
	}
	return t
}
