package engine

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// TestTimeUnderTorture lets shifts die, machines stop and ticks fail to come at
// random, for jobs of every kind that has to do with time. Afterwards each
// instant has one outcome, each attempt was made once and was told in order.
// With SLAVEDRIVER_TORTURE there are as many rounds as that has seconds ("make
// torture"), and others each time.
func TestTimeUnderTorture(t *testing.T) {
	rounds, first := uint64(6), uint64(0)
	if long, err := time.ParseDuration(os.Getenv("SLAVEDRIVER_TORTURE")); err == nil {
		rounds, first = uint64(long/time.Second), rand.Uint64()>>1
	}
	for seed := first; seed < first+rounds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			jobs := []*Job{
				newJob(t, "flaky", "* * * * *", retries(2), func(j *Job) { j.RetryDelay, j.RetryBackoff = 25*time.Second, 1.5 }),
				newJob(t, "beside", "* * * * *", retries(1), func(j *Job) { j.OnOverlap = OverlapAllow }),
				newJob(t, "replaced", "* * * * *", retries(3), func(j *Job) { j.OnOverlap, j.CatchUp = OverlapReplace, time.Hour }),
				newJob(t, "often", "@every 25s", func(j *Job) { j.CatchUp = 0 }),
				newJob(t, "spread", "*/2 * * * *", func(j *Job) { j.Jitter, j.KeepRuns = 5*time.Minute, 0 }),
				newJob(t, "guarded", "* * * * *", func(j *Job) { j.Condition = true }),
			}
			virtually(t, jobs, func(m *machine) {
				m.torture(rand.New(rand.NewPCG(seed, 1)))
				m.checkBooks()
			})
		})
	}
}

// luck is a number below n that depends on a run alone.
func luck(id string, n uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32() % n
}

func (m *machine) torture(r *rand.Rand) {
	m.plan.MaxConcurrent = 3
	m.play.act = func(in runfile.Intent) act {
		exit := 0
		if strings.HasPrefix(in.Job, "flaky") || in.Job == "beside" || in.Job == "replaced" {
			exit = int(luck(in.ID, 2))
		}
		return act{lasts: time.Duration(luck(in.ID+"x", 40)) * time.Second, exit: exit}
	}
	m.condition = func(_ *Job, now time.Time) (bool, string, error) { return now.Minute()%3 != 0, "every third", nil }
	m.handler = func(e *Event) { time.Sleep(time.Duration(luck(e.ID, 3)) * time.Second) }
	for range 60 {
		m.sleep(time.Duration(r.Int64N(int64(40 * time.Second))))
		switch n := r.IntN(20); {
		case n < 12:
			m.call()
		case n < 18:
			m.running()
		case n < 19:
			m.off(time.Duration(r.Int64N(int64(8 * time.Minute))))
		default:
			m.set(-time.Duration(r.Int64N(int64(2 * time.Minute))))
		}
	}
	m.call()
	m.until(m.Now().Add(12 * time.Minute).Format(time.TimeOnly))
	m.running()
	jobs := m.plan.Jobs
	m.plan.Jobs = nil
	for _, job := range jobs {
		quiet := *job
		quiet.Schedule = noSchedule{} // so that nothing more is due
		m.plan.Jobs = append(m.plan.Jobs, &quiet)
	}
	m.until(m.Now().Add(12 * time.Minute).Format(time.TimeOnly))
	m.running()
	m.plan.Jobs = jobs
}

type noSchedule struct{}

func (noSchedule) Next(time.Time) time.Time { return time.Time{} }

// checkBooks compares the ledger, the starts and the events.
func (m *machine) checkBooks() {
	m.t.Helper()
	made := m.checkMade()
	final := map[string]string{}
	covered := map[string]int{} // instants by job
	var first, last = map[string]time.Time{}, map[string]time.Time{}
	for _, o := range m.outcomes() {
		id := AttemptID(o.Run, o.Attempt)
		if made[id] && (o.Outcome == OutcomeSucceeded || o.Outcome == OutcomeFailed || o.Outcome == OutcomeRetrying) {
			made[id] = false
		}
		if o.Outcome == OutcomeRetrying {
			continue
		}
		if before, twice := final[o.Run]; twice {
			m.t.Errorf("%s has two outcomes: %s and %s", o.Run, before, o.Outcome)
		}
		final[o.Run] = o.Outcome
		covered[o.Job] += max(1, o.Count)
		from := o.Instant
		if !o.First.IsZero() {
			from = o.First
		}
		if f, ok := first[o.Job]; !ok || from.Before(f) {
			first[o.Job] = from
		}
		if o.Instant.After(last[o.Job]) {
			last[o.Job] = o.Instant
		}
	}
	for id, missing := range made {
		if missing {
			m.t.Errorf("%s was started, and the ledger does not say how it ended", id)
		}
	}
	for _, job := range m.plan.Jobs {
		want := spanOf(job.Schedule, first[job.Name].Add(-1), last[job.Name]).Count
		if covered[job.Name] != want {
			m.t.Errorf("%s: from %v to %v there are %d instants, and the ledger has %d", job.Name, first[job.Name], last[job.Name], want, covered[job.Name])
		}
	}
	m.checkTold()
	if a, _, err := loadAgenda(filepath.Join(m.dir, fileAgenda)); err != nil || len(a.Intents) > 0 {
		m.t.Errorf("the agenda still has %d starts, %v", len(a.Intents), err)
	}
	if left, _ := os.ReadDir(filepath.Join(m.dir, folderActive)); len(left) > 0 {
		m.t.Errorf("%d runs are still active", len(left))
	}
	if m.t.Failed() {
		m.t.Logf("starts:\n%s\nledger:\n%s\nlog:\n%s", strings.Join(m.starts(), "\n"), strings.Join(m.ledger(), "\n"), strings.Join(m.logged, "\n"))
	}
}

// checkMade: no attempt was made twice, none but after the one before.
func (m *machine) checkMade() map[string]bool {
	made := map[string]bool{}
	for _, s := range m.play.started {
		run, attempt := cutAttempt(s.id)
		if made[s.id] {
			m.t.Errorf("%s was started twice", s.id)
		}
		if attempt > 1 && !made[AttemptID(run, attempt-1)] {
			m.t.Errorf("%s was started without the attempt before", s.id)
		}
		made[s.id] = true
	}
	return made
}

// checkTold: of each attempt its start was told, then its end, once, where no
// shift died in the handler; of each run one end, and nothing after that.
func (m *machine) checkTold() {
	over := map[string]string{}
	for _, e := range m.events {
		id, what, _ := strings.Cut(e.ID, "/")
		run, attempt := cutAttempt(id)
		switch what {
		case "finished":
			if over[run] != "" && over[run] != e.ID {
				m.t.Errorf("%s is told after %s", e.ID, over[run])
			}
			over[run] = e.ID
		case "started", "retrying":
			if over[run] != "" {
				m.t.Errorf("%s is told after %s", e.ID, over[run])
			}
			if attempt > 1 && what == "started" && over[AttemptID(run, attempt-1)+"/"] == "" {
				m.t.Errorf("%s is told before the attempt before was told to be retried", e.ID)
			}
			if what == "retrying" {
				over[id+"/"] = e.ID
			}
		}
	}
	for _, s := range m.play.started {
		if over[runOf(s.id)] == "" {
			m.t.Errorf("the end of %s was not told", s.id)
		}
	}
}

func (m *machine) outcomes() (all []Outcome) {
	names, _ := filepath.Glob(filepath.Join(m.dir, folderLedger, "*.jsonl"))
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			m.t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var o Outcome
			if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
				m.t.Fatal(err)
			}
			all = append(all, o)
		}
		_ = f.Close()
	}
	return all
}
