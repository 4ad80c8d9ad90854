package locktest

import (
	"time"

	"slavedriver/engine"
)

func (s *slave) miss(c engine.Claim) engine.Answer {
	s.t.Helper()
	return s.one(s.store.Miss, c).Answer
}

func (b *bench) wantMiss(s *slave, c engine.Claim, want engine.Answer) {
	b.Helper()
	if got := s.miss(c); got != want {
		b.Errorf("of %s at %s %s was answered %d, want %d", c.Key, c.Instant, s.name, got, want)
	}
}

// A slave that was off asks about an instant that another one started; of others
// nobody knows.
func missedButStarted(b *bench) {
	b.a.run(b.claim("job", b.due, "t1"))
	b.a.release(b.claim("job", b.due, "t1"))
	b.wantMiss(b.b, b.claim("job", b.due, "t2"), engine.Used)
	b.wantMiss(b.b, b.claim("another job", b.due.Add(-time.Minute), "t2"), engine.Granted)
	later := b.b.one(b.b.store.Miss, b.claim("job", b.due.Add(time.Minute), "t3"))
	if later.Answer != engine.Granted || !later.Since.Equal(b.due) {
		b.Errorf("answered %+v, not since %s", later, b.due)
	}
}

// Who is told first tells it, and is answered the same when it asks again, though
// the job goes on meanwhile. That others told it stops no start.
func missedByAll(b *bench) {
	missed := b.claim("job", b.due.Add(-time.Minute), "t1")
	b.wantMiss(b.a, missed, engine.Granted)
	missed.Token = "t2"
	b.wantMiss(b.b, missed, engine.Used)
	next := b.claim("job", b.due, "t3")
	b.b.run(next)
	b.b.release(next)
	missed.Token = "t1"
	b.wantMiss(b.a, missed, engine.Granted)
}

// An instant that was used up by a slave that died before the start is missed, and
// its slave knows.
func missedAfterConfirm(b *bench) {
	b.a.run(b.claim("job", b.due, "t1"))
	b.wantMiss(b.b, b.claim("job", b.due, "t2"), engine.Used)
	b.wantMiss(b.a, b.claim("job", b.due, "t1"), engine.Granted)
}

// What one left out is not missed by others, and may still be started by them. It
// takes the telling from nobody.
func missedButLeftOut(b *bench) {
	told := b.claim("job", b.due.Add(-time.Minute), "t1")
	b.wantMiss(b.a, told, engine.Granted)
	out := b.claim("job", b.due, "t2")
	out.Decided = true
	b.wantMiss(b.b, out, engine.Granted)
	b.wantMiss(b.a, told, engine.Granted)
	b.wantMiss(b.a, b.claim("job", b.due, "t3"), engine.Used)
	b.a.run(b.claim("job", b.due, "t3"))
	b.a.release(b.claim("job", b.due, "t3"))
	b.b.wants(b.b.acquire(b.claim("job", b.due, "t4")), engine.Used)
}

// A slave that is new starts what is due now; what was due before it nobody
// started, and one tells that.
func missedBeforeANewcomer(b *bench) {
	b.b.run(b.claim("job", b.due, "t1"))
	b.wantMiss(b.a, b.claim("job", b.due.Add(-time.Minute), "t2"), engine.Granted)
	b.wantMiss(b.b, b.claim("job", b.due.Add(-time.Minute), "t3"), engine.Used)
	b.wantMiss(b.b, b.claim("job", b.due.Add(-2*time.Minute), "t4"), engine.Used)
}

// A clock that was far ahead leaves nothing behind that hides what is missed.
func missedFarAhead(b *bench) {
	far := b.claim("job", b.due.Add(1000*time.Hour), "t1")
	b.a.run(far)
	b.a.release(far)
	b.wantMiss(b.a, b.claim("job", b.due.Add(999*time.Hour), "t2"), engine.Granted)
	b.wantMiss(b.b, b.claim("job", b.due, "t3"), engine.Granted)
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
	b.wantMiss(b.a, b.claim("job", b.due.Add(time.Minute), "t4"), engine.Granted)

	b.lose() // a run may go on that the store does not know of
	b.a.wants(b.a.acquire(b.claim("job", b.older(), "t5")), engine.Forgotten)
	b.a.wants(b.a.acquire(again), engine.Forgotten)
}
