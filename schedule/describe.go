package schedule

import (
	"fmt"
	"strings"
)

// The most that is said in words: longer lists, and longer sentences, are less
// clear than the expression.
const (
	maxListed    = 4
	maxDescribed = 100 // characters
)

// Describe says in words when expressions are due together: "at 02:30 every
// day", "every 5 minutes", "at 06:00 on Monday to Friday; at 08:00 on Saturday".
// It says false where it has no words that are as clear as the expressions, or
// where one is not valid. Nothing is said about days on which clocks change.
func Describe(exprs ...string) (words string, ok bool) {
	all := make([]string, len(exprs))
	for i, expr := range exprs {
		e, err := cache.get(expr)
		if err != nil {
			return "", false
		}
		if all[i], ok = e.describe(); !ok {
			return "", false
		}
	}
	words = strings.Join(all, "; ")
	return words, ok && len(words) <= maxDescribed
}

func (e *expression) describe() (string, bool) {
	times, often, ok := describeTimes(e.times)
	days, restricted, daysOK := e.describeDays()
	years, yearsOK := describeYears(e.years)
	if !ok || !daysOK || !yearsOK {
		return "", false
	}
	if !restricted && !often {
		days = " every day" + days
	}
	return times + days + years, true
}

// describeTimes says when in a day; often that the words need no "every day".
func describeTimes(times timesOfDay) (words string, often, ok bool) {
	if times.before(day) <= maxListed {
		return "at " + list(clockTimes(times)), false, true
	}
	switch t := times.(type) {
	case interval:
		words = "every " + describeInterval(int(t))
		if day%int(t) != 0 {
			words += " from midnight on"
		}
		return words, true, true
	case *clockFields:
		return t.describe()
	}
	return "", false, false
}

// clockTimes are all times of a day, with seconds where they have any.
func clockTimes(times timesOfDay) (all []string) {
	for second, ok := times.from(0); ok; second, ok = times.from(second + 1) {
		text := clock(second/3600, second/60%60)
		if second%60 != 0 {
			text += fmt.Sprintf(":%02d", second%60)
		}
		all = append(all, text)
	}
	return all
}

func clock(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) }

// describeInterval uses one unit: "90 minutes".
func describeInterval(seconds int) string {
	switch {
	case seconds%3600 == 0:
		return several(seconds/3600, "hour")
	case seconds%60 == 0:
		return several(seconds/60, "minute")
	}
	return several(seconds, "second")
}

// several is what comes after "every": hour, 2 hours.
func several(n int, unit string) string {
	if n == 1 {
		return unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

func (f *clockFields) describe() (words string, often, ok bool) {
	allDay := f.hours == 1<<24-1
	switch {
	case f.seconds != 1: // not just the full minute
		p, ok := progressionOf(f.seconds)
		ok = ok && p.goesRound(60) && p.first == 0 && f.minutes == 1<<60-1 && allDay
		return "every " + several(p.step, "second"), true, ok
	case allDay:
		words, ok = f.describeMinutes()
		return words, true, ok
	case f.minutes.len() == 1:
		return describeHours(f.hours, f.minutes.first())
	}
	minutes, even := progressionOf(f.minutes)
	hours, run := progressionOf(f.hours)
	run = run && (hours.step == 1 || f.hours.len() == 1)
	return fmt.Sprintf("every %s from %s to %s", several(minutes.step, "minute"),
		clock(hours.first, minutes.first), clock(hours.last, minutes.last)), false, run && even && minutes.goesRound(60)
}

// describeMinutes is about the same minutes of every hour.
func (f *clockFields) describeMinutes() (string, bool) {
	p, ok := progressionOf(f.minutes)
	ok = ok && p.goesRound(60)
	switch {
	case ok && p.first == 0:
		return "every " + describeInterval(p.step*60), true
	case f.minutes.len() <= maxListed:
		return f.pastTheHour(), true
	}
	return fmt.Sprintf("every %d minutes from %s on", p.step, clock(0, p.first)), ok
}

// describeHours is about the same minute in more than a few hours.
func describeHours(hours set, minute int) (words string, often, ok bool) {
	p, ok := progressionOf(hours)
	every := "every " + several(p.step, "hour")
	switch {
	case ok && p.goesRound(24) && p.first == 0 && minute == 0:
		return every, true, true
	case ok && p.goesRound(24):
		return every + " from " + clock(p.first, minute) + " on", true, true
	}
	return every + " from " + clock(p.first, minute) + " to " + clock(p.last, minute), false, ok
}

func (f *clockFields) pastTheHour() string {
	var numbers []string
	for m := f.minutes; m != 0; m &= m - 1 {
		numbers = append(numbers, fmt.Sprint(m.first()))
	}
	unit := "minutes"
	if f.minutes == 1<<1 {
		unit = "minute"
	}
	return "at " + list(numbers) + " " + unit + " past every hour"
}

// progression is the numbers from first to last in equal steps.
type progression struct{ first, last, step int }

// progressionOf finds the steps of a set that has such; a single number has
// itself and any step, which is 60 here.
func progressionOf(s set) (p progression, ok bool) {
	p = progression{first: s.first(), last: s.first(), step: 60}
	for rest := s.from(p.first + 1); rest != 0; rest &= rest - 1 {
		step := rest.first() - p.last
		if p.last != p.first && step != p.step {
			return p, false
		}
		p.last, p.step = rest.first(), step
	}
	return p, true
}

// goesRound says whether the steps go on evenly in the next round of the field.
func (p progression) goesRound(size int) bool { return p.last+p.step == size+p.first }

// list joins words: "a", "a and b", "a, b and c".
func list(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
