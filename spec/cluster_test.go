package spec

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestClusterStartsEachInstantOnce lets five slaves, each with its own var dir,
// share one Redis, and 20 jobs that run on one of them, over several minutes.
func TestClusterStartsEachInstantOnce(t *testing.T) {
	t.Parallel()
	const slaves, jobs, minutes = 5, 20, 3
	s := newStage(t, fmt.Sprintf(`
slavedriver:setNamespace("cluster")
for i = 1, %d do
  keep("job" .. i, "true", { timezone = "UTC", runOn = "one" })
end
`, jobs))
	redis := startRedisServer(t).url()
	// The server's clock is real, and an instant must not be older than its memory.
	first := time.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	s.now = first.Add(2 * time.Second)
	for range minutes {
		var shifts sync.WaitGroup
		for i := range slaves {
			shifts.Go(func() { s.slaveShift(i, redis) })
		}
		shifts.Wait()
		s.now = s.now.Add(time.Minute)
	}
	s.checkStarts()
	for job := range jobs {
		for minute := range minutes {
			want := fmt.Sprintf("job%d %s ", job+1, first.Add(time.Duration(minute)*time.Minute).Format(time.RFC3339))
			if n := strings.Count("\n"+s.read("starts"), "\n"+want); n != 1 {
				t.Errorf("%sstarted %d times", want, n)
			}
		}
	}
	s.checkOutcomes(slaves, jobs*minutes)
}

// TestClusterMeetsANewStore lets five slaves that know nothing meet a Redis that
// knows nothing, one of them a moment before the others: what is due in this very
// minute starts, on one of them or on each. That the store first hears of most
// jobs after a slave met it is not taken for a lost memory.
func TestClusterMeetsANewStore(t *testing.T) {
	t.Parallel()
	const slaves, jobs = 5, 20
	s := newStage(t, fmt.Sprintf(`
slavedriver:setNamespace("new")
for i = 1, tonumber(os.getenv("JOBS")) or %d do
  keep("job" .. i, "true", { timezone = "UTC", runOn = "one" })
end
keep("every", "true")
`, jobs))
	redis := startRedisServer(t).url()
	s.now = earlyInAMinute()
	s.slaveShift(0, redis, "JOBS=1")
	s.slaveShift(0, redis, "JOBS=10")
	for range 3 {
		var shifts sync.WaitGroup
		for i := range slaves {
			shifts.Go(func() { s.slaveShift(i, redis) })
		}
		shifts.Wait()
		s.now = s.now.Add(time.Minute)
	}
	ran := map[string]int{}
	for i := range slaves {
		for _, o := range s.ledgerIn(fmt.Sprint("var", i)) {
			ran[o.Outcome]++
			if o.Outcome == "missed" || o.Job == "every" && o.Outcome != "succeeded" {
				t.Errorf("slave %d: %s: %s (%s)", i, o.Run, o.Outcome, o.Reason)
			}
		}
	}
	if want := 3 * (jobs + slaves); ran["succeeded"] != want {
		t.Errorf("%d runs succeeded, not %d: %v", ran["succeeded"], want, ran)
	}
}

// earlyInAMinute waits for what is left of a minute that is nearly over, and
// returns the time: the server's clock is real.
func earlyInAMinute() time.Time {
	now := time.Now().UTC()
	if left := time.Until(now.Truncate(time.Minute).Add(time.Minute)); left < 20*time.Second {
		time.Sleep(left)
	}
	return time.Now().UTC()
}

// slaveShift is a whole shift of one slave.
func (s *stage) slaveShift(i int, redis string, env ...string) {
	cmd := s.slave(i, redis, env...)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		s.t.Errorf("slave %d: %v\n%s", i, err, out)
	}
}

// slave is a shift of one slave, with its own var dir.
func (s *stage) slave(i int, redis string, env ...string) *exec.Cmd {
	cmd := s.command(append([]string{
		"SLAVEDRIVER_VAR_DIR=" + filepath.Join(s.dir, fmt.Sprint("var", i)), "SLAVEDRIVER_LOCK_STORE=" + redis,
	}, env...)...)
	cmd.Args = append(cmd.Args, "--slave", fmt.Sprint("slave", i))
	return cmd
}

// checkOutcomes: the ledger of each slave has each instant once, as run or as
// somebody else's.
func (s *stage) checkOutcomes(slaves, instants int) {
	ran := 0
	for i := range slaves {
		seen := map[string]bool{}
		for _, o := range s.ledgerIn(fmt.Sprint("var", i)) {
			if seen[o.Run] {
				s.t.Errorf("slave %d has two outcomes for %s", i, o.Run)
			}
			seen[o.Run] = true
			switch o.Outcome {
			case "succeeded":
				ran++
			case "elsewhere":
			default:
				s.t.Errorf("slave %d: %s: %s (%s)", i, o.Run, o.Outcome, o.Reason)
			}
		}
		if len(seen) != instants {
			s.t.Errorf("slave %d has outcomes for %d instants, not %d", i, len(seen), instants)
		}
	}
	if ran != instants {
		s.t.Errorf("the ledgers together say that %d runs were started, not %d", ran, instants)
	}
}
