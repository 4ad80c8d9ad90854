package engine

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// No shift came for half an hour: one start makes good what a job may catch up,
// the rest is missed, with its count; the gap is told; each once.
func TestAfterHalfAnHour(t *testing.T) {
	patient := newJob(t, "patient", "* * * * *", func(j *Job) { j.CatchUp = time.Hour })
	hourly := newJob(t, "hourly", "10 * * * *", func(j *Job) { j.CatchUp = 5 * time.Minute })
	virtually(t, []*Job{patient, newJob(t, "quick", "* * * * *"), hourly}, func(m *machine) {
		m.until("12:00:30")
		m.off(29*time.Minute + 32*time.Second)
		m.call() // 12:30:02
		m.call()
		m.sleep(50 * time.Second)
		m.call() // a second one in this minute
		m.same("starts", m.starts(), "patient 12:00:00 12:00:02", "quick 12:00:00 12:00:02", "patient 12:30:00 12:30:02", "quick 12:30:00 12:30:02")
		m.same("events", m.told("job.started", "job.finished.success"),
			"gap from=1795435202 to=1795437002",
			"missed quick 12:27:00 count=27 reason=no shift ran in time",
			"missed hourly 12:10:00 count=1 reason=no shift ran in time")
		m.same("ledger", m.ledger(), "succeeded patient 12:00:00", "succeeded quick 12:00:00",
			"merged patient 12:29:00 count=29: one start for several missed instants: patient-20261123T123000Z",
			"missed quick 12:27:00 count=27: no shift ran in time",
			"merged quick 12:29:00 count=2: one start for several missed instants: quick-20261123T123000Z",
			"missed hourly 12:10:00: no shift ran in time",
			"succeeded patient 12:30:00", "succeeded quick 12:30:00")
	})
}

// Two ticks that come late are no gap, nor is a clock that goes back.
func TestWhatIsNoGap(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		m.sleep(2 * time.Second)
		m.call()
		m.sleep(2 * time.Minute)
		m.call()
		m.set(-time.Hour)
		m.sleep(time.Minute)
		m.call()
		m.set(time.Hour)
		m.sleep(30 * time.Second)
		m.call()
		m.same("events", m.told())
		m.sleep(2*time.Minute + time.Second)
		m.call()
		m.same("events", m.told(), "gap from=1795435412 to=1795435533")
	})
}

// A job that is new, that was changed, or that was switched on again begins
// with this minute; one that has another zone is another.
func TestJobsBeginWithThisMinute(t *testing.T) {
	catchUp := func(j *Job) { j.CatchUp = time.Hour }
	for name, change := range map[string]func(*Job){
		"changed":  func(j *Job) { j.ScheduleText = []string{"*  * * * *"} },
		"on":       func(j *Job) { j.Enabled = true },
		"here":     func(j *Job) { j.Slaves = nil },
		"zone":     func(j *Job) { j.Timezone = "Europe/London" },
		"as it is": func(*Job) {},
	} {
		t.Run(name, func(t *testing.T) {
			job := newJob(t, "job", "*/10 * * * *", catchUp)
			job.Enabled = name != "on"
			if name == "here" {
				job.Slaves = []string{"elsewhere"}
			}
			virtually(t, []*Job{job}, func(m *machine) {
				m.sleep(65 * time.Second)
				m.call() // 12:01:05, when it is not due
				m.running()
				m.sleep(14 * time.Minute)
				other := *job
				change(&other)
				m.plan.Jobs = []*Job{&other}
				m.call() // 12:15:05
				if name == "as it is" {
					m.same("starts", m.starts(), "job 12:10:00 12:15:05")
				} else {
					m.same("starts", m.starts())
				}
			})
		})
	}
}

// A clock that was ahead and came back starts nothing twice: not the minute
// that it comes back to, nor later the instants that it was ahead with; not
// even where nothing of those runs is kept.
func TestAClockThatWasAhead(t *testing.T) {
	for name, by := range map[string]time.Duration{"hours": 5 * time.Hour, "years": 3 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			job := newJob(t, "job", "* * * * *", func(j *Job) { j.KeepRuns = 0 })
			virtually(t, []*Job{job}, func(m *machine) {
				m.until("12:00:10")
				m.set(by)
				m.call()
				m.sleep(time.Second)
				m.set(-by)
				m.call()
				m.until("12:01:30")
				if got := m.starts(); len(got) != 3 || got[2] != "job 12:01:00 12:01:02" {
					t.Errorf("back in the minute, the starts are %v", got)
				}
				m.running()
				m.set(by - 80*time.Second) // then the time comes
				m.call()
				m.sleep(5 * time.Second)
				if got := m.starts(); len(got) != 3 {
					t.Errorf("an instant that was started by a clock that was ahead is started again: %v", got)
				}
				m.sleep(time.Minute)
				m.call()
				if got := m.starts(); len(got) != 4 {
					t.Errorf("the next one is not started: %v", got)
				}
			})
		})
	}
}

// cpuTime is what this process has used: the time of a bubble is none.
func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A clock that is years ahead for one tick does not stop a job for years, and
// what waited for its time there is given up. Coming there, with a job of some
// seconds, takes no time.
func TestThereAndBack(t *testing.T) {
	seconds := newJob(t, "seconds", "@every 10s", func(j *Job) { j.CatchUp = 300 * 24 * time.Hour })
	late := jittered(t, "* * * * *")
	virtually(t, []*Job{seconds, late}, func(m *machine) {
		m.until("12:00:10")
		m.set(10 * 365 * 24 * time.Hour)
		began := cpuTime(t)
		m.call()
		if took := cpuTime(t) - began; took > 5*time.Second {
			t.Errorf("the way there took %v", took)
		}
		m.sleep(time.Second)
		m.set(-10 * 365 * 24 * time.Hour)
		m.call()
		m.until("12:03:15")
		all := strings.Join(m.starts(), "\n")
		for _, want := range []string{"seconds 12:00:30 12:00:30", "seconds 12:02:50 12:02:50", "j 12:00:00 12:02:10", "j 12:01:00 12:03:10"} {
			if strings.Count(all, want) != 1 {
				t.Errorf("%s: %d times", want, strings.Count(all, want))
			}
		}
		if a, _, err := loadAgenda(m.dir + "/" + fileAgenda); err != nil || a.Ahead == nil {
			t.Errorf("%+v, %v", a, err)
		} else {
			for _, in := range a.Intents {
				if in.Instant.Year() > 2026 {
					t.Errorf("the agenda still has a start of %v", in.Instant)
				}
			}
		}
	})
}

// A retry that waits does not wait for years, either, where the machine was
// restarted by a clock that was ahead.
func TestARetryThatWasIntendedAhead(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1), func(j *Job) { j.RetryDelay, j.CatchUp = 5*time.Minute, time.Hour })}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act { return act{exit: 2 - in.Attempt} }
		m.set(365 * 24 * time.Hour)
		m.until("12:00:30")
		m.off(time.Minute)
		m.set(-365 * 24 * time.Hour)
		m.until("12:10:00")
		m.same("starts", m.starts()[1:], "flaky 12:00:00 .2 12:07:02")
	})
}
