package main

import (
	"strings"
	"testing"
	"time"
)

// TestAsked is what a TIME means at five past one in the night, in Berlin.
func TestAsked(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	host := time.Local
	time.Local = berlin
	t.Cleanup(func() { time.Local = host })
	now := time.Date(2026, 10, 26, 0, 5, 7, 0, time.UTC)
	for text, want := range map[string]string{
		"01:05":                     "2026-10-26T01:05:00+01:00 1m0s",
		"01:06":                     "2026-10-25T01:06:00+02:00 1m0s",
		"00:59:30":                  "2026-10-26T00:59:30+01:00 1s",
		"23:00:00":                  "2026-10-25T23:00:00+01:00 1m0s",
		"2026-10-25":                "2026-10-25T00:00:00+02:00 25h0m0s", // the clocks change
		"2026-10-26 02:30":          "2026-10-26T02:30:00+01:00 1m0s",
		"2026-10-26T02:30:15":       "2026-10-26T02:30:15+01:00 1s",
		"2026-10-26T02:30:59.5Z":    "2026-10-26T03:30:59+01:00 1s",
		"2026-10-26T02:30:00+05:30": "2026-10-25T22:00:00+01:00 1m0s",
	} {
		a, err := readAsked(text, now)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		from, to := a.span(time.Local, now)
		if got := from.In(berlin).Format(time.RFC3339) + " " + to.Sub(from).String(); got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
	for _, text := range []string{"now", "yesterday", "24:00", "2026-02-30", "2:3"} {
		if _, err := readAsked(text, now); err == nil || !strings.HasPrefix(err.Error(), `TIME "`+text+`" is not a time`) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
