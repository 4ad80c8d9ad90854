package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ledgerOf makes a var dir with these lines in the ledger, by day.
func ledgerOf(t *testing.T, days map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, folderLedger), 0o700); err != nil {
		t.Fatal(err)
	}
	for day, lines := range days {
		if err := os.WriteFile(filepath.Join(dir, folderLedger, day+".jsonl"), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLastOutcomes(t *testing.T) {
	line := func(job, outcome string, minute int) string {
		lines, err := encodeLines([]Outcome{{Time: time.Unix(int64(60*minute), 0), Job: job, Outcome: outcome}})
		if err != nil {
			t.Fatal(err)
		}
		return string(lines)
	}
	// Several pieces of the ledger, of another job: one that is found already.
	var many strings.Builder
	for i := range 3 * ledgerPiece / 80 {
		many.WriteString(line("many", OutcomeSucceeded, i))
	}
	dir := ledgerOf(t, map[string]string{
		"2026-11-21": line("Old", OutcomeFailed, 1) + line("never asked for", OutcomeFailed, 2),
		"2026-11-22": line("Quo\"ted", OutcomeMissed, 3) + line("Twice", OutcomeFailed, 4) + many.String() + line("Twice", OutcomeSkipped, 5) +
			line("Twice", OutcomeMerged, 6) + "\n{\"time\":\"torn\",\"job\":\"Tor\n",
		"2026-11-23": "noise\n" + line("many", OutcomeElsewhere, 7) + `{"time":"2026-11-23T12:00:00Z","job":"Twi`,
	})
	var jobs []*Job
	for _, name := range []string{"Old", "Quo\"ted", "Twice", "many", "Never"} {
		jobs = append(jobs, &Job{Name: name})
	}
	last, err := LastOutcomes(dir, jobs)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, job := range jobs {
		got = append(got, fmt.Sprintf("%s %s", job.Name, last[job.Name].Outcome))
	}
	if want := `Old failed, Quo"ted missed, Twice skipped, many elsewhere, Never `; strings.Join(got, ", ") != want {
		t.Errorf("got %q", got)
	}
	if last, err := LastOutcomes(filepath.Join(dir, "nowhere"), jobs); err != nil || len(last) != 0 {
		t.Errorf("%v, %v", last, err)
	}
}

// However much there is, list takes no longer than a moment.
func TestLastOutcomesIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(1 << 40); err != nil {
		t.Skip(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	read, err := linesBackwards(path, ledgerPiece, func([]byte) bool { return true })
	if err != nil || read != ledgerPiece {
		t.Errorf("%d bytes were read: %v", read, err)
	}
}

func TestReadRecords(t *testing.T) {
	from := at(t, "2026-11-23T12:00:00Z")
	job := zoned(t, "Import", "* * * * *", "")
	lines, err := encodeLines([]Outcome{
		{Time: from, Job: "Import", Run: "import-20261123T110000Z", Instant: from.Add(-time.Hour), Outcome: OutcomeMissed},
		{Time: from, Job: "Other", Run: "other-20261123T120000Z", Instant: from, Outcome: OutcomeMissed},
		{Time: from, Job: "Import", Run: "import-20261123T120000Z", Instant: from, Outcome: OutcomeMerged, Reason: "one start for several missed instants: import-20261123T120500Z"},
		{Time: from.Add(time.Hour), Job: "Import", Run: "import-20261123T115000Z", Instant: from.Add(-10 * time.Minute), Started: from.Add(-10 * time.Minute), Outcome: OutcomeSucceeded},
		{Time: from.Add(time.Hour), Job: "Import", Run: "import-20261123T120500Z", Instant: from.Add(5 * time.Minute), Started: from.Add(5 * time.Minute), Outcome: OutcomeFailed},
		{Time: from.Add(time.Hour), Job: "Import", Run: "import-20261123T121000Z", Instant: from.Add(10 * time.Minute), Started: from.Add(10 * time.Minute), Outcome: OutcomeFailed},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := ledgerOf(t, map[string]string{"2026-11-22": "not read", "2026-11-23": string(lines)})
	files := map[string]string{
		fileAgenda: `{"evaluated":"2026-11-23T13:00:59Z","intents":[{"run":"import-20261123T130000Z.2","job":"Import","instant":"2026-11-23T13:00:00Z"},{"run":"x","job":"Other"}],` +
			`"outcomes":[{"time":"2026-11-23T13:00:00Z","job":"Import","run":"import-20261123T120000Z-at-ABCDEF","instant":"2026-11-23T12:00:00Z","outcome":"skipped"}]}`,
		fileKnown: `{"jobs":{"Import":{"since":"2026-11-20T00:00:00Z","print":"* * * * *"}}}`,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := ReadRecords(dir, job, "test1", from, from.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range r.Outcomes {
		got = append(got, strings.TrimPrefix(o.Run, "import-20261123T")+" "+o.Outcome)
	}
	if want := "120000Z merged, 120000Z-at-ABCDEF skipped, 115000Z succeeded, 120500Z failed"; strings.Join(got, ", ") != want {
		t.Errorf("got %q", got)
	}
	if len(r.Waiting) != 1 || r.Waiting[0].Attempt != 2 || r.Waiting[0].Run != "import-20261123T130000Z" {
		t.Errorf("%+v", r.Waiting)
	}
	if r.Since.IsZero() || r.Off || r.Evaluated.IsZero() || len(r.Problems) > 0 {
		t.Errorf("%+v", r)
	}
	// Another schedule: this one was not seen yet.
	if r, err := ReadRecords(dir, zoned(t, "Import", "1 * * * *", ""), "test1", from, from.Add(time.Minute)); err != nil || !r.Since.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err := ReadRecords(filepath.Join(dir, "nowhere"), job, "test1", from, from.Add(time.Minute)); err != nil || !r.Evaluated.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
}
