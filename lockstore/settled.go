package lockstore

import (
	"slices"
	"time"

	"slavedriver/engine"
)

// What is known of the instants of a key: lease.lua has the same. A store knows no
// schedule, so it keeps stretches of time. Those of a job that starts regularly
// touch, as each begins where the one before ended, and are one however long it goes.

const (
	// mostSettled is how many stretches of a key are kept, the newest: with more
	// gaps than that it is not known any more what came before them. A schedule
	// function leaves a gap at each minute in which it is not due; its minutes are
	// asked about for three hours at the most.
	mostSettled = 100
	// mostParts is of how many tokens it is known what they settled, those that
	// came last: they ask again within minutes, if they do.
	mostParts = 32
)

// stretches are in order and do not touch. Each is the time after its first moment,
// up to and including its second, in Unix seconds.
type stretches [][2]int64

// part is what a token settled that others had not.
type part struct {
	Token string
	Of    stretches `json:",omitempty"`
}

func stretchOf(c engine.Claim) [2]int64 {
	s := c.Stretch()
	return [2]int64{max(s.After.Unix(), 0), max(s.To.Unix(), 0)}
}

// with is all that is in s or in one more.
func (s stretches) with(one [2]int64) (all stretches) {
	if one[0] >= one[1] {
		return s
	}
	for i, other := range s {
		switch {
		case other[1] < one[0]:
			all = append(all, other)
		case other[0] > one[1]:
			return append(append(all, one), s[i:]...)
		default:
			one = [2]int64{min(one[0], other[0]), max(one[1], other[1])}
		}
	}
	return append(all, one)
}

// without is what of s is not in taken.
func (s stretches) without(taken stretches) (left stretches) {
	for _, one := range s {
		from := one[0]
		for _, other := range taken {
			if other[1] <= from || other[0] >= one[1] {
				continue
			}
			if other[0] > from {
				left = append(left, [2]int64{from, other[0]})
			}
			from = other[1]
		}
		if from < one[1] {
			left = append(left, [2]int64{from, one[1]})
		}
	}
	return left
}

// forCaller is s as a Grant has it.
func (s stretches) forCaller() (all []engine.Stretch) {
	for _, one := range s {
		all = append(all, engine.Stretch{After: time.Unix(one[0], 0), To: time.Unix(one[1], 0)})
	}
	return all
}

// settle notes that the claim's stretch is settled; not that of an instant which only
// a clock far ahead of the store's can have named: all that come later would be too.
func (r *record) settle(c engine.Claim, now int64) {
	if c.Instant.UnixMilli() > now+aheadAtMost.Milliseconds() {
		return
	}
	r.Settled = r.Settled.with(stretchOf(c))
	r.Settled = r.Settled[max(0, len(r.Settled)-mostSettled):]
}

// note remembers what a token settled.
func (r *record) note(token string, of stretches) {
	r.Parts = slices.DeleteFunc(r.Parts, func(p part) bool { return p.Token == token })
	r.Parts = append(r.Parts, part{Token: token, Of: of})
	r.Parts = r.Parts[max(0, len(r.Parts)-mostParts):]
}

// partOf is what a token settled, if that was noted.
func (r *record) partOf(token string) (of stretches, noted bool) {
	for _, p := range r.Parts {
		if p.Token == token {
			return p.Of, true
		}
	}
	return nil, false
}
