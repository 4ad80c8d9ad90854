package outbox

import (
	"slices"
	"strings"
	"time"
)

const (
	firstDelay   = 15 * time.Second
	longestDelay = time.Hour
	// keepFor is how old a letter is when a try that fails is its last.
	keepFor = 24 * time.Hour
	// rest is how long a server that did not answer is left alone: a server
	// that is down must not hold up the letters to others, nor the shift.
	rest = 15 * time.Second
	// mostAtOnce and mostToOne bound how many letters are sent at a time, in
	// all and to one server.
	mostAtOnce = 8
	mostToOne  = 2
)

// delayAfter is how long a letter waits after its nth try, counted from 1: 15
// seconds, then twice as long each time, up to an hour.
func delayAfter(n int) time.Duration {
	if n > 8 {
		return longestDelay
	}
	return min(firstDelay<<max(0, n-1), longestDelay)
}

// slip is what the sender knows of a letter.
type slip struct {
	id, to, about string
	order         string // see Letter
	created       time.Time
	tries         int
	next          time.Time // not before; zero: at once
	why           string    // the last try failed; "" before one did
	sending       bool
}

// due says whether it may be tried. A next that is further away than any delay
// was written by a clock that was wrong.
func (s *slip) due(now time.Time) bool {
	return !now.Before(s.next) || s.next.Sub(now) > longestDelay
}

func (s *slip) expired(now time.Time) bool { return now.Sub(s.created) >= keepFor }

// plan is what is to be done now.
type plan struct {
	send   []*slip
	giveUp []*slip
	// wait is how long nothing else will be due; 0: nothing is waited for.
	wait time.Duration
}

// nothing says that all that is due was tried.
func (p plan) nothing() bool { return len(p.send)+len(p.giveUp) == 0 }

// choose decides what is sent now, the oldest first. resting says until when a
// server is left alone; a letter that is too old is given up when its server
// is resting: it was just seen that it does not answer.
func choose(slips []*slip, resting map[string]time.Time, now time.Time) plan {
	var p plan
	sending, to := 0, map[string]int{}
	for _, s := range slips {
		if s.sending {
			sending++
			to[s.to]++
		}
	}
	ahead := map[string]bool{}
	for _, s := range oldestFirst(slips) {
		rests := resting[s.to].Sub(now)
		behind := s.order != "" && ahead[s.order]
		ahead[s.order] = true
		switch {
		case s.sending:
		case rests > 0 && s.expired(now):
			p.giveUp = append(p.giveUp, s)
		case behind: // until the one before it is sent, or given up
		case rests > 0:
			p.waitFor(max(rests, s.untilDue(now)))
		case !s.due(now):
			p.waitFor(s.untilDue(now))
		case sending < mostAtOnce && to[s.to] < mostToOne:
			p.send = append(p.send, s)
			sending++
			to[s.to]++
		}
	}
	return p
}

func (s *slip) untilDue(now time.Time) time.Duration {
	if s.due(now) {
		return 0
	}
	return s.next.Sub(now)
}

func (p *plan) waitFor(d time.Duration) {
	if p.wait == 0 || d < p.wait {
		p.wait = d
	}
}

func oldestFirst(slips []*slip) []*slip {
	sorted := slices.Clone(slips)
	slices.SortFunc(sorted, func(a, b *slip) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return sorted
}
