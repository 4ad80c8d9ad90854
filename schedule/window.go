package schedule

import (
	"sort"
	"time"
)

// maxMerged is how many instants of a union are counted one by one, to count
// those only once that several of its parts have. It bounds Between to a few
// milliseconds.
const maxMerged = 20_000

// Between gives the instants after from and not after to: the latest most of
// them, in order; more is how many earlier ones are left out. However far apart
// from and to are, it takes little longer than asking Next for those it gives, a
// few milliseconds for a thousand. There is one thing that it does not tell
// exactly: where a union leaves out more than 20,000, more may be as small as
// what the most frequent of its schedules leaves out. A Schedule that is not of
// this package is gone through instant by instant.
func Between(s Schedule, from, to time.Time, most int) (instants []time.Time, more int) {
	begin := beginOfLatest(s, from, to, most)
	each(s, begin, to, func(t time.Time) { instants = append(instants, t) })
	more = max(0, len(instants)-most)
	instants = instants[more:]
	if begin.After(from) {
		more += count(s, from, begin)
	}
	return instants, more
}

// beginOfLatest is the latest moment from which on there are surely most
// instants up to to, or from.
func beginOfLatest(s Schedule, from, to time.Time, most int) time.Time {
	seconds := int(to.Unix() - from.Unix())
	if seconds <= most || atLeast(s, from, to) <= most {
		return from
	}
	// A Duration is too short for the time that there may be in between.
	ago := func(seconds int) time.Time { return time.Unix(to.Unix()-int64(seconds), int64(to.Nanosecond())) }
	enough := func(back int) bool { return atLeast(s, ago(back), to) >= most }
	near, back := 0, 1
	for back < seconds && !enough(back) {
		near, back = back, 2*back // near first: counting over a long time is slower
	}
	begin := ago(near + sort.Search(back-near, func(i int) bool { return enough(near + i) }))
	if begin.Before(from) {
		return from
	}
	return begin
}

// counter is a schedule that counts its instants without going through them.
type counter interface {
	count(after, to time.Time) int
}

// atLeast is a number of instants that there surely are: nothing is known of a
// schedule that is none of ours.
func atLeast(s Schedule, after, to time.Time) (n int) {
	switch s := s.(type) {
	case counter:
		return s.count(after, to)
	case union:
		for _, part := range s {
			n = max(n, atLeast(part, after, to))
		}
	}
	return n
}

// count is how many instants there are; see Between for unions.
func count(s Schedule, after, to time.Time) (n int) {
	switch s := s.(type) {
	case counter:
		return s.count(after, to)
	case union:
		for _, part := range s {
			n += atLeast(part, after, to)
		}
		if n > maxMerged {
			return atLeast(s, after, to)
		}
	}
	n = 0
	each(s, after, to, func(time.Time) { n++ })
	return n
}

// each calls yield with the instants after a moment and not after another, in
// order.
func each(s Schedule, after, to time.Time, yield func(time.Time)) {
	parts, ok := s.(union)
	if !ok {
		for t := s.Next(after); !t.IsZero() && !t.After(to); t = s.Next(t) {
			yield(t)
		}
		return
	}
	next := make([]time.Time, len(parts)) // each part's next one; zero: none
	for i, part := range parts {
		next[i] = part.Next(after)
	}
	for {
		first := earliest(next)
		if first.IsZero() || first.After(to) {
			return
		}
		yield(first)
		for i, part := range parts {
			if next[i].Equal(first) {
				next[i] = part.Next(first)
			}
		}
	}
}

// earliest is the first of some instants, of which the zero ones do not count.
func earliest(instants []time.Time) (first time.Time) {
	for _, t := range instants {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// The limits of DefaultCatchUp.
const (
	minCatchUp = 2 * time.Minute
	maxCatchUp = time.Hour
)

// DefaultCatchUp is how late an instant may start when nothing else is said:
// half the time from the last instant not after t to the first one after it,
// but 2 minutes at least and an hour at most; an hour too where there are not
// two such instants.
func DefaultCatchUp(s Schedule, t time.Time) time.Duration {
	next := s.Next(t)
	if next.IsZero() || next.Sub(t) >= 2*maxCatchUp {
		return maxCatchUp
	}
	last := lastWithin(s, t, 2*maxCatchUp)
	if last.IsZero() {
		return maxCatchUp
	}
	return min(max(next.Sub(last)/2, minCatchUp), maxCatchUp)
}

// lastWithin is the last instant not after t, if it is less than limit ago. It
// looks back in growing steps, so that a frequent schedule costs little.
func lastWithin(s Schedule, t time.Time, limit time.Duration) time.Time {
	for back := time.Minute; ; back *= 2 {
		last := s.Next(t.Add(-min(back, limit)))
		if !last.IsZero() && !last.After(t) {
			return lastUpTo(s, last, t)
		}
		if back >= limit {
			return time.Time{}
		}
	}
}

func lastUpTo(s Schedule, last, t time.Time) time.Time {
	for next := s.Next(last); !next.IsZero() && !next.After(t); next = s.Next(last) {
		last = next
	}
	return last
}
