package engine

import (
	"context"
	"errors"
	"sync"
	"time"
)

// memoryStore is a Store in the time of a bubble, as simple as the contract
// allows: it forgets nothing by itself.
type memoryStore struct {
	mu     sync.Mutex
	leases map[string]*memoryLease
	used   map[string]string // token, by key and instant
	fence  int64
	down   bool
	stall  bool // answers get lost
	// settler is by key and second whose it is: every second one, as there is no need
	// to be small.
	settler map[string]map[int64]string
	told    map[string]map[int64]toldMiss // by key and second: who was to tell it
	away    map[string]bool               // by key: its part of the store does not answer
}

type memoryLease struct {
	token, holder string
	confirmed     bool
	since, until  time.Time
	fence         int64
}

// toldMiss is which token told an instant as missed, and when it first asked.
type toldMiss struct {
	token string
	at    time.Time
}

func newMemoryStore() *memoryStore {
	return &memoryStore{leases: map[string]*memoryLease{}, used: map[string]string{}, settler: map[string]map[int64]string{}, told: map[string]map[int64]toldMiss{}}
}

func (s *memoryStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func (s *memoryStore) each(claims []Claim, one func(Claim) Grant) ([]Grant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errors.New("connection refused")
	}
	grants, answered := make([]Grant, len(claims)), len(claims) == 0
	for i, c := range claims {
		if s.away[c.Key] {
			grants[i] = Grant{Answer: Unreached, Why: errAway}
			continue
		}
		grants[i] = one(c)
		grants[i].Now = time.Now()
		answered = true
	}
	if !answered {
		return nil, errAway
	}
	return grants, nil
}

var errAway = errors.New("node 3: connection refused")

func (s *memoryStore) take(c Claim, confirmed bool, long time.Duration) Grant {
	l := s.leases[c.Key]
	switch {
	case l != nil && time.Now().Before(l.until) && l.token != c.Token && l.confirmed:
		return Grant{Answer: Held, Holder: l.holder, Since: l.since}
	case l != nil && time.Now().Before(l.until) && l.token != c.Token:
		return Grant{Answer: Claimed, Holder: l.holder}
	case l == nil || !time.Now().Before(l.until) || l.token != c.Token:
		s.fence++
		l = &memoryLease{token: c.Token, holder: c.Holder, since: time.Now(), fence: s.fence}
		s.leases[c.Key] = l
	}
	l.confirmed = l.confirmed || confirmed
	if confirmed {
		s.used[c.Key+c.Instant.String()] = c.Token
		s.settle(c)
	}
	l.until = time.Now().Add(long)
	return Grant{Answer: Granted, Fence: l.fence}
}

func (s *memoryStore) ask(c Claim, confirmed bool, long time.Duration) Grant {
	if g := s.usedBy(c); g.Answer != Granted {
		return g
	}
	return s.take(c, confirmed, long)
}

func (s *memoryStore) usedBy(c Claim) Grant {
	if by := s.used[c.Key+c.Instant.String()]; by != "" && by != c.Token {
		return Grant{Answer: Used, Holder: "another"}
	}
	return Grant{}
}

// forget lets it lose its memory, so that an instant may start again.
func (s *memoryStore) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.leases)
	clear(s.used)
	clear(s.settler)
}

// settle makes the token the settler of what of the claim's stretch has none.
func (s *memoryStore) settle(c Claim) {
	of := s.settler[c.Key]
	if of == nil {
		of = map[int64]string{}
		s.settler[c.Key] = of
	}
	for at := c.Stretch().After.Unix() + 1; at <= c.Instant.Unix(); at++ {
		if of[at] == "" {
			of[at] = c.Token
		}
	}
}

func (s *memoryStore) Acquire(_ context.Context, claims []Claim) ([]Grant, error) {
	return s.each(claims, func(c Claim) Grant { return s.ask(c, false, ClaimFor) })
}

func (s *memoryStore) Confirm(_ context.Context, claims []Claim) ([]Grant, error) {
	return s.each(claims, func(c Claim) Grant { return s.ask(c, true, LeaseFor) })
}

func (s *memoryStore) Renew(_ context.Context, holds []Claim) ([]Grant, error) {
	return s.each(holds, func(c Claim) Grant { return s.take(c, true, LeaseFor) })
}

func (s *memoryStore) Release(_ context.Context, holds []Claim) ([]Grant, error) {
	return s.each(holds, func(c Claim) Grant {
		if l := s.leases[c.Key]; l != nil && l.token == c.Token {
			delete(s.leases, c.Key)
		}
		return s.usedBy(c)
	})
}

func (s *memoryStore) Miss(ctx context.Context, missed []Claim) ([]Grant, error) {
	grants, err := s.each(missed, func(c Claim) Grant {
		s.settle(c)
		if c.Decided {
			return Grant{}
		}
		g := Grant{Answer: Used}
		for at := c.Stretch().After.Unix() + 1; at <= c.Instant.Unix(); at++ {
			if s.settler[c.Key][at] != c.Token {
				continue
			}
			g.Answer = Granted
			s.tells(c, at)
			if n := len(g.Untold); n > 0 && g.Untold[n-1].To.Unix() == at-1 {
				g.Untold[n-1].To = time.Unix(at, 0)
				continue
			}
			g.Untold = append(g.Untold, Stretch{After: time.Unix(at-1, 0), To: time.Unix(at, 0)})
		}
		return g
	})
	if s.stall {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return grants, err
}

func (s *memoryStore) tells(c Claim, at int64) {
	if s.told[c.Key] == nil {
		s.told[c.Key] = map[int64]toldMiss{}
	}
	if _, again := s.told[c.Key][at]; !again {
		s.told[c.Key][at] = toldMiss{token: c.Token, at: time.Now()}
	}
}

func (s *memoryStore) Close() error { return nil }
