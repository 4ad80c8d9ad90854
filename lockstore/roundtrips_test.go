package lockstore_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

// postman holds every reply back until a whole batch was asked, and counts how
// often a client asks on after it had a reply: its round trips.
type postman struct {
	mu       sync.Mutex
	batch    int // how many claims have to be there
	asked    bytes.Buffer
	replying bool
	whole    chan struct{} // closed when the batch is there
	trips    int
}

func newPostman(batch int) *postman {
	return &postman{batch: batch, replying: true, whole: make(chan struct{})}
}

func (p *postman) fault(_ *link, request bool, data []byte) bool {
	p.mu.Lock()
	whole := p.whole
	if request {
		if p.replying {
			p.trips++
			p.replying, p.whole = false, make(chan struct{})
			p.asked.Reset()
		}
		p.asked.Write(data)
		if bytes.Count(p.asked.Bytes(), []byte("token of ")) == p.batch {
			close(p.whole)
		}
		p.mu.Unlock()
		return true
	}
	p.mu.Unlock()
	select {
	case <-whole:
	case <-time.After(10 * time.Second): // it waits for a reply before it asks the rest
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replying = true
	return true
}

// A thousand leases are had in two round trips: no reply comes before all is
// asked, twice.
func TestThousandLeasesInTwoRoundTrips(t *testing.T) {
	t.Parallel()
	const batch = 1000
	proxy, post := startProxy(t, anyServer(t)), newPostman(batch)
	store := open(t, "redis://"+proxy.addr)
	first := claim("first contact")
	first.Met = time.Time{}
	if _, err := store.Acquire(t.Context(), []engine.Claim{first}); err != nil {
		t.Fatal(err)
	}
	claims := make([]engine.Claim, batch)
	for i := range claims {
		claims[i] = claim(fmt.Sprint("job-", i))
	}
	proxy.set(post.fault)
	for i, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm} {
		grants, err := do(t.Context(), claims)
		granted(t, grants, err)
		if post.trips != i+1 {
			t.Errorf("%d round trips", post.trips)
		}
	}
	if n := proxy.accepted.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}
