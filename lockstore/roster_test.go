package lockstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// rollCall is a store, in virtual time, that slaves note themselves in.
type rollCall struct {
	*testing.T
	engine.Roster
	clock *clock
	watch []string
	made  map[string][]engine.SlaveReport // by slave, to be confirmed
}

// eachRollCall lets a test have a roll call of Redis, and one of the memory of
// this process.
func eachRollCall(t *testing.T, test func(t *testing.T, newRollCall func(watch ...string) *rollCall)) {
	for name, roster := range map[string]func(*testing.T, *clock) engine.Roster{
		"redis": miniRoster, "memory": func(_ *testing.T, c *clock) engine.Roster { return lockstore.NewMemory(c.now) },
	} {
		t.Run(name, func(t *testing.T) {
			test(t, func(watch ...string) *rollCall {
				c := newClock()
				return &rollCall{t, roster(t, c), c, watch, map[string][]engine.SlaveReport{}}
			})
		})
	}
}

// miniRoster is that of a Redis in this process, whose clock is c.
func miniRoster(t *testing.T, c *clock) engine.Roster {
	m := miniredis.RunT(t)
	m.SetTime(c.now())
	m.ClockTTL(true)
	c.then = func() { m.SetTime(c.now()) }
	return open(t, "redis://"+m.Addr()).(engine.Roster)
}

// note lets a slave, "name" or "name on host", note itself; it makes the reports
// that it is given, and says so with its next note.
func (r *rollCall) note(who string) engine.Muster {
	r.Helper()
	name, host, _ := strings.Cut(who, " on ")
	muster, err := r.Note(r.Context(), engine.Note{
		Slave: engine.Slave{Name: name, ID: "id-" + host + name, Host: host, Running: []string{"a job"}}, Watch: r.watch, Made: r.made[who],
	})
	if err != nil {
		r.Fatal(err)
	}
	r.made[who] = muster.Reports
	return muster
}

// minute lets slaves note themselves, a second apart, and wants those reports.
func (r *rollCall) minute(who []string, want ...string) {
	r.Helper()
	var got []string
	for _, one := range who {
		for _, report := range r.note(one).Reports {
			what := "lost"
			if report.Returned {
				what = "returned"
			}
			got = append(got, fmt.Sprintf("%s: %s %s", one, report.Name, what))
		}
		r.clock.advance(time.Second)
	}
	if !slices.Equal(got, want) {
		r.Errorf("reported %q, not %q", got, want)
	}
	r.clock.advance(time.Minute - time.Duration(len(who))*time.Second)
}

func TestRosterTellsOfTheLost(t *testing.T) { eachRollCall(t, rosterTellsOfTheLost) }

func rosterTellsOfTheLost(t *testing.T, newRollCall func(...string) *rollCall) {
	all, rest := []string{"a", "b", "c"}, []string{"a", "b"}
	r := newRollCall(all...)
	r.minute(all)
	r.minute(rest)
	r.minute(rest)
	r.minute(rest) // c was seen two seconds into its minute
	r.minute(rest, "a: c lost")
	for range 5 {
		r.minute(rest)
	}
	r.minute(all, "c: c returned")
	r.minute(all)
	r.minute(all)
	for range 3 {
		r.minute(rest)
	}
	r.minute(rest, "a: c lost") // again
}

// One that never came is lost too, three minutes after it was first asked for;
// not one of which nobody asks.
func TestRosterMissesWhoNeverCame(t *testing.T) { eachRollCall(t, rosterMissesWhoNeverCame) }

func rosterMissesWhoNeverCame(t *testing.T, newRollCall func(...string) *rollCall) {
	r := newRollCall("a", "c")
	for range 3 {
		r.minute([]string{"a", "b"})
	}
	r.clock.advance(time.Second)
	muster := r.note("a")
	if len(muster.Reports) != 1 || muster.Reports[0] != (engine.SlaveReport{Name: "c"}) {
		t.Errorf("reported %+v", muster.Reports)
	}
}

// While nobody could reach the store nobody could be noted: that is no silence.
func TestRosterAfterAnOutage(t *testing.T) { eachRollCall(t, rosterAfterAnOutage) }

func rosterAfterAnOutage(t *testing.T, newRollCall func(...string) *rollCall) {
	all := []string{"a", "b", "c"}
	r := newRollCall(all...)
	r.minute(all)
	for _, away := range []time.Duration{2 * time.Minute, 5 * time.Minute, time.Hour, 30 * time.Hour} {
		r.clock.advance(away)
		r.minute(all)
	}
}

// A slave that dies with a report in its hand leaves it to another.
func TestRosterReportsAtLeastOnce(t *testing.T) { eachRollCall(t, rosterReportsAtLeastOnce) }

func rosterReportsAtLeastOnce(t *testing.T, newRollCall func(...string) *rollCall) {
	r := newRollCall("a", "b", "c", "d")
	r.minute([]string{"a", "b", "c", "d"})
	for range 3 {
		r.minute([]string{"a", "b", "d"})
	}
	if muster := r.note("a"); len(muster.Reports) != 1 {
		t.Fatalf("reported %+v", muster.Reports)
	}
	delete(r.made, "a") // it never came to it
	r.clock.advance(time.Minute)
	r.minute([]string{"b", "d"})
	r.minute([]string{"b", "d"})
	r.minute([]string{"b", "d"}, "b: c lost")
	r.minute([]string{"b", "d"}, "b: a lost")
	r.minute([]string{"b", "d"})
}

func TestRosterKnowsNamesakes(t *testing.T) { eachRollCall(t, rosterKnowsNamesakes) }

func rosterKnowsNamesakes(t *testing.T, newRollCall func(...string) *rollCall) {
	r := newRollCall()
	r.note("a on one")
	r.clock.advance(30 * time.Second)
	muster := r.note("a on two")
	var hosts []string
	for _, s := range muster.Namesakes {
		hosts = append(hosts, s.Host)
	}
	if !slices.Equal(hosts, []string{"one", "two"}) || muster.Namesakes[1].First != muster.Now || muster.Namesakes[1].Seen != muster.Now {
		t.Errorf("there are %+v", muster.Namesakes)
	}
	r.clock.advance(engine.LostAfter)
	r.note("a on two")
	if muster := r.note("a on two"); len(muster.Namesakes) != 1 {
		t.Errorf("there are %+v", muster.Namesakes)
	}
}

func TestRosterForgetsAfterADay(t *testing.T) { eachRollCall(t, rosterForgetsAfterADay) }

func rosterForgetsAfterADay(t *testing.T, newRollCall func(...string) *rollCall) {
	r := newRollCall()
	r.note("old")
	r.clock.advance(23 * time.Hour)
	r.note("young")
	names := func() (names []string) {
		all, now, err := r.Slaves(t.Context())
		if err != nil || !now.Equal(r.clock.now()) {
			t.Errorf("at %s: %v", now, err)
		}
		for _, s := range all {
			names = append(names, s.Name)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"old", "young"}) {
		t.Errorf("after 23 hours there are %q", got)
	}
	r.clock.advance(2 * time.Hour)
	if got := names(); !slices.Equal(got, []string{"young"}) {
		t.Errorf("after a day there are %q", got)
	}
	r.note("new")
	r.clock.advance(-2 * time.Hour)
	if got := names(); !slices.Equal(got, []string{"new", "young"}) {
		t.Errorf("what is left is %q", got)
	}
}

// The history is the same on a real server, and bounded there.
func TestHistory(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) string{
		"miniredis": func(t *testing.T) string { return miniredis.RunT(t).Addr() },
		"server":    func(t *testing.T) string { return startServer(t).addr },
	} {
		t.Run(name, func(t *testing.T) {
			roster := open(t, "redis://"+start(t)).(engine.Roster)
			at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			var ended []engine.Outcome
			for i := range 2500 {
				ended = append(ended, engine.Outcome{
					Job: fmt.Sprint("job", i%2), Run: fmt.Sprint("run", i), Slave: "a", Instant: at, Outcome: engine.OutcomeSucceeded, Duration: 1.5,
				})
			}
			for range 2 { // as if the first answer had been lost
				if err := roster.AddEnded(t.Context(), ended); err != nil {
					t.Fatal(err)
				}
			}
			all, err := roster.History(t.Context(), "", 10_000)
			if err != nil || len(all) != len(ended) || all[0].Run != "run0" || all[2499] != ended[2499] {
				t.Errorf("%d, %v", len(all), err)
			}
			some, err := roster.History(t.Context(), "job1", 3)
			if err != nil || len(some) != 3 || some[0].Run != "run2495" || some[2].Run != "run2499" {
				t.Errorf("%+v, %v", some, err)
			}
			if name == "miniredis" {
				return
			}
			for range 5 {
				if err := roster.AddEnded(t.Context(), ended); err != nil {
					t.Fatal(err)
				}
			}
			kept := lockstore.ClientOf(roster.(engine.Store)).XLen(t.Context(), "slavedriver:{shop.slaves}:history").Val()
			if kept < 10_000 || kept > 11_000 {
				t.Errorf("%d are kept", kept)
			}
		})
	}
}

// A user whose rights end at the leases has those: the rest is refused, and is
// told from a server that cannot be reached.
func TestRosterRefused(t *testing.T) {
	s := startServer(t)
	s.do("acl", "setuser", "u", "on", ">geheim", "~slavedriver:{shop.*", "+eval", "+evalsha", "+time")
	roster := open(t, "redis://u:geheim@"+s.addr).(engine.Roster)
	_, err := roster.Note(t.Context(), engine.Note{Slave: engine.Slave{Name: "a", ID: "i"}})
	_, _, err2 := roster.Slaves(t.Context())
	_, err3 := roster.History(t.Context(), "", 1)
	for _, err := range []error{err, err2, err3, roster.AddEnded(t.Context(), make([]engine.Outcome, 1))} {
		if !errors.Is(err, engine.ErrRefused) {
			t.Errorf("%v", err)
		}
	}
	s.kill()
	if _, err := roster.Note(t.Context(), engine.Note{Slave: engine.Slave{Name: "a", ID: "i"}}); err == nil || errors.Is(err, engine.ErrRefused) {
		t.Errorf("of no server: %v", err)
	}
}
