package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The oracle: an expression that is drawn as values, not as text, and asked
// about every single minute or second of real time. Written from crontab(5) and
// from what cronie does when the clock changes; it shares nothing with the
// package.

// item is one item of a list; contains is its meaning.
type item struct {
	text     string
	contains func(value int, day time.Time) bool
}

type entry struct {
	fields [5][]item // minute, hour, day of month, month, day of week
	// seconds and years are there or left out together.
	seconds, years []item
	every          int // seconds; 0: by the fields
}

func (e entry) String() string {
	if e.every > 0 {
		return "@every " + (time.Duration(e.every) * time.Second).String()
	}
	fields := e.fields[:]
	if e.seconds != nil {
		fields = slices.Concat([][]item{e.seconds}, fields, [][]item{e.years})
	}
	var words []string
	for _, items := range fields {
		words = append(words, text(items))
	}
	return strings.Join(words, " ")
}

func text(items []item) string {
	var words []string
	for _, it := range items {
		words = append(words, it.text)
	}
	return strings.Join(words, ",")
}

func starred(items []item) bool { return strings.ContainsAny(items[0].text[:1], "*?") }

// fixed says whether the entry is about times of day.
func (e entry) fixed() bool {
	if e.every > 0 {
		return e.every > 3600
	}
	return !starred(e.fields[0]) && !starred(e.fields[1])
}

func in(items []item, value int, day time.Time) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.contains(value, day) })
}

// onDay says whether any time of that day can be due.
func (e entry) onDay(day time.Time) bool {
	if e.every > 0 {
		return true
	}
	dates, weekdays := e.fields[2], e.fields[4]
	inMonth := in(dates, day.Day(), day)
	inWeek := in(weekdays, int(day.Weekday()), day) || day.Weekday() == time.Sunday && in(weekdays, 7, day)
	match := inMonth && inWeek
	if !starred(dates) && !starred(weekdays) {
		match = inMonth || inWeek
	}
	return match && in(e.fields[3], int(day.Month()), day) && (e.years == nil || in(e.years, day.Year(), day))
}

func (e entry) matches(wall time.Time) bool {
	switch {
	case e.every > 0:
		return (wall.Hour()*3600+wall.Minute()*60+wall.Second())%e.every == 0
	case e.seconds == nil && wall.Second() != 0, e.seconds != nil && !in(e.seconds, wall.Second(), wall):
		return false
	}
	return in(e.fields[0], wall.Minute(), wall) && in(e.fields[1], wall.Hour(), wall) && e.onDay(wall)
}

// tick is a moment of real time, with what the clock on the wall shows then.
type tick struct{ real, wall time.Time }

func ticks(from, to time.Time, step time.Duration, loc *time.Location) []tick {
	var all []tick
	for u := from; !u.After(to); u = u.Add(step) {
		all = append(all, tick{u, wallClock(u, loc)})
	}
	return all
}

// instants lists those ticks but the first at which the entry is due.
func (e entry) instants(all []tick) []time.Time {
	step := all[1].real.Sub(all[0].real)
	var due []time.Time
	var repeated time.Time
	for i, now := range all[1:] {
		before := all[i].wall
		yes := e.matches(now.wall)
		jump := now.wall.Sub(before) - step
		if e.fixed() && jump > 0 && jump < 3*time.Hour {
			for w := before.Add(step); w.Before(now.wall); w = w.Add(step) {
				yes = yes || e.matches(w)
			}
		}
		if jump < 0 && jump > -3*time.Hour {
			repeated = before.Add(step)
		}
		if yes && (!e.fixed() || !now.wall.Before(repeated)) {
			due = append(due, now.real)
		}
	}
	return due
}

// wallClock is what a clock on the wall shows, written as UTC.
func wallClock(t time.Time, loc *time.Location) time.Time {
	_, offset := t.In(loc).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

func firstDifference(got, want []time.Time) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "got none, want " + want[i].String()
		case i >= len(want):
			return "got " + got[i].String() + ", want none"
		case !got[i].Equal(want[i]):
			return fmt.Sprintf("got %v, want %v", got[i], want[i])
		}
	}
	return ""
}
