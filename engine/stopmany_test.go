package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// slowDisk is a run whose stop is noted so slowly.
type slowDisk struct {
	RunFile
	takes time.Duration
}

func (r slowDisk) RequestStop(s runfile.Stop) error {
	time.Sleep(r.takes)
	return r.RunFile.RequestStop(s)
}

// End fails the test's run where it was not said before why.
func (r slowDisk) End(ctx context.Context, grace time.Duration) error {
	if stop, err := r.Stopping(); err != nil || stop == nil {
		return fmt.Errorf("it was not noted why: %w", err)
	}
	return r.RunFile.End(ctx, grace)
}

// hangingJobs are many jobs that hang and have one timeout, and one that is due each
// five seconds.
func hangingJobs(t *testing.T, many int) (jobs []*Job) {
	for i := range many {
		jobs = append(jobs, newJob(t, fmt.Sprintf("hang%d", i), "0 12 * * *", func(j *Job) { j.Timeout = 30 * time.Second }))
	}
	return append(jobs, newJob(t, "often", "@every 5s"))
}

func hangs(in runfile.Intent) act {
	if in.Job == "often" {
		return act{}
	}
	return act{lasts: time.Hour}
}

// Timeouts of the same moment wait for the disk together, and starts not at all.
func TestManyTimeoutsKeepNothingWaiting(t *testing.T) {
	const many = 64
	virtually(t, hangingJobs(t, many), func(m *machine) {
		m.play.act, m.play.stops = hangs, time.Second
		m.until("12:00:40") // one after the other they would be noted until 12:01:36
		late := 0
		for _, o := range m.outcomes() {
			if o.Outcome == OutcomeFailed {
				late++
			}
		}
		if late != many {
			t.Errorf("%d of %d runs have ended ten seconds after their timeout", late, many)
		}
		for _, second := range []int{30, 35, 40} {
			if due := fmt.Sprintf("often 12:00:%d 12:00:%d", second, second); !slices.Contains(m.starts(), due) {
				t.Errorf("no start %q in %q", due, m.starts())
			}
		}
	})
}

// A shift that is relieved while it notes why runs are being ended gives up its
// duty when that is written, and begins no more; the next one ends them all.
func TestReliefWaitsForWhatIsBeingNoted(t *testing.T) {
	const many = 64
	virtually(t, hangingJobs(t, many), func(m *machine) {
		m.play.act, m.play.stops = hangs, time.Second
		m.until("12:00:32")
		m.sleep(500 * time.Millisecond)
		begun := time.Now()
		m.running()
		if d := time.Since(begun); d != 500*time.Millisecond {
			t.Errorf("the shift was on duty for %v more, where what it wrote took half a second", d)
		}
		m.play.stops = 0
		m.until("12:01:10")
		if n := len(m.told("job.finished.success", "job.started")); n != many*2 {
			t.Errorf("told %d, want each timeout and failure once: %q", n, m.told("job.finished.success", "job.started"))
		}
	})
}
