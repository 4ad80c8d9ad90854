package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// sharedByTwo are two machines with a job that starts on one of them each minute.
func sharedByTwo(t *testing.T, m *machine) *machine {
	m.plan.Jobs = []*Job{newJob(t, "shared", "* * * * *", func(j *Job) { j.RunOn, j.Timezone = RunOnOne, "UTC" })}
	m.store = newMemoryStore()
	return m.another("t")
}

// together plays a story of these two.
func together(t *testing.T, story func(m, o *machine)) {
	virtually(t, nil, func(m *machine) {
		o := sharedByTwo(t, m)
		defer func() { o.running() }()
		story(m, o)
	})
}

func (m *machine) missedEvents() []string {
	return slices.DeleteFunc(m.told("job.started", "job.finished.success", "gap"), func(line string) bool { return line == "" })
}

// A slave that was off for a while says nothing of what others started meanwhile.
func TestWhatOthersStartedIsNotMissed(t *testing.T) {
	together(t, func(m, o *machine) {
		until("12:01:30", m, o)
		o.off(0)
		until("12:29:30", m)
		until("12:30:30", m, o)
		m.same("events of the one that was off", o.missedEvents())
		m.same("events of the other", m.missedEvents())
		if got := o.ledger(); !slices.Contains(got, "elsewhere shared 12:27:00 count=26: another slave started it, or told that it was missed") {
			t.Errorf("its ledger is %q", got)
		}
	})
}

// All were off: one tells what was missed, be the others there at once or later.
func TestOneTellsWhatAllMissed(t *testing.T) {
	for name, later := range map[string]string{"at once": "12:30:00", "later": "12:33:00"} {
		t.Run(name, func(t *testing.T) {
			together(t, func(m, o *machine) {
				until("12:01:30", m, o)
				m.off(0)
				o.off(28*time.Minute + 30*time.Second)
				until(later, m)
				until("12:35:00", m, o)
				m.same("events", m.missedEvents(), "missed shared 12:27:00 count=26 reason=no shift ran in time")
				m.same("events of the other", o.missedEvents())
			})
		})
	}
}

// Where the store cannot be asked it is told: better by each than by nobody.
func TestMissedIsToldWithoutTheStore(t *testing.T) {
	together(t, func(m, o *machine) {
		until("12:01:30", m, o)
		m.off(0)
		o.off(28*time.Minute + 30*time.Second)
		m.store.(*memoryStore).setDown(true)
		until("12:30:30", m, o)
		const missed = "missed shared 12:27:00 count=26 reason=no shift ran in time"
		for _, one := range []*machine{m, o} {
			if got := one.missedEvents(); !slices.Contains(got, missed) {
				t.Errorf("told %q", got)
			}
		}
	})
}

// A shift that dies before the store answered leaves the question to the next,
// which tells it once.
func TestAShiftThatDiesWhileItAsksWhoTells(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		sharedByTwo(t, m)
		m.until("12:01:30")
		m.off(28*time.Minute + 30*time.Second)
		m.store.(*memoryStore).stall = true // the call is made, its answer gets lost
		m.call()
		m.same("events", m.missedEvents())
		m.store.(*memoryStore).stall = false
		m.call()
		m.until("12:32:30")
		m.same("events", m.missedEvents(), "missed shared 12:27:00 count=26 reason=no shift ran in time")
	})
}

// What others started before they were off too does not count among what a slave
// tells that comes back: that begins after it.
func TestOnlyWhatNobodyStartedIsCounted(t *testing.T) {
	together(t, func(m, o *machine) {
		until("12:01:30", m, o)
		o.off(0)
		until("12:11:30", m)
		m.off(18 * time.Minute)
		until("12:30:30", o)
		o.same("events", o.missedEvents(), "missed shared 12:27:00 count=16 reason=no shift ran in time")
	})
}

// A slave that was off has not missed what another one left out, because its job's
// condition, or a run that went on, wanted it so.
func TestWhatOthersLeftOutIsNotMissed(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := sharedByTwo(t, m)
		m.plan.Jobs[0].Condition = true
		m.condition = func(*Job, time.Time) (bool, string, error) { return false, "a holiday", nil }
		o.condition = m.condition
		defer func() { o.running() }()
		until("12:01:30", m, o)
		o.off(0)
		until("12:29:30", m)
		until("12:30:30", m, o)
		for _, line := range o.missedEvents() {
			if strings.HasPrefix(line, "missed") {
				t.Error(line)
			}
		}
	})
}

// A run that was started while the store was silent takes its lease once it is
// back: others do not start beside it.
func TestARunThatWasStartedWithoutTheStoreTakesItsLease(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		o := sharedByTwo(t, m)
		m.plan.Jobs[0].OnNoStore = StoreErrorRun
		m.play.act = func(runfile.Intent) act { return act{lasts: 150 * time.Second} }
		defer func() { o.running() }()
		m.store.(*memoryStore).setDown(true)
		m.sleep(2 * time.Second)
		m.call()
		m.store.(*memoryStore).setDown(false)
		until("12:02:30", m, o)
		m.same("starts", m.starts(), "shared 12:00:00 12:00:02")
		o.same("starts of the other", o.starts())
	})
}

// A lock store that is taken out of the entry file while it is asked leaves no shift
// without an end: what was missed is told.
func TestMissedIsToldWhenTheStoreIsNoMore(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		sharedByTwo(t, m)
		m.until("12:01:30")
		m.off(28*time.Minute + 30*time.Second)
		m.store.(*memoryStore).stall = true
		m.call()
		m.running()
		m.store = nil
		m.call()
		m.sleep(20 * time.Second)
		m.same("events", m.missedEvents(), "missed shared 12:27:00 count=26 reason=no shift ran in time")
		if n := len(m.reports); n == 0 || m.reports[n-1].Relieved {
			t.Errorf("the shift did not end: %+v", m.reports)
		}
	})
}

// Starts that wait for the store are merged minute by minute, across shifts that die,
// and each of them is missed when the last one is; the ledger has each once. Of those
// that others started meanwhile nothing is told.
func TestAMissCountsWhatWasMergedIntoIt(t *testing.T) {
	for name, c := range map[string]struct {
		othersTill string // the other slave reaches the store meanwhile
		event      string
	}{
		"nobody started any": {"", "missed shared 12:05:00 count=4 reason=the lock store cannot be reached: connection refused"},
		"another had two":    {"12:03:30", "missed shared 12:05:00 count=2 reason=the lock store cannot be reached: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			together(t, func(m, o *machine) {
				until("12:01:30", m)
				store := m.store
				cut := newMemoryStore()
				cut.setDown(true)
				m.store = cut
				if c.othersTill != "" {
					until("12:03:30", m, o)
				}
				o.off(0)
				until("12:03:40", m)
				m.running() // it dies
				until("12:05:30", m)
				m.store = store
				m.off(14*time.Minute + 32*time.Second)
				m.call() // 12:20:02
				m.sleep(20 * time.Second)
				events := m.missedEvents()
				if !slices.Contains(events, c.event) {
					t.Errorf("told %q", events)
				}
				ledger := m.ledger()
				for _, line := range []string{
					"merged shared 12:02:00: one start for several missed instants: shared-20261123T120300Z",
					"merged shared 12:04:00: one start for several missed instants: shared-20261123T120500Z",
					"missed shared 12:05:00: the lock store cannot be reached: connection refused",
				} {
					if !slices.Contains(ledger, line) {
						t.Errorf("%q is not in the ledger %q", line, ledger)
					}
				}
			})
		})
	}
}

// Several missed instants are one start; if that is missed too, they all are.
func TestAMissCountsWhatOneStartWasToMakeGood(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		sharedByTwo(t, m)
		m.plan.Jobs[0].CatchUp = 3 * time.Minute
		m.until("12:01:30")
		m.off(3 * time.Minute) // 12:04:30
		m.store.(*memoryStore).setDown(true)
		m.call()
		m.off(15 * time.Minute)
		m.store.(*memoryStore).setDown(false)
		m.call()
		m.sleep(20 * time.Second)
		events := m.missedEvents()
		if !slices.Contains(events, "missed shared 12:04:00 count=3 reason=the lock store cannot be reached: connection refused") {
			t.Errorf("told %q", events)
		}
	})
}

// Who comes back much later than the other has a line for each instant: those that the
// other settled, and those that it tells itself.
func TestEachInstantHasALineWhereAPartIsTold(t *testing.T) {
	together(t, func(m, o *machine) {
		until("12:01:30", m, o)
		m.off(0)
		o.off(18*time.Minute + 30*time.Second)
		until("12:20:30", m) // the other comes back alone, tells what was missed before, and goes
		m.off(29*time.Minute + 30*time.Second)
		until("12:50:30", o)
		lines := o.ledger()
		for _, want := range []string{
			"elsewhere shared 12:20:00 count=19: another slave started it, or told that it was missed",
			"missed shared 12:47:00 count=27: no shift ran in time",
		} {
			if !slices.Contains(lines, want) {
				t.Errorf("%q is not in the ledger: %q", want, lines)
			}
		}
	})
}
