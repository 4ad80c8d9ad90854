package engine

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRecordsLeadOn asks about a minute of which the ledger has one line, which leads
// to others: whatever stands before it, and in the file of whichever day.
func TestRecordsLeadOn(t *testing.T) {
	job := Unlisted("J")
	line := func(outcome, instant, started, ended string, attempt int, reason string) Outcome {
		o := Outcome{Job: "J", Outcome: outcome, Instant: at(t, instant), Time: at(t, ended), Attempt: attempt, Reason: reason}
		if started != "" {
			o.Started = at(t, started)
		}
		o.Run = runID(job, o.Instant)
		return o
	}
	merged := func(instant, into string) Outcome {
		return line(OutcomeMerged, instant, "", "2026-11-25T12:09:01Z", 0, mergedWith(runID(job, at(t, into))))
	}
	const first, second, third = "2026-11-25T12:01:00Z", "2026-11-25T12:05:00Z", "2026-11-25T12:09:00Z"
	succeeded := line(OutcomeSucceeded, third, "2026-11-25T12:09:01Z", "2026-11-25T12:09:02Z", 1, "")
	const late = "2026-11-24T23:58:00Z"
	tries := []Outcome{
		line(OutcomeRetrying, late, "2026-11-24T23:58:02Z", "2026-11-24T23:58:03Z", 1, "exit code 1"),
		line(OutcomeRetrying, late, "2026-11-25T00:01:02Z", "2026-11-25T00:01:03Z", 2, "exit code 1"),
		line(OutcomeSucceeded, late, "2026-11-25T00:04:02Z", "2026-11-25T00:04:03Z", 3, ""),
	}
	for name, c := range map[string]struct {
		ledger []Outcome
		asked  string
		want   string
	}{
		"merged, in order":  {[]Outcome{merged(first, second), merged(second, third), succeeded}, first, "12:01 12:05 12:09"},
		"merged, backwards": {[]Outcome{succeeded, merged(second, third), merged(first, second)}, first, "12:01 12:05 12:09"},
		"merged into none":  {[]Outcome{merged(second, third), merged(first, second)}, first, "12:01 12:05"},
		"the first attempt": {tries, late, "23:58.1 23:58.2 23:58.3"},
		"one in the middle": {tries, "2026-11-25T00:01:00Z", "23:58.1 23:58.2 23:58.3"},
		"the last one":      {tries, "2026-11-25T00:04:00Z", "23:58.1 23:58.2 23:58.3"},
		"after it":          {tries[:1], "2026-11-25T00:04:00Z", ""},
	} {
		dir := t.TempDir()
		writeLedger(t, dir, c.ledger)
		from := at(t, c.asked)
		r, err := ReadRecords(dir, job, "a", from, from.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range r.Outcomes {
			name := o.Instant.UTC().Format("15:04")
			if o.Attempt > 0 && o.Instant.Equal(at(t, late)) {
				name += "." + string(rune('0'+o.Attempt))
			}
			got = append(got, name)
		}
		if slices.Sort(got); strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, not %s", name, got, c.want)
		}
	}
}

// writeLedger writes each outcome into the file of its day.
func writeLedger(t *testing.T, dir string, outcomes []Outcome) {
	t.Helper()
	l := ledger{filepath.Join(dir, folderLedger)}
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		f, err := os.OpenFile(l.today(o.Time), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewEncoder(f).Encode(o); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
