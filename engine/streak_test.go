package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStreakAfterARun(t *testing.T) {
	began, now := clock("12:00:00"), clock("12:05:00")
	for _, c := range []struct {
		name   string
		before streak
		good   bool
		want   streak
	}{
		{"the first failure", streak{}, false, streak{Failures: 1, Since: now}},
		{"one more", streak{Failures: 2, Since: began}, false, streak{Failures: 3, Since: began}},
		{"the success that ends it", streak{Failures: 3, Since: began}, true, streak{Ended: 3, Since: began}},
		{"a success as before", streak{}, true, streak{}},
	} {
		if got := c.before.after(c.good, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// TestAStreakKnowsTheRunsThatItCounted: as many as it promises, and none but the newest.
func TestAStreakKnowsTheRunsThatItCounted(t *testing.T) {
	k := &streaks{}
	for i := range 2 * runsCounted {
		k.note(strings.Repeat("x", i), k.after(false, time.Time{}))
	}
	if _, ok := k.of("x"); ok || len(k.Counted) != runsCounted {
		t.Errorf("%d runs are known, the first among them is %v", len(k.Counted), ok)
	}
	if s, ok := k.of(strings.Repeat("x", 2*runsCounted-1)); !ok || s.Failures != 2*runsCounted {
		t.Errorf("the newest is known as %+v (%v)", s, ok)
	}
}

func TestStreaksFromTheLedger(t *testing.T) {
	dir := t.TempDir()
	for name, lines := range map[string]string{
		"2026-11-22.jsonl": `{"time":"2026-11-22T10:00:00Z","job":"A","run":"a1","outcome":"succeeded"}
{"time":"2026-11-22T11:00:00Z","job":"A","run":"a2","outcome":"failed"}
{"time":"2026-11-22T11:00:00Z","job":"C","run":"c1","outcome":"unknown"}
`,
		"2026-11-23.jsonl": `{"time":"2026-11-23T11:00:00Z","job":"A","run":"a3","outcome":"retrying","attempt":1}
{"time":"2026-11-23T11:00:00Z","job":"A","run":"a3","outcome":"failed","attempt":2}
torn line
{"time":"2026-11-23T11:00:00Z","job":"B","run":"b1","outcome":"failed"}
{"time":"2026-11-23T11:01:00Z","job":"B","run":"b2","outcome":"succeeded"}
{"time":"2026-11-23T11:02:00Z","job":"A","run":"a4","outcome":"skipped"}
{"time":"2026-11-23T11:03:00Z","job":"A","run":"a5","outcome":"failed","reason":"` + reasonReplaced + `"}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := streaksFromLedger(dir, "")
	if err != nil || len(all) != 2 {
		t.Fatalf("%d jobs fail (%v)", len(all), err)
	}
	a := all["a"]
	if a.Failures != 2 || !a.Since.Equal(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)) || all["c"].Failures != 1 {
		t.Errorf("A: %+v, C: %+v", a.streak, all["c"].streak)
	}
	if _, ok := a.of("a3"); !ok || a.Counted[1].Run != "a3" {
		t.Errorf("A counted %+v", a.Counted)
	}
	one, err := streaksFromLedger(dir, "a")
	if err != nil || len(one) != 1 || one["a"].Failures != 2 {
		t.Errorf("of A alone: %v (%v)", one, err)
	}
}
