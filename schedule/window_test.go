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

// counted counts the calls of Next.
type counted struct {
	schedule.Schedule
	calls int
}

func (c *counted) Next(t time.Time) time.Time {
	c.calls++
	return c.Schedule.Next(t)
}

// A clock that jumps by decades costs bounded work, and the latest are given.
func TestBetweenIsBounded(t *testing.T) {
	for _, c := range []struct {
		expr  string
		count int
	}{{"* * * * *", 5}, {"* * * * * 2020", 0}} {
		s := &counted{Schedule: mustParse(t, c.expr, time.UTC)}
		got, more := schedule.Between(s, noon.AddDate(-30, 0, 0), noon, 5)
		if len(got) != c.count || more < 99_000 {
			t.Errorf("%s: got %d instants and %d more", c.expr, len(got), more)
		}
		if len(got) > 0 && (!got[0].Equal(noon.Add(-4*time.Minute)) || !got[4].Equal(noon)) {
			t.Errorf("%s: got %v", c.expr, got)
		}
		if s.calls > 200_010 {
			t.Errorf("%s: %d calls", c.expr, s.calls)
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
	} {
		if got := schedule.DefaultCatchUp(c.s, c.at); got != c.want {
			t.Errorf("%v at %v: got %v, want %v", c.s, c.at, got, c.want)
		}
	}
}
