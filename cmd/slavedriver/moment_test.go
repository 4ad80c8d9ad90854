package main

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests need zones on a machine without them
)

func TestMoment(t *testing.T) {
	for text, want := range map[string]time.Time{
		"2026-11-23":                local("2026-11-23 00:00"),
		"2026-11-23 18:30":          local("2026-11-23 18:30"),
		"2026-11-23T18:30":          local("2026-11-23 18:30"),
		"2026-11-23 18:30:05":       local("2026-11-23 18:30").Add(5 * time.Second),
		"2026-11-23T18:30+02:00":    time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC),
		"2026-11-23T18:30:00+02:00": time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC),
	} {
		if got, err := moment("TIME", text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "now", "18:30", "2026-13-01", "2026-02-30", "2026-11-23 25:00", "23.11.2026"} {
		if _, err := moment("TIME", text); err == nil || !strings.HasPrefix(err.Error(), `TIME "`+text+`" is not a time`) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestOnClock(t *testing.T) {
	for _, c := range []struct{ zone, wall, want string }{
		{"UTC", "2026-03-29 01:30", "2026-03-29T01:30:00Z"},
		{"Europe/London", "2026-03-29 00:59", "2026-03-29T00:59:00Z"},
		{"Europe/London", "2026-03-29 01:00", "2026-03-29T02:00:00+01:00"}, // never shown
		{"Europe/London", "2026-03-29 01:30", "2026-03-29T02:00:00+01:00"},
		{"Europe/London", "2026-03-29 02:00", "2026-03-29T02:00:00+01:00"},
		{"Europe/London", "2026-10-25 01:30", "2026-10-25T01:30:00+01:00"}, // twice
		{"Europe/London", "2026-10-25 02:00", "2026-10-25T02:00:00Z"},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-31T00:00:00+14:00"}, // a day that never was
		{"Pacific/Kiritimati", "2026-01-01 00:00", "2026-01-01T00:00:00+14:00"},
		{"Pacific/Pago_Pago", "2026-01-01 00:00", "2026-01-01T00:00:00-11:00"},
		{"America/New_York", "2099-12-31 23:59", "2099-12-31T23:59:00-05:00"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := time.Parse("2006-01-02 15:04", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		if got := onClock(wall, loc).Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}
