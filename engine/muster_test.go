package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClockOffset(t *testing.T) {
	at := func(s float64) time.Time { return bubbleNoon.Add(time.Duration(s * float64(time.Second))) }
	for _, c := range []struct {
		what                  string
		sent, received, store float64
		want                  time.Duration
	}{
		{"within the time of the call", 0, 1, 0.5, 0},
		{"a server that hung", 0, 6, 0.1, 0},
		{"ahead", 70, 71, 0, 70 * time.Second},
		{"behind", -70, -69, 0, -69 * time.Second},
	} {
		if got := clockOffset(at(c.sent), at(c.received), at(c.store)); got != c.want {
			t.Errorf("%s: %s, not %s", c.what, got, c.want)
		}
	}
}

func TestNamesake(t *testing.T) {
	at := func(minute int) time.Time { return bubbleNoon.Add(time.Duration(minute) * time.Minute) }
	slave := func(id string, first, seen int) Slave { return Slave{ID: id, First: at(first), Seen: at(seen)} }
	for _, c := range []struct {
		what string
		all  []Slave
		want string
	}{
		{"alone", []Slave{slave("me", 0, 5)}, ""},
		{"a container that was started again", []Slave{slave("old", -9, 4), slave("me", 5, 5)}, ""},
		{"both in use", []Slave{slave("other", -9, 5), slave("me", 5, 6)}, "other"},
		{"the other came later", []Slave{slave("me", 0, 6), slave("other", 5, 5)}, "other"},
	} {
		got := ""
		if s := namesake("me", c.all); s != nil {
			got = s.ID
		}
		if got != c.want {
			t.Errorf("%s: %q, not %q", c.what, got, c.want)
		}
	}
}

// rosterStore is a memoryStore that keeps a roster: it gives what it is told to
// give and keeps what it hears.
type rosterStore struct {
	*memoryStore
	muster  Muster
	refused error
	notes   []Note
	ended   []Outcome
}

func (s *rosterStore) Note(_ context.Context, note Note) (Muster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Muster{}, errors.New("connection refused")
	}
	s.notes = append(s.notes, note)
	m := s.muster
	m.Now = time.Now()
	m.Reports = slices.DeleteFunc(slices.Clone(m.Reports), func(r SlaveReport) bool { return slices.Contains(note.Made, r) })
	if len(note.Made) > 0 {
		s.muster.Reports = nil
	}
	return m, s.refused
}

func (s *rosterStore) AddEnded(_ context.Context, ended []Outcome) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errors.New("connection refused")
	}
	if s.refused == nil {
		s.ended = append(s.ended, ended...)
	}
	return s.refused
}

func (s *rosterStore) Slaves(context.Context) ([]Slave, time.Time, error) {
	return nil, time.Now(), nil
}

func (s *rosterStore) History(context.Context, string, int) ([]Outcome, error) { return nil, nil }

// withRoster makes the machine's store a roster, and its slaves known.
func withRoster(m *machine, slaves ...string) *rosterStore {
	s := &rosterStore{memoryStore: newMemoryStore()}
	m.store, m.plan.KnownSlaves = s, slaves
	return s
}

func (m *machine) countEvents(name string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		if e.Name == name {
			n++
		}
	}
	return n
}

func (m *machine) countLogged(part string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.logged {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

// A shift notes itself once, after its starts. One that has nothing to ask does
// not connect, unless the slaves are known by name.
func TestWhoTalksToTheStoreIsNoted(t *testing.T) {
	virtually(t, []*Job{newJob(t, "hourly", "0 * * * *")}, func(m *machine) {
		s := withRoster(m)
		until("12:03:30", m)
		if len(s.notes) != 1 || s.notes[0].Slave.Name != "s" || s.notes[0].Watch != nil {
			t.Errorf("noted: %+v", s.notes)
		}
		m.plan.KnownSlaves = []string{"s", "t"}
		until("12:06:30", m)
		if len(s.notes) != 4 || len(s.notes[3].Watch) != 2 {
			t.Errorf("noted: %+v", s.notes)
		}
	})
}

// A report is made once, and the store hears of it only after its event was
// committed.
func TestReportsOfSlavesAreMadeOnce(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		s := withRoster(m, "s", "t", "u")
		s.muster.Reports = []SlaveReport{{Name: "t", LastSeen: bubbleNoon}, {Name: "u", Returned: true, LastSeen: bubbleNoon}}
		until("12:04:30", m)
		if lost, returned := m.countEvents(EventSlaveLost), m.countEvents(EventSlaveReturned); lost != 1 || returned != 1 {
			t.Errorf("told %d times as lost, %d times as returned", lost, returned)
		}
		if len(s.notes) < 3 || len(s.notes[0].Made) != 0 || len(s.notes[1].Made) != 2 || len(s.notes[2].Made) != 0 {
			t.Errorf("noted: %+v", s.notes)
		}
	})
}

// What is wrong with this slave is said when it begins, not each minute.
func TestTroubleOfASlaveIsSaidOnce(t *testing.T) {
	virtually(t, []*Job{newJob(t, "each", "* * * * *")}, func(m *machine) {
		s := withRoster(m)
		s.muster.Namesakes = []Slave{{ID: "x", Host: "elsewhere", Dir: "/var", Seen: time.Now().Add(time.Hour)}}
		until("12:03:30", m)
		if n := m.countLogged("two slaves call themselves s: "); n != 1 {
			t.Errorf("two slaves: said %d times", n)
		}
		if n := m.countLogged("ahead of the lock store's"); n != 1 { // the bubble's clock is the store's
			t.Errorf("the clock: said %d times", n)
		}
		s.refused = ErrRefused
		until("12:06:30", m)
		if n := m.countLogged(ErrRefused.Error()); n != 1 || m.countEvents(EventStoreError) != 0 {
			t.Errorf("a refusal: said %d times", n)
		}
	})
}

// Runs that ended while the store was away come into the history when it is back.
func TestTheHistoryWaitsForTheStore(t *testing.T) {
	virtually(t, []*Job{newJob(t, "each", "* * * * *")}, func(m *machine) {
		s := withRoster(m)
		until("12:01:30", m)
		s.setDown(true)
		until("12:03:30", m)
		if len(s.ended) == 0 || len(s.ended) > 2 {
			t.Errorf("before it came back: %+v", s.ended)
		}
		s.setDown(false)
		until("12:05:30", m)
		var instants []string
		for _, o := range s.ended {
			instants = append(instants, o.Instant.UTC().Format("15:04"))
		}
		slices.Sort(instants)
		if instants = slices.Compact(instants); !slices.Equal(instants, []string{"12:00", "12:01", "12:02", "12:03", "12:04", "12:05"}) {
			t.Errorf("the history has %q", instants)
		}
	})
}
