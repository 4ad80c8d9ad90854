package schedule

import (
	"fmt"
	"time"
)

// Reason says in words why a schedule is due at t where that is not plainly
// what it says: "02:30 was skipped by the clock change; the first instant after
// the gap". It is "" for all other instants, due or not. In a union, what one
// part says plainly needs no reason.
func Reason(s Schedule, t time.Time) string {
	switch s := s.(type) {
	case *cron:
		return s.reason(t)
	case union:
		return s.reason(t)
	}
	return ""
}

func (u union) reason(t time.Time) (reason string) {
	for _, s := range u {
		if !s.Next(t.Add(-1)).Equal(t) {
			continue
		}
		why := Reason(s, t)
		if why == "" {
			return ""
		}
		if reason == "" {
			reason = why
		}
	}
	return reason
}

func (c *cron) reason(t time.Time) string {
	after := periodAt(t.In(c.loc))
	if !c.fixed || !after.start.Equal(t) {
		return ""
	}
	before := periodAt(t.In(c.loc).Add(-1))
	from, end := gap(before, after)
	if !c.swallowed(before, after) || c.expression.count(end, end.Add(time.Second)) > 0 {
		return ""
	}
	first, layout := c.next(from, end), "15:04"
	if first.Second() != 0 {
		layout = "15:04:05"
	}
	skipped := first.Format(layout) + " was"
	if others := c.expression.count(from, end) - 1; others > 0 {
		skipped = fmt.Sprintf("%s and %d more were", first.Format(layout), others)
	}
	return skipped + " skipped by the clock change; the first instant after the gap"
}
