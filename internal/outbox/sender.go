package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"slavedriver/engine"
)

const (
	// patience is how long a shift with nothing else to do waits for the one
	// before to finish what it is sending.
	patience = 10 * time.Second
	// grace is how long a shift that is relieved goes on with what it is
	// sending. It is below what Duty.Reap lets it live.
	grace = 5 * time.Second
)

// run is the sender.
func (b *Box) run(ctx context.Context) {
	defer close(b.over)
	unlock, err := b.acquire(ctx)
	if unlock == nil {
		if err != nil {
			b.o.Log.Log(engine.Error, fmt.Sprintf("letters in the outbox are not sent: %v", err), nil)
		}
		b.barred()
		return
	}
	defer unlock()
	b.load()
	sendCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for b.step(ctx, sendCtx) {
	}
	b.settle(cancel)
}

// barred lets the shift go on without us.
func (b *Box) barred() {
	b.mu.Lock()
	b.waited = true
	b.mu.Unlock()
	b.idle()
}

// load looks what is there, once the lock is had.
func (b *Box) load() {
	slips, damaged, err := b.shelf.list()
	if err != nil {
		b.o.Log.Log(engine.Error, fmt.Sprintf("the outbox cannot be read: %v", err), nil)
	}
	for _, id := range damaged {
		b.setAside(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range slips {
		if b.slips[s.id] == nil {
			b.slips[s.id] = s
		}
	}
	b.told = b.shelf.waiting()
	b.holding = true
}

// step does what is to be done now and waits for what comes next. It is false
// when the sender is to end.
func (b *Box) step(ctx, sendCtx context.Context) bool {
	b.mu.Lock()
	p := b.plan()
	for _, s := range p.send {
		s.sending = true
		go b.send(sendCtx, s)
	}
	for _, s := range p.giveUp {
		delete(b.slips, s.id)
	}
	busy, finish := b.sending() > 0, b.finish
	b.mu.Unlock()
	for _, s := range p.giveUp {
		b.giveUp(s, s.tries, fmt.Errorf("%s does not answer", s.to))
	}
	if !busy && len(p.send) == 0 {
		b.tellWaiting()
	}
	if !busy && finish {
		return false
	}
	if !busy {
		b.idle()
	}
	return b.waitForMore(ctx, p.wait)
}

// waitForMore waits until something changes; it is false once ctx is done.
func (b *Box) waitForMore(ctx context.Context, long time.Duration) bool {
	var ring <-chan time.Time
	if long > 0 {
		timer := time.NewTimer(long)
		defer timer.Stop()
		ring = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-b.wake:
	case <-ring:
	}
	return ctx.Err() == nil
}

// settle waits for what is being sent; what takes longer than grace is cut off
// and tried again by the next shift.
func (b *Box) settle(cancel func()) {
	timer := time.AfterFunc(grace, cancel)
	defer timer.Stop()
	for {
		b.mu.Lock()
		busy := b.sending() > 0
		b.mu.Unlock()
		if !busy {
			return
		}
		<-b.wake
	}
}

// send is one try.
func (b *Box) send(ctx context.Context, s *slip) {
	letter, err := b.shelf.read(s.id)
	if err == nil {
		err = b.o.Deliver(ctx, letter)
	}
	switch {
	case ctx.Err() != nil && err != nil: // cut off, which says nothing about it
		b.done(s, func() { delete(b.slips, s.id) })
	case err == nil:
		b.sent(s)
	case errors.Is(err, errDamaged):
		b.setAside(s.id)
		b.done(s, func() { delete(b.slips, s.id) })
	default:
		b.failed(s, err)
	}
	b.nudge()
}

// done ends a try and changes what is known of the letter.
func (b *Box) done(s *slip, change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
	s.sending = false
}

// sent takes the letter away. Where that fails, it stays until the next shift,
// which sends it again.
func (b *Box) sent(s *slip) {
	if err := b.shelf.remove(s.id); err != nil {
		b.o.Log.Log(engine.Error, fmt.Sprintf("%s was sent, but cannot be taken out of the outbox, so it is sent again: %v", s.about, err), nil)
	}
	if s.tries > 0 {
		b.o.Log.Log(engine.Notice, fmt.Sprintf("%s was sent at try %d", s.about, s.tries+1), nil)
	}
	b.done(s, func() {
		delete(b.slips, s.id)
		delete(b.resting, s.to)
	})
}

// failed notes a try that failed, or gives the letter up if it was its last.
func (b *Box) failed(s *slip, err error) {
	now := b.o.Clock.Now()
	permanent, after := judge(err)
	n := s.tries + 1
	if s.expired(now) {
		b.giveUp(s, n, err)
		b.done(s, func() { delete(b.slips, s.id) })
		return
	}
	next := now.Add(max(delayAfter(n), min(after, longestDelay)))
	if n == 1 {
		level := engine.Warning
		if permanent {
			level = engine.Error
		}
		b.o.Log.Log(level, fmt.Sprintf("%s could not be sent from the outbox, and is tried again for a day: %s", s.about, s.reason(err)), nil)
	}
	if err := b.shelf.note(s.id, tries{n, next, s.reason(err)}); err != nil {
		b.o.Log.Log(engine.Warning, fmt.Sprintf("it cannot be noted that %s was tried: %v", s.about, err), nil)
	}
	b.done(s, func() {
		s.tries, s.next, s.why = n, next, s.reason(err)
		if !permanent {
			b.resting[s.to] = now.Add(rest)
		}
	})
}

// judge asks an error what it knows.
func judge(err error) (permanent bool, after time.Duration) {
	var p interface{ Permanent() bool }
	var r interface{ RetryAfter() time.Duration }
	if errors.As(err, &p) {
		permanent = p.Permanent()
	}
	if errors.As(err, &r) {
		after = r.RetryAfter()
	}
	return permanent, after
}

// giveUp says that a letter is not sent, and keeps it for a person to look at.
func (b *Box) giveUp(s *slip, n int, why error) {
	path, err := b.shelf.giveUp(s.id)
	where := "it is kept as " + path
	if err != nil {
		where = fmt.Sprintf("it cannot be put aside, so it is tried again: %v", err)
	}
	b.o.Log.Log(engine.Error, fmt.Sprintf("gave up sending %s, put into the outbox at %s, after %s: %s; %s",
		s.about, s.created.Local().Format("2006-01-02 15:04"), times(n), s.reason(why), where), nil)
}

func (b *Box) setAside(id string) {
	path, err := b.shelf.giveUp(id)
	message := fmt.Sprintf("a letter in the outbox is damaged and not sent; it is kept as %s", path)
	if err != nil {
		message = fmt.Sprintf("the letter %s in the outbox is damaged, and cannot be put aside: %v", id, err)
	}
	b.o.Log.Log(engine.Error, message, nil)
}

func times(n int) string {
	if n == 1 {
		return "1 try"
	}
	return fmt.Sprintf("%d tries", n)
}
