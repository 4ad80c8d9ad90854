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
	{"renew after the release takes nothing", false, renewReleased},
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
	{"a new store vouches for the minute of its birth", false, newStoreFirstMinute},
	{"lost memory refuses older instants", false, forgotten},
	{"lost memory refuses what a fast clock may have had", false, forgottenByAFastClock},
	{"lost memory lets nobody overtake a running job", true, forgottenAndNext},
	{"lost memory is told to those who cannot know", false, forgottenTold},
	{"what is asked for by hand is no instant", false, byHand},
	{"what one started others do not miss", false, missedButStarted},
	{"what one left out others do not miss", false, missedButLeftOut},
	{"what was missed before a newcomer is told", false, missedBeforeANewcomer},
	{"who used an instant tells that it was missed", false, missedAfterConfirm},
	{"one tells what all missed", false, missedByAll},
	{"a handler's start settles nothing", false, missedBesideAHandlersStart},
	{"what is missed between many gaps", false, missedBetweenManyGaps},
	{"an instant of a clock far ahead is not the last", false, missedFarAhead},
	{"lost memory and a second start", false, forgottenAndStartedTwice},
	{"lost memory between claim and confirm", false, forgottenInBetween},
	{"lost memory and a running job", false, forgottenWhileRunning},
	{"lost memory and the next attempt of a running job", true, forgottenAndRetried},

	{"a claim runs out", true, claimRunsOut},
	{"confirm after the claim ran out", true, confirmTooLate},
	{"confirm after another took the claim", true, confirmStolen},
	{"a lease runs out", true, leaseRunsOut},
	{"to claim again does not shorten a lease", true, claimAgain},
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
	b.lose()
	if g := b.b.run(b.claim("job", b.due.Add(time.Hour), "t-after")); g.Fence <= last {
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
		b.claim("used", b.due, "b4"), b.claim("old", b.due.Add(-2*time.Hour), "b5"), b.claim("free too", later, "b6"),
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
	for _, do := range []operation{b.a.store.Acquire, b.a.store.Confirm, b.a.store.Renew, b.a.store.Release} {
		if got := b.a.batch(do, nil); len(got) != 0 {
			b.Errorf("answers to nothing: %v", got)
		}
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
