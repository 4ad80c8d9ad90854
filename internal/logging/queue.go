package logging

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"slavedriver/engine"
)

const (
	// queueLength is how many messages may wait for a slow destination.
	queueLength = 1024
	// closePatience is how long the end of a shift waits for one.
	closePatience = 2 * time.Second
)

// queue stands between the shift and a destination that may be slow, or hang:
// a pipe that nobody reads must not keep a job from its start.
type queue struct {
	to      destination
	entries chan entry
	start   sync.Once
	mu      sync.Mutex // of closed, and of closing entries
	closed  bool
	over    chan struct{} // closed when all was written
	dropped atomic.Int64
}

func newQueue(to destination) *queue {
	return &queue{to: to, entries: make(chan entry, queueLength), over: make(chan struct{})}
}

// Log queues a message, or drops it where too many wait, and once it is closed:
// a shift that begins anew closes its log while some of it still works.
func (q *queue) Log(level engine.Level, message string, fields map[string]any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.start.Do(func() { go q.work() })
	select {
	case q.entries <- entry{time.Now(), level, message, fields}:
	default:
		q.dropped.Add(1)
	}
}

func (q *queue) work() {
	defer close(q.over)
	for e := range q.entries {
		q.to.write(e.Time, e.Level, e.Message, e.Context)
		if n := q.dropped.Swap(0); n > 0 {
			q.to.write(time.Now(), engine.Warning, fmt.Sprintf("%d log messages were dropped here: they came faster than they could be written", n), nil)
		}
	}
}

func (q *queue) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.entries)
	}
	q.mu.Unlock()
	q.start.Do(func() { close(q.over) }) // nothing was ever logged
	select {
	case <-q.over:
	case <-time.After(closePatience):
	}
}
