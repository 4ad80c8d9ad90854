package main

import (
	"fmt"
	"time"

	"slavedriver/schedule"
)

// momentForms is the hint wherever a time could not be read.
const momentForms = `write it as 2026-03-29, "2026-03-29 02:30", or with a zone as 2026-03-29T02:30:00Z`

// wallLayouts are the forms of a time without a zone.
var wallLayouts = []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime, "2006-01-02T15:04:05"}

// moment reads a time that was given as what: RFC 3339, or a date, or a date
// and a time of day on the host's clock. A date alone is its midnight.
func moment(what, text string) (time.Time, error) {
	if t, ok := withZone(text); ok {
		return t, nil
	}
	for _, layout := range wallLayouts {
		if wall, err := time.Parse(layout, text); err == nil {
			return onClock(wall, time.Local), nil
		}
	}
	return time.Time{}, notTime(what, text, momentForms)
}

// withZone reads a time that says its zone: as RFC 3339, or without the seconds.
func withZone(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// notTime is the error about a time that could not be read: what is wrong with
// its numbers, else the forms that a time may have.
func notTime(what, text, forms string) error {
	sentence := fmt.Sprintf("%s %q is not a time", what, text)
	if why := schedule.NoSuchTime(text); why != "" {
		return usage(sentence+": "+why, forms)
	}
	return usage(sentence, forms)
}

// onClock is when the clock of a zone shows wall (written as if it were UTC):
// the first time where it does so twice, and where it never does, because a
// change skips it, the moment of that change: what cron has due then starts
// there.
func onClock(wall time.Time, loc *time.Location) time.Time {
	t := wall.Add(-26 * time.Hour).In(loc) // no clock is further ahead
	for {
		start, end := t.ZoneBounds()
		_, offset := t.Zone()
		found := wall.Add(-time.Duration(offset) * time.Second).In(loc)
		if !start.IsZero() && found.Before(start) {
			return start
		}
		if end.IsZero() || found.Before(end) || !end.After(t) {
			return found
		}
		t = end
	}
}
