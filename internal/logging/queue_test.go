package logging

import (
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) write(time.Time, engine.Level, string, map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
}

// A log is closed while others still write to it: what comes later is dropped.
func TestAClosedQueueTakesNothing(t *testing.T) {
	to := &counted{}
	q := newQueue(to)
	q.Log(engine.Error, "before", nil)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for range 1000 {
				q.Log(engine.Error, "meanwhile", nil)
			}
		})
	}
	q.close()
	q.close()
	writers.Wait()
	q.Log(engine.Error, "after", nil)
	if to.n == 0 {
		t.Error("what came before was not written")
	}
}
