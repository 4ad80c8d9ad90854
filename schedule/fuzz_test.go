package schedule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"slavedriver/schedule"
)

// slowest is an expression that asks for all there is.
func slowest() string {
	var days, weekdays []string
	for i := 1; i <= 31; i++ {
		days = append(days, fmt.Sprintf("%dW", i))
	}
	for i := range 7 {
		weekdays = append(weekdays, fmt.Sprintf("%dL", i))
		for week := 1; week <= 5; week++ {
			weekdays = append(weekdays, fmt.Sprintf("%d#%d", i, week))
		}
	}
	return "0 0 " + strings.Join(days, ",") + ",L,LW * " + strings.Join(weekdays, ",")
}

// limit is what a call may take. The race detector and a busy machine slow
// everything down, so the fastest of some tries counts.
const limit = 10 * time.Millisecond * slowdown

func FuzzParse(f *testing.F) {
	for _, c := range realLife {
		f.Add(c.expr)
	}
	for _, c := range withSeconds {
		f.Add(c.expr)
	}
	for _, c := range refused {
		f.Add(c.expr)
	}
	f.Add(slowest())
	loc := mustLoad(f, "America/New_York")
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := parseInTime(t, expr, loc)
		var e *schedule.Error
		switch {
		case err == nil:
			for _, from := range []time.Time{{}, noon, time.Date(2026, 3, 8, 1, 59, 58, 1, loc), time.Date(2026, 11, 1, 0, 59, 58, 1, loc)} {
				checkNext(t, s, from)
			}
			if words, ok := schedule.Describe(expr); ok && (words == "" || len(words) > 100) {
				t.Errorf("%q: %q", expr, words)
			}
		case !errors.As(err, &e) || e.Text != expr || e.Message == "":
			t.Errorf("%q: %#v", expr, err)
		}
	})
}

// parseInTime gives each try another text, since what is known is not parsed.
func parseInTime(t *testing.T, expr string, loc *time.Location) (s schedule.Schedule, err error) {
	for i := 0; ; i++ {
		start := time.Now()
		_, _ = schedule.Parse(expr+strings.Repeat(" ", i), loc)
		took := time.Since(start)
		if took < limit {
			return schedule.Parse(expr, loc)
		}
		if i == 9 {
			t.Fatalf("%q: parsing takes %v", expr, took)
		}
	}
}

// checkNext checks that Next agrees with itself, and so with what is due at a
// given moment, and with Between, from some instants on.
func checkNext(t *testing.T, s schedule.Schedule, from time.Time) {
	for range 5 {
		next := nextInTime(t, s, from)
		if next.IsZero() {
			return
		}
		if !next.After(from) || next.Nanosecond() != 0 {
			t.Fatalf("after %v: got %v", from, next)
		}
		if got, more := betweenInTime(t, s, from, next, 1); len(got) != 1 || !got[0].Equal(next) || more != 0 {
			t.Fatalf("from %v to %v: got %v and %d more", from, next, got, more)
		}
		if again := s.Next(next.Add(-1)); !again.Equal(next) {
			t.Fatalf("just before %v: got %v", next, again)
		}
		if middle := from.Add(next.Sub(from) / 2); !s.Next(middle).Equal(next) {
			t.Fatalf("after %v: got %v, but after %v: %v", from, next, middle, s.Next(middle))
		}
		from = next
	}
}

func nextInTime(t *testing.T, s schedule.Schedule, from time.Time) time.Time {
	for i := 0; ; i++ {
		start := time.Now()
		next := s.Next(from)
		took := time.Since(start)
		if took < limit {
			return next
		}
		if i == 9 {
			t.Fatalf("after %v: takes %v", from, took)
		}
	}
}
