package lockstore_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// The load that `make bench-cluster` makes: so many slaves at one minute's
// boundary, each with so many due jobs, and how often that is repeated.
const (
	loadSlaves = 1000
	loadJobs   = 100
	loadRounds = 5
	// askAgain is after how long the engine asks again for what it did not get.
	askAgain = time.Second
)

// loads are what may be due.
var loads = []struct {
	name string
	one  bool // each job on one of the slaves
	skip bool // own jobs are confirmed at once: nobody else asks for them
}{
	{"jobs that every slave runs", false, false},
	{"jobs that every slave runs, confirmed without a claim", false, true},
	{"jobs that one of the slaves runs", true, false},
}

// TestLoad is `make bench-cluster`. docs/scale.md says what its figures mean;
// it checks that every slave comes to an end, and that each instant of a job
// that one slave runs was granted once.
func TestLoad(t *testing.T) {
	if os.Getenv("SLAVEDRIVER_BENCH_CLUSTER") == "" {
		t.Skip("a measurement, not a test: make bench-cluster")
	}
	t.Logf("%d slaves x %d due jobs, %d times; slaves and server share this machine", loadSlaves, loadJobs, loadRounds)
	for _, kind := range loads {
		t.Run(kind.name, func(t *testing.T) {
			s := startServer(t, "--maxclients", "20000")
			var last, half, cpu figures
			again, asked := 0, 0
			for round := range loadRounds {
				l := newLoad(t, s, round, kind.one)
				l.skipClaim = kind.skip
				before := s.cpu()
				l.run()
				cpu = append(cpu, s.cpu()-before)
				slices.Sort(l.took)
				last, half = append(last, l.took[loadSlaves-1]), append(half, l.took[loadSlaves/2])
				again, asked = again+l.again, asked+l.asked
				l.check(t, kind.one)
				l.close()
			}
			t.Logf("last answer after %s, half of the slaves after %s; the server worked %s", last, half, cpu)
			t.Logf("%d calls a slave on average, %d of %d failed and were made again", asked/loadSlaves/loadRounds, again, asked)
			t.Logf("%s; %s of memory", s.commands(), s.info("memory", "used_memory_human"))
		})
	}
}

// figures are of several rounds.
type figures []time.Duration

func (f figures) String() string {
	s := slices.Sorted(slices.Values(f))
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	return fmt.Sprintf("%s (%s to %s)", ms(s[len(s)/2]), ms(s[0]), ms(s[len(s)-1]))
}

// load is one minute's boundary.
type load struct {
	t         *testing.T
	stores    []engine.Store
	claims    [][]engine.Claim
	skipClaim bool

	mu           sync.Mutex
	took         []time.Duration // of each slave, to its last answer
	granted      map[string]int
	asked, again int
}

func newLoad(t *testing.T, s *server, round int, one bool) *load {
	l := &load{t: t, granted: map[string]int{}}
	s.do("flushall") // the leases of the last round
	if err := open(t, "redis://"+s.addr).(lockstore.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	instant := time.Now().Truncate(time.Second).Add(time.Duration(round) * time.Minute)
	for i := range loadSlaves {
		store, err := join("redis://" + s.addr)
		if err != nil {
			t.Fatal(err)
		}
		slave := fmt.Sprintf("slave-%04d.example.com", i)
		claims := make([]engine.Claim, loadJobs)
		for j := range claims {
			key := fmt.Sprintf("some-job-%d", j)
			if !one {
				key += "@" + slave
			}
			claims[j] = engine.Claim{
				Key: key, Instant: instant, Token: fmt.Sprintf("%08d%08d%016d", i, j, round),
				Holder: slave, Remember: 62 * time.Minute, Met: time.Now(),
			}
		}
		l.stores, l.claims = append(l.stores, store), append(l.claims, claims)
	}
	return l
}

func (l *load) close() {
	for _, store := range l.stores {
		_ = store.Close()
	}
}

// run lets all slaves go at once, and returns when the last is done.
func (l *load) run() {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range l.stores {
		all.Go(func() {
			<-begin
			began := time.Now()
			l.slave(l.stores[i], l.claims[i])
			l.mu.Lock()
			defer l.mu.Unlock()
			l.took = append(l.took, time.Since(began))
		})
	}
	close(begin)
	all.Wait()
}

// slave goes on until it knows what becomes of each of its claims.
func (l *load) slave(store engine.Store, waiting []engine.Claim) {
	for tries := 0; len(waiting) > 0; tries++ {
		if tries > 0 {
			time.Sleep(askAgain)
		}
		if tries > 20 {
			l.t.Errorf("a slave has no answer")
			return
		}
		claimed, again := waiting, []engine.Claim(nil)
		if !l.skipClaim {
			claimed, again = l.ask(store.Acquire, waiting)
		}
		confirmed, more := l.ask(store.Confirm, claimed)
		l.mu.Lock()
		for _, c := range confirmed {
			l.granted[c.Key+c.Token]++
		}
		l.mu.Unlock()
		waiting = slices.Concat(again, more)
	}
}

func (l *load) ask(do func(context.Context, []engine.Claim) ([]engine.Grant, error), claims []engine.Claim) (granted, again []engine.Claim) {
	if len(claims) == 0 {
		return nil, nil
	}
	grants, err := do(l.t.Context(), claims)
	l.mu.Lock()
	l.asked++
	if err != nil {
		l.again++
	}
	l.mu.Unlock()
	if err != nil {
		return nil, claims
	}
	for i, g := range grants {
		switch g.Answer {
		case engine.Granted:
			granted = append(granted, claims[i])
		case engine.Claimed:
			again = append(again, claims[i])
		case engine.Held, engine.Used: // another's
		case engine.Forgotten, engine.Unreached:
			l.t.Errorf("%s was answered %+v", claims[i].Key, g)
		}
	}
	return granted, again
}

func (l *load) check(t *testing.T, one bool) {
	t.Helper()
	want := loadSlaves * loadJobs
	if one {
		want = loadJobs
	}
	if len(l.granted) != want {
		t.Errorf("%d starts were granted, not %d", len(l.granted), want)
	}
}

// cpu is how much time the server has worked.
func (s *server) cpu() time.Duration {
	system, _ := strconv.ParseFloat(s.info("cpu", "used_cpu_sys"), 64)
	user, _ := strconv.ParseFloat(s.info("cpu", "used_cpu_user"), 64)
	return time.Duration((system + user) * float64(time.Second))
}

// commands are how often the server ran each command, and how long one took.
func (s *server) commands() string {
	text, _ := s.do("info", "commandstats").(string)
	var out []string
	for _, line := range strings.Split(text, "\r\n") {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":")
		var calls, usec int
		if n, _ := fmt.Sscanf(rest, "calls=%d,usec=%d", &calls, &usec); n == 2 && calls > 100 {
			out = append(out, fmt.Sprintf("%s %d x %.1f us", name, calls, float64(usec)/float64(calls)))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
