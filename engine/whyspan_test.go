package engine

import (
	"testing"
	"time"
)

// TestWhyIsBounded says which starts of a day stay, at 12:40:02.
func TestWhyIsBounded(t *testing.T) {
	when := func(text string) time.Time { return at(t, text+"Z") }
	often := zoned(t, "Often", "* * * * *", "UTC")
	asked := &Job{Name: "Asked", Slug: "asked", ScheduleFunc: true, Location: time.UTC}
	for _, c := range []struct {
		name, from, to      string
		job                 *Job
		first, last         string // of what stays
		left                int
		functionFrom, count int
	}{
		{"a minute", "2026-11-23T12:00:00", "2026-11-23T12:01:00", often, "2026-11-23T12:00:00", "2026-11-23T12:00:00", 0, 0, 0},
		{"today", "2026-11-23T00:00:00", "2026-11-24T00:00:00", often, "2026-11-23T12:31:00", "2026-11-23T12:40:00", 1430, 0, 0},
		{"yesterday", "2026-11-22T00:00:00", "2026-11-23T00:00:00", often, "2026-11-22T23:50:00", "2026-11-22T23:59:00", 1430, 0, 0},
		{"tomorrow", "2026-11-24T00:00:00", "2026-11-25T00:00:00", often, "2026-11-24T23:50:00", "2026-11-24T23:59:00", 1430, 0, 0},
		{"a function", "2026-11-23T00:00:00", "2026-11-24T00:00:00", asked, "2026-11-23T12:31:00", "2026-11-23T12:40:00", 31, 12 * 60, 40 + 1},
		{"a function, today, all to come", "2026-11-23T00:00:00", "2026-11-24T00:00:00", asked, "2026-11-23T13:05:00", "2026-11-23T13:14:00", 5, 13 * 60, 15},
	} {
		q := Why{Job: c.job, Slave: "test1", From: when(c.from), To: when(c.to), Now: when("2026-11-23T12:40:02")}
		for i := range c.count {
			q.FunctionDue = append(q.FunctionDue, q.From.Add(time.Duration(c.functionFrom+i)*time.Minute))
		}
		bounded, left := q.Bounded(10)
		due := bounded.due()
		if left != c.left || !due[0].Equal(when(c.first)) || !due[len(due)-1].Equal(when(c.last)) {
			t.Errorf("%s: %d left out, from %v to %v", c.name, left, due[0], due[len(due)-1])
		}
	}
}
