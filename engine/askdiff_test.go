package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// A night is what happens to a machine, at random: cron is there, or not, the clock
// goes back, somebody asks for a start.
type night []func(m *machine)

func aNight(r *rand.Rand, jitter time.Duration) (n night) {
	gap := []time.Duration{4 * time.Minute, 20 * time.Minute, 90 * time.Minute}[r.IntN(3)]
	back, byHand := r.IntN(2) == 0, r.IntN(2) == 0
	for range 12 {
		some := time.Duration(r.Int64N(int64(gap)))
		switch k := r.IntN(12); {
		case k < 5:
			n = append(n, func(m *machine) { m.cron(time.Minute + some%(7*time.Minute)) })
		case k < 7:
			n = append(n, func(m *machine) { m.off(some) })
		case k < 9:
			n = append(n, func(m *machine) { m.running(); m.sleep(some) })
		case k < 10:
			n = append(n, func(m *machine) { m.sleep(some % (40 * time.Second)); m.call() })
		case k < 11 && back:
			n = append(n, func(m *machine) { m.running(); m.set(-some % (10 * time.Minute)) })
		case byHand:
			n = append(n, func(m *machine) { m.startAt(m.Now().Add(-some)) })
		}
	}
	return append(n, func(m *machine) { m.cron(jitter + 5*time.Minute) })
}

// startAt is a shift with --at.
func (m *machine) startAt(at time.Time) {
	m.running()
	m.at = at
	m.call()
	m.running()
	m.at = time.Time{}
}

// Whatever happens to the machine, a function that answers at once starts what the
// expression that says the same starts, at the same time.
func TestAFunctionStartsWhatTheExpressionStarts(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			step := []int{1, 2, 5, 10, 15}[r.IntN(5)]
			change := func(j *Job) {
				j.Jitter = []time.Duration{0, 40 * time.Second, 5 * time.Minute, time.Hour}[r.IntN(4)]
				j.CatchUp = []time.Duration{0, 2 * time.Minute, 30 * time.Minute, 2 * time.Hour}[r.IntN(4)]
				j.OnOverlap = []Overlap{OverlapSkip, OverlapAllow, OverlapReplace}[r.IntN(3)]
				j.KeepRuns = []int{0, 1, 20}[r.IntN(3)]
			}
			long := []uint32{1, 40, 200}[r.IntN(3)]
			job := newJob(t, fmt.Sprintf("job%d", seed), fmt.Sprintf("*/%d * * * *", step), change)
			asked := *job
			asked.Schedule, asked.ScheduleFunc, asked.ScheduleText = nil, true, []string{"function"}
			n := aNight(r, job.Jitter)
			want, got := n.of(t, job, step, long), n.of(t, &asked, step, long)
			if !slices.Equal(want, got) {
				t.Errorf("%+v\nthe expression starts\n%s\nthe function\n%s", job, strings.Join(want, "\n"), strings.Join(got, "\n"))
			}
		})
	}
}

// of is what that night starts of a job whose runs take up to so many seconds.
func (n night) of(t *testing.T, job *Job, step int, long uint32) (starts []string) {
	virtually(t, []*Job{job}, func(m *machine) {
		m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%step == 0, nil }
		m.play.act = func(in runfile.Intent) act {
			return act{lasts: time.Duration(luck(runID(job, in.Instant), long)) * time.Second}
		}
		m.call()
		for _, happens := range n {
			happens(m)
		}
		starts = m.starts()
		slices.Sort(starts)
		m.eachEndsOnce()
	})
	return starts
}

// eachEndsOnce: no run is started twice, none has two outcomes.
func (m *machine) eachEndsOnce() {
	outcome := map[string]string{}
	for _, o := range m.outcomes() {
		if before, twice := outcome[o.Run]; twice && o.Outcome != OutcomeRetrying {
			m.t.Errorf("%s has two outcomes: %s and %s", o.Run, before, o.Outcome)
		}
		outcome[o.Run] = o.Outcome
	}
	started := map[string]bool{}
	for _, s := range m.play.started {
		if started[s.id] {
			m.t.Errorf("%s was started twice", s.id)
		}
		started[s.id] = true
	}
}
