package schedule_test

import (
	"slices"
	"testing"
	"time"

	"slavedriver/schedule"
)

var noon = time.Date(2026, 2, 18, 12, 0, 0, 0, time.UTC) // a Wednesday

func TestAt(t *testing.T) {
	s := schedule.At(noon.Add(30*time.Second + 5))
	if got := s.Next(noon.Add(-1)); !got.Equal(noon) {
		t.Errorf("before: got %v", got)
	}
	if got := s.Next(noon); !got.IsZero() {
		t.Errorf("at: got %v", got)
	}
}

func TestUnion(t *testing.T) {
	s := schedule.Union(
		mustParse(t, "0 12 * * *", time.UTC), mustParse(t, "0 12 * * 3", time.UTC),
		mustParse(t, "30 11 * * *", time.UTC), schedule.At(noon.Add(time.Minute)))
	got, _ := schedule.Between(s, noon.Add(-time.Hour), noon.Add(time.Hour), 10)
	want := []time.Time{noon.Add(-30 * time.Minute), noon, noon.Add(time.Minute)}
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := schedule.Union().Next(noon); !got.IsZero() {
		t.Errorf("the union of none: got %v", got)
	}
	if got := schedule.Union(schedule.At(noon)).Next(noon.Add(-1)); !got.Equal(noon) {
		t.Errorf("the union of one: got %v", got)
	}
}

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		name, expr       string
		from, to         time.Time
		max, count, more int
		last             time.Time
	}{
		{"from is left out, to is in", "0 * * * *", noon.Add(-2 * time.Hour), noon, 10, 2, 0, noon},
		{"just before to", "0 * * * *", noon.Add(-2 * time.Hour), noon.Add(-1), 10, 1, 0, noon.Add(-time.Hour)},
		{"nothing in it", "0 * * * *", noon, noon.Add(59 * time.Minute), 10, 0, 0, time.Time{}},
		{"an empty window", "* * * * *", noon, noon, 10, 0, 0, time.Time{}},
		{"a window backwards", "* * * * *", noon, noon.Add(-time.Hour), 10, 0, 0, time.Time{}},
		{"more than wanted", "* * * * *", noon.Add(-time.Hour), noon, 10, 10, 50, noon},
		{"none wanted", "* * * * *", noon.Add(-time.Hour), noon, 0, 0, 60, time.Time{}},
		{"rare in a long time", "0 12 18 2 *", noon.AddDate(-20, 0, 0), noon, 1000, 20, 0, noon},
		{"rare, more than wanted", "0 12 18 2 *", noon.AddDate(-20, 0, 0), noon, 5, 5, 15, noon},
		{"a month of minutes", "* * * * *", noon.AddDate(0, 0, -30), noon, 1000, 1000, 30*24*60 - 1000, noon},
	} {
		got, more := schedule.Between(mustParse(t, c.expr, time.UTC), c.from, c.to, c.max)
		if len(got) != c.count || more != c.more {
			t.Errorf("%s: got %d instants and %d more, want %d and %d", c.name, len(got), more, c.count, c.more)
			continue
		}
		if len(got) > 0 && !got[len(got)-1].Equal(c.last) {
			t.Errorf("%s: the last is %v, want %v", c.name, got[len(got)-1], c.last)
		}
		if !slices.IsSortedFunc(got, time.Time.Compare) {
			t.Errorf("%s: not in order", c.name)
		}
	}
}

// A clock that jumps by decades costs little, and the latest are given.
func TestBetweenIsExactAndFast(t *testing.T) {
	newYork := mustLoad(t, "America/New_York")
	begin, end := mustDay(t, "1970-01-01"), mustDay(t, "2100-01-01")
	const days = 47482 // from 1970 to 2099
	for _, c := range []struct {
		s        schedule.Schedule
		from, to time.Time
		most     int
		count    int
		more     int
	}{
		{mustParse(t, "* * * * *", time.UTC), time.Time{}, end.AddDate(7000, 0, 0), 1000, 1000, days*1440 - 1000},
		{mustParse(t, "* * * * * * *", time.UTC), time.Time{}, end, 1000, 1000, days*86400 - 1000},
		{mustParse(t, "* * * * * * *", newYork), begin.AddDate(0, 0, 1), end.AddDate(0, 0, -1), 1000, 1000, (days-2)*86400 - 1000},
		{mustParse(t, "* * * * * * 2020", time.UTC), begin, end, 5, 5, 366*86400 - 5},
		{mustParse(t, "@every 7m", time.UTC), begin, end, 0, 0, days*206 - 1},
		{mustParse(t, "0 12 * * *", newYork), begin, end, 1000, 1000, days - 1000},
		{mustParse(t, "30 2 * * *", newYork), begin, end, days, days, 0},
		{mustParse(t, "0 0 29 2 *", newYork), begin, end, 5, 5, 32 - 5},
		{mustParse(t, "0 12 1 1 * 1990", newYork), begin, end, 5, 1, 0},
		{schedule.At(noon), begin, end, 1, 1, 0},
		{schedule.At(noon), begin, end, 0, 0, 1},
		{schedule.Union(mustParse(t, "0 12 * * *", time.UTC), schedule.At(noon.Add(1))), begin, begin.AddDate(0, 0, 10), 3, 3, 7},
		{schedule.Union(mustParse(t, "*/2 * * * *", time.UTC), mustParse(t, "*/3 * * * *", time.UTC)),
			noon.AddDate(0, 0, -10), noon, 10, 10, 10*24*40 - 10},
		// More than what can be counted one by one: as many as the most frequent has.
		{schedule.Union(mustParse(t, "* * * * * * *", time.UTC), mustParse(t, "0 12 * * *", time.UTC)),
			noon.AddDate(0, 0, -1), noon, 1000, 1000, 86400 - 1000},
	} {
		got, more := betweenInTime(t, c.s, c.from, c.to, c.most)
		if len(got) != c.count || more != c.more {
			t.Errorf("%v from %v to %v: got %d instants and %d more, want %d and %d", c.s, c.from, c.to, len(got), more, c.count, c.more)
		}
		if len(got) > 0 && (!got[len(got)-1].Equal(lastBefore(c.s, c.to)) || !slices.IsSortedFunc(got, time.Time.Compare)) {
			t.Errorf("%v: the last is %v", c.s, got[len(got)-1])
		}
	}
}

// lastBefore is the last instant not after to, found by asking Next alone.
func lastBefore(s schedule.Schedule, to time.Time) time.Time {
	low, high := time.Unix(-1, 0), to // something is after low, nothing of the window is after high
	for high.Sub(low) > 1 {
		middle := low.Add(high.Sub(low) / 2)
		if next := s.Next(middle); !next.IsZero() && !next.After(to) {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

func betweenInTime(t *testing.T, s schedule.Schedule, from, to time.Time, most int) ([]time.Time, int) {
	for i := 0; ; i++ {
		start := time.Now()
		instants, more := schedule.Between(s, from, to, most)
		took := time.Since(start)
		if took < limit || most > 1000 {
			return instants, more
		}
		if i == 9 {
			t.Fatalf("%v: takes %v", s, took)
		}
	}
}

func TestDefaultCatchUp(t *testing.T) {
	for _, c := range []struct {
		s    schedule.Schedule
		at   time.Time
		want time.Duration
	}{
		{mustParse(t, "* * * * *", time.UTC), noon, 2 * time.Minute},
		{mustParse(t, "*/5 * * * *", time.UTC), noon, 150 * time.Second},
		{mustParse(t, "*/10 * * * *", time.UTC), noon.Add(3 * time.Minute), 5 * time.Minute},
		{mustParse(t, "0 * * * *", time.UTC), noon, 30 * time.Minute},
		{mustParse(t, "17 * * * *", time.UTC), noon, 30 * time.Minute},
		{mustParse(t, "0 */2 * * *", time.UTC), noon, time.Hour},
		{mustParse(t, "0 1-23/2 * * *", time.UTC), noon, time.Hour},
		{mustParse(t, "0 12 * * *", time.UTC), noon, time.Hour},
		{mustParse(t, "0,6 * * * *", time.UTC), noon.Add(2 * time.Minute), 3 * time.Minute},
		{mustParse(t, "0,6 * * * *", time.UTC), noon.Add(6 * time.Minute), 27 * time.Minute},
		{mustParse(t, "0 12 18 2 * 2026", time.UTC), noon, time.Hour},
		{schedule.At(noon), noon, time.Hour},
		{schedule.At(noon), noon.Add(-time.Minute), time.Hour},
		{schedule.Union(schedule.At(noon), schedule.At(noon.Add(20*time.Minute))), noon, 10 * time.Minute},
		{schedule.Union(), noon, time.Hour},
		{mustParse(t, "* * * * * * *", time.UTC), noon, 2 * time.Minute},
		{mustParse(t, "*/10 * * * * * *", time.UTC), noon.Add(3 * time.Second), 2 * time.Minute},
		{mustParse(t, "30 */10 * * * * *", time.UTC), noon, 5 * time.Minute},
		{mustParse(t, "* * 10,12 * * * *", time.UTC), noon.Add(-30 * time.Minute), 30*time.Minute + 500*time.Millisecond},
		{mustParse(t, "@every 20m", time.UTC), noon, 10 * time.Minute},
		{mustParse(t, "@every 24h", time.UTC), noon, time.Hour},
	} {
		if got := schedule.DefaultCatchUp(c.s, c.at); got != c.want {
			t.Errorf("%v at %v: got %v, want %v", c.s, c.at, got, c.want)
		}
	}
}
