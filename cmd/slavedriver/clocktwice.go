package main

import (
	"fmt"
	"time"
)

// onClockEach is each time at which the clock of a zone shows wall (written as if it
// were UTC): two where it is set back over that, and where it never does, that of onClock.
func onClockEach(wall time.Time, loc *time.Location) []time.Time {
	first := onClock(wall, loc)
	_, end := first.ZoneBounds()
	if end.IsZero() || !end.After(first) || !wallOf(first).Equal(wall) {
		return []time.Time{first}
	}
	_, offset := end.Zone()
	second := wall.Add(-time.Duration(offset) * time.Second).In(loc)
	if second.Before(end) || !wallOf(second).Equal(wall) {
		return []time.Time{first}
	}
	return []time.Time{first, second}
}

// wallOf is what the clock of t's zone shows, written as if it were UTC.
func wallOf(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// isTwice says whether the clock of t's zone shows what it does at t a second time.
func isTwice(t time.Time) bool { return len(onClockEach(wallOf(t), t.Location())) > 1 }

// oddTime says how a time that was given as what is read, where the host's clock does
// not show it once; "" where it does, where it says its zone, and of a date alone.
func oddTime(what, text string) string {
	for _, layout := range wallLayouts[1:] {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		each := onClockEach(wall, time.Local)
		read := each[0].Format(time.RFC3339)
		switch {
		case len(each) > 1:
			return fmt.Sprintf("%s %q is there twice, since the clock is set back; it is read as the first, %s, and the second is %s", what, text, read, each[1].Format(time.RFC3339))
		case !wallOf(each[0]).Equal(wall):
			return fmt.Sprintf("%s %q is not there, since the clock skips it; it is read as %s", what, text, read)
		}
	}
	return ""
}

// sayOddTime warns of that.
func (c *command) sayOddTime(what, text string) {
	if sentence := oddTime(what, text); sentence != "" {
		complain(c.stderr, "warning", sentence)
	}
}
