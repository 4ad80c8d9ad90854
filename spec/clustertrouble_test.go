package spec

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A minute of a crowd takes so long: longer than a shift waits for a server that
// does not answer, so that what it does then is seen, as it is in a real minute.
const crowdPace = 3 * time.Second

// crowd is five slaves that share a Redis, 50 jobs that run on one of them and one
// job of each slave alone, all due every minute.
type crowd struct {
	*stage
	redis   *redisServer
	minutes int
	killed  func(slave, minute int) time.Duration // how long after its start that shift is killed; 0: not
}

const crowdSlaves, crowdJobs = 5, 50

func newCrowd(t *testing.T, minutes int) *crowd {
	s := newStage(t, fmt.Sprintf(`
slavedriver:setNamespace("crowd")
for i = 1, %d do
  keep("job" .. i, "true", { timezone = "UTC", runOn = "one" })
end
keep("own " .. slavedriver:getSlaveName(), "true")
`, crowdJobs))
	// Far ahead of the server's clock, so that its minutes need not be real.
	s.now = time.Date(2096, 11, 23, 12, 0, 2, 0, time.UTC)
	return &crowd{stage: s, redis: startRedisServer(t, "--appendonly", "yes", "--appendfsync", "always"),
		minutes: minutes, killed: func(int, int) time.Duration { return 0 }}
}

// live lets all slaves live through all minutes: each has a shift every minute,
// which relieves the last one. The last ones end by themselves.
func (c *crowd) live() {
	var all sync.WaitGroup
	for slave := range crowdSlaves {
		all.Go(func() {
			for minute := range c.minutes {
				all.Go(func() { c.oneShift(slave, minute) })
				time.Sleep(crowdPace)
			}
		})
	}
	all.Wait()
}

func (c *crowd) oneShift(slave, minute int) {
	now := c.now.Add(time.Duration(minute) * time.Minute).Add(time.Duration(slave*100) * time.Millisecond)
	cmd := c.slave(slave, c.redis.url(), "SLAVEDRIVER_TEST_NOW="+now.Format(time.RFC3339Nano))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Error(err)
		return
	}
	after := c.killed(slave, minute)
	if after > 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	if err := cmd.Wait(); out.Len() > 0 || err != nil && after == 0 {
		c.t.Errorf("slave %d, minute %d: %v\n%s", slave, minute, err, &out)
	}
}

// judge compares the books with the ledgers: nothing started twice, each instant
// has an outcome on each slave, and what a ledger says was started, was.
func (c *crowd) judge(killed ...int) {
	c.t.Helper()
	c.checkStarts()
	starts := strings.Join(c.lines("starts"), "\n") + "\n"
	ran := 0
	for slave := range crowdSlaves {
		covered, seen := map[string]bool{}, map[string]bool{}
		for _, o := range c.ledgerIn(fmt.Sprint("var", slave)) {
			if seen[o.Run] {
				c.t.Errorf("slave %d has two outcomes for %s", slave, o.Run)
			}
			seen[o.Run] = true
			if o.Outcome == "succeeded" {
				ran++
			}
			if own := strings.HasPrefix(o.Job, "own"); own && o.Outcome != "succeeded" && !slices.Contains(killed, slave) ||
				o.Outcome == "failed" || o.Outcome == "unknown" {
				c.t.Errorf("slave %d: %s: %s (%s)", slave, o.Run, o.Outcome, o.Reason)
			}
			for i := range max(o.Count, 1) {
				covered[fmt.Sprint(o.Job, o.Instant.Add(-time.Duration(i)*time.Minute).Unix())] = true
			}
		}
		c.allCovered(slave, covered)
	}
	if n := strings.Count(starts, "\n"); n != ran {
		c.t.Errorf("%d starts were made, the ledgers know of %d", n, ran)
	}
	// A killed slave's leases keep others from the next minutes' starts for a while.
	if least := crowdJobs*c.minutes/2 - crowdJobs*len(killed); ran < least {
		c.t.Errorf("there were only %d starts", ran)
	}
}

// allCovered: every instant of every job has an outcome.
func (c *crowd) allCovered(slave int, covered map[string]bool) {
	jobs := []string{fmt.Sprint("own slave", slave)}
	for i := range crowdJobs {
		jobs = append(jobs, fmt.Sprint("job", i+1))
	}
	for _, job := range jobs {
		for minute := range c.minutes {
			instant := c.now.Truncate(time.Minute).Add(time.Duration(minute) * time.Minute)
			if !covered[fmt.Sprint(job, instant.Unix())] {
				c.t.Errorf("slave %d has no outcome for %s at %s", slave, job, instant.Format(time.TimeOnly))
			}
		}
	}
}

// TestClusterWithASlaveThatDies kills the shifts of one slave at random moments.
func TestClusterWithASlaveThatDies(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 4)
	c.killed = func(slave, minute int) time.Duration {
		if slave != 0 || minute == 0 || minute == c.minutes-1 { // a job begins when it is first seen
			return 0
		}
		return time.Duration(1 + rand.Int64N(int64(700*time.Millisecond)))
	}
	c.live()
	c.judge(0)
}

// TestClusterWhileRedisFails lets Redis hang, die and come back, with what it had
// acknowledged. The jobs of each slave alone start every minute all the same.
func TestClusterWhileRedisFails(t *testing.T) {
	t.Parallel()
	c := newCrowd(t, 5)
	trouble := time.AfterFunc(crowdPace+crowdPace/3, func() { // before the next minute begins
		c.redis.signal(syscall.SIGSTOP)
		time.Sleep(crowdPace)
		c.redis.signal(syscall.SIGCONT)
		time.Sleep(crowdPace / 3)
		c.redis.kill()
		time.Sleep(crowdPace)
		c.redis.start()
	})
	defer trouble.Stop()
	c.live()
	c.judge()
	told := map[string]int{}
	for _, e := range c.events() {
		told[e.name]++
	}
	// Each slave says each time once when it begins, if it noticed it, and once
	// when it is over.
	errors, ends := told["slavedriver.lockstore.error"], told["slavedriver.lockstore.recovered"]
	if errors < crowdSlaves || errors > 2*crowdSlaves || errors != ends {
		t.Errorf("the trouble was told %d times, and its end %d times", errors, ends)
	}
	t.Logf("%d starts, %v", len(c.lines("starts")), told)
}

// TestClusterAfterRedisLostItsMemory restarts Redis empty within a minute. One of
// the slaves is asked for that minute's instants only then: it met the server
// before, so it knows that the server cannot know, starts none of them again, and tells
// that of all slaves.
func TestClusterAfterRedisLostItsMemory(t *testing.T) {
	t.Parallel()
	s := newStage(t, fmt.Sprintf(`
slavedriver:setNamespace("lost")
for i = 1, tonumber(os.getenv("JOBS")) or %d do
  keep("job" .. i, "true", { timezone = "UTC", runOn = "one" })
end
keep("own " .. slavedriver:getSlaveName(), "true")
`, crowdJobs))
	redis := startRedisServer(t)
	s.now = earlyInAMinute()
	s.slaveShift(0, redis.url())
	s.slaveShift(1, redis.url(), "JOBS=0")
	redis.kill()
	redis.start()
	s.slaveShift(1, redis.url())
	s.now = s.now.Add(time.Minute)
	s.slaveShift(1, redis.url())
	s.slaveShift(0, redis.url())
	s.checkStarts()
	if n := len(s.lines("starts")); n != crowdJobs+2*2 {
		t.Errorf("%d starts were made", n)
	}
	for slave, want := range []map[string]int{{"succeeded": crowdJobs + 2, "elsewhere": crowdJobs}, {"succeeded": 2, "missed": 2 * crowdJobs}} {
		got := map[string]int{}
		for _, o := range s.ledgerIn(fmt.Sprint("var", slave)) {
			got[o.Outcome]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("slave %d: %v, not %v", slave, got, want)
		}
	}
}
