package locktest

import (
	"context"
	"fmt"
	"time"

	"slavedriver/engine"
)

// testCase is one promise of a store. A timed one lets leases run out.
type testCase struct {
	name  string
	timed bool
	test  func(*bench)
}

var cases = []testCase{
	{"a claim is granted and confirmed", false, claimAndConfirm},
	{"a claim refuses others", false, claimRefuses},
	{"a lease refuses others and says since when", false, leaseRefuses},
	{"a used instant stays used after the release", false, usedStays},
	{"the token that used an instant may have it again", false, usedByMyself},
	{"other instants and keys are free", false, othersAreFree},
	{"a released claim frees the instant", false, releasedClaim},
	{"a stranger releases nothing", false, strangerReleases},
	{"confirm without a claim", false, confirmAlone},
	{"renew without a lease takes it", false, renewAlone},
	{"renew of a stolen lease is refused", false, renewStolen},
	{"the fence grows", false, fenceGrows},
	{"the fence is above the caller's", false, fenceAboveCaller},
	{"a batch is answered in order", false, batchInOrder},
	{"a batch may name a key twice", false, batchNamesTwice},
	{"an empty batch", false, emptyBatch},
	{"a large batch", false, largeBatch},
	{"keys, tokens and holders may be any text", false, anyText},
	{"a cancelled call is an error", false, cancelledCall},

	{"a new store refuses older instants", false, newStoreRefuses},
	{"a new key in an old store is no lost memory", false, newKey},
	{"lost memory refuses older instants", false, forgotten},
	{"lost memory between claim and confirm", false, forgottenInBetween},
	{"lost memory and a running job", false, forgottenWhileRunning},

	{"a claim runs out", true, claimRunsOut},
	{"confirm after the claim ran out", true, confirmTooLate},
	{"confirm after another took the claim", true, confirmStolen},
	{"a lease runs out", true, leaseRunsOut},
	{"renew keeps a lease", true, renewKeeps},
	{"renew of a vanished lease", true, renewVanished},
	{"used instants are remembered so long and no longer", true, memoryEnds},
	{"a key that was idle for long is no lost memory", true, idleKey},
	{"the terms are the engine's", true, engineTerms},
}

func claimAndConfirm(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.a.release(c)
}

func claimRefuses(b *bench) {
	b.a.acquire(b.claim("job", b.due, "t1"))
	for _, ask := range []func(engine.Claim) engine.Grant{b.b.acquire, b.b.confirm, b.b.renew} {
		g := ask(b.claim("job", b.due, "t2"))
		b.b.wants(g, engine.Claimed)
		if g.Holder != "a" {
			b.Errorf("the holder is %q", g.Holder)
		}
	}
}

func leaseRefuses(b *bench) {
	earliest := b.Now().Truncate(time.Millisecond)
	b.a.run(b.claim("job", b.due, "t1"))
	g := b.b.acquire(b.claim("job", b.due.Add(time.Minute), "t2"))
	b.b.wants(g, engine.Held)
	if g.Holder != "a" || g.Since.Before(earliest) || g.Since.After(b.Now()) {
		b.Errorf("held by %q since %s, not by a since %s", g.Holder, g.Since, earliest)
	}
	b.b.wants(b.b.confirm(b.claim("job", b.due.Add(time.Minute), "t2")), engine.Held)
}

func usedStays(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	other := b.claim("job", b.due, "t2")
	for range 2 { // while the lease is had, and after it was released
		g := b.b.acquire(other)
		b.b.wants(g, engine.Used)
		if g.Holder != "a" {
			b.Errorf("used by %q", g.Holder)
		}
		b.b.wants(b.b.confirm(other), engine.Used)
		b.a.release(c)
	}
}

func usedByMyself(b *bench) {
	c := b.claim("job", b.due, "t1")
	first := b.a.run(c)
	b.a.release(c)
	if second := b.a.run(c); second.Fence <= first.Fence {
		b.Errorf("the fence went from %d to %d", first.Fence, second.Fence)
	}
	b.a.release(c)
	b.b.run(b.claim("job", b.due.Add(time.Minute), "t2"))
	b.a.wants(b.a.acquire(c), engine.Held)
}

func othersAreFree(b *bench) {
	b.a.run(b.claim("job", b.due, "t1"))
	b.b.run(b.claim("job2", b.due, "t2"))
	b.a.release(b.claim("job", b.due, "t1"))
	b.b.run(b.claim("job", b.due.Add(time.Second), "t3"))
}

func releasedClaim(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.acquire(c)
	b.a.release(c)
	b.b.run(b.claim("job", b.due, "t2"))
}

func strangerReleases(b *bench) {
	b.a.acquire(b.claim("job", b.due, "t1"))
	b.b.release(b.claim("job", b.due, "t2"))
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Claimed)
	b.b.release(b.claim("no such job", b.due, "t2"))
}

func confirmAlone(b *bench) {
	b.a.wants(b.a.confirm(b.claim("job", b.due, "t1")), engine.Granted)
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Used)
}

func renewAlone(b *bench) {
	b.a.wants(b.a.renew(b.claim("job", b.due, "t1")), engine.Granted)
	b.b.wants(b.b.acquire(b.claim("job", b.due.Add(time.Minute), "t2")), engine.Held)
}

func renewStolen(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.a.release(c)
	b.b.run(b.claim("job", b.due.Add(time.Minute), "t2"))
	g := b.a.renew(c)
	b.a.wants(g, engine.Held)
	if g.Holder != "b" {
		b.Errorf("the thief is %q", g.Holder)
	}
}

func fenceGrows(b *bench) {
	last := b.Now().UnixMilli() - 1
	for i := range 6 {
		s := []*slave{b.a, b.b}[i%2]
		c := b.claim("job", b.due.Add(time.Duration(i)*time.Minute), fmt.Sprint("t", i))
		g := s.run(c)
		if g.Fence <= last {
			b.Fatalf("the fence went from %d to %d", last, g.Fence)
		}
		if again := s.renew(c); again.Fence != g.Fence {
			b.Errorf("a renewal exchanged the fence %d for %d", g.Fence, again.Fence)
		}
		last = g.Fence
		s.release(c)
	}
	b.Advance(50 * time.Millisecond) // fences have run ahead of the clock by less
	b.Forget()
	due := b.begin()
	if g := b.b.run(b.claim("job", due.Add(time.Hour), "t-after")); g.Fence <= last {
		b.Errorf("after the memory was lost the fence went from %d to %d", last, g.Fence)
	}
}

func fenceAboveCaller(b *bench) {
	seen := b.Now().UnixMilli() + 1_000_000_000_000
	c := b.claim("job", b.due, "t1")
	c.Fence = seen
	if g := b.a.run(c); g.Fence != seen+1 {
		b.Errorf("the caller has seen %d and gets %d", seen, g.Fence)
	}
	b.a.release(c)
	if g := b.b.run(b.claim("job", b.due.Add(time.Minute), "t2")); g.Fence != seen+2 {
		b.Errorf("after %d comes %d", seen+1, g.Fence)
	}
}

func batchInOrder(b *bench) {
	b.a.acquire(b.claim("claimed", b.due, "t1"))
	b.a.run(b.claim("held", b.due, "t2"))
	b.a.run(b.claim("used", b.due, "t3"))
	later := b.due.Add(time.Minute)
	want := []engine.Answer{engine.Claimed, engine.Granted, engine.Held, engine.Used, engine.Forgotten, engine.Granted}
	claims := []engine.Claim{
		b.claim("claimed", b.due, "b1"), b.claim("free", b.due, "b2"), b.claim("held", later, "b3"),
		b.claim("used", b.due, "b4"), b.claim("old", b.due.Add(-time.Hour), "b5"), b.claim("free too", later, "b6"),
	}
	for i, g := range b.b.batch(b.b.store.Acquire, claims) {
		b.b.wants(g, want[i])
	}
	for i, g := range b.b.batch(b.b.store.Confirm, claims) {
		b.b.wants(g, want[i])
	}
}

func batchNamesTwice(b *bench) {
	grants := b.a.batch(b.a.store.Acquire, []engine.Claim{
		b.claim("job", b.due, "t1"), b.claim("job", b.due.Add(time.Minute), "t2"),
	})
	b.a.wants(grants[0], engine.Granted)
	b.a.wants(grants[1], engine.Claimed)
}

func emptyBatch(b *bench) {
	for _, do := range []operation{b.a.store.Acquire, b.a.store.Confirm, b.a.store.Renew} {
		if got := b.a.batch(do, nil); len(got) != 0 {
			b.Errorf("answers to nothing: %v", got)
		}
	}
	if err := b.a.store.Release(context.Background(), nil); err != nil {
		b.Error(err)
	}
}

func largeBatch(b *bench) {
	claims := make([]engine.Claim, 70)
	for i := range claims {
		claims[i] = b.claim(fmt.Sprint("job-", i), b.due, fmt.Sprint("t", i))
	}
	for _, do := range []operation{b.a.store.Acquire, b.a.store.Confirm, b.a.store.Renew} {
		for _, g := range b.a.batch(do, claims) {
			b.a.wants(g, engine.Granted)
		}
	}
}

func anyText(b *bench) {
	texts := []string{
		"job@Host.example", "JOB@host.example", "a:b", "{a}", "}", "{}", "100%", "a b\nc", "naïve", "../..", "#20270131T040000Z",
	}
	for i, text := range texts {
		token := text + fmt.Sprint(i)
		c := b.claim(text, b.due, token)
		b.a.run(c)
		b.a.release(c)
		b.a.run(c) // the token is read back as it was
		b.b.wants(b.b.acquire(b.claim(text, b.due, "other")), engine.Used)
	}
}

func cancelledCall(b *bench) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.a.store.Acquire(ctx, []engine.Claim{b.claim("job", b.due, "t1")}); err == nil {
		b.Error("no error")
	}
}

// older is an instant that is older than the store's memory.
func (b *bench) older() time.Time { return b.Now().Truncate(time.Second).Add(-2 * time.Second) }

func newStoreRefuses(b *bench) {
	c := b.claim("job", b.older(), "t1")
	b.a.wants(b.a.acquire(c), engine.Forgotten)
	b.a.wants(b.a.confirm(c), engine.Forgotten)
	b.b.run(b.claim("job", b.due, "t2")) // nothing was left behind
}

func newKey(b *bench) {
	if !b.Virtual {
		b.Skip("the time of this store is real")
	}
	b.Advance(time.Hour)
	for i := range 40 {
		b.a.run(b.claim(fmt.Sprint("new", i), b.older(), "t1"))
	}
}

func forgotten(b *bench) {
	c := b.claim("job", b.due, "t1")
	b.a.run(c)
	b.Forget()
	due := b.begin()
	b.b.wants(b.b.acquire(b.claim("job", b.older(), "t2")), engine.Forgotten)
	b.b.wants(b.b.acquire(b.claim("another job", b.older(), "t3")), engine.Forgotten)
	b.b.run(b.claim("job", due.Add(time.Hour), "t4"))
}

func forgottenInBetween(b *bench) {
	if !b.Virtual {
		b.Skip("the time of this store is real")
	}
	c := b.claim("job", b.due, "t1")
	b.a.wants(b.a.acquire(c), engine.Granted)
	b.Advance(5 * time.Second)
	b.Forget()
	b.a.wants(b.a.confirm(c), engine.Forgotten)
	b.b.run(b.claim("job", b.due.Add(time.Hour), "t2"))
}

func forgottenWhileRunning(b *bench) {
	c := b.claim("job", b.due.Add(time.Hour), "t1") // of a slave whose clock is ahead
	first := b.a.run(c)
	b.Forget()
	c.Fence = first.Fence
	again := b.a.renew(c)
	b.a.wants(again, engine.Granted)
	if again.Fence <= first.Fence {
		b.Errorf("the fence went from %d to %d", first.Fence, again.Fence)
	}
	b.b.wants(b.b.acquire(b.claim("job", c.Instant, "t2")), engine.Used)
	b.b.wants(b.b.acquire(b.claim("job", c.Instant.Add(time.Hour), "t3")), engine.Held)
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

func renewKeeps(b *bench) {
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

func memoryEnds(b *bench) {
	const instants = 12
	remember := 2 * b.Lease
	claim := func(i int, token string) engine.Claim {
		c := b.claim("job", b.due.Add(time.Duration(i)*time.Second), token)
		c.Remember = remember
		return c
	}
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
}

func idleKey(b *bench) {
	if !b.Virtual {
		b.Skip("the time of this store is real")
	}
	b.a.run(b.claim("job", b.due, "t1"))
	b.Advance(400 * 24 * time.Hour)
	b.a.run(b.claim("another", b.due, "t2")) // so that a store that cleans up does
	b.b.run(b.claim("job", b.older(), "t3"))
}

func engineTerms(b *bench) {
	if !b.Virtual {
		b.Skip("the time of this store is real")
	}
	if b.Claim != engine.ClaimFor || b.Lease != engine.LeaseFor {
		b.Errorf("tested with a claim of %s and a lease of %s", b.Claim, b.Lease)
	}
}
