package engine

import (
	"context"
	"errors"
	"testing"
	"time"
)

// forgetful is a store whose replies to Confirm get lost for a while.
type forgetful struct {
	*memoryStore
	lost bool
}

func (f *forgetful) Confirm(ctx context.Context, claims []Claim) ([]Grant, error) {
	grants, err := f.memoryStore.Confirm(ctx, claims)
	if f.lost {
		return nil, errors.New("the reply got lost")
	}
	return grants, err
}

// A Confirm whose reply got lost leaves a lease behind that nobody knows of; the
// job's next instants are not skipped for it.
func TestALeaseWhoseGrantGotLostIsGivenUp(t *testing.T) {
	virtually(t, []*Job{newJob(t, "job", "* * * * *")}, func(m *machine) {
		store := &forgetful{memoryStore: newMemoryStore(), lost: true}
		m.store = store
		m.until("12:00:30")
		store.lost = false
		m.until("12:02:30")
		m.sleep(time.Second)
		m.same("ledger", m.ledger(), "succeeded job 12:00:00", "succeeded job 12:01:00", "succeeded job 12:02:00")
	})
}
