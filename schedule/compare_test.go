package schedule_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slavedriver/schedule"
)

// thorough is how many times more than usual is compared with the oracle:
// $SLAVEDRIVER_ORACLE, or 1.
func thorough(t *testing.T) int {
	text := os.Getenv("SLAVEDRIVER_ORACLE")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SLAVEDRIVER_ORACLE is %q, and must be a number from 1 on", text)
	}
	return n
}

// checks sets how many expressions each check of this test draws, unless the
// command line says so. Few will do for the race detector.
func checks(t *testing.T, n int) {
	f := flag.Lookup("rapid.checks")
	old := f.Value.String()
	if old != f.DefValue {
		return
	}
	set := func(value string) {
		if err := flag.Set(f.Name, value); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { set(old) })
	if slowdown > 1 {
		n = 1 + n/10
	}
	set(fmt.Sprint(n * thorough(t)))
}

// changes are days on which clocks do something, and some on which they do not.
var changes = []struct{ zone, day string }{
	{"UTC", "2028-02-28"},
	{"UTC", "2026-12-30"},
	{"America/New_York", "2026-03-08"},
	{"America/New_York", "2026-11-01"},
	{"Europe/London", "2026-03-29"},
	{"Europe/London", "2026-10-25"},
	{"Australia/Lord_Howe", "2026-04-05"}, // half an hour
	{"Australia/Lord_Howe", "2026-10-04"},
	{"Antarctica/Troll", "2026-03-29"}, // two hours
	{"Antarctica/Troll", "2026-10-25"},
	{"Africa/Casablanca", "2026-02-15"}, // Ramadan
	{"Africa/Casablanca", "2026-03-22"},
	{"America/St_Johns", "2011-03-13"}, // at one minute past midnight
	{"America/St_Johns", "2010-11-07"},
	{"America/Sao_Paulo", "2018-02-18"}, // at midnight
	{"America/Sao_Paulo", "2018-11-04"},
	{"America/Havana", "2026-03-08"}, // midnight left out
	{"America/Havana", "2026-11-01"}, // midnight twice
	{"Asia/Tehran", "2022-03-22"},
	{"Asia/Tehran", "2022-09-22"},
	{"America/New_York", "2040-12-31"}, // see periodAt
	{"Pacific/Apia", "2011-12-30"},     // a day that never was
	{"Pacific/Kwajalein", "1993-08-21"},
}

// TestOracle compares every minute of some days around a change.
func TestOracle(t *testing.T) {
	checks(t, 100)
	for _, change := range changes {
		loc, day := mustLoad(t, change.zone), mustDay(t, change.day)
		all := ticks(day.Add(-16*time.Hour), day.Add(36*time.Hour), time.Minute, loc)
		t.Run(change.zone+" "+change.day, rapid.MakeCheck(func(t *rapid.T) {
			compareWithOracle(t, drawEntry(t), all, loc)
		}))
	}
}

// TestOracleOfSeconds compares every second around a change.
func TestOracleOfSeconds(t *testing.T) {
	checks(t, 10)
	for _, change := range changes {
		loc := mustLoad(t, change.zone)
		moment := mustDay(t, change.day).Add(-12 * time.Hour)
		if found := changesBetween(loc, moment, moment.Add(48*time.Hour)); len(found) > 0 {
			moment = found[0]
		}
		all := ticks(moment.Add(-150*time.Minute), moment.Add(150*time.Minute), time.Second, loc)
		t.Run(change.zone+" "+change.day, rapid.MakeCheck(func(t *rapid.T) {
			compareWithOracle(t, drawWithSeconds(t, moment.Year()), all, loc)
		}))
	}
}

// TestOracleInEveryZone compares the days around every change from 2020 to 2037
// of every zone. Where zones change alike it takes one for all, unless it is
// asked to be thorough.
func TestOracleInEveryZone(t *testing.T) {
	all := allChanges(t)
	if len(all) < 1000 {
		t.Fatalf("there are only %d changes", len(all))
	}
	const groups = 20
	checks(t, 3)
	for group := range groups {
		var days [][]tick
		for i := group; i < len(all); i += groups {
			at := all[i].at.Truncate(time.Minute)
			days = append(days, ticks(at.Add(-24*time.Hour), at.Add(24*time.Hour), time.Minute, all[i].loc))
		}
		t.Run(fmt.Sprint(group), rapid.MakeCheck(func(t *rapid.T) {
			e := onMostDays(t, drawEntry(t))
			for i, ticks := range days {
				compareWithOracle(t, e, ticks, all[group+i*groups].loc)
			}
		}))
	}
}

// clockChange is a moment at which the clocks of a zone change.
type clockChange struct {
	at  time.Time
	loc *time.Location
}

func allChanges(t *testing.T) []clockChange {
	var all []clockChange
	known := map[string]bool{}
	for _, name := range zoneNames(t) {
		loc := mustLoad(t, name)
		for _, at := range changesBetween(loc, mustDay(t, "2020-01-01"), mustDay(t, "2038-01-01")) {
			kind := fmt.Sprint(at.Unix(), wallClock(at.Add(-time.Second), loc), wallClock(at, loc))
			if !known[kind] || thorough(t) > 1 {
				all = append(all, clockChange{at, loc})
			}
			known[kind] = true
		}
	}
	return all
}

// changesBetween finds the seconds at which the wall clock of a zone jumps.
func changesBetween(loc *time.Location, from, to time.Time) (found []time.Time) {
	offset := func(t time.Time) time.Duration { return wallClock(t, loc).Sub(t) }
	const step = 12 * time.Hour
	before := offset(from)
	for t := from; t.Before(to); t = t.Add(step) {
		after := offset(t.Add(step))
		if after != before {
			low, high := t, t.Add(step)
			for high.Sub(low) > time.Second {
				middle := low.Add(high.Sub(low) / 2).Truncate(time.Second)
				if offset(middle) == before {
					low = middle
				} else {
					high = middle
				}
			}
			found = append(found, high)
		}
		before = after
	}
	return found
}

func compareWithOracle(t *rapid.T, e entry, all []tick, loc *time.Location) {
	s := parseDrawn(t, e, loc)
	from, to, want := all[0].real, all[len(all)-1].real, e.instants(all)
	var got []time.Time
	for at := s.Next(from); !at.IsZero() && !at.After(to); at = s.Next(at) {
		got = append(got, at)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatalf("%s in %s: differs: %s", e, loc, firstDifference(got, want))
	}
	// The same from any moment, due or not.
	at := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))).Draw(t, "moment")))
	i := slices.IndexFunc(want, func(w time.Time) bool { return w.After(at) })
	next := s.Next(at)
	if i >= 0 && !next.Equal(want[i]) || i < 0 && !next.IsZero() && !next.After(to) {
		t.Fatalf("%s in %s: after %v: got %v", e, loc, at, next)
	}
	compareBetween(t, s, want, from, to)
	compareBetween(t, s, want[max(i, 0):], at, to)
}

// compareBetween compares the latest instants, and how many there are before.
func compareBetween(t *rapid.T, s schedule.Schedule, want []time.Time, from, to time.Time) {
	if len(want) > 0 && !want[0].After(from) {
		want = nil // none is left
	}
	most := rapid.IntRange(0, len(want)+1).Draw(t, "most")
	got, more := schedule.Between(s, from, to, most)
	left := max(0, len(want)-most)
	if !slices.EqualFunc(got, want[left:], time.Time.Equal) || more != left {
		t.Fatalf("the latest %d after %v up to %v: got %d and %d more, want %d more; %s", most, from, to, len(got), more, left,
			firstDifference(got, want[left:]))
	}
}

// TestOracleOfDays compares every day of many years.
func TestOracleOfDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawFields(t)
		e.fields[0] = []item{{"0", func(v int, _ time.Time) bool { return v == 0 }}}
		e.fields[1] = e.fields[0]
		s := parseDrawn(t, e, time.UTC)
		day := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC)
		for next := s.Next(day.Add(-1)); day.Year() < 2033; day = day.AddDate(0, 0, 1) {
			if due := next.Equal(day); due != e.onDay(day) {
				t.Fatalf("%s: %v: got %v", e, day, due)
			}
			if next.Equal(day) {
				next = s.Next(day)
			}
		}
	})
}

// parseDrawn leaves out expressions that are rightly refused, as far as ten
// years tell.
func parseDrawn(t *rapid.T, e entry, loc *time.Location) schedule.Schedule {
	s, err := schedule.Parse(e.String(), loc)
	if err == nil {
		return s
	}
	if !strings.Contains(err.Error(), "never comes") {
		t.Fatal(err)
	}
	for day := time.Date(2023, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2033; day = day.AddDate(0, 0, 1) {
		if e.onDay(day) {
			t.Fatalf("%v, but it does on %v", err, day)
		}
	}
	t.Skip("never comes")
	return nil
}

// zoneNames are those of the file that is built in.
func zoneNames(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func mustLoad(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func mustDay(t testing.TB, text string) time.Time {
	t.Helper()
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		t.Fatal(err)
	}
	return day
}
