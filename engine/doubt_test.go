package engine

import (
	"os"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// loseAgenda removes the agenda, or makes it noise.
func (m *machine) loseAgenda(noise bool) {
	m.t.Helper()
	m.running()
	var err error
	if path := m.dir + "/" + fileAgenda; noise {
		err = os.WriteFile(path, []byte("noise"), 0o600)
	} else {
		err = os.Remove(path)
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// What was started in this minute is known by the ledger, where neither the agenda nor
// a folder tells it.
func TestAnAgendaThatIsLostStartsNothingTwice(t *testing.T) {
	for _, noise := range []bool{true, false} {
		job := newJob(t, "job", "* * * * *", func(j *Job) { j.KeepRuns = 0 })
		seconds := newJob(t, "seconds", "*/15 * * * * * *", func(j *Job) { j.KeepRuns = 0 })
		virtually(t, []*Job{job, seconds}, func(m *machine) {
			m.play.act = lasting(time.Second)
			m.call()
			m.sleep(40 * time.Second)
			m.loseAgenda(noise)
			m.call()
			m.sleep(10 * time.Second)
			m.eachEndsOnce()
			if said := strings.Count(strings.Join(m.logged, "\n"), "error: the agenda "); said != 1 {
				t.Errorf("it is said %d times: %v", said, m.logged)
			}
		})
	}
}

// So it is when a schedule is changed within the minute.
func TestAScheduleThatIsChangedStartsNothingTwice(t *testing.T) {
	none := func(j *Job) { j.KeepRuns = 0 }
	virtually(t, []*Job{newJob(t, "job", "30 * * * * * *", none)}, func(m *machine) {
		m.play.act = lasting(time.Second)
		m.call()
		m.sleep(40 * time.Second)
		m.plan.Jobs = []*Job{newJob(t, "job", "*/15 * * * * * *", none)}
		m.call()
		m.sleep(10 * time.Second)
		m.eachEndsOnce()
		m.same("starts", m.starts(), "job 12:00:30 12:00:30", "job 12:00:45 12:00:45")
	})
}

// A run that waited for its retry in an agenda that was lost is tried again; if it
// cannot be, its failure is told.
func TestAnAgendaThatIsLostLosesNoRetry(t *testing.T) {
	for name, c := range map[string]struct {
		change func(m *machine)
		want   []string
	}{
		"in time": {func(*machine) {}, []string{"retrying flaky 12:00:00", "succeeded flaky 12:00:00 .2"}},
		"too late": {func(m *machine) { m.sleep(time.Hour) }, []string{
			"retrying flaky 12:00:00", "failed flaky 12:00:00: exit code 1; not retried: its catch-up time ended before it could be started"}},
		"removed": {func(m *machine) { m.plan.Jobs = nil }, []string{
			"retrying flaky 12:00:00", "failed flaky 12:00:00: exit code 1; not retried: the job is no longer in the entry file, or was disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			job := newJob(t, "flaky", "0 12 * * *", retries(1), func(j *Job) {
				j.KeepRuns, j.RetryDelay, j.CatchUp = 0, 90*time.Second, 5*time.Minute
			})
			virtually(t, []*Job{job}, func(m *machine) {
				m.play.act = func(in runfile.Intent) act { return act{exit: 2 - in.Attempt} }
				m.call()
				m.sleep(time.Second)
				m.loseAgenda(false)
				c.change(m)
				m.cron(3 * time.Minute)
				m.same("ledger", m.ledger(), c.want...)
			})
		})
	}
}

// Its run's lease is known by the run's folder; where that is gone too, it is waited for
// until it is over.
func TestAnAgendaThatIsLostLosesNoRetryWithALease(t *testing.T) {
	for _, keep := range []int{0, 20} {
		job := newJob(t, "flaky", "* * * * *", retries(1), func(j *Job) { j.KeepRuns, j.RunOn = keep, RunOnOne })
		virtually(t, []*Job{job}, func(m *machine) {
			m.store = newMemoryStore()
			m.play.act = func(in runfile.Intent) act { return act{exit: 2 - in.Attempt} }
			m.call()
			m.sleep(20 * time.Second)
			m.loseAgenda(false)
			m.call()
			m.sleep(4 * time.Minute)
			m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "succeeded flaky 12:00:00 .2")
		})
	}
}
