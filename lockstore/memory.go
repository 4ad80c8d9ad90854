package lockstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"slavedriver/engine"
)

// Memory is a Store and Roster in the memory of this process, for worlds that are
// imagined: it decides as the folder store and roster.lua do, and lasts as long as
// it is referred to. Its methods may be called from any goroutine.
type Memory struct {
	terms terms
	now   func() time.Time

	mu      sync.Mutex
	born    int64 // 0: before the first contact
	records map[string]*record
	roll    roll
	down    bool
}

// NewMemory makes a store whose memory begins with the first contact, by its clock.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{terms: engineTerms(), now: now, records: map[string]*record{}, roll: newRoll()}
}

// ErrDown is what a store says that cannot be reached.
var ErrDown = errors.New("connection refused")

// SetDown says whether the store can be reached; it keeps its memory.
func (s *Memory) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Forget lets the store lose its memory, as a restart without a disk does.
func (s *Memory) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.born, s.records, s.roll = 0, map[string]*record{}, newRoll()
}

// Acquire claims instants; see engine.Store, as for the other methods.
func (s *Memory) Acquire(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, claims, (*record).acquire)
}

// Confirm uses instants up.
func (s *Memory) Confirm(ctx context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, claims, (*record).confirm)
}

// Renew makes leases last.
func (s *Memory) Renew(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, holds, (*record).renew)
}

// Release gives leases up.
func (s *Memory) Release(ctx context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, holds, (*record).release)
}

// Miss settles who tells of what nobody started.
func (s *Memory) Miss(ctx context.Context, missed []engine.Claim) ([]engine.Grant, error) {
	return s.each(ctx, missed, (*record).miss)
}

// Prepare lets the memory begin.
func (s *Memory) Prepare(ctx context.Context) error {
	_, err := s.each(ctx, nil, nil)
	return err
}

// Close leaves the memory to others.
func (s *Memory) Close() error { return nil }

func (s *Memory) each(ctx context.Context, claims []engine.Claim, decide decision) (grants []engine.Grant, err error) {
	err = s.reached(ctx, func(at time.Time) {
		now := at.UnixMilli()
		if s.born == 0 {
			s.born = now
		}
		grants = make([]engine.Grant, len(claims))
		for i, c := range claims {
			r := s.records[c.Key]
			if r == nil {
				r = &record{Key: c.Key, Born: s.born}
				s.records[c.Key] = r
			}
			r.rebase(now)
			grants[i] = decide(r, c, now, s.terms)
			grants[i].Now = at
			r.Seen = now
		}
	})
	return grants, err
}

// reached calls do, with the time in whole milliseconds, unless the store is down.
func (s *Memory) reached(ctx context.Context, do func(now time.Time)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.down {
		return ErrDown
	}
	do(time.UnixMilli(s.now().UnixMilli()))
	return nil
}
