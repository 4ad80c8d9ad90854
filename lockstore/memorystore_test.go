package lockstore_test

import (
	"errors"
	"sync"
	"testing"

	"slavedriver/engine"
	"slavedriver/lockstore"
	"slavedriver/lockstore/locktest"
)

// A store in the memory of a process cannot be joined by another one.
func TestMemory(t *testing.T) {
	t.Parallel()
	locktest.Cases(t, func(*testing.T, bool) locktest.World {
		c := newClock()
		store := sync.OnceValue(func() *lockstore.Memory { return lockstore.NewMemory(c.now) })
		return locktest.World{
			Open: func() engine.Store { return store() }, Now: c.now, Advance: c.advance, Virtual: true,
			Claim: engine.ClaimFor, Lease: engine.LeaseFor, Forget: func() { store().Forget() },
		}
	})
}

func TestMemoryDown(t *testing.T) {
	t.Parallel()
	s := lockstore.NewMemory(newClock().now)
	s.SetDown(true)
	if _, err := s.Acquire(t.Context(), []engine.Claim{{Key: "a"}}); !errors.Is(err, lockstore.ErrDown) {
		t.Errorf("a store that is down says %v", err)
	}
}
