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

// The load that `make bench-cluster` makes: that many slaves at one minute's
// boundary, each with that many due jobs.
const (
	loadSlaves = 1000
	loadJobs   = 100
	loadRounds = 5
)

// TestLoad is `make bench-cluster`. docs/scale.md has its figures and what they
// mean; it checks that every question was answered, and that each instant of a
// job that runs on one slave was granted once.
func TestLoad(t *testing.T) {
	if os.Getenv("SLAVEDRIVER_BENCH_CLUSTER") == "" {
		t.Skip("a measurement, not a test: make bench-cluster")
	}
	for _, one := range []bool{false, true} {
		name := "every slave its own jobs"
		if one {
			name = "jobs of one of the slaves"
		}
		t.Run(name, func(t *testing.T) {
			s := startServer(t, "--maxclients", "20000")
			var last, cpu []time.Duration
			for round := range loadRounds {
				l := newLoad(t, s, round, one)
				before := s.cpu()
				took := l.run()
				last, cpu = append(last, took), append(cpu, s.cpu()-before)
				l.check(t, one)
			}
			slices.Sort(last)
			slices.Sort(cpu)
			t.Logf("%d slaves x %d jobs, %d rounds: last answer after %s (%s to %s); the server worked %s",
				loadSlaves, loadJobs, loadRounds, last[loadRounds/2].Round(time.Millisecond), last[0].Round(time.Millisecond),
				last[loadRounds-1].Round(time.Millisecond), cpu[loadRounds/2].Round(time.Millisecond))
			t.Log(s.commands())
		})
	}
}

// load is one minute's boundary.
type load struct {
	stores  []engine.Store
	claims  [][]engine.Claim
	granted []int
	errs    []error
}

func newLoad(t *testing.T, s *server, round int, one bool) *load {
	l := &load{granted: make([]int, loadSlaves), errs: make([]error, loadSlaves)}
	instant := time.Now().Truncate(time.Second).Add(time.Duration(round) * time.Minute)
	for i := range loadSlaves {
		store, err := join("redis://" + s.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		slave := fmt.Sprintf("slave-%04d.example.com", i)
		claims := make([]engine.Claim, loadJobs)
		for j := range claims {
			key := fmt.Sprintf("some-job-%d-%d", round, j)
			if !one {
				key += "@" + slave
			}
			claims[j] = engine.Claim{
				Key: key, Instant: instant, Token: fmt.Sprintf("%016x%016x", i, j),
				Holder: slave, Remember: 62 * time.Minute, Met: time.Now(),
			}
		}
		l.stores, l.claims = append(l.stores, store), append(l.claims, claims)
	}
	if err := l.stores[0].(lockstore.Preparer).Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l
}

// run lets all slaves go at once: connect, claim, confirm what was granted. It
// returns when the last has its answers.
func (l *load) run() time.Duration {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range l.stores {
		all.Go(func() {
			<-begin
			l.granted[i], l.errs[i] = boundary(l.stores[i], l.claims[i])
		})
	}
	began := time.Now()
	close(begin)
	all.Wait()
	return time.Since(began)
}

func boundary(store engine.Store, claims []engine.Claim) (int, error) {
	for _, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm} {
		grants, err := do(context.Background(), claims)
		if err != nil {
			return 0, err
		}
		var granted []engine.Claim
		for i, g := range grants {
			if g.Answer == engine.Granted {
				granted = append(granted, claims[i])
			}
		}
		claims = granted
	}
	return len(claims), nil
}

func (l *load) check(t *testing.T, one bool) {
	granted, failed := 0, 0
	for i := range l.stores {
		granted += l.granted[i]
		if l.errs[i] != nil {
			failed++
			t.Log(l.errs[i])
		}
	}
	want := loadSlaves * loadJobs
	if one {
		want = loadJobs
	}
	if failed > 0 || granted != want {
		t.Errorf("%d slaves had no answer; %d starts were granted, not %d", failed, granted, want)
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
