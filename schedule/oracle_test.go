package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slavedriver/schedule"
)

// The oracle: an expression that is drawn as values, not as text, and asked
// about every single minute. Written from crontab(5) and from what cronie does
// when the clock changes; it shares nothing with the package.

// item is one item of a list; contains is its meaning.
type item struct {
	text     string
	contains func(value int, day time.Time) bool
}

type entry struct {
	fields [5][]item // minute, hour, day of month, month, day of week
}

func (e entry) String() string {
	var fields []string
	for i := range e.fields {
		fields = append(fields, e.field(i))
	}
	return strings.Join(fields, " ")
}

func (e entry) field(i int) string {
	var items []string
	for _, it := range e.fields[i] {
		items = append(items, it.text)
	}
	return strings.Join(items, ",")
}

func (e entry) starred(i int) bool { return strings.ContainsAny(e.fields[i][0].text[:1], "*?") }

func (e entry) in(i, value int, day time.Time) bool {
	return slices.ContainsFunc(e.fields[i], func(it item) bool { return it.contains(value, day) })
}

// onDay says whether any time of that day can be due.
func (e entry) onDay(day time.Time) bool {
	inMonth := e.in(2, day.Day(), day)
	inWeek := e.in(4, int(day.Weekday()), day) || day.Weekday() == time.Sunday && e.in(4, 7, day)
	if !e.starred(2) && !e.starred(4) {
		return e.in(3, int(day.Month()), day) && (inMonth || inWeek)
	}
	return e.in(3, int(day.Month()), day) && inMonth && inWeek
}

func (e entry) matches(wall time.Time) bool {
	return e.in(0, wall.Minute(), wall) && e.in(1, wall.Hour(), wall) && e.onDay(wall)
}

// tick is a minute of real time, with what the clock on the wall shows then.
type tick struct{ real, wall time.Time }

func ticks(from, to time.Time, loc *time.Location) []tick {
	var all []tick
	for u := from; !u.After(to); u = u.Add(time.Minute) {
		all = append(all, tick{u, wallClock(u, loc)})
	}
	return all
}

// instants lists those ticks but the first at which the entry is due.
func (e entry) instants(all []tick) []time.Time {
	fixed := !e.starred(0) && !e.starred(1)
	var due []time.Time
	var repeated time.Time
	for i, now := range all[1:] {
		before := all[i].wall
		yes := e.matches(now.wall)
		jump := now.wall.Sub(before) - time.Minute
		if fixed && jump > 0 && jump < 3*time.Hour {
			for w := before.Add(time.Minute); w.Before(now.wall); w = w.Add(time.Minute) {
				yes = yes || e.matches(w)
			}
		}
		if jump < 0 && jump > -3*time.Hour {
			repeated = before.Add(time.Minute)
		}
		if yes && (!fixed || !now.wall.Before(repeated)) {
			due = append(due, now.real)
		}
	}
	return due
}

// wallClock is what a clock on the wall shows, written as UTC.
func wallClock(t time.Time, loc *time.Location) time.Time {
	t = t.In(loc)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

var (
	monthNames = strings.Fields("January February March April May June July August September October November December")
	dayNames   = strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday")
)

// drawEntry draws mostly frequent times of day, so that a few days show much.
func drawEntry(t *rapid.T) entry {
	return entry{[5][]item{
		drawList(t, "minute", 0, 59, 59, nil, nil),
		drawList(t, "hour", 0, 23, 23, nil, nil),
		drawList(t, "day of month", 1, 31, 31, nil, drawDayOfMonth),
		drawList(t, "month", 1, 12, 12, monthNames, nil),
		drawList(t, "day of week", 0, 7, 6, dayNames, drawDayOfWeek),
	}}
}

func drawList(t *rapid.T, label string, low, high, top int, names []string, special func(*rapid.T) item) []item {
	if rapid.IntRange(0, 2).Draw(t, label+" every") == 0 {
		return []item{always(rapid.SampledFrom([]string{"*", "?"}).Draw(t, label+" star"))}
	}
	items := make([]item, rapid.IntRange(1, 3).Draw(t, label+" items"))
	for i := range items {
		if special != nil && rapid.IntRange(0, 3).Draw(t, label+" special") == 0 {
			items[i] = special(t)
			continue
		}
		items[i] = drawItem(t, label, low, high, top, names)
	}
	return items
}

func always(text string) item {
	return item{text, func(int, time.Time) bool { return true }}
}

// drawItem draws 5, 5-10, *, each perhaps with a step.
func drawItem(t *rapid.T, label string, low, high, top int, names []string) item {
	write := func(value int) string {
		if names != nil && value <= top && rapid.Bool().Draw(t, label+" named") {
			name := names[value-low]
			return rapid.SampledFrom([]string{name, name[:3], strings.ToLower(name[:3]), strings.ToUpper(name)}).Draw(t, label+" name")
		}
		return fmt.Sprintf(rapid.SampledFrom([]string{"%d", "%02d"}).Draw(t, label+" digits"), value)
	}
	from := rapid.IntRange(low, high).Draw(t, label+" from")
	to := rapid.IntRange(from, high).Draw(t, label+" to")
	step := rapid.IntRange(1, top-low+1).Draw(t, label+" step")
	stepped := func(from, to, step int) func(int, time.Time) bool {
		return func(v int, _ time.Time) bool { return v >= from && v <= to && (v-from)%step == 0 }
	}
	switch rapid.IntRange(0, 5).Draw(t, label+" form") {
	case 0:
		return item{fmt.Sprintf("*/%d", step), stepped(low, top, step)}
	case 1:
		return item{fmt.Sprintf("%s-%s/%d", write(from), write(to), step), stepped(from, to, step)}
	case 2:
		from = min(from, top)
		return item{fmt.Sprintf("%s/%d", write(from), step), stepped(from, top, step)}
	case 3:
		return item{fmt.Sprintf("%s-%s", write(from), write(to)), stepped(from, to, 1)}
	}
	return item{write(from), stepped(from, from, 1)}
}

func lastDay(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWorkday is the day from Monday to Friday nearest to the target, within
// its month.
func nearestWorkday(target int, day time.Time) int {
	for _, away := range []int{0, -1, 1, -2, 2} {
		d := target + away
		if d < 1 || d > lastDay(day) {
			continue
		}
		if w := day.AddDate(0, 0, d-day.Day()).Weekday(); w != time.Saturday && w != time.Sunday {
			return d
		}
	}
	panic("a week without a workday")
}

func drawDayOfMonth(t *rapid.T) item {
	n := rapid.IntRange(1, 31).Draw(t, "workday")
	return rapid.SampledFrom([]item{
		{"L", func(v int, day time.Time) bool { return v == lastDay(day) }},
		{"LW", func(v int, day time.Time) bool { return v == nearestWorkday(lastDay(day), day) }},
		{fmt.Sprintf("%dW", n), func(v int, day time.Time) bool {
			return n <= lastDay(day) && v == nearestWorkday(n, day)
		}},
	}).Draw(t, "special day of month")
}

func drawDayOfWeek(t *rapid.T) item {
	n, week := rapid.IntRange(0, 7).Draw(t, "weekday"), rapid.IntRange(1, 5).Draw(t, "week")
	return rapid.SampledFrom([]item{
		{fmt.Sprintf("%dL", n), func(v int, day time.Time) bool {
			return v == n && day.Day()+7 > lastDay(day)
		}},
		{fmt.Sprintf("%02d#%d", n, week), func(v int, day time.Time) bool {
			return v == n && (day.Day()+6)/7 == week
		}},
	}).Draw(t, "special day of week")
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
	{"Asia/Tehran", "2022-03-22"},
	{"Asia/Tehran", "2022-09-22"},
	{"America/New_York", "2040-12-31"}, // see periodAt
	{"Pacific/Apia", "2011-12-30"},     // a day that never was
	{"Pacific/Kwajalein", "1993-08-21"},
}

// TestOracle compares every minute of some days around a change.
func TestOracle(t *testing.T) {
	for _, change := range changes {
		loc := mustLoad(t, change.zone)
		day, err := time.ParseInLocation("2006-01-02", change.day, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		all := ticks(day.Add(-16*time.Hour), day.Add(36*time.Hour), loc)
		t.Run(change.zone+" "+change.day, rapid.MakeCheck(func(t *rapid.T) {
			compareWithOracle(t, all, loc)
		}))
	}
}

func compareWithOracle(t *rapid.T, all []tick, loc *time.Location) {
	e := drawEntry(t)
	s := parseDrawn(t, e, loc)
	from, to, want := all[0].real, all[len(all)-1].real, e.instants(all)
	var got []time.Time
	for at := s.Next(from); !at.IsZero() && !at.After(to); at = s.Next(at) {
		got = append(got, at)
	}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Fatalf("%s in %s: differs at %v", e, loc, firstDifference(got, want))
	}
	// The same from any moment, due or not.
	at := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))).Draw(t, "moment")))
	i := slices.IndexFunc(want, func(w time.Time) bool { return w.After(at) })
	next := s.Next(at)
	if i >= 0 && !next.Equal(want[i]) || i < 0 && !next.IsZero() && !next.After(to) {
		t.Fatalf("%s in %s: after %v: got %v", e, loc, at, next)
	}
}

// TestOracleOfDays compares every day of many years.
func TestOracleOfDays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEntry(t)
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

func firstDifference(got, want []time.Time) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "got none, want " + want[i].String()
		case i >= len(want):
			return "got " + got[i].String() + ", want none"
		case !got[i].Equal(want[i]):
			return fmt.Sprintf("got %v, want %v", got[i], want[i])
		}
	}
	return ""
}

func mustLoad(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
