package main

import (
	"strings"
	"testing"
	"time"
)

func TestOnClockEach(t *testing.T) {
	for _, c := range []struct{ zone, wall, want string }{
		{"UTC", "2026-10-25 01:30", "2026-10-25T01:30:00Z"},
		{"Europe/London", "2026-10-25 00:59", "2026-10-25T00:59:00+01:00"},
		{"Europe/London", "2026-10-25 01:00", "2026-10-25T01:00:00+01:00 2026-10-25T01:00:00Z"},
		{"Europe/London", "2026-10-25 01:59", "2026-10-25T01:59:00+01:00 2026-10-25T01:59:00Z"},
		{"Europe/London", "2026-10-25 02:00", "2026-10-25T02:00:00Z"},
		{"Europe/London", "2026-03-29 01:30", "2026-03-29T02:00:00+01:00"}, // never shown
		{"Europe/London", "2026-07-01 12:00", "2026-07-01T12:00:00+01:00"},
		{"America/Havana", "2026-11-01 00:00", "2026-11-01T00:00:00-04:00 2026-11-01T00:00:00-05:00"},
		{"Australia/Lord_Howe", "2026-04-05 01:29", "2026-04-05T01:29:00+11:00"},
		{"Australia/Lord_Howe", "2026-04-05 01:30", "2026-04-05T01:30:00+11:00 2026-04-05T01:30:00+10:30"},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-31T00:00:00+14:00"}, // a day that never was
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		wall, err := time.Parse("2006-01-02 15:04", c.wall)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, each := range onClockEach(wall, loc) {
			got = append(got, each.Format(time.RFC3339))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s in %s: got %s, want %s", c.wall, c.zone, got, c.want)
		}
	}
}

// TestReadings is what a TIME means around a night in which the clock is set back.
func TestReadings(t *testing.T) {
	york, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	host := time.Local
	time.Local = york
	t.Cleanup(func() { time.Local = host })
	for _, c := range []struct{ now, text, want string }{
		{"2026-11-01T05:45:00Z", "01:30", "01:30 EDT"},
		{"2026-11-01T06:29:00Z", "01:30", "01:30 EDT"},
		{"2026-11-01T06:30:00Z", "01:30", "01:30 EDT, 01:30 EST"},
		{"2026-11-02T06:29:00Z", "01:30", "01:30 EDT, 01:30 EST"},
		{"2026-11-02T06:30:00Z", "01:30", "01:30 EST"},
		{"2026-10-01T00:00:00Z", "2026-11-01 01:30", "01:30 EDT, 01:30 EST"},
		{"2026-11-02T00:00:00Z", "2026-11-01T01:30:00-05:00", "01:30 EST"},
		{"2026-11-02T00:00:00Z", "2026-11-01", "00:00 EDT"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		a, err := readAsked(c.text, now)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, reading := range a.readings(now) {
			from, _ := reading.span(time.Local, now)
			got = append(got, from.In(york).Format("15:04 MST"))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s at %s: got %s, want %s", c.text, c.now, got, c.want)
		}
	}
}
