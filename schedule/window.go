package schedule

import "time"

// maxEnumerated bounds the work of Between; it is some two months of minutes.
const maxEnumerated = 100_000

// Between gives the instants after from and not after to: the latest most of
// them, in order; more is how many earlier ones are left out. Where there are
// more than 100,000 instants, more may count too few of them, and where most of
// those are long past, fewer than most are given.
func Between(s Schedule, from, to time.Time, most int) (instants []time.Time, more int) {
	recent := to.Add(-maxEnumerated * time.Minute)
	if from.After(recent) {
		recent = from
	}
	instants, more, _ = enumerate(s, recent, to, most)
	if recent.Equal(from) || len(instants) == most {
		return instants, more
	}
	// Few of late, so probably few before: a yearly job, say.
	if all, earlier, complete := enumerate(s, from, to, most); complete {
		return all, earlier
	}
	return instants, maxEnumerated
}

// enumerate is Between, but gives up when there are too many instants.
func enumerate(s Schedule, from, to time.Time, most int) (instants []time.Time, more int, complete bool) {
	for t := s.Next(from); !t.IsZero() && !t.After(to); t = s.Next(t) {
		if len(instants)+more == maxEnumerated {
			return instants, more, false
		}
		instants = append(instants, t)
		if len(instants) > most {
			instants = instants[1:]
			more++
		}
	}
	return instants, more, true
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
