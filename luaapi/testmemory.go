package luaapi

import (
	"slices"
	"sync"
	"time"
)

// memoryWatch looks after the memory that calls of entry files take in the worlds
// of tests. There it is what the judge is elsewhere, whose clock stands still while
// Lua computes: this one looks from outside of the virtual time, and can do no more
// than leave a mark, which the call finds at its next instruction. Calls that
// compute at the same time are not told apart: all are cut off.
type memoryWatch struct {
	mu    sync.Mutex
	calls []*memoryCall
	close func()
}

// memoryCall is a call that goes on.
type memoryCall struct {
	d     *deadline
	start uint64 // bytes of the heap when it was first looked at; 0: it was not
}

// newMemoryWatch begins to look, by a real clock: it must be called outside of any
// virtual time, and closed.
func newMemoryWatch() *memoryWatch {
	m, over, gone := &memoryWatch{}, make(chan struct{}), make(chan struct{})
	m.close = func() {
		close(over)
		<-gone
	}
	go func() {
		defer close(gone)
		ticker := time.NewTicker(lookAtMemory)
		defer ticker.Stop()
		for {
			select {
			case <-over:
				return
			case <-ticker.C:
				m.look()
			}
		}
	}()
	return m
}

// watch looks after the call under d until over is called. nil looks after none.
func (m *memoryWatch) watch(d *deadline) (over func()) {
	if m == nil {
		return func() {}
	}
	c := &memoryCall{d: d}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.calls = slices.DeleteFunc(m.calls, func(other *memoryCall) bool { return other == c })
	}
}

// look marks the calls during which the heap grew by too much, garbage apart.
func (m *memoryWatch) look() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.greedy(heap())) == 0 {
		return
	}
	for _, c := range m.greedy(collected()) {
		c.d.ate.Store(true)
	}
}

// greedy are those that compute, and in whose time the heap grew to that size from
// one that was smaller by all that a call may take.
func (m *memoryWatch) greedy(size uint64) (calls []*memoryCall) {
	for _, c := range m.calls {
		if c.start == 0 {
			c.start = size
		}
		if size >= c.start+mostMemory() && !c.d.rest.now().resting {
			calls = append(calls, c)
		}
	}
	return calls
}
