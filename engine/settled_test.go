package engine

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Each instant of a job that one slave starts ends exactly once: it is started,
// merged into a start, left out, or told as missed, by one slave, whoever is back
// first.

// missedOnly are the events of missed starts so far.
func (m *machine) missedOnly() []string {
	return slices.DeleteFunc(m.told(), func(line string) bool { return !strings.HasPrefix(line, "missed ") })
}

// allOff plays a story of two machines that were off from 12:01:30 on, until 12:30:00.
func allOff(t *testing.T, change func(*Job), story func(m, o *machine)) {
	together(t, func(m, o *machine) {
		change(m.plan.Jobs[0])
		until("12:01:30", m, o)
		m.off(0)
		o.off(28*time.Minute + 30*time.Second)
		story(m, o)
	})
}

// A slave that is new starts what is due now before those are back that know what
// was due before: the first of these tells, and counts what nobody started.
func TestANewSlaveStartsBeforeTheOldOnesAreBack(t *testing.T) {
	for name, overlap := range map[string]Overlap{"one run at a time": OverlapSkip, "runs that may overlap": OverlapAllow} {
		t.Run(name, func(t *testing.T) {
			allOff(t, func(j *Job) { j.OnOverlap = overlap }, func(m, o *machine) {
				n := m.another("n")
				defer func() { n.running() }()
				until("12:33:00", n)
				until("12:35:00", m, n)
				until("12:37:00", m, n, o)
				m.same("events", m.missedOnly(), "missed shared 12:29:00 count=28 reason=no shift ran in time")
				o.same("events of the one that comes later", o.missedOnly())
				n.same("events of the new one", n.missedOnly())
			})
		})
	}
}

// What one start made good is settled for the others too.
func TestWhatOneStartMadeGoodIsNotMissed(t *testing.T) {
	for name, overlap := range map[string]Overlap{"one run at a time": OverlapSkip, "runs that may overlap": OverlapAllow} {
		t.Run(name, func(t *testing.T) {
			allOff(t, func(j *Job) { j.OnOverlap, j.CatchUp = overlap, 5*time.Minute }, func(m, o *machine) {
				until("12:30:30", m)
				until("12:32:30", m, o)
				m.same("events", m.missedOnly(), "missed shared 12:24:00 count=23 reason=no shift ran in time")
				o.same("events of the one that comes later", o.missedOnly())
			})
		})
	}
}

// The start that was to make good is another slave's, which knows nothing of what
// was before: it is made good all the same.
func TestWhatAnotherSlavesStartMadeGoodIsNotMissed(t *testing.T) {
	allOff(t, func(j *Job) { j.CatchUp = 5 * time.Minute }, func(m, o *machine) {
		n := m.another("n")
		defer func() { n.running() }()
		until("12:30:02", n, m)
		until("12:30:30", m, n)
		until("12:32:30", m, n, o)
		m.same("events", m.missedOnly(), "missed shared 12:24:00 count=23 reason=no shift ran in time")
		o.same("events of the one that comes later", o.missedOnly())
	})
}

// A function's minutes are merged into a start that was made already.
func TestMinutesThatAStartOfAFunctionMadeGood(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		sharedByTwo(t, m)
		j := m.plan.Jobs[0]
		j.Schedule, j.ScheduleFunc, j.CatchUp = nil, true, 5*time.Minute
		m.due = func(*Job, time.Time) (bool, error) { return true, nil }
		m.until("12:01:30")
		m.off(5*time.Minute + 30*time.Second) // 12:07:00
		m.until("12:08:30")
		grants, err := m.store.Miss(t.Context(), []Claim{{
			Key: "shared", Token: "stranger's", After: m.clock("12:01:00"), Instant: m.clock("12:08:00"),
		}})
		if err != nil || grants[0].Answer != Used {
			t.Errorf("the store says %+v (%v)", grants, err)
		}
	})
}

// What was decided while the store was gone is made known when it is back: a start
// that was left out, one that was told as missed, one that was made all the same.
func TestWhatWasDecidedWithoutTheStoreIsKnownLater(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Job)
		events []string
	}{
		"left out": {func(j *Job) { j.Condition = true }, nil},
		"started":  {func(j *Job) { j.OnNoStore = StoreErrorRun }, nil},
		"missed": {func(*Job) {}, []string{
			"missed shared 12:12:00 count=11 reason=the lock store cannot be reached: connection refused",
			"missed shared 12:16:00 count=4 reason=no shift ran in time",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			together(t, func(m, o *machine) {
				m.condition = func(*Job, time.Time) (bool, string, error) { return false, "a holiday", nil }
				o.condition = m.condition
				c.change(m.plan.Jobs[0])
				until("12:01:30", m, o)
				o.off(0)
				m.store.(*memoryStore).setDown(true)
				until("12:12:30", m)
				if name == "missed" {
					m.off(7 * time.Minute) // its last start has waited for too long
					m.call()
				}
				m.store.(*memoryStore).setDown(false)
				m.until(m.Now().Add(time.Minute).Format(time.TimeOnly))
				until(m.Now().Add(2*time.Minute).Format(time.TimeOnly), o, m)
				m.same("events", m.missedOnly(), c.events...)
				o.same("events of the one that was off", o.missedOnly())
			})
		})
	}
}

// What waits for a store that is silent is bounded, and one entry where nothing is
// between the starts that it is about.
func TestWhatWaitsForTheStoreIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Job)
		most   int // of its entries, one of which may be on its way
		starts int // that they are about
	}{
		"one after the other": {func(*Job) {}, 2, 210},
		"with gaps":           {func(j *Job) { j.Schedule, j.ScheduleFunc = nil, true }, mostDecided + 1, mostDecided},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, nil, func(m *machine) {
				sharedByTwo(t, m)
				m.plan.Jobs[0].Condition = true
				c.change(m.plan.Jobs[0])
				m.condition = func(*Job, time.Time) (bool, string, error) { return false, "a holiday", nil }
				m.due = func(_ *Job, now time.Time) (bool, error) { return now.Minute()%2 == 0, nil }
				m.until("12:00:30")
				m.store.(*memoryStore).setDown(true)
				m.until("15:30:30")
				m.running()
				a, _, err := loadAgenda(m.dir + "/" + fileAgenda)
				if err != nil {
					t.Fatal(err)
				}
				starts := 0
				for _, waits := range a.Misses {
					starts += waits.Count
				}
				if len(a.Misses) > c.most || starts < c.starts {
					t.Errorf("there wait %d entries about %d starts", len(a.Misses), starts)
				}
				m.store.(*memoryStore).setDown(false)
				m.until("15:31:30")
				m.running()
				if a, _, _ = loadAgenda(m.dir + "/" + fileAgenda); len(a.Misses) > 0 {
					t.Errorf("%d still wait", len(a.Misses))
				}
			})
		})
	}
}
