package engine

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// partedStore is a memoryStore some of whose keys are on a part that may be away,
// as those of a cluster's node. It counts how often it is asked whether it is whole.
type partedStore struct {
	*memoryStore
	probes  int
	stalled bool // that question is not answered
}

func (s *partedStore) Whole(ctx context.Context, _ time.Time) error {
	s.mu.Lock()
	s.probes++
	stalled, down := s.stalled, s.down || len(s.away) > 0
	s.mu.Unlock()
	if stalled {
		<-ctx.Done()
		return ctx.Err()
	}
	if down {
		return errAway
	}
	return nil
}

// lose lets the part that has these keys be away, none: lets it come back.
func (s *partedStore) lose(keys ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = map[string]bool{}
	for _, key := range keys {
		s.away[key] = true
	}
}

// parted plays a story of a machine with two jobs that start on one slave each
// minute, "here" and "there", whose leases are on two parts of a store.
func parted(t *testing.T, story func(m *machine, s *partedStore, here, there *Job)) {
	one := func(j *Job) { j.RunOn, j.Timezone, j.CatchUp = RunOnOne, "UTC", 10*time.Minute }
	here, there := newJob(t, "here", "* * * * *", one), newJob(t, "there", "* * * * *", one)
	virtually(t, []*Job{there, here}, func(m *machine) {
		s := &partedStore{memoryStore: newMemoryStore()}
		m.store = s
		story(m, s, here, there)
	})
}

// ofStore are the events of the store so far.
func (m *machine) ofStore() []string {
	return slices.DeleteFunc(m.told(), func(line string) bool { return !strings.HasPrefix(line, "lockstore.") })
}

func (m *machine) startsOf(job string) []string {
	return slices.DeleteFunc(m.starts(), func(line string) bool { return !strings.HasPrefix(line, job+" ") })
}

// A part of the store is away: its jobs wait, the others start, and both ends of it
// are told once, however many calls are answered meanwhile and by whichever shift.
func TestAPartOfTheStoreIsAway(t *testing.T) {
	parted(t, func(m *machine, s *partedStore, _, _ *Job) {
		s.lose("there")
		m.until("12:02:30")
		m.same("starts", m.starts(), "here 12:00:00 12:00:02", "here 12:01:00 12:01:02", "here 12:02:00 12:02:02")
		m.same("events of the store", m.ofStore(), "lockstore.error")
		if s.probes == 0 {
			t.Error("nobody asked whether it is whole")
		}
		s.lose()
		m.until("12:04:30")
		m.same("starts of what waited", m.startsOf("there"), "there 12:02:00 12:02:31", "there 12:03:00 12:03:02", "there 12:04:00 12:04:02")
		m.same("events of the store", m.ofStore(), "lockstore.error", "lockstore.recovered")
		if n := len(m.startsOf("here")); n != 5 {
			t.Errorf("the starts are %v", m.starts())
		}
		if !slices.Contains(m.logged, "error: a part of the lock store cannot be reached: "+errAway.Error()) {
			t.Errorf("logged %q", m.logged)
		}
	})
}

// With onLockStoreError = "run" a job starts all the same, without its lease.
func TestAJobThatRunsWithoutItsPartOfTheStore(t *testing.T) {
	parted(t, func(m *machine, s *partedStore, _, there *Job) {
		there.OnNoStore = StoreErrorRun
		s.lose("there")
		m.until("12:01:30")
		m.same("starts", m.startsOf("there"), "there 12:00:00 12:00:02", "there 12:01:00 12:01:02")
		if f := m.fences(); f[0] != 0 && f[1] != 0 {
			t.Errorf("the fences are %v", f)
		}
		m.same("events of the store", m.ofStore(), "lockstore.error")
	})
}

// A part that is silent while runs go on, and when they end, has taken nothing from
// them: no lease was lost, and it is given up when the part is back.
func TestLeasesOfAPartThatIsAway(t *testing.T) {
	parted(t, func(m *machine, s *partedStore, here, there *Job) {
		here.Schedule, there.Schedule = newJob(t, "x", "0 12 * * *").Schedule, newJob(t, "x", "0,5 12 * * *").Schedule
		m.play.act = func(runfile.Intent) act { return act{lasts: 150 * time.Second} }
		m.until("12:00:30")
		s.lose("there")
		m.until("12:03:30")
		m.same("events of the store", m.ofStore(), "lockstore.error")
		m.same("events of jobs", slices.DeleteFunc(m.told("job.started", "job.finished.success"), func(line string) bool { return strings.HasPrefix(line, "lockstore.") }))
		if s.leases["there"] == nil || s.leases["here"] != nil {
			t.Errorf("the leases are %v", s.leases)
		}
		s.lose()
		m.until("12:04:30")
		if s.leases["there"] != nil {
			t.Error("the lease was not given up")
		}
		m.same("events of the store", m.ofStore(), "lockstore.error", "lockstore.recovered")
		m.until("12:05:30")
		m.same("starts", m.startsOf("there"), "there 12:00:00 12:00:02", "there 12:05:00 12:05:02")
	})
}

// What was missed of a job whose part is away is told, as without a store.
func TestMissedIsToldWithoutItsPartOfTheStore(t *testing.T) {
	parted(t, func(m *machine, s *partedStore, _, _ *Job) {
		m.until("12:01:30")
		m.off(28*time.Minute + 30*time.Second)
		s.lose("there")
		m.until("12:30:30")
		missed := slices.DeleteFunc(m.told(), func(line string) bool { return !strings.HasPrefix(line, "missed ") })
		slices.Sort(missed)
		m.same("events", missed, "missed here 12:19:00 count=18 reason=no shift ran in time", "missed there 12:19:00 count=18 reason=no shift ran in time")
	})
}

// A shift that ends before it was told whether the store is whole leaves the
// question to the next.
func TestAShiftThatDiesWhileItAsksForTheWholeStore(t *testing.T) {
	parted(t, func(m *machine, s *partedStore, _, _ *Job) {
		s.lose("there")
		m.until("12:00:30")
		s.stalled = true
		s.lose()
		m.until("12:01:04")
		m.same("events of the store", m.ofStore(), "lockstore.error")
		m.running()
		s.stalled = false
		m.until("12:02:30")
		m.same("events of the store", m.ofStore(), "lockstore.error", "lockstore.recovered")
	})
}

// The slave met the store when any part of it first answered.
func TestAStoreIsMetByItsParts(t *testing.T) {
	now := bubbleNoon
	for _, c := range []struct {
		what   string
		grants []Grant
		want   time.Time
	}{
		{"nothing", nil, time.Time{}},
		{"none", []Grant{{Answer: Unreached}}, time.Time{}},
		{"the second", []Grant{{Answer: Unreached}, {Answer: Held, Now: now}}, now},
	} {
		if got := storeClock(c.grants); !got.Equal(c.want) {
			t.Errorf("%s: %s", c.what, got)
		}
	}
}
