package schedule_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/schedule"
)

// What an expression does on the days of clock changes, in the words of the
// zone's own clock.
func TestClockChanges(t *testing.T) {
	for _, c := range []struct{ zone, day, expr, want string }{
		// 02:00 EST is followed by 03:00 EDT.
		{"America/New_York", "2026-03-08", "30 2 * * *", "03:00 EDT"},
		{"America/New_York", "2026-03-08", "0,15,30 2 * * *", "03:00 EDT"},
		{"America/New_York", "2026-03-08", "30 1-3 * * *", "01:30 EST, 03:00 EDT, 03:30 EDT"},
		{"America/New_York", "2026-03-08", "0 3 * * *", "03:00 EDT"},
		{"America/New_York", "2026-03-08", "0,30 2,3 * * *", "03:00 EDT, 03:30 EDT"},
		{"America/New_York", "2026-03-08", "30 2 8 3 * 2026", "03:00 EDT"},
		{"America/New_York", "2026-03-08", "30 2 9 * *", ""},
		{"America/New_York", "2026-03-08", "*/30 2 * * *", ""},
		{"America/New_York", "2026-03-08", "*/30 1-3 * * *", "01:00 EST, 01:30 EST, 03:00 EDT, 03:30 EDT"},
		// 02:00 EDT is followed by 01:00 EST.
		{"America/New_York", "2026-11-01", "30 1 * * *", "01:30 EDT"},
		{"America/New_York", "2026-11-01", "0 1,2 * * *", "01:00 EDT, 02:00 EST"},
		{"America/New_York", "2026-11-01", "*/30 1 * * *", "01:00 EDT, 01:30 EDT, 01:00 EST, 01:30 EST"},
		{"America/New_York", "2026-11-01", "30 */12 * * *", "00:30 EDT, 12:30 EST"},
		{"America/New_York", "2026-03-08", "*/20 30 2 * * * *", "03:00:00 EDT"},
		{"America/New_York", "2026-03-08", "15 0,30 2,3 * * * *", "03:00:00 EDT, 03:00:15 EDT, 03:30:15 EDT"},
		{"America/New_York", "2026-03-08", "*/30 59 * * * * 2026", "00:59:00 EST, 00:59:30 EST, 01:59:00 EST, 01:59:30 EST, 03:59:00 EDT.."},
		{"America/New_York", "2026-11-01", "0,45 30 1 * * * *", "01:30:00 EDT, 01:30:45 EDT"},
		{"America/New_York", "2026-11-01", "15 */30 1 * * * *", "01:00:15 EDT, 01:30:15 EDT, 01:00:15 EST, 01:30:15 EST"},
		// @every of up to an hour follows the wall clock, a longer one is a time of day.
		{"America/New_York", "2026-03-08", "@every 20m", "00:00 EST, 00:20 EST, 00:40 EST, 01:00 EST, 01:20 EST, 01:40 EST, 03:00 EDT, 03:20 EDT.."},
		{"America/New_York", "2026-03-08", "@every 50m", "00:00 EST, 00:50 EST, 01:40 EST, 03:20 EDT, 04:10 EDT.."},
		{"America/New_York", "2026-03-08", "@every 2h", "00:00 EST, 03:00 EDT, 04:00 EDT, 06:00 EDT.."},
		{"America/New_York", "2026-03-08", "@every 24h", "00:00 EST"},
		{"America/New_York", "2026-11-01", "@every 1h", "00:00 EDT, 01:00 EDT, 01:00 EST, 02:00 EST.."},
		{"America/New_York", "2026-11-01", "@every 30m", "00:00 EDT, 00:30 EDT, 01:00 EDT, 01:30 EDT, 01:00 EST, 01:30 EST, 02:00 EST.."},
		{"America/New_York", "2026-11-01", "@every 90m", "00:00 EDT, 01:30 EDT, 03:00 EST, 04:30 EST.."},
		{"America/Havana", "2026-03-08", "@every 24h", "01:00 CDT"},
		{"America/Havana", "2026-11-01", "@every 24h", "00:00 CDT"},
		// Half an hour.
		{"Australia/Lord_Howe", "2026-10-04", "15 2 * * *", "02:30 +11"},
		{"Australia/Lord_Howe", "2026-04-05", "45 1 * * *", "01:45 +11"},
		// Midnight itself does not exist.
		{"America/Sao_Paulo", "2018-11-04", "0 0 * * *", "01:00 -02"},
		{"America/Sao_Paulo", "2018-11-04", "@daily", "01:00 -02"},
		// Two hours.
		{"Antarctica/Troll", "2026-03-29", "30 1,2 * * *", "03:00 +02"},
		{"Antarctica/Troll", "2026-10-25", "30 1,2 * * *", "01:30 +02, 02:30 +02"},
		// A whole day is no daylight saving: it is not caught up.
		{"Pacific/Apia", "2011-12-31", "30 2 30 12 *", ""},
		{"Pacific/Apia", "2011-12-31", "30 2 * * *", "02:30 +14"},
	} {
		got := dayOf(t, c.expr, c.zone, c.day)
		if start, cut := strings.CutSuffix(c.want, ".."); cut && strings.HasPrefix(got, start+", ") {
			continue
		}
		if got != c.want {
			t.Errorf("%s in %s on %s: got %q, want %q", c.expr, c.zone, c.day, got, c.want)
		}
	}
}

func TestHourlyFollowsRealTime(t *testing.T) {
	for day, want := range map[string]int{"2026-03-07": 24, "2026-03-08": 23, "2026-11-01": 25} {
		for _, expr := range []string{"@hourly", "0 * * * *", "30 * * * *", "@every 1h", "59 59 * * * * *"} {
			got := dayOf(t, expr, "America/New_York", day)
			if n := strings.Count(got, ",") + 1; n != want {
				t.Errorf("%s on %s: %d times, want %d: %s", expr, day, n, want, got)
			}
		}
	}
}

// Go's own tables have a fault on the last day of far leap years.
func TestFarLeapYearsGoOn(t *testing.T) {
	loc := mustLoad(t, "America/New_York")
	s := mustParse(t, "0 0 29 2 *", loc)
	for at, year := time.Date(2036, 3, 1, 0, 0, 0, 0, loc), 2040; year < 2099; year += 4 {
		at = s.Next(at)
		if want := time.Date(year, 2, 29, 0, 0, 0, 0, loc); !at.Equal(want) {
			t.Fatalf("got %v, want %v", at, want)
		}
	}
}

// dayOf lists the instants of a local day.
func dayOf(t *testing.T, expr, zone, day string) string {
	t.Helper()
	loc, noon := mustLoad(t, zone), mustDay(t, day).Add(12*time.Hour)
	layout := "15:04 MST"
	if len(strings.Fields(expr)) == 7 {
		layout = "15:04:05 MST"
	}
	var times []string
	instants, _ := schedule.Between(mustParse(t, expr, loc), noon.Add(-48*time.Hour), noon.Add(48*time.Hour), 100_000)
	for _, at := range instants {
		if at.Format("2006-01-02") == day {
			times = append(times, at.Format(layout))
		}
	}
	return strings.Join(times, ", ")
}

// One text in two zones shares what was parsed, but not the zone.
func TestZonesDoNotMix(t *testing.T) {
	at := time.Date(2026, 2, 18, 12, 0, 0, 0, time.UTC)
	for zone, want := range map[string]string{
		"Asia/Tokyo": "2026-02-19T00:00:00+09:00", "America/New_York": "2026-02-19T00:00:00-05:00",
	} {
		s := mustParse(t, "0 0 * * *", mustLoad(t, zone))
		if got := s.Next(at).Format(time.RFC3339); got != want {
			t.Errorf("%s: got %s, want %s", zone, got, want)
		}
	}
}

// Many goroutines share a schedule; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	loc := mustLoad(t, "Europe/Berlin")
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, c := range realLife[:80] {
				s, err := schedule.Parse(c.expr, loc)
				if err != nil {
					t.Error(err)
					return
				}
				schedule.Between(s, from, from.AddDate(0, 0, 1), 10)
			}
		})
	}
	shared := schedule.Union(mustParse(t, "0 0 L * *", loc), mustParse(t, "30 2 * * 1#2", loc))
	want := shared.Next(from)
	for range 8 {
		group.Go(func() {
			for range 100 {
				if got := shared.Next(from); !got.Equal(want) {
					t.Errorf("got %v, want %v", got, want)
				}
			}
		})
	}
	group.Wait()
}

func TestReason(t *testing.T) {
	newYork := mustLoad(t, "America/New_York")
	gap := time.Date(2026, 3, 8, 3, 0, 0, 0, newYork)
	const after = " skipped by the clock change; the first instant after the gap"
	parse := func(expr string) schedule.Schedule { return mustParse(t, expr, newYork) }
	for _, c := range []struct {
		s    schedule.Schedule
		at   time.Time
		want string
	}{
		{parse("30 2 * * *"), gap, "02:30 was" + after},
		{parse("30 2 * * *"), gap.In(time.UTC), "02:30 was" + after},
		{parse("15,30,45 2 * * *"), gap, "02:15 and 2 more were" + after},
		{parse("5 30 2 * * * *"), gap, "02:30:05 was" + after},
		{parse("@every 2h"), gap, "02:00 was" + after},
		{parse("0 2,3 * * *"), gap, ""}, // due anyway
		{parse("30 2 * * *"), gap.AddDate(0, 0, 1), ""},
		{parse("30 2 * * *"), gap.Add(time.Minute), ""},
		{parse("30 3 * * *"), gap, ""},
		{parse("30 * * * *"), gap, ""},
		{parse("30 1 * * *"), time.Date(2026, 11, 1, 1, 30, 0, 0, newYork), ""},
		{mustParse(t, "30 2 * * *", time.UTC), gap, ""},
		{mustParse(t, "30 2 30 12 *", mustLoad(t, "Pacific/Apia")), time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC), ""},
		{mustParse(t, "10 0 * * *", mustLoad(t, "America/Havana")), time.Date(2026, 3, 8, 5, 0, 0, 0, time.UTC), "00:10 was" + after},
		{schedule.At(gap), gap, ""},
		{schedule.Union(), gap, ""},
		{schedule.Union(parse("0 5 * * *"), parse("30 2 * * *"), parse("45 2 * * *")), gap, "02:30 was" + after},
		{schedule.Union(parse("30 2 * * *"), parse("0 3 * * *")), gap, ""},
		{schedule.Union(parse("30 2 * * *"), schedule.At(gap)), gap, ""},
	} {
		if got := schedule.Reason(c.s, c.at); got != c.want {
			t.Errorf("%v at %v: got %q, want %q", c.s, c.at, got, c.want)
		}
	}
}
