package engine

import (
	"testing"
	"time"
)

func TestNextDue(t *testing.T) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	hourly, daily := newJob(t, "hourly", "15 * * * *"), newJob(t, "daily", "5 0 * * *")
	off := newJob(t, "off", "* * * * *", func(j *Job) { j.Enabled = false })
	other := newJob(t, "other", "* * * * *", func(j *Job) { j.Slaves = []string{"db9"} })
	asked := newJob(t, "asked", "* * * * *", func(j *Job) { j.ScheduleFunc, j.Schedule = true, nil })
	for _, c := range []struct {
		jobs []*Job
		want time.Time
		asks bool
	}{
		{nil, time.Time{}, false},
		{[]*Job{off, other}, time.Time{}, false},
		{[]*Job{daily, off, hourly, other}, at.Add(15 * time.Minute), false},
		{[]*Job{hourly, asked}, time.Time{}, true},
	} {
		p := &Plan{Slave: "s", Jobs: c.jobs}
		if next, asks := p.NextDue(at); !next.Equal(c.want) || asks != c.asks {
			t.Errorf("%d jobs: %v, %v, want %v, %v", len(c.jobs), next, asks, c.want, c.asks)
		}
	}
}

// Whether idle minutes are passed over or a shift comes in each of them, the
// next one finds the same: no gap, no missed instant, and starts what is due.
func TestPassIdle(t *testing.T) {
	var dirs [2][]string
	for i, skip := range []bool{false, true} {
		virtually(t, []*Job{newJob(t, "hourly", "59 * * * *")}, func(m *machine) {
			m.until("12:10:30")
			if skip {
				m.running()
				m.sleep(m.clock("12:58:02").Sub(m.Now()))
				if err := PassIdle(m.dir, m.Now()); err != nil {
					t.Fatal(err)
				}
			}
			m.until("12:59:30")
			dirs[i] = append(m.starts(), append(m.told(), m.ledger()...)...)
		})
	}
	if len(dirs[0]) == 0 {
		t.Error("nothing happened")
	}
	for i := range dirs[0] {
		if i >= len(dirs[1]) || dirs[0][i] != dirs[1][i] {
			t.Fatalf("with a shift each minute: %q\nskipping: %q", dirs[0], dirs[1])
		}
	}
}
