package engine

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"slavedriver/internal/runfile"
	"slavedriver/schedule"
)

func lasting(d time.Duration) func(runfile.Intent) act {
	return func(runfile.Intent) act { return act{lasts: d} }
}

// An instant within the minute starts when its second comes, not before, each
// for itself; and it is in the agenda from the tick of its minute on.
func TestSecondsStartInTheirSecond(t *testing.T) {
	virtually(t, []*Job{newJob(t, "often", "@every 20s")}, func(m *machine) {
		m.play.act = lasting(time.Second)
		m.until("12:00:02")
		if a, _, err := loadAgenda(m.dir + "/" + fileAgenda); err != nil || len(a.Intents) < 2 {
			t.Errorf("the agenda has %v, %v", a.Intents, err)
		}
		m.until("12:01:05")
		m.same("starts", m.starts(), "often 12:00:00 12:00:02", "often 12:00:20 12:00:20", "often 12:00:40 12:00:40", "often 12:01:00 12:01:02")
		m.same("ledger", m.ledger(), "succeeded often 12:00:00", "succeeded often 12:00:20", "succeeded often 12:00:40", "succeeded often 12:01:00")
	})
}

func TestSevenFields(t *testing.T) {
	virtually(t, []*Job{newJob(t, "half", "30 * * * * * *")}, func(m *machine) {
		m.until("12:01:59")
		m.same("starts", m.starts(), "half 12:00:30 12:00:30", "half 12:01:30 12:01:30")
	})
}

// The start is made by whichever shift is on duty, and by one that comes after
// a crash, if the job's catch-up allows.
func TestSecondsSurviveHandoverAndCrash(t *testing.T) {
	virtually(t, []*Job{newJob(t, "half", "30 * * * * * *")}, func(m *machine) {
		m.until("12:00:02")
		m.sleep(10 * time.Second)
		m.call() // relieves the shift that decided it
		m.until("12:00:45")
		m.same("starts", m.starts(), "half 12:00:30 12:00:30")

		m.until("12:01:02")
		m.running() // it dies
		m.until("12:02:40")
		m.same("starts", m.starts(), "half 12:00:30 12:00:30", "half 12:01:30 12:02:02", "half 12:02:30 12:02:30")
	})
}

// While no shift ran several instants passed: those start once.
func TestMissedSecondsStartOnce(t *testing.T) {
	virtually(t, []*Job{newJob(t, "often", "@every 20s")}, func(m *machine) {
		m.until("12:00:30")
		m.running()
		m.sleep(75 * time.Second)
		m.call() // 12:01:45
		m.until("12:01:59")
		m.same("starts", m.starts(), "often 12:00:00 12:00:02", "often 12:00:20 12:00:20", "often 12:01:40 12:01:45")
		m.same("ledger", m.ledger(), "succeeded often 12:00:00", "succeeded often 12:00:20",
			"merged often 12:01:20 count=2: one start for several missed instants: often-20261123T120140Z",
			"merged often 12:00:40: one start for several missed instants: often-20261123T120140Z", "succeeded often 12:01:40")
	})
}

func TestOverlapCountsInSecondsToo(t *testing.T) {
	virtually(t, []*Job{newJob(t, "often", "@every 10s")}, func(m *machine) {
		m.play.act = lasting(15 * time.Second)
		m.until("12:00:45")
		m.same("starts", m.starts(), "often 12:00:00 12:00:02", "often 12:00:20 12:00:20", "often 12:00:40 12:00:40")
		m.same("events", m.told("job.started", "job.finished.success"),
			"last_instance_still_running often 12:00:10", "last_instance_still_running often 12:00:30")
	})
}

// jittered is a job whose jitter on this machine's slave is 2 m 10 s.
func jittered(t *testing.T, expr string, change ...func(*Job)) *Job {
	t.Helper()
	for i := range 100_000 {
		job := newJob(t, fmt.Sprintf("j%d", i), expr, change...)
		job.Jitter = 10 * time.Minute
		if JitterOf(job, "s") == 130*time.Second {
			job.Slug = "j"
			return job
		}
	}
	t.Fatal("no name has that jitter")
	return nil
}

// A jittered start comes so much later, though the instants after it come
// before: each waits for its own time, in whichever shift.
func TestJitterPutsOffEachStart(t *testing.T) {
	virtually(t, []*Job{jittered(t, "* * * * *")}, func(m *machine) {
		m.until("12:04:30")
		m.same("starts", m.starts(), "j 12:00:00 12:02:10", "j 12:01:00 12:03:10", "j 12:02:00 12:04:10")
		m.same("ledger", m.ledger(), "succeeded j 12:00:00", "succeeded j 12:01:00", "succeeded j 12:02:00")
		for _, e := range m.events {
			if e.Run != nil && !e.Run.ScheduledAt.Equal(instantOfRun(e.Run.ID)) {
				t.Errorf("%s is scheduled at %v", e.ID, e.Run.ScheduledAt)
			}
		}
	})
}

// How late a jittered start may be counts from its own time.
func TestJitteredStartsAreCaughtUp(t *testing.T) {
	for _, c := range []struct {
		off  time.Duration
		want []string
	}{
		{4 * time.Minute, []string{"j 12:00:00 12:05:02"}}, // due at 12:02:10, so 172 s late
		{6 * time.Minute, nil},
	} {
		t.Run(c.off.String(), func(t *testing.T) {
			job := jittered(t, "0 12 * * *", func(j *Job) { j.CatchUp = 3 * time.Minute })
			virtually(t, []*Job{job}, func(m *machine) {
				m.until("12:00:30") // intended, and not started
				m.off(c.off)
				m.until("12:10:00")
				m.same("starts", m.starts(), c.want...)
				missed := 0
				for _, r := range m.reports {
					missed += r.Missed
				}
				if missed != 1-len(c.want) {
					t.Errorf("%d were missed", missed)
				}
			})
		})
	}
}

// Of instants that nobody evaluated in time the same holds.
func TestDueCountsTheLag(t *testing.T) {
	minutely, err := schedule.Parse("* * * * *", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	now := clock("12:10:02")
	w := window{clock("11:59:59"), clock("12:11:00").Add(-1)}
	d := due(minutely, w, now, 3*time.Minute+30*time.Second, 2*time.Minute)
	// 12:06 was to start at 12:09:30 and is the newest that has passed; 12:04
	// was to at 12:07:30, which is too long ago; 12:07 to 12:10 are still to come.
	want := []time.Time{clock("12:06:00"), clock("12:07:00"), clock("12:08:00"), clock("12:09:00"), clock("12:10:00")}
	if fmt.Sprint(d.Starts) != fmt.Sprint(want) {
		t.Errorf("starts for %v, want %v", d.Starts, want)
	}
	if d.Merged.Count != 1 || !d.Merged.Last.Equal(clock("12:05:00")) || d.Missed.Count != 5 || !d.Missed.Last.Equal(clock("12:04:00")) {
		t.Errorf("merged %+v, missed %+v", d.Merged, d.Missed)
	}
}

// The condition is asked once an instant: when its time has come, whatever
// shifts die and however long the start waits then.
func TestTheConditionIsAskedOnce(t *testing.T) {
	long := newJob(t, "long", "0 12 * * *")
	guarded := newJob(t, "guarded", "10 0,1,2 12 * * * *", func(j *Job) { j.Condition, j.CatchUp = true, time.Hour })
	virtually(t, []*Job{long, guarded}, func(m *machine) {
		m.plan.MaxConcurrent = 1
		m.play.act = func(in runfile.Intent) act {
			return act{lasts: map[string]time.Duration{"long": 50 * time.Second}[in.Job]}
		}
		m.condition = func(_ *Job, now time.Time) (bool, string, error) {
			switch now.Minute() {
			case 0:
				return true, "", nil
			case 1:
				return false, "a holiday", nil
			}
			return false, "", errors.New("no idea")
		}
		m.until("12:00:30")
		if len(m.asked) != 0 {
			t.Errorf("it was asked at %v, though it could not start", m.asked)
		}
		m.call()
		m.until("12:03:00")
		m.same("starts", m.starts(), "long 12:00:00 12:00:02", "guarded 12:00:10 12:00:52")
		m.same("events", m.told("job.started", "job.finished.success"),
			"skipped guarded 12:01:10 reason=a holiday", "skipped guarded 12:02:10 reason=its condition failed: no idea")
		m.same("ledger", m.ledger(), "succeeded guarded 12:00:10", "succeeded long 12:00:00",
			"skipped guarded 12:01:10: a holiday", "skipped guarded 12:02:10: its condition failed: no idea")
		if len(m.asked) != 3 {
			t.Errorf("it was asked at %v", m.asked)
		}
	})
}

// A shift that is relieved while a condition is asked decides nothing; the next
// one asks again.
func TestAConditionThatIsCutOff(t *testing.T) {
	virtually(t, []*Job{newJob(t, "guarded", "0 12 * * *", func(j *Job) { j.Condition = true })}, func(m *machine) {
		first := true
		m.condition = func(*Job, time.Time) (bool, string, error) {
			if first {
				first = false
				time.Sleep(5 * time.Second)
				return false, "", errors.New("the shift ended")
			}
			return true, "", nil
		}
		m.until("12:00:02")
		m.sleep(time.Second)
		m.call()
		m.until("12:00:30")
		m.same("starts", m.starts(), "guarded 12:00:00 12:00:07")
	})
}

// The function of a schedule is asked about the minute, at its beginning; what
// it says yes to has its jitter too.
func TestAScheduleFunctionWithJitter(t *testing.T) {
	job := jittered(t, "* * * * *")
	job.Schedule, job.ScheduleFunc, job.ScheduleText = nil, true, []string{"function"}
	virtually(t, []*Job{job}, func(m *machine) {
		m.due = func(_ *Job, now time.Time) (bool, error) { return now.Minute() == 1, nil }
		m.until("12:04:30")
		m.same("starts", m.starts(), "j 12:01:00 12:03:10")
		if len(m.asked) != 5 || !m.asked[1].Equal(bubbleNoon.Add(time.Minute)) {
			t.Errorf("asked about %v", m.asked)
		}
	})
}

// Between the end of a run's processes and that of its wrapper it may be looked at
// again: that it is being ended was said already.
func TestATimeoutIsSaidOnce(t *testing.T) {
	late := func(j *Job) { j.Timeout = 5 * time.Second }
	jobs := []*Job{newJob(t, "a", "* * * * *", late), newJob(t, "b", "* * * * *", late), newJob(t, "c", "* * * * *", late)}
	virtually(t, jobs, func(m *machine) {
		m.play.act = lasting(time.Hour)
		m.until("12:29:30")
		if n := m.countLogged("Timeout of 5 seconds was hit"); n != 90 {
			t.Errorf("90 timeouts were said %d times", n)
		}
	})
}
