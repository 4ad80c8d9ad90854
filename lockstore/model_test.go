package lockstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"pgregory.net/rapid"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// The model: slaves that follow the engine's protocol at one store, whose clocks
// are up to 90 s off, which crash and whose calls get lost, at a store that may
// lose its memory. Whatever happens, an instant starts at most once, no run
// starts while another holds a lease that the store remembers, and fences grow. Each
// instant ends: it is started, made good by a later start, left out, or told as
// missed, and that by one slave, and only while none has started it.

// steps in the normal test run, in which the store is the decisions of record.go.
const modelSteps = 1000 // in each of rapid's 100 checks

func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		clock := newClock()
		memory := lockstore.NewMemory(clock.now)
		m := newModel(rt, clock, memory, memory.Forget)
		m.pick = func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "pick") }
		m.run(modelSteps)
	})
}

// TestModelInRedis makes fewer steps, with lease.lua beside record.go: both must
// give the same answers.
func TestModelInRedis(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			clock, server := newClock(), miniredis.RunT(t)
			server.ClockTTL(true)
			server.SetTime(clock.now())
			clock.then = func() { server.SetTime(clock.now()) }
			memory := lockstore.NewMemory(clock.now)
			redis := open(t, "redis://"+server.Addr())
			m := newModel(t, clock, twins{memory, redis, t}, func() {
				memory.Forget()
				server.FlushAll()
			})
			m.pick = rand.New(rand.NewPCG(seed, 1)).IntN
			m.run(500)
		})
	}
}

// failer is a test, or rapid's.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// twins are two stores that must give the same answers.
type twins struct {
	memory, redis engine.Store
	t             failer
}

func (s twins) both(first, second func(context.Context, []engine.Claim) ([]engine.Grant, error), claims []engine.Claim) ([]engine.Grant, error) {
	want, _ := first(context.Background(), claims)
	got, err := second(context.Background(), claims)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	for i := range want {
		if fmt.Sprint(want[i]) != fmt.Sprint(got[i]) {
			s.t.Fatalf("%+v: record.go says %+v, lease.lua %+v", claims[i], want[i], got[i])
		}
	}
	return want, nil
}

func (s twins) Acquire(_ context.Context, c []engine.Claim) ([]engine.Grant, error) {
	return s.both(s.memory.Acquire, s.redis.Acquire, c)
}

func (s twins) Confirm(_ context.Context, c []engine.Claim) ([]engine.Grant, error) {
	return s.both(s.memory.Confirm, s.redis.Confirm, c)
}

func (s twins) Renew(_ context.Context, c []engine.Claim) ([]engine.Grant, error) {
	return s.both(s.memory.Renew, s.redis.Renew, c)
}

func (s twins) Release(_ context.Context, c []engine.Claim) ([]engine.Grant, error) {
	return s.both(s.memory.Release, s.redis.Release, c)
}

func (s twins) Miss(_ context.Context, c []engine.Claim) ([]engine.Grant, error) {
	return s.both(s.memory.Miss, s.redis.Miss, c)
}

func (s twins) Close() error { return nil }

// model is the world, and what it knows of each start.
type model struct {
	failer
	pick   func(n int) int
	clock  *clock
	store  engine.Store
	forget func()
	slaves []*modelSlave

	knownFrom time.Time // the first minute that a slave has evaluated

	starts map[string]int         // of each job and instant
	began  map[string]time.Time   // of each of these, by the store's clock, its Confirm; and of what it made good
	told   map[string]toldMiss    // of each job and instant
	ended  map[string]bool        // likewise
	had    map[string]bool        // the tokens that had a claim or lease
	live   map[string][]*modelRun // by job
	fence  map[string]engine.Claim
	loss   time.Time // when the store lost its memory last
	total  int
}

const (
	modelJobs = 3
	catchUp   = 2 * time.Minute
	fastest   = 90 * time.Second // a clock may be so far off
)

func newModel(f failer, c *clock, store engine.Store, forget func()) *model {
	m := &model{
		failer: f, clock: c, store: store, forget: forget,
		starts: map[string]int{}, began: map[string]time.Time{}, told: map[string]toldMiss{}, ended: map[string]bool{}, had: map[string]bool{}, live: map[string][]*modelRun{}, fence: map[string]engine.Claim{},
	}
	return m
}

func (m *model) run(steps int) {
	for i := range 2 + m.pick(4) {
		s := &modelSlave{m: m, name: fmt.Sprint("slave", i), up: true}
		s.setClock()
		s.evaluated = s.clock().Truncate(time.Minute)
		if m.knownFrom.IsZero() || s.evaluated.Before(m.knownFrom) {
			m.knownFrom = s.evaluated
		}
		s.meet()
		m.slaves = append(m.slaves, s)
	}
	for range steps {
		m.step()
	}
	m.calm()
}

// step lets one thing happen.
func (m *model) step() {
	s := m.slaves[m.pick(len(m.slaves))]
	switch n := m.pick(100); {
	case n < 35:
		m.clock.advance(time.Duration(1+m.pick(5000)) * time.Millisecond)
	case n < 80:
		s.move()
	case n < 83:
		s.crash()
	case n < 87:
		s.loses = loseRequest
	case n < 93:
		s.loses = loseReply
	case n < 94:
		s.cutOff = m.clock.now().Add(time.Duration(m.pick(90)) * time.Second)
	case n < 96:
		s.setClock()
	case n < 97:
		m.clock.advance(time.Second)
		m.forget()
		m.loss = m.clock.now()
		m.clock.advance(time.Second)
	default:
		m.clock.advance(time.Duration(10+m.pick(100)) * time.Second)
	}
}

// calm lets nothing bad happen for a while, and checks that then every instant
// starts: a store that refuses everything is of no use.
func (m *model) calm() {
	for _, s := range m.slaves {
		s.loses, s.cutOff, s.up = loseNothing, time.Time{}, true
	}
	end := m.clock.now().Add(9 * time.Minute)
	for m.clock.now().Before(end) {
		m.clock.advance(5 * time.Second)
		for _, s := range m.slaves {
			for range 8 { // a whole start, and what was missed
				s.move()
			}
			s.endAll()
		}
	}
	for job := range modelJobs {
		for minute := 6; minute < 8; minute++ {
			instant := end.Truncate(time.Minute).Add(time.Duration(minute-10) * time.Minute)
			if n := m.starts[startOf(jobName(job), instant)]; n != 1 {
				m.Fatalf("in calm weather %s at %s started %d times", jobName(job), instant, n)
			}
		}
	}
	m.checkEnded(end.Add(-10 * time.Minute))
}

func jobName(i int) string { return fmt.Sprint("job", i) }

func startOf(job string, instant time.Time) string { return fmt.Sprint(job, "@", instant.Unix()) }

// granted notes what the store granted, also when the reply is lost.
func (m *model) granted(c engine.Claim, g engine.Grant) {
	m.had[c.Token] = true
	last := m.fence[c.Key]
	if last.Token == c.Token && last.Fence == g.Fence {
		return
	}
	if g.Fence <= last.Fence {
		m.Fatalf("the fence of %s went from %d to %d", c.Key, last.Fence, g.Fence)
	}
	c.Fence = g.Fence
	m.fence[c.Key] = c
}

// start notes a start and checks what must hold.
func (m *model) start(r *modelRun) {
	at := startOf(r.job, r.instant)
	if m.starts[at]++; m.starts[at] > 1 {
		m.Fatalf("%s was started twice, now by %s", at, r.slave.name)
	}
	m.total++
	for t := r.first; !t.After(r.instant); t = t.Add(time.Minute) {
		m.began[startOf(r.job, t)] = r.sent
		m.ended[startOf(r.job, t)] = true
	}
	for _, other := range m.live[r.job] {
		kept := r.sent.After(m.loss) && other.held.After(m.loss) // its word: it remembers both
		leased := m.clock.now().Sub(other.held) < engine.LeaseFor
		if kept && leased && !other.lost {
			m.Fatalf("%s was started by %s while %s of %s runs, whose lease is %s old",
				at, r.slave.name, startOf(other.job, other.instant), other.slave.name, m.clock.now().Sub(other.held))
		}
	}
	m.live[r.job] = append(m.live[r.job], r)
}
