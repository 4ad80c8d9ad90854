package lockstore_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

// contest is several slaves that try to start the same instants, each as the
// engine does: claim, confirm, start; ask again after an error.
type contest struct {
	t       testing.TB
	keys    int
	instant time.Time
	met     time.Time
	// first is closed when the first start was made.
	first chan struct{}

	mu     sync.Mutex
	starts map[string][]started
	missed int // that were forgotten
	errors int
}

// started is one start of an instant.
type started struct {
	slave string
	fence int64
}

func newContest(t testing.TB, keys int, instant time.Time) *contest {
	return &contest{
		t: t, keys: keys, instant: instant, met: time.Now(),
		first: make(chan struct{}), starts: map[string][]started{},
	}
}

// next is the same contest for a later instant.
func (c *contest) next(after time.Duration) *contest {
	n := newContest(c.t, c.keys, c.instant.Add(after))
	n.met = c.met
	return n
}

// run lets slaves fight until each has an outcome for every instant.
func (c *contest) run(stores map[string]engine.Store) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var all sync.WaitGroup
	for name, store := range stores {
		all.Go(func() { c.slave(ctx, name, store) })
	}
	all.Wait()
	if ctx.Err() != nil {
		c.t.Error("the slaves did not come to an end")
	}
}

// slave goes on until every instant was started here or by another, or is missed.
func (c *contest) slave(ctx context.Context, name string, store engine.Store) {
	waiting := make([]engine.Claim, c.keys)
	for i := range waiting {
		key := fmt.Sprint("job-", i)
		waiting[i] = engine.Claim{Key: key, Instant: c.instant, Token: name + key, Holder: name, Remember: time.Hour, Met: c.met}
	}
	for len(waiting) > 0 && ctx.Err() == nil {
		n := min(len(waiting), 20) // so that there are many calls
		claimed, _, again := c.ask(ctx, store.Acquire, waiting[:n])
		confirmed, fences, more := c.ask(ctx, store.Confirm, claimed)
		c.start(name, confirmed, fences)
		c.release(ctx, store, confirmed)
		if len(again)+len(more) == n {
			time.Sleep(20 * time.Millisecond) // the engine waits a second
		}
		waiting = append(append(waiting[n:], again...), more...)
	}
}

// release gives leases up, in more than one try.
func (c *contest) release(ctx context.Context, store engine.Store, claims []engine.Claim) {
	for ctx.Err() == nil {
		if _, err := store.Release(ctx, claims); err == nil {
			return
		}
		c.mu.Lock()
		c.errors++
		c.mu.Unlock()
	}
}

// ask sorts claims by their answers.
func (c *contest) ask(ctx context.Context, do func(context.Context, []engine.Claim) ([]engine.Grant, error),
	claims []engine.Claim) (granted []engine.Claim, fences []int64, again []engine.Claim) {
	grants, err := do(ctx, claims)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.errors++
		return nil, nil, claims
	}
	for i, g := range grants {
		switch g.Answer {
		case engine.Granted:
			granted, fences = append(granted, claims[i]), append(fences, g.Fence)
		case engine.Claimed:
			again = append(again, claims[i])
		case engine.Unreached:
			c.errors++
			again = append(again, claims[i])
		case engine.Forgotten:
			c.missed++
		case engine.Held, engine.Used: // another slave started it
		}
	}
	return granted, fences, again
}

func (c *contest) start(slave string, claims []engine.Claim, fences []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, claim := range claims {
		if len(c.starts) == 0 {
			close(c.first)
		}
		c.starts[claim.Key] = append(c.starts[claim.Key], started{slave, fences[i]})
	}
}

// eachOnce checks that no instant was started twice, and if all is set that
// each was, with a fence above that of the contest before.
func (c *contest) eachOnce(all bool, before *contest) {
	c.t.Helper()
	if all && len(c.starts) != c.keys {
		c.t.Errorf("%d of %d instants were started (%d missed)", len(c.starts), c.keys, c.missed)
	}
	for key, s := range c.starts {
		if len(s) != 1 {
			c.t.Errorf("%s was started %d times, last by %s", key, len(s), s[len(s)-1].slave)
		}
		if before != nil && len(before.starts[key]) > 0 && s[0].fence <= before.starts[key][0].fence {
			c.t.Errorf("the fence of %s went from %d to %d", key, before.starts[key][0].fence, s[0].fence)
		}
	}
}
