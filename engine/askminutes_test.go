package engine

import (
	"testing"
	"time"
)

// A schedule function is asked about the minutes that no shift came in too, as
// far back as its catch-up goes; several of them are made good by one start.
func TestAFunctionIsAskedAboutMissedMinutes(t *testing.T) {
	job := newJob(t, "asked", "* * * * *", func(j *Job) {
		j.Schedule, j.ScheduleFunc, j.ScheduleText, j.CatchUp = nil, true, []string{"function"}, 30*time.Minute
	})
	virtually(t, []*Job{job}, func(m *machine) {
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
		m.same("ledger", m.ledger(), "succeeded asked 12:08:00",
			"merged asked 12:03:00: one start for several missed instants: "+runID(job, bubbleNoon.Add(8*time.Minute)))
	})
}

// What the clock had reached before it went back is not missed when its time
// comes again.
func TestWhatWasDecidedBeforeTheClockWentBackIsNotMissed(t *testing.T) {
	virtually(t, []*Job{newJob(t, "job", "0 * * * *")}, func(m *machine) {
		for range 6 { // 12:00 to 17:00
			m.call()
			m.sleep(time.Hour)
		}
		m.set(-5 * time.Hour)
		m.call() // 13:00 again
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
