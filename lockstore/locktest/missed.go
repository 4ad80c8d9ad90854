package locktest

import (
	"fmt"
	"slices"
	"time"

	"slavedriver/engine"
)

// stretch is a claim about the minutes from first to last of an hour that is over, in
// which nothing else happened; the instants of its job are its whole minutes.
func (b *bench) stretch(first, last int, token string) engine.Claim {
	c := b.claim("job", b.minute(last), token)
	c.After = b.minute(first - 1)
	return c
}

func (b *bench) minute(n int) time.Time { return b.due.Add(time.Duration(n-60) * time.Minute) }

// wantUntold checks which minutes a slave may tell of, as first, last, first, last.
func (b *bench) wantUntold(s *slave, c engine.Claim, want ...int) {
	b.Helper()
	g := s.one(s.store.Miss, c)
	answer := engine.Used
	if len(want) > 0 {
		answer = engine.Granted
	}
	var stretches []engine.Stretch
	for i := 0; i < len(want); i += 2 {
		stretches = append(stretches, engine.Stretch{After: b.minute(want[i] - 1), To: b.minute(want[i+1])})
	}
	same := func(x, y engine.Stretch) bool { return x.After.Equal(y.After) && x.To.Equal(y.To) }
	if g.Answer != answer || !slices.EqualFunc(g.Untold, stretches, same) {
		b.Errorf("of %s until %s %s was answered %s, want %s %v", c.Key, c.Instant, s.name, describe(g), names[answer], stretches)
	}
}

// settled starts what is due at a minute, for all from first on.
func (b *bench) settled(s *slave, first, last int, token string) {
	b.Helper()
	c := b.stretch(first, last, token)
	s.confirmPast(c)
	s.release(c)
}

// confirmPast uses an instant up that may be older than the store, as a renewal does.
func (s *slave) confirmPast(c engine.Claim) {
	s.t.Helper()
	s.wants(s.renew(c), engine.Granted)
}

// A slave that was off asks about instants of which others started some: the rest is
// its to tell, and of other jobs nothing is known.
func missedButStarted(b *bench) {
	for i := 10; i < 20; i++ {
		b.settled(b.a, i, i, fmt.Sprint("t", i))
	}
	b.wantUntold(b.b, b.stretch(10, 19, "m1"))
	b.wantUntold(b.b, b.stretch(12, 14, "m2"))
	b.settled(b.a, 30, 30, "t30")
	b.wantUntold(b.b, b.stretch(5, 35, "m3"), 5, 9, 20, 29, 31, 35)
	b.wantUntold(b.a, b.stretch(5, 35, "m4"))
	other := b.stretch(10, 19, "m5")
	other.Key = "another job"
	b.wantUntold(b.b, other, 10, 19)
}

// Who is told first tells it, and is answered the same when it asks again, though
// the job goes on meanwhile. That others told it stops no start.
func missedByAll(b *bench) {
	b.wantUntold(b.a, b.stretch(10, 20, "m1"), 10, 20)
	b.wantUntold(b.b, b.stretch(10, 20, "m2"))
	b.wantUntold(b.b, b.stretch(5, 25, "m3"), 5, 9, 21, 25)
	next := b.claim("job", b.due, "t3")
	b.b.run(next)
	b.b.release(next)
	b.wantUntold(b.a, b.stretch(10, 20, "m1"), 10, 20)
	b.wantUntold(b.b, b.stretch(5, 25, "m3"), 5, 9, 21, 25)
	told := b.claim("job", b.due.Add(time.Second), "m4")
	b.wantUntoldAlone(b.a, told)
	again := told
	again.Token = "t4"
	b.b.run(again)
}

// wantUntoldAlone is for a claim about its instant alone.
func (b *bench) wantUntoldAlone(s *slave, c engine.Claim) {
	b.Helper()
	g := s.one(s.store.Miss, c)
	if g.Answer != engine.Granted || len(g.Untold) != 1 || !g.Untold[0].To.Equal(c.Instant) || !g.Untold[0].After.Equal(c.Instant.Add(-time.Second)) {
		b.Errorf("of %s at %s %s was answered %s", c.Key, c.Instant, s.name, describe(g))
	}
}

// An instant that was used up by a slave that died before the start is missed, and
// its slave knows; likewise all that the start was to make good, but not what others
// had settled of that.
func missedAfterConfirm(b *bench) {
	b.settled(b.a, 10, 15, "t1")
	b.wantUntold(b.b, b.stretch(10, 15, "m1"))
	b.wantUntold(b.a, b.stretch(10, 15, "t1"), 10, 15)
	b.wantUntold(b.b, b.stretch(22, 23, "m2"), 22, 23)
	b.settled(b.a, 20, 25, "t2")
	b.wantUntold(b.b, b.stretch(20, 25, "m3"))
	b.wantUntold(b.a, b.stretch(20, 25, "t2"), 20, 21, 24, 25)
	b.wantUntold(b.a, b.stretch(20, 25, "t2"), 20, 21, 24, 25)
	b.settled(b.a, 12, 15, "t3") // all of it was
	b.wantUntold(b.a, b.stretch(12, 15, "t3"))
}

// What one left out is not missed by others, and may still be started by them. It
// takes the telling from nobody.
func missedButLeftOut(b *bench) {
	told := b.stretch(10, 12, "m1")
	b.wantUntold(b.a, told, 10, 12)
	out := b.stretch(10, 20, "t2")
	out.Decided = true
	b.wantLeftOut(out)
	b.wantUntold(b.a, told, 10, 12)
	b.wantUntold(b.b, b.stretch(10, 20, "m2"))
	now := b.claim("job", b.due, "t3")
	now.Decided = true
	b.wantLeftOut(now)
	b.a.run(b.claim("job", b.due, "t4"))
	b.a.release(b.claim("job", b.due, "t4"))
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t5")), engine.Used)
}

func (b *bench) wantLeftOut(c engine.Claim) {
	b.Helper()
	if g := b.b.one(b.b.store.Miss, c); g.Answer != engine.Granted || len(g.Untold) > 0 {
		b.Errorf("what is left out is answered %s", describe(g))
	}
}

// A slave that is new starts what is due now; what was due before it nobody
// started, and one tells that, however much of it each of them knows.
func missedBeforeANewcomer(b *bench) {
	b.b.run(b.stretch(60, 60, "t1"))
	b.wantUntold(b.a, b.stretch(20, 59, "m1"), 20, 59)
	b.wantUntold(b.b, b.stretch(50, 59, "m2"))
	b.wantUntold(b.b, b.stretch(10, 59, "m3"), 10, 19)
}

// A clock that was far ahead leaves nothing behind that hides what is missed.
func missedFarAhead(b *bench) {
	far := b.claim("job", b.due.Add(1000*time.Hour), "t1")
	far.After = b.minute(0)
	b.a.run(far)
	b.a.release(far)
	far.Token = "m1"
	b.one(b.b, far)
	b.wantUntold(b.b, b.stretch(10, 60, "m2"), 10, 60)
}

func (b *bench) one(s *slave, c engine.Claim) { b.Helper(); s.one(s.store.Miss, c) }

// A start that is no instant of the schedule settles nothing.
func missedBesideAHandlersStart(b *bench) {
	c := b.claim("job", b.minute(30), "t1")
	c.After = c.Instant
	b.a.confirmPast(c)
	b.a.release(c)
	b.wantUntold(b.b, b.stretch(30, 31, "m1"), 30, 31)
}

// With more gaps than a store keeps, what is old is not known any more, and told;
// what is new is.
func missedBetweenManyGaps(b *bench) {
	for i := range 150 {
		c := b.claim("job", b.minute(60).Add(-time.Duration(300-2*i)*10*time.Second), fmt.Sprint("t", i))
		c.Decided = true
		b.wantLeftOut(c)
	}
	first, last := b.minute(60).Add(-3000*time.Second), b.minute(60).Add(-20*time.Second)
	b.wantUntoldAlone(b.a, b.claim("job", first, "m1"))
	if g := b.b.one(b.b.store.Miss, b.claim("job", last, "m2")); g.Answer != engine.Used {
		b.Errorf("the newest is answered %s", describe(g))
	}
}

// A start that somebody asks for takes the lease, and leaves the instant to the
// schedule, whichever comes first.
func byHand(b *bench) {
	asked := b.claim("job", b.due, "t1")
	asked.ByHand = true
	b.a.run(asked)
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t2")), engine.Held)
	b.a.wants(b.a.renew(asked), engine.Granted)
	b.a.release(asked)
	b.b.run(b.claim("job", b.due, "t2"))
	if g := b.a.release(asked); g.Answer != engine.Granted {
		b.Errorf("at its end it was answered %+v", g)
	}
	b.b.release(b.claim("job", b.due, "t2"))
	again := b.claim("job", b.older(), "t3")
	again.ByHand = true
	b.a.run(again)
	b.a.release(again)
	b.wantUntold(b.a, b.stretch(10, 59, "t4"), 10, 59)

	b.lose() // a run may go on that the store does not know of
	b.a.wants(b.a.acquire(b.claim("job", b.older(), "t5")), engine.Forgotten)
	b.a.wants(b.a.acquire(again), engine.Forgotten)
}
