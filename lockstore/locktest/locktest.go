// Package locktest is the conformance suite of lease stores: what engine.Store
// promises, as tests. Each store's tests call Run.
package locktest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"slavedriver/engine"
)

// Subject is a kind of store.
type Subject struct {
	// New makes a store that is empty and nobody else's. When timed, the test
	// lets leases run out: a store whose clock is real makes them short then.
	New func(t *testing.T, timed bool) World
	// Join opens the store of a World.Address from another process; it is
	// called in that process, in which New is not.
	Join func(address string) (engine.Store, error)
}

// World is one store under test.
type World struct {
	// Open makes one more client of it, as another slave would be.
	Open func() engine.Store
	// Now is the store's clock.
	Now func() time.Time
	// Advance lets the store's time pass.
	Advance func(time.Duration)
	// Virtual says that time stands still but for Advance.
	Virtual bool
	// Forget lets the store lose its memory, as a restart without a disk does.
	Forget func()
	// Claim and Lease are how long those last here.
	Claim, Lease time.Duration
	// Address is for Subject.Join.
	Address string
}

// Run runs the suite, which must be called from a test function of its own: it
// starts the test binary again with that name alone. Every case runs twice,
// the second time with each call made twice over, as after a lost reply.
func Run(t *testing.T, s Subject) {
	if Joined() {
		fightAsChild(t, s)
		return
	}
	Cases(t, s.New)
	t.Run("goroutines fight for the same instants", func(t *testing.T) { fightInside(t, s) })
	t.Run("processes fight for the same instants", func(t *testing.T) { fightOutside(t, s, false) })
	t.Run("processes fight and some are killed", func(t *testing.T) { fightOutside(t, s, true) })
}

// Cases runs what of the suite takes one process: for a store that others cannot join.
func Cases(t *testing.T, create func(t *testing.T, timed bool) World) {
	for _, mode := range []string{"once", "repeated"} {
		t.Run(mode, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.test(newBench(t, Subject{New: create}, c.timed, mode == "repeated"))
				})
			}
		})
	}
}

// Joined says that this process is one that Run started, to join a store that
// is there already.
func Joined() bool { return os.Getenv(fightAddress) != "" }

// bench is what a case works with: two slaves at one store, a and b, and an
// instant that is not older than the store's memory.
type bench struct {
	*testing.T
	World
	a, b *slave
	due  time.Time
	met  time.Time // when both met the store
}

func newBench(t *testing.T, s Subject, timed, repeated bool) *bench {
	w := s.New(t, timed)
	if timed && repeated && !w.Virtual {
		t.Skip("the time of this store is real: once is enough to wait for it")
	}
	b := &bench{T: t, World: w}
	b.a, b.b = b.slave("a", repeated), b.slave("b", repeated)
	b.begin()
	return b
}

// begin lets the store's memory begin, meets it, and sets due to a younger
// instant.
func (b *bench) begin() {
	b.Helper()
	first := engine.Claim{Key: "first contact", Instant: b.Now().Add(time.Minute), Token: "t0"}
	b.met = b.a.acquire(first).Now
	b.a.release(first)
	b.due = b.Now().Truncate(time.Second).Add(2 * time.Second)
}

// lose lets the store lose its memory, a while after a and b met it.
func (b *bench) lose() {
	b.met = b.met.Add(-time.Minute)
	b.Advance(50 * time.Millisecond) // fences have run ahead of the clock by less
	b.Forget()
}

// claim is one for an instant of key, remembered for ten leases.
func (b *bench) claim(key string, instant time.Time, token string) engine.Claim {
	return engine.Claim{Key: key, Instant: instant, Token: token, Remember: 10 * b.Lease, Met: b.met}
}

// slave is one client of the store.
type slave struct {
	t        *testing.T
	name     string
	store    engine.Store
	repeated bool
}

func (b *bench) slave(name string, repeated bool) *slave {
	store := b.Open()
	b.Cleanup(func() { _ = store.Close() })
	return &slave{t: b.T, name: name, store: store, repeated: repeated}
}

type operation func(context.Context, []engine.Claim) ([]engine.Grant, error)

func (s *slave) acquire(c engine.Claim) engine.Grant { s.t.Helper(); return s.one(s.store.Acquire, c) }
func (s *slave) confirm(c engine.Claim) engine.Grant { s.t.Helper(); return s.one(s.store.Confirm, c) }
func (s *slave) renew(c engine.Claim) engine.Grant   { s.t.Helper(); return s.one(s.store.Renew, c) }

func (s *slave) release(c engine.Claim) engine.Grant { s.t.Helper(); return s.one(s.store.Release, c) }

// run claims and confirms, and expects to be granted both under one fence.
func (s *slave) run(c engine.Claim) engine.Grant {
	s.t.Helper()
	claimed := s.acquire(c)
	s.wants(claimed, engine.Granted)
	held := s.confirm(c)
	s.wants(held, engine.Granted)
	if held.Fence != claimed.Fence {
		s.t.Errorf("the fence was %d when claimed and %d when confirmed", claimed.Fence, held.Fence)
	}
	return held
}

func (s *slave) one(do operation, c engine.Claim) engine.Grant {
	s.t.Helper()
	return s.batch(do, []engine.Claim{c})[0]
}

// batch makes a call; in the repeated mode twice, expecting the same answers.
func (s *slave) batch(do operation, claims []engine.Claim) []engine.Grant {
	s.t.Helper()
	for i := range claims {
		claims[i].Holder = s.name
	}
	first := s.ask(do, claims)
	if !s.repeated {
		return first
	}
	second := s.ask(do, claims)
	for i := range first {
		second[i].Now = first[i].Now // time goes on
		if first[i] != second[i] {
			s.t.Errorf("%s: answered %s, and asked again %s", claims[i].Key, describe(first[i]), describe(second[i]))
		}
	}
	return second
}

func (s *slave) ask(do operation, claims []engine.Claim) []engine.Grant {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	grants, err := do(ctx, claims)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(grants) != len(claims) {
		s.t.Fatalf("%d answers to %d questions", len(grants), len(claims))
	}
	return grants
}

// wants checks an answer, and that it comes with what belongs to it alone.
func (s *slave) wants(g engine.Grant, answer engine.Answer) {
	s.t.Helper()
	if g.Answer != answer {
		s.t.Fatalf("slave %s was answered %s, not %s", s.name, describe(g), names[answer])
	}
	if (g.Fence > 0) != (answer == engine.Granted) {
		s.t.Errorf("fence %d with answer %s", g.Fence, names[answer])
	}
	named := answer == engine.Claimed || answer == engine.Held || answer == engine.Used
	if (g.Holder != "") != named {
		s.t.Errorf("holder %q with answer %s", g.Holder, names[answer])
	}
	if g.Since.IsZero() != (answer != engine.Held) {
		s.t.Errorf("since %v with answer %s", g.Since, names[answer])
	}
}

var names = map[engine.Answer]string{
	engine.Granted: "granted", engine.Claimed: "claimed", engine.Held: "held",
	engine.Used: "used", engine.Forgotten: "forgotten", engine.Unreached: "unreached",
}

func describe(g engine.Grant) string {
	return fmt.Sprintf("%s (fence %d, holder %q, since %s)", names[g.Answer], g.Fence, g.Holder, g.Since)
}
