package engine

import (
	"slices"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// another is a second machine with the same jobs, clock and lock store.
func (m *machine) another(slave string) *machine {
	plan := *m.plan
	plan.Slave = slave
	o := &machine{t: m.t, dir: m.t.TempDir(), plan: &plan, store: m.store, began: m.began, running: func() {}}
	o.ahead.Store(m.ahead.Load())
	o.play = newStageplay(o.Boot)
	return o
}

// until lets the crontabs of machines call shifts, the first one's first.
func until(hms string, machines ...*machine) {
	first := machines[0]
	for end := first.clock(hms); first.Now().Before(end); {
		next := first.Now().Truncate(time.Minute).Add(time.Minute + 2*time.Second)
		if first.Now().Second() < 2 {
			next = first.Now().Truncate(time.Minute).Add(2 * time.Second)
		}
		if next.After(end) {
			first.sleep(end.Sub(first.Now()))
			return
		}
		first.sleep(next.Sub(first.Now()))
		for _, m := range machines {
			m.call()
		}
	}
}

// shared is a job that starts on one of its slaves each minute, and fails the
// first time.
func shared(t *testing.T, m *machine) *machine {
	job := newJob(t, "shared", "* * * * *", retries(1), func(j *Job) {
		j.RunOn, j.Timezone, j.RetryDelay, j.CatchUp = RunOnOne, "UTC", 5*time.Minute, 10*time.Minute
	})
	m.plan.Jobs, m.store = []*Job{job}, newMemoryStore()
	o := m.another("t")
	m.play.act = func(in runfile.Intent) act {
		if in.Attempt == 1 && in.Instant.Equal(bubbleNoon) {
			return act{lasts: 10 * time.Second, exit: 5}
		}
		return act{lasts: 10 * time.Second}
	}
	o.play.act = func(runfile.Intent) act { return act{lasts: 10 * time.Second} }
	return o
}

// fences are those of the starts so far.
func (m *machine) fences() (all []int64) {
	m.play.mu.Lock()
	defer m.play.mu.Unlock()
	for _, s := range m.play.started {
		all = append(all, s.fence)
	}
	return all
}

// While a run waits for its next attempt, its slave keeps the lease, far longer
// than one lasts: no other slave starts the job's next instant beside it.
func TestTheLeaseIsKeptBetweenAttempts(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		until("12:05:30", m, o)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02", "shared 12:00:00 .2 12:05:12")
		m.same("starts of the other", o.starts())
		if f := m.fences(); f[0] != f[1] {
			t.Errorf("the fences are %v", f)
		}
		m.running() // dead, and its lease was given up
		until("12:06:30", o)
		m.same("starts of the other", o.starts(), "shared 12:06:00 12:06:02")
	})
}

// A slave that dies while a retry waits keeps the others off no longer than a
// lease; back in time, it retries when it can have the lease again.
func TestARetryOfASlaveThatWasAway(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		until("12:00:30", m, o)
		m.off(0)
		until("12:08:30", o)
		m.same("starts of the other", o.starts(), "shared 12:03:00 12:03:02", "shared 12:04:00 12:04:02", "shared 12:05:00 12:05:02",
			"shared 12:06:00 12:06:02", "shared 12:07:00 12:07:02", "shared 12:08:00 12:08:02")
		m.call()
		m.sleep(time.Second)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02", "shared 12:00:00 .2 12:08:30")
		if f := m.fences(); f[1] <= f[0] {
			t.Errorf("the fences are %v", f)
		}
	})
}

// If the job runs on another slave just then, that is that.
func TestARetryBesideAnotherSlavesRun(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		until("12:00:30", m, o)
		m.off(0)
		until("12:08:05", o)
		m.call()
		until("12:09:00", m, o)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02")
		if got := m.ledger(); !slices.Contains(got, "failed shared 12:00:00: exit code 5; not retried: another run of the job is going on, on t") {
			t.Errorf("the ledger is %v", got)
		}
	})
}

// A run that is not retried after all gives its lease up.
func TestARetryThatIsGivenUpGivesItsLeaseUp(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		until("12:00:30", m, o)
		m.plan.Jobs = nil
		until("12:02:30", m, o)
		m.same("starts of the other", o.starts(), "shared 12:01:00 12:01:02", "shared 12:02:00 12:02:02")
	})
}

// While the store cannot be reached a retry waits for it, as any start.
func TestARetryWaitsForTheStore(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		until("12:04:30", m, o)
		m.store.(*memoryStore).setDown(true)
		until("12:05:42", m, o)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02")
		m.store.(*memoryStore).setDown(false)
		until("12:05:45", m, o)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02", "shared 12:00:00 .2 12:05:43")
	})
}

// The store loses its memory while a short run goes on, and another slave, which
// knows nothing of that, starts its instant too. The first one's slave hears of
// it when its run ends, and tells it once, with the run put away or not.
func TestAStartThatWasMadeTwiceIsTold(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := shared(t, m)
		defer func() { o.running() }()
		m.play.act = func(runfile.Intent) act { return act{lasts: 40 * time.Second} }
		m.sleep(2 * time.Second)
		m.call()
		m.sleep(5 * time.Second)
		m.store.(*memoryStore).forget()
		o.call()
		until("12:03:00", m, o)
		m.same("starts of the instant", slices.Concat(m.starts()[:1], o.starts()[:1]), "shared 12:00:00 12:00:02", "shared 12:00:00 12:00:07")
		m.same("events", m.told("job.started", "job.finished.success"), "lease_lost shared 12:00:00")
		m.same("events of the other", o.told("job.started", "job.finished.success"))
	})
}
