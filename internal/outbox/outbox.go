// Package outbox keeps messages that handlers leave to be sent, and sends them
// beside the work of a shift: several at once, again with growing delays for a
// day, each at least once.
//
// A letter is a file from the moment that Put returns until it was sent or
// given up. A shift may die at any instant; the next one finds what is there.
// Only one process sends at a time: the one that has the lock of the outbox.
package outbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"slavedriver/engine"
)

// Deliver sends a letter. An error may have Permanent() bool, which says that
// another try is not likely to help, and RetryAfter() time.Duration, before
// which there is to be none. It returns soon after ctx is done.
type Deliver func(ctx context.Context, letter *Letter) error

// Options are what a Box needs of its surroundings.
type Options struct {
	Clock   engine.Clock
	Deliver Deliver
	Log     engine.Logger
}

// Box is the outbox of a var dir, as one shift has it.
type Box struct {
	shelf shelf
	o     Options
	wake  chan struct{} // something is to be looked at
	over  chan struct{} // closed when the sender has ended

	mu      sync.Mutex
	ctx     context.Context // of the shift; nil before Start
	idle    func()
	slips   map[string]*slip
	resting map[string]time.Time
	running bool // the sender was started
	holding bool // it has the lock
	waited  bool // for the lock, longer than patience
	finish  bool // it ends when nothing is due
	told    waiting
}

// New makes the outbox in the folder dir, which comes with the first letter.
func New(dir string, o Options) *Box {
	return &Box{
		shelf: shelf(dir), o: o, wake: make(chan struct{}, 1), over: make(chan struct{}),
		slips: map[string]*slip{}, resting: map[string]time.Time{},
	}
}

// Put keeps a letter; when it returns nil, the letter is on the disk and will
// be sent at least once. Its Created is set here.
func (b *Box) Put(l Letter) error {
	l.Created = b.o.Clock.Now()
	if err := b.shelf.put(l); err != nil {
		return fmt.Errorf("cannot put it into the outbox %s: %w", b.shelf, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx == nil || b.ctx.Err() != nil {
		return nil // the next shift finds it
	}
	if known := b.slips[l.ID]; known == nil || !known.sending {
		b.slips[l.ID] = &slip{id: l.ID, to: l.To, about: l.About, created: l.Created, order: l.Order}
	}
	b.begin()
	b.nudge()
	return nil
}

// Start begins to send what is there and what comes, until ctx is done. idle
// is called when there is nothing more to send for now. Where there is nothing,
// all it costs is a look.
func (b *Box) Start(ctx context.Context, idle func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ctx, b.idle = ctx, idle
	if !b.shelf.isEmpty() || b.shelf.waiting() != (waiting{}) { // one who died before he said that it is over
		b.begin()
	}
}

// Idle says that all that is due was tried: that a shift need not stay for it.
func (b *Box) Idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.running:
		return true
	case !b.holding:
		return b.waited
	}
	return b.sending() == 0 && b.plan().nothing()
}

// Finish waits until all that is due was tried once, or, after the ctx of
// Start is done, until nothing is being sent.
func (b *Box) Finish() {
	b.mu.Lock()
	b.finish = true
	running := b.running
	b.nudge()
	b.mu.Unlock()
	if running {
		<-b.over
	}
}

// begin starts the sender, once.
func (b *Box) begin() {
	if !b.running {
		b.running = true
		go b.run(b.ctx)
	}
}

func (b *Box) nudge() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *Box) plan() plan {
	return choose(slices.Collect(maps.Values(b.slips)), b.resting, b.o.Clock.Now())
}

func (b *Box) sending() (n int) {
	for _, s := range b.slips {
		if s.sending {
			n++
		}
	}
	return n
}

// Empty says that there is no letter that is still to be sent.
func (b *Box) Empty() bool { return b.shelf.isEmpty() }
