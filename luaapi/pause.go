package luaapi

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
)

// pause holds a VM between two instructions, where it asks its context. Go code
// in a builtin that asks waits as well.
type pause struct {
	held  atomic.Bool
	mu    sync.Mutex
	over  chan struct{} // closed at the end of the pause; nil: there is none
	count int           // how many wait
}

func (p *pause) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over == nil {
		p.over = make(chan struct{})
		p.held.Store(true)
	}
}

func (p *pause) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		p.held.Store(false)
		close(p.over)
		p.over = nil
	}
}

// wait waits for the end of the pause, or of the call.
func (p *pause) wait(done <-chan struct{}, r *rest) {
	select {
	case <-done:
		return
	default:
	}
	over := p.enter()
	if over == nil {
		return
	}
	r.begin()
	select {
	case <-over:
	case <-done:
	}
	r.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count--
}

// enter counts who waits, and returns the end of the pause.
func (p *pause) enter() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over != nil {
		p.count++
	}
	return p.over
}

// waiting says whether somebody waits for the end of the pause.
func (p *pause) waiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count > 0
}

// rest knows when a call takes no memory: while its VM is paused, while it waits
// for something in a builtin of ours or for a call within it, and once it is over.
type rest struct {
	mu    sync.Mutex
	depth int
	times int
}

// mark is a moment of a call. Two that are equal and resting are of one rest:
// nothing was done between them.
type mark struct {
	resting bool
	times   int
}

func (r *rest) now() mark {
	r.mu.Lock()
	defer r.mu.Unlock()
	return mark{resting: r.depth > 0, times: r.times}
}

func (r *rest) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.depth++; r.depth == 1 {
		r.times++
	}
}

func (r *rest) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.depth--
}

// resting lets the call rest until end is called. nil: there is no call.
func (d *deadline) resting() (end func()) {
	if d == nil {
		return func() {}
	}
	d.rest.begin()
	return d.rest.end
}

// restingReader lets the call of ctx rest while it waits for what there is to
// read. What was read is in memory that the reader was given.
type restingReader struct {
	io.Reader
	ctx context.Context
}

func (r restingReader) Read(p []byte) (int, error) {
	if d, ok := r.ctx.(*deadline); ok {
		defer d.resting()()
	}
	return r.Reader.Read(p)
}
