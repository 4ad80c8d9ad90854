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

// Next goes through the periods between the zone's clock changes: within one,
// the wall clock is as regular as UTC, and the expression is asked about that.
// At a change cronie's rule holds: an entry with a fixed time of day is due
// right after a gap that swallowed it, and only the first time when its time
// is repeated; all others follow the wall clock.
func (c *cron) Next(t time.Time) time.Time {
	t = notBefore1970(t).In(c.loc)
	p := periodAt(t)
	from := p.wall(t).Truncate(time.Minute).Add(time.Minute)
	for {
		if c.fixed {
			from = p.afterRepeat(from)
		}
		if !from.Before(c.end) {
			return time.Time{}
		}
		if wall := c.next(from, p.wallEnd()); !wall.IsZero() {
			return wall.Add(-p.offset).In(c.loc)
		}
		if p.end.IsZero() {
			return time.Time{}
		}
		later := periodAt(p.end)
		if c.fixed && c.swallowed(p, later) {
			return p.end
		}
		from = wholeMinute(later.wall(p.end))
		p = later
	}
}

// swallowed says whether the gap between two periods holds a minute of the
// expression.
func (c *cron) swallowed(before, after period) bool {
	gap := after.offset - before.offset
	if gap <= 0 || gap >= clockChange {
		return false
	}
	from := wholeMinute(before.wall(before.end))
	return !c.next(from, after.wall(before.end)).IsZero()
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
	if repeated := wholeMinute(before.wall(p.start)); wall.Before(repeated) {
		return repeated
	}
	return wall
}

// wholeMinute rounds up.
func wholeMinute(t time.Time) time.Time {
	return t.Add(time.Minute - 1).Truncate(time.Minute)
}

// notBefore1970 spares us the centuries before: nothing is due then.
func notBefore1970(t time.Time) time.Time {
	if t.Unix() < 0 {
		return time.Unix(0, -1)
	}
	return t
}
