package engine

import (
	"strings"
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

// A minute may hold several starts; a start is also meant by the time to which
// its jitter puts it off.
func TestWhySeveral(t *testing.T) {
	seconds, spread := zoned(t, "Seconds", "*/20 * * * * * *", ""), zoned(t, "Spread", "0 * * * *", "")
	spread.Jitter = time.Hour
	from := at(t, "2026-11-23T12:00:00Z")
	q := Why{Job: seconds, Slave: "test1", From: from, To: from.Add(time.Minute), Now: from.Add(time.Hour)}
	q.Records.Outcomes = []Outcome{{Job: "Seconds", Run: "seconds-20261123T120020Z", Instant: from.Add(20 * time.Second),
		Time: from.Add(time.Minute), Outcome: OutcomeSkipped, Reason: "no"}}
	var verdicts []string
	for _, a := range q.Explain() {
		verdicts = append(verdicts, a.Instant.Format("05 ")+string(a.Verdict))
	}
	if got := strings.Join(verdicts, ", "); got != "00 noShift, 20 skipped, 40 noShift" {
		t.Error(got)
	}
	q.From, q.To = from.Add(40*time.Second), from.Add(41*time.Second)
	if got := q.Explain(); len(got) != 1 || got[0].Instant.Second() != 40 {
		t.Errorf("%+v", got)
	}
	delay := JitterOf(spread, "test1")
	q = Why{Job: spread, Slave: "test1", From: from.Add(delay).Truncate(time.Minute), Now: from.Add(2 * time.Hour)}
	q.To = q.From.Add(time.Minute)
	if got := q.Explain(); len(got) != 1 || !got[0].Instant.Equal(from) || got[0].Verdict != VerdictNoShift {
		t.Errorf("%v: %+v", delay, got)
	}
}
