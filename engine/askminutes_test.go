package engine

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// A schedule function is asked about the minutes that no shift came in too, as
// far back as its catch-up goes; several of them are made good by one start.
func TestAFunctionIsAskedAboutMissedMinutes(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp = nil, true, []string{"function"}, 30*time.Minute
	})
	virtually(t, []*Job{job}, func(m *machine) {
		m.play.act = lasting(500 * time.Millisecond)
		var asked []string
		m.due = func(_ *Job, at time.Time) (bool, error) {
			asked = append(asked, at.UTC().Format("15:04"))
			return at.Minute()%5 == 3, nil // 12:03, 12:08, ...
		}
		m.call() // at 12:00
		m.sleep(12 * time.Minute)
		m.call()
		m.sleep(time.Second)
		if len(asked) != 13 || asked[1] != "12:12" || asked[12] != "12:01" {
			t.Errorf("asked about %v", asked)
		}
		m.same("ledger", m.ledger(),
			"merged asked 12:03:00: one start for several missed instants: "+runID(job, bubbleNoon.Add(8*time.Minute)), "succeeded asked 12:08:00")
	})
}

// With jitter a minute is asked about as long as its start may still be made, and
// starts that are still to come stay starts of their own.
func TestAFunctionWithJitterIsAskedAboutWhatMayStillStart(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp, j.Jitter = nil, true, []string{"function"}, 2*time.Minute, 50*time.Minute
	})
	lag := JitterOf(job, "s")
	if lag < 25*time.Minute {
		t.Fatalf("the jitter is %s", lag)
	}
	virtually(t, []*Job{job}, func(m *machine) {
		m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%10 == 5, nil }
		m.call() // at 12:00
		m.sleep(24 * time.Minute)
		m.call()
		m.until("13:30:00")
		var want []string
		for _, minute := range []int{5, 15, 25, 35} {
			want = append(want, "succeeded asked "+bubbleNoon.Add(time.Duration(minute)*time.Minute).Format("15:04:05"))
		}
		if got := m.ledger(); len(got) < 4 || !slices.Equal(got[:4], want) {
			t.Errorf("the ledger is %v", got)
		}
	})
}

// A function and a cron expression that mean the same do the same with jitter, over
// gaps after which several starts are still to come, of which a later gap lets some
// pass.
func TestAFunctionWithJitterStartsWhatTheExpressionStarts(t *testing.T) {
	change := func(j *Job) { j.CatchUp, j.Jitter = 5*time.Minute, time.Hour }
	var ledgers [2][]string
	for i, expr := range []string{"*/10 * * * *", "* * * * *"} {
		job := newJob(t, "job358", expr, change)
		virtually(t, []*Job{job}, func(m *machine) {
			if i == 1 {
				job.Schedule, job.ScheduleFunc, job.ScheduleText = nil, true, []string{"function"}
			}
			m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%10 == 0, nil }
			lag := JitterOf(job, "s")
			m.call() // at 12:00
			m.off(70 * time.Minute)
			m.call()
			m.off(lag - lag.Truncate(10*time.Minute) + 11*time.Minute)
			m.call()
			m.until("15:00:00")
			for _, start := range m.starts() {
				ledgers[i] = append(ledgers[i], start[:len("job358 12:00:00")])
			}
		})
	}
	if !slices.Equal(ledgers[0], ledgers[1]) || len(ledgers[0]) < 3 {
		t.Errorf("the expression starts\n%v\nthe function\n%v", ledgers[0], ledgers[1])
	}
}

// A start that a handler asked for makes no start of the schedule good.
func TestAStartByHandMakesNoMinuteGood(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp = nil, true, []string{"function"}, time.Hour
	})
	virtually(t, []*Job{job}, func(m *machine) {
		m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%10 == 5, nil }
		m.call() // at 12:00
		m.sleep(18 * time.Minute)
		m.at = bubbleNoon.Add(17 * time.Minute)
		m.due = func(*Job, time.Time) (bool, error) { return true, nil }
		m.call()
		m.sleep(time.Second)
		m.at = time.Time{}
		m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%10 == 5, nil }
		m.call()
		m.sleep(10 * time.Second)
		if got := m.ledger(); !slices.Contains(got, "succeeded asked 12:15:00") {
			t.Errorf("the ledger is %v", got)
		}
	})
}

// While a slow function is still asked about an hour that was missed, the minute
// that has come is asked about before the rest.
func TestTheNewestMinuteIsAskedAboutFirst(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp = nil, true, []string{"function"}, time.Hour
	})
	virtually(t, []*Job{job}, func(m *machine) {
		var mu sync.Mutex
		answered := map[string]time.Duration{}
		m.due = func(_ *Job, at time.Time) (bool, error) {
			time.Sleep(7 * time.Second)
			mu.Lock()
			defer mu.Unlock()
			answered[at.UTC().Format("15:04")] = m.Now().Sub(at)
			return true, nil
		}
		m.call() // at 12:00
		m.sleep(40 * time.Minute)
		m.until("12:45:00")
		mu.Lock()
		defer mu.Unlock()
		for _, minute := range []string{"12:41", "12:42", "12:43", "12:44"} {
			if late := answered[minute]; late == 0 || late > 20*time.Second {
				t.Errorf("%s was asked about %s late", minute, late)
			}
		}
		if len(answered) < 30 {
			t.Errorf("asked about %d minutes", len(answered))
		}
	})
}

// A function that hangs is not asked about the minutes before.
func TestAFunctionThatHangsIsNotAskedAgain(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp = nil, true, []string{"function"}, time.Hour
	})
	virtually(t, []*Job{job}, func(m *machine) {
		var asked atomic.Int32
		m.due = func(*Job, time.Time) (bool, error) { asked.Add(1); return false, errHung }
		m.call() // at 12:00
		m.sleep(40 * time.Minute)
		m.call()
		m.sleep(time.Second)
		if asked.Load() != 2 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

// untilTheClockGoesBack calls shifts from 12:00 to 17:00, and at 13:00 again.
func (m *machine) untilTheClockGoesBack() {
	for range 6 {
		m.call()
		m.sleep(time.Hour)
	}
	m.set(-5 * time.Hour)
	m.call()
}

// What the clock had reached before it went back is not missed when its time
// comes again.
func TestWhatWasDecidedBeforeTheClockWentBackIsNotMissed(t *testing.T) {
	virtually(t, []*Job{newJob(t, "job", "0 * * * *")}, func(m *machine) {
		m.untilTheClockGoesBack()
		m.sleep(5*time.Hour + 2*time.Minute)
		m.call() // 18:02
		m.sleep(time.Second)
		for _, line := range m.ledger() {
			if len(line) > 6 && line[:6] == "missed" {
				t.Errorf("%s, though it was started", line)
			}
		}
	})
}

// A start of the schedule that waits for a place is not swallowed by one that is
// asked for with --at.
func TestWhatIsAskedForTakesTheScheduleNothing(t *testing.T) {
	work := newJob(t, "work", "0 12 * * *", func(j *Job) { j.CatchUp = time.Hour })
	virtually(t, []*Job{newJob(t, "hog", "0 12 * * *"), work}, func(m *machine) {
		m.plan.MaxConcurrent = 1
		m.play.act = func(runfile.Intent) act { return act{lasts: 10 * time.Second} }
		m.call() // at 12:00: one runs, the other waits
		m.at = bubbleNoon.Add(-24 * time.Hour)
		m.call()
		m.at = time.Time{}
		m.call()
		m.sleep(2 * time.Minute)
		m.call()
		m.sleep(2 * time.Minute)
		if got := m.ledger(); !slices.Contains(got, "succeeded work 12:00:00") {
			t.Errorf("the ledger is %v", got)
		}
	})
}

// Nor does it get a second outcome by a start that makes good what was missed since.
func TestWhatWasDecidedBeforeTheClockWentBackIsNotMadeGood(t *testing.T) {
	virtually(t, []*Job{newJob(t, "job", "0 * * * *", func(j *Job) { j.CatchUp = 10 * time.Hour })}, func(m *machine) {
		m.untilTheClockGoesBack()
		m.sleep(6*time.Hour + 2*time.Minute)
		m.call() // 19:02
		m.sleep(time.Second)
		m.eachEndsOnce()
		if got := m.ledger(); len(got) != 8 || got[6] != "merged job 18:00:00: one start for several missed instants: job-20261123T190000Z" {
			t.Errorf("the ledger is %v", got)
		}
	})
}
