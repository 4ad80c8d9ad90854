package locktest

import (
	"fmt"
	"time"

	"slavedriver/engine"
)

// Here are the cases about what a store remembers and for how long.

// older is an instant that is older than the store's memory.
func (b *bench) older() time.Time { return b.Now().Truncate(time.Second).Add(-2 * time.Second) }

func newStoreRefuses(b *bench) {
	c := b.claim("job", b.due.Truncate(time.Minute).Add(-2*time.Minute), "t1")
	b.a.wants(b.a.acquire(c), engine.Forgotten)
	b.a.wants(b.a.confirm(c), engine.Forgotten)
	b.b.run(b.claim("job", b.due, "t2")) // nothing was left behind
}

// A slave that has not met the store, or only since its memory began, cannot
// have started anything on its word before: a first tick is not lost.
func newStoreFirstMinute(b *bench) {
	minute := b.met.Truncate(time.Minute)
	never, since := b.claim("job", minute, "t1"), b.claim("job2", minute, "t2")
	never.Met = time.Time{}
	b.a.run(never)
	b.b.run(since)
	older := time.Second
	if !b.Virtual { // the minute may have turned since some tag was born
		older += time.Minute
	}
	never.Instant, never.Token = minute.Add(-older), "t3"
	b.a.wants(b.a.acquire(never), engine.Forgotten)
}

func newKey(b *bench) {
	b.needsVirtualTime()
	b.Advance(time.Hour)
	for i := range 40 {
		b.a.run(b.claim(fmt.Sprint("new", i), b.older(), "t1"))
	}
}

func forgotten(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.lose()
	b.b.wants(b.b.acquire(b.claim("job", b.older(), "t2")), engine.Forgotten)
	b.b.wants(b.b.acquire(b.claim("another job", b.older(), "t3")), engine.Forgotten)
	b.b.run(b.claim("job", b.due.Add(time.Hour), "t4"))
}

// What was asked before the loss by a slave whose clock is ahead lies after it.
func forgottenByAFastClock(b *bench) {
	ahead := b.due.Add(85 * time.Second)
	b.a.run(b.claim("job", ahead, "t1"))
	b.a.release(b.claim("job", ahead, "t1"))
	b.lose()
	b.b.wants(b.b.acquire(b.claim("job", ahead, "t2")), engine.Forgotten)
	b.b.wants(b.b.confirm(b.claim("job", ahead, "t2")), engine.Forgotten)
	b.b.run(b.claim("job", ahead.Add(time.Minute), "t3"))
}

// After a loss a running job's lease is renewed before anybody is granted the
// next one.
func forgottenAndNext(b *bench) {
	b.needsVirtualTime()
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.lose()
	begins := b.Now()
	next := func() engine.Grant {
		return b.b.acquire(b.claim("job", b.Now().Truncate(time.Second), fmt.Sprint(b.Now())))
	}
	for b.Now().Sub(begins) < engine.LeaseFor/3 {
		b.b.wants(next(), engine.Forgotten)
		b.Advance(10 * time.Second)
	}
	b.a.wants(b.a.renew(c), engine.Granted)
	b.Advance(time.Minute)
	b.b.wants(next(), engine.Held)
}

// One who met the store before tells the others that it lost its memory.
func forgottenTold(b *bench) {
	b.lose()
	old, stranger := b.claim("job", b.older(), "t1"), b.claim("job", b.Now().Truncate(time.Minute), "t2")
	stranger.Met = time.Time{}
	b.a.wants(b.a.acquire(old), engine.Forgotten)
	b.b.wants(b.b.acquire(stranger), engine.Forgotten)
}

// A run's own slave learns at its end, however short it was, that the instant
// was started again after the memory was lost.
func forgottenAndStartedTwice(b *bench) {
	first := b.claim("job", b.due.Add(time.Hour), "t1")
	b.a.run(first)
	b.lose()
	second := b.claim("job", first.Instant, "t2")
	second.Met = time.Time{} // it knows of no loss
	b.b.run(second)
	if g := b.b.release(second); g.Answer != engine.Granted {
		b.Errorf("at its end the second was answered %+v", g)
	}
	if g := b.a.release(first); g.Answer != engine.Used || g.Holder != "b" {
		b.Errorf("at its end the first was answered %+v", g)
	}
}

func forgottenInBetween(b *bench) {
	b.needsVirtualTime()
	c := b.claim("job", b.due, "t1")
	b.a.wants(b.a.acquire(c), engine.Granted)
	b.Advance(5 * time.Second)
	b.lose()
	c.Met = b.met
	b.a.wants(b.a.confirm(c), engine.Forgotten)
	b.b.run(b.claim("job", b.due.Add(time.Hour), "t2"))
}

func forgottenWhileRunning(b *bench) {
	c := b.claim("job", b.due.Add(time.Hour), "t1")
	first := b.a.run(c)
	b.lose()
	c.Fence, c.Started = first.Fence, b.Now().Add(-time.Hour).Truncate(time.Millisecond)
	again := b.a.renew(c)
	b.a.wants(again, engine.Granted)
	if again.Fence <= first.Fence {
		b.Errorf("the fence went from %d to %d", first.Fence, again.Fence)
	}
	b.b.wants(b.b.acquire(b.claim("job", c.Instant, "t2")), engine.Used)
	held := b.b.acquire(b.claim("job", c.Instant.Add(time.Hour), "t3"))
	b.b.wants(held, engine.Held)
	if !held.Since.Equal(c.Started) {
		b.Errorf("it is held since %s, not since the run's start at %s", held.Since, c.Started)
	}
}

func forgottenAndRetried(b *bench) {
	b.needsVirtualTime()
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.Advance(time.Minute)
	b.lose()
	b.a.wants(b.a.renew(c), engine.Granted)
	b.a.run(c)
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Used)
}

func claimRunsOut(b *bench) {
	first := b.a.acquire(b.claim("job", b.due, "t1"))
	b.almost(b.Claim, func() { b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Claimed) })
	if second := b.b.run(b.claim("job", b.due, "t2")); second.Fence <= first.Fence {
		b.Errorf("the fence went from %d to %d", first.Fence, second.Fence)
	}
}

// almost lets d pass, and on a virtual clock checks what holds just before.
func (b *bench) almost(d time.Duration, before func()) {
	b.Helper()
	if b.Virtual {
		b.Advance(d - time.Millisecond)
		before()
		d = time.Millisecond
	}
	b.Advance(d)
}

// needsVirtualTime is for cases that would wait too long, or fail on a machine
// that is too slow.
func (b *bench) needsVirtualTime() {
	b.Helper()
	if !b.Virtual {
		b.Skip("the time of this store is real")
	}
}

func confirmTooLate(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.acquire(c)
	b.Advance(b.Claim)
	b.a.wants(b.a.confirm(c), engine.Granted)
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Used)
}

func confirmStolen(b *bench) {
	mine, theirs := b.claim("job", b.due, "t1"), b.claim("job", b.due, "t2")
	b.a.acquire(mine)
	b.Advance(b.Claim)
	b.b.wants(b.b.acquire(theirs), engine.Granted)
	b.a.wants(b.a.confirm(mine), engine.Claimed)
	b.b.wants(b.b.confirm(theirs), engine.Granted)
	b.a.wants(b.a.confirm(mine), engine.Used)
	b.a.release(mine) // takes nothing from b
	b.a.wants(b.a.acquire(b.claim("job", b.due.Add(time.Minute), "t3")), engine.Held)
}

func leaseRunsOut(b *bench) {
	first := b.a.run(b.claim("job", b.due, "t1"))
	next := b.claim("job", b.due.Add(time.Minute), "t2")
	b.almost(b.Lease, func() { b.b.wants(b.b.acquire(next), engine.Held) })
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t3")), engine.Used)
	if second := b.b.run(next); second.Fence <= first.Fence {
		b.Errorf("the fence went from %d to %d", first.Fence, second.Fence)
	}
}

func claimAgain(b *bench) {
	b.needsVirtualTime()
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.a.acquire(c)
	b.Advance(b.Lease - time.Millisecond)
	b.b.wants(b.b.acquire(b.claim("job", b.due.Add(time.Minute), "t2")), engine.Held)
}

func renewKeeps(b *bench) {
	b.needsVirtualTime()
	c := b.claim("job", b.due, "t1")
	first := b.a.run(c)
	for range 3 {
		b.Advance(b.Lease / 2)
		if g := b.a.renew(c); g.Fence != first.Fence {
			b.Fatalf("renewed: %s", describe(g))
		}
	}
	b.b.wants(b.b.acquire(b.claim("job", b.due.Add(time.Minute), "t2")), engine.Held)
}

func renewVanished(b *bench) {
	c := b.claim("job", b.due, "t1")
	first := b.a.run(c)
	b.Advance(b.Lease)
	c.Fence = first.Fence
	if again := b.a.renew(c); again.Fence <= first.Fence {
		b.Errorf("taken again: %s, after fence %d", describe(again), first.Fence)
	}
	b.b.wants(b.b.acquire(b.claim("job", b.due.Add(time.Minute), "t2")), engine.Held)
}

// A renewal that was under way for long may come after the release.
func renewReleased(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.a.release(c)
	b.a.wants(b.a.renew(c), engine.Used)
	b.b.run(b.claim("job", b.due.Add(time.Minute), "t2"))
	b.b.release(b.claim("job", b.due.Add(time.Minute), "t2"))
	b.a.run(c) // the next attempt
	b.a.wants(b.a.renew(c), engine.Granted)
}

func memoryEnds(b *bench) {
	const instants = 12
	remember := 2 * b.Lease
	claim := func(i int, token string) engine.Claim {
		c := b.claim("job", b.due.Add(time.Duration(i)*time.Second), token)
		c.Remember = remember
		return c
	}
	longer := claim(-1, "t-longer")
	longer.Remember = 3 * remember
	b.a.run(longer)
	b.a.release(longer)
	for i := range instants {
		b.a.run(claim(i, fmt.Sprint("t", i)))
		b.a.release(claim(i, fmt.Sprint("t", i)))
	}
	b.almost(remember, func() {
		for i := range instants {
			b.b.wants(b.b.acquire(claim(i, "other")), engine.Used)
		}
	})
	for i := range instants {
		b.b.run(claim(i, fmt.Sprint("u", i)))
		b.b.release(claim(i, fmt.Sprint("u", i)))
	}
	b.b.wants(b.b.acquire(claim(-1, "other")), engine.Used)
}

func idleKey(b *bench) {
	b.needsVirtualTime()
	b.a.run(b.claim("job", b.due, "t1"))
	b.Advance(400 * 24 * time.Hour)
	b.a.run(b.claim("another", b.due, "t2")) // so that a store that cleans up does
	b.b.run(b.claim("job", b.older(), "t3"))
}

func engineTerms(b *bench) {
	b.needsVirtualTime()
	if b.Claim != engine.ClaimFor || b.Lease != engine.LeaseFor {
		b.Errorf("tested with a claim of %s and a lease of %s", b.Claim, b.Lease)
	}
}
