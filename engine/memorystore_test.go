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
	stall  bool             // answers get lost
	last   map[string]int64 // the newest instant, by key, that was used or left out
	told   map[string]int64 // that was told as missed
	teller map[string]string
	known  map[string]bool // by key and instant: left out
	away   map[string]bool // by key: its part of the store does not answer
}

type memoryLease struct {
	token, holder string
	confirmed     bool
	since, until  time.Time
	fence         int64
}

func newMemoryStore() *memoryStore {
	return &memoryStore{leases: map[string]*memoryLease{}, used: map[string]string{}, last: map[string]int64{}, told: map[string]int64{}, teller: map[string]string{}, known: map[string]bool{}}
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
		s.last[c.Key] = max(s.last[c.Key], c.Instant.Unix())
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
		at, instant := c.Key+c.Instant.String(), c.Instant.Unix()
		if c.Decided {
			s.last[c.Key] = max(s.last[c.Key], instant)
			s.known[at] = true
			return Grant{}
		}
		if s.teller[c.Key] == c.Token || s.used[at] == c.Token {
			return Grant{}
		}
		if s.used[at] != "" || s.known[at] || s.last[c.Key] == instant || s.told[c.Key] >= instant {
			return Grant{Answer: Used}
		}
		s.told[c.Key], s.teller[c.Key] = instant, c.Token
		if before := s.last[c.Key]; before > 0 && before < instant {
			return Grant{Since: time.Unix(before, 0)}
		}
		return Grant{}
	})
	if s.stall {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return grants, err
}

func (s *memoryStore) Close() error { return nil }
