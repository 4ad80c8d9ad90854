package engine

import (
	"context"
	"errors"
	"sync/atomic"
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

// slow is a store whose answers take so long.
type slow struct {
	*memoryStore
	takes atomic.Int64
}

func (s *slow) Acquire(ctx context.Context, claims []Claim) ([]Grant, error) {
	time.Sleep(time.Duration(s.takes.Load()))
	return s.memoryStore.Acquire(ctx, claims)
}

// While the store is asked for one start, the next one of the job is not given up: what
// becomes of that is waited for.
func TestAStartThatComesWhileTheStoreIsAskedForAnother(t *testing.T) {
	job := newJob(t, "job", "*/10 * * * * * *", func(j *Job) { j.RunOn = RunOnOne })
	virtually(t, []*Job{job}, func(m *machine) {
		store := &slow{memoryStore: newMemoryStore()}
		m.store = store
		m.play.act = lasting(time.Second)
		m.call()
		m.sleep(5 * time.Second)
		store.takes.Store(int64(12 * time.Second)) // for 12:00:10
		m.sleep(10 * time.Second)
		store.takes.Store(0)
		m.sleep(20 * time.Second)
		m.eachEndsOnce()
		m.same("ledger", m.ledger(), "succeeded job 12:00:00",
			"skipped job 12:00:20: the last run still runs, since 2026-11-23 12:00:22 UTC on s", "succeeded job 12:00:10", "succeeded job 12:00:30")
	})
}
