package lockstore

import (
	"context"
	"time"

	"slavedriver/engine"
)

// Memory is a store with the decisions of record.go and nothing around them:
// for a model that makes a great many steps. It is for one goroutine.
type Memory struct {
	now     func() time.Time
	born    int64 // 0: before the first contact
	records map[string]*record
}

// NewMemory makes one with a clock.
func NewMemory(now func() time.Time) *Memory { return &Memory{now: now, records: map[string]*record{}} }

// Forget lets it lose its memory.
func (m *Memory) Forget() { m.born, m.records = 0, map[string]*record{} }

// Acquire is engine.Store's.
func (m *Memory) Acquire(_ context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return m.each(claims, (*record).acquire), nil
}

// Confirm is engine.Store's.
func (m *Memory) Confirm(_ context.Context, claims []engine.Claim) ([]engine.Grant, error) {
	return m.each(claims, (*record).confirm), nil
}

// Renew is engine.Store's.
func (m *Memory) Renew(_ context.Context, holds []engine.Claim) ([]engine.Grant, error) {
	return m.each(holds, (*record).renew), nil
}

// Release is engine.Store's.
func (m *Memory) Release(_ context.Context, holds []engine.Claim) error {
	m.each(holds, (*record).release)
	return nil
}

// Close is engine.Store's.
func (m *Memory) Close() error { return nil }

func (m *Memory) each(claims []engine.Claim, decide decision) []engine.Grant {
	now := m.now().UnixMilli()
	if m.born == 0 {
		m.born = now
	}
	grants := make([]engine.Grant, len(claims))
	for i, c := range claims {
		r := m.records[c.Key]
		if r == nil {
			r = &record{Key: c.Key, Born: m.born}
			m.records[c.Key] = r
		}
		grants[i] = decide(r, c, now, engineTerms())
		grants[i].Now = time.UnixMilli(now)
	}
	return grants
}
