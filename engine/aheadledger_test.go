package engine

import (
	"os"
	"slices"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// aheadFor lets the crontab call shifts for so long by a clock that is by so much ahead.
func (m *machine) aheadFor(d, by time.Duration) {
	m.running()
	m.set(by)
	m.cron(d)
	m.running()
	m.set(-by)
}

const year = 365 * 24 * time.Hour

// A clock that was ahead over a midnight left files of the ledger that are newer by
// name than those of today; what stands in these is known all the same.
func TestAClockThatWasAheadOverMidnight(t *testing.T) {
	job := newJob(t, "j", "* * * * *")
	virtually(t, []*Job{job}, func(m *machine) {
		m.play.act = lasting(time.Second)
		m.cron(2 * time.Minute)
		m.aheadFor(30*time.Minute, year+11*time.Hour+45*time.Minute)
		m.cron(5 * time.Minute)
		m.running()
		m.sleep(36 * time.Hour)
		m.cron(5 * time.Minute)
		m.sleep(m.nextTick().Sub(m.Now()))
		m.call()
		m.sleep(5 * time.Second)
		m.plan.Jobs = []*Job{newJob(t, "j", "*/2,1-59/2 * * * *")} // edited: it begins with this minute
		m.call()
		m.cron(2 * time.Minute)
		m.eachEndsOnce()
		if names, err := os.ReadDir(m.dir + "/ended/j"); err != nil || len(names) == 0 || instantOfRun(names[0].Name()).Year() != 2026 {
			t.Errorf("of the runs of now those are kept: %v, %v", names, err)
		}
		last, err := LastOutcomes(m.dir, m.plan.Jobs)
		if got := last["j"].Instant; err != nil || got.Year() != 2026 {
			t.Errorf("the last outcome is of %s, %v", got, err)
		}
		if all, err := History(m.dir, "", 10); err != nil || len(all) != 10 || all[9].Instant.Year() != 2026 {
			t.Errorf("the history is %v, %v", all, err)
		}
	})
}

// Nor does the ledger say a thing twice then.
func TestTheLedgerOfAClockThatWasAhead(t *testing.T) {
	job := newJob(t, "j", "* * * * *", func(j *Job) { j.Condition = true })
	virtually(t, []*Job{job}, func(m *machine) {
		m.condition = func(*Job, time.Time) (bool, string, error) { return false, "frozen", nil }
		m.cron(2 * time.Minute)
		m.aheadFor(8*time.Minute, year+11*time.Hour+55*time.Minute)
		m.cron(20 * time.Minute)
		m.running()
		m.eachEndsOnce()
	})
}

// A run that ended on the day after its instant's is known too.
func TestARunOverMidnightByAClockThatWasAhead(t *testing.T) {
	const untilThen = 3*24*time.Hour + 11*time.Hour + 53*time.Minute
	job := newJob(t, "j", "58 23 * * 4", func(j *Job) { j.KeepRuns = 0 })
	virtually(t, []*Job{job}, func(m *machine) {
		m.play.act = func(runfile.Intent) act { return act{lasts: 5 * time.Minute} }
		m.cron(2 * time.Minute)
		m.aheadFor(20*time.Minute, untilThen)
		m.cron(2 * time.Minute)
		m.sleep(untilThen - 10*time.Minute)
		m.cron(20 * time.Minute)
		m.same("ledger", m.ledger(), "succeeded j 23:58:00")
		m.eachEndsOnce()
	})
}

// What was told by a clock that was a year ahead is no reason for silence when it really
// is missed: of all that comes before that time, only what was started is not.
func TestWhatIsMissedAfterTheClockWasAhead(t *testing.T) {
	virtually(t, []*Job{newJob(t, "j", "*/30 * * * *")}, func(m *machine) {
		m.cron(2 * time.Minute)
		m.aheadFor(2*time.Minute, year)
		m.cron(2 * time.Minute)
		m.running()
		m.sleep(2 * time.Hour)
		m.cron(time.Minute)
		n := 0
		for _, line := range m.ledger() {
			if line == "missed j 13:30:00 count=3: no shift ran in time" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("two hours without a shift are told %d times: %v", n, m.ledger())
		}
	})
}

func TestSpanWithout(t *testing.T) {
	job := newJob(t, "j", "*/10 * * * *")
	at := func(minute int) time.Time { return bubbleNoon.Add(time.Duration(minute) * time.Minute) }
	all := span{First: at(0), Last: at(50), Count: 6}
	for _, c := range []struct {
		known []time.Time
		want  span
	}{
		{nil, all},
		{[]time.Time{at(20), at(20), at(-10), at(60)}, span{at(0), at(50), 5}},
		{[]time.Time{at(10), at(0), at(50)}, span{at(20), at(40), 3}},
		{[]time.Time{at(0), at(10), at(20), at(30), at(40), at(50)}, span{}},
	} {
		if got := all.without(job.Schedule, c.known); got.Count != c.want.Count || !got.First.Equal(c.want.First) || !got.Last.Equal(c.want.Last) {
			t.Errorf("without %v: %+v, want %+v", c.known, got, c.want)
		}
	}
}

// Files are told apart by the days in their names; what has none is left alone.
func TestPutBehind(t *testing.T) {
	l := ledger{t.TempDir()}
	for _, name := range []string{"2026-11-22", "2026-11-23", "2026-11-24", "+2026-11-22", "+2026-11-23.2", "+2026-11-24", "+odd-name-x", "odd"} {
		if err := os.WriteFile(l.dir+"/"+name+".jsonl", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"2026-11-23", "+2026-11-23.2", "+2026-11-24.2", "+2026-11-24"}
	if got := l.putBehind(bubbleNoon); !slices.Equal(got, want) {
		t.Errorf("named are %q, want %q", got, want)
	}
	a := l.aheadOf(bubbleNoon)
	if a == nil || !slices.Equal(a.Days, want) || !a.Until.Equal(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("of the names alone: %+v", a)
	}
	d := &duty{agenda: agenda{Ahead: &ahead{Until: a.Until, Days: []string{"odd"}}}, ledger: l}
	if d.ranAhead("job-20261123T120000Z") {
		t.Error("a file without a day tells of a run")
	}
}
