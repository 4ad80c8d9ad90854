package spec

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// allSteps is an entry file that takes a shift through all of its durable steps:
// plain runs, failures, a timeout, waiting for a slot, a function as schedule,
// an overlap, pruning.
const allSteps = `
slavedriver:setMaxConcurrentJobs(2)
keep("plain", say .. "say one; echo two >&2; say three", { keepRuns = 1 })
keep("fails", say .. "say before; sleep 0.05; say after; exit 5")
keep("hangs", "trap '' TERM; " .. say .. "say here; while :; do sleep 0.01; done", { timeout = 0.1, killGrace = 0.2 })
keep("asked", say .. "say yes", { schedule = function() return true end })
`

// traceSteps runs the scenario once and lists the fault points that it passes.
func traceSteps(t *testing.T, entry string) []string {
	s := newStage(t, entry)
	trace := filepath.Join(s.dir, "trace")
	s.play("SLAVEDRIVER_FAULT_LOG=" + trace)
	s.check(0)
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var steps []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		steps = append(steps, lines.Text())
	}
	return steps
}

// play is the scenario: two ticks, and shifts until nothing is left to do. The
// environment is that of the first shift, in which the fault happens.
func (s *stage) play(env ...string) (killed bool) {
	killed = s.shift(env...)
	s.now = s.now.Add(10 * time.Second)
	s.shift()
	s.now = s.now.Add(50 * time.Second)
	s.shift()
	s.now = s.now.Add(10 * time.Second)
	s.shift()
	return killed
}

// TestCrashAtEachStep kills a shift at each of its durable steps in turn, the
// first and the second time that it comes to it, and lets others go on.
func TestCrashAtEachStep(t *testing.T) {
	if steps := crashAtEachStep(t, allSteps, stepsEach(), (*stage).checkAllRan); steps < 20 {
		t.Errorf("only %d steps were traced", steps)
	}
}

// crashAtEachStep plays an entry file again and again, with a kill at each step
// in turn, the first so many times that it comes, and says how many steps there
// are. What must hold is checked each time.
func crashAtEachStep(t *testing.T, entry string, each int, check func(*stage)) int {
	seen := map[string]int{}
	for _, step := range traceSteps(t, entry) {
		seen[step]++
		if seen[step] > each {
			continue
		}
		fault := fmt.Sprintf("%s:%d", step, seen[step])
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, entry)
			if !s.play("SLAVEDRIVER_FAULT=" + fault + "=kill") {
				t.Skipf("the shift did not come to %s this time", fault)
			}
			s.check(1)
			check(s)
		})
	}
	return len(seen)
}

func stepsEach() int {
	if testing.Short() || raceEnabled {
		return 1
	}
	return 2
}

// checkAllRan: both instants of each job ran, whatever was killed.
func (s *stage) checkAllRan() {
	for _, job := range []string{"plain", "fails", "hangs", "asked"} {
		for _, minute := range []string{"12:00", "12:01"} {
			want := fmt.Sprintf("%s 2026-11-23T%s:00Z ", job, minute)
			if strings.Count(s.read("starts"), want) != 1 {
				s.t.Errorf("%swas not started once:\n%s", want, s.read("starts"))
			}
		}
	}
}

// kills is how many shifts are killed in a row.
func kills() int {
	if raceEnabled { // each shift takes several times as long to begin
		return 60
	}
	return 200
}

// TestRandomKills kills shift after shift at random moments. No instant is
// started twice, none is lost, no byte of output is, and each end is told.
func TestRandomKills(t *testing.T) {
	t.Parallel()
	newStage(t, allKinds).torture()
}

// TestTorture does so for as long as SLAVEDRIVER_TORTURE says ("make torture").
func TestTorture(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("SLAVEDRIVER_TORTURE"))
	if err != nil {
		t.Skip("make torture runs this for as long as one likes")
	}
	for end := time.Now().Add(long); time.Now().Before(end) && !t.Failed(); {
		t.Run("round", func(t *testing.T) { newStage(t, allKinds).torture() })
	}
}

// allKinds are jobs that end before, while and after a shift is killed.
const allKinds = `
keep("quick", say .. "say 1; say 2")
keep("slow", say .. "for i in 1 2 3 4 5 6 7 8; do say $i; sleep 0.02; done; exit 5")
keep("flaky", say .. "say try; [ $SLAVEDRIVER_ATTEMPT = 3 ]", { retries = 2, retryDelay = 0.03 })
keep("flood", "seq 50000 | tr '\\n' ' ' | fold -w 4000 | tee $STAGE/said.$run")
keep("hangs", say .. "say here; sleep 60", { timeout = 0.15, killGrace = 0.1 })
`

func (s *stage) torture() {
	typical := s.measure()
	for range kills() {
		s.killAtRandom(typical)
		s.now = s.now.Add(7 * time.Second)
	}
	for range 3 { // what is left, without being disturbed
		s.shift()
		s.now = s.now.Add(7 * time.Second)
	}
	s.check(kills())
	s.checkEveryInstant()
}

// measure is how long a shift with nothing to do takes here and now.
func (s *stage) measure() time.Duration {
	elsewhere := s.t.TempDir()
	env := []string{"SLAVEDRIVER_VAR_DIR=" + elsewhere, "STAGE=" + elsewhere}
	_ = s.command(env...).Run() // runs the jobs of this minute
	begin := time.Now()
	_ = s.command(env...).Run()
	return max(time.Since(begin), 10*time.Millisecond)
}

func (s *stage) killAtRandom(typical time.Duration) {
	cmd := s.command()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	timer := time.AfterFunc(rand.N(3*typical), func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	timer.Stop()
}

// checkEveryInstant: from the first to the last instant of a job that the
// ledger knows, there is none without an outcome.
func (s *stage) checkEveryInstant() {
	known := map[string]map[time.Time]bool{}
	for _, o := range s.ledger() {
		if known[o.Job] == nil {
			known[o.Job] = map[time.Time]bool{}
		}
		first := o.First
		if first.IsZero() {
			first = o.Instant
		}
		for t := first; !t.After(o.Instant); t = t.Add(time.Minute) {
			known[o.Job][t] = true
		}
	}
	last := s.now.Add(-7 * time.Second).Truncate(time.Minute)
	for job, instants := range known {
		for t := last; ; t = t.Add(-time.Minute) {
			if instants[t] {
				delete(instants, t)
				continue
			}
			if len(instants) > 0 {
				s.t.Errorf("job %s has no outcome for %s, but for earlier instants", job, t.Format(time.TimeOnly))
			}
			break
		}
	}
	if len(known) != 5 {
		s.t.Errorf("the ledger knows of %d jobs", len(known))
	}
}
