// Package schedule says when: cron expressions, instants and windows. It is
// pure: it reads no clock, and nothing here fails after parsing. Zone alone
// reads something, the time zone database.
package schedule

import "time"

// Schedule is a set of instants. It is safe for concurrent use.
type Schedule interface {
	// Next is the first instant strictly after t, or the zero time when there
	// is none.
	Next(t time.Time) time.Time
}

// At is the schedule of one single instant: the start of t's minute.
func At(t time.Time) Schedule {
	seconds := time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	return instant(t.Add(-seconds))
}

type instant time.Time

func (i instant) Next(t time.Time) time.Time {
	if t.Before(time.Time(i)) {
		return time.Time(i)
	}
	return time.Time{}
}

// Union is due whenever one of the schedules is, and once where several are
// due at the same instant. The union of none is never due.
func Union(s ...Schedule) Schedule {
	if len(s) == 1 {
		return s[0]
	}
	var parts union
	for _, part := range s {
		if nested, ok := part.(union); ok {
			parts = append(parts, nested...)
		} else {
			parts = append(parts, part)
		}
	}
	return parts
}

type union []Schedule

func (u union) Next(t time.Time) time.Time {
	var first time.Time
	for _, s := range u {
		next := s.Next(t)
		if !next.IsZero() && (first.IsZero() || next.Before(first)) {
			first = next
		}
	}
	return first
}
