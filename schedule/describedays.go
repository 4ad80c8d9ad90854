package schedule

import (
	"fmt"
	"slices"
	"strings"
)

// describeDays says on which days, with a space in front; restricted, that the
// words are about days, and not just about months.
func (e *expression) describeDays() (words string, restricted, ok bool) {
	anyOfMonth, anyOfWeek := e.daysOfMonth == 1<<32-2, e.daysOfWeek == 1<<7-1
	months, ok := describeMonths(e.months)
	if !ok {
		return "", false, false
	}
	switch {
	case anyOfMonth && anyOfWeek, !e.both && (anyOfMonth || anyOfWeek):
		return in(months), false, true
	case anyOfMonth:
		words, ok = e.describeWeekdays(months)
	case anyOfWeek:
		words, ok = e.describeDates(months)
	case e.both || months != "":
		return "", false, false
	default: // either will do
		dates, datesOK := e.describeDates("")
		weekdays, weekdaysOK := e.describeWeekdays("")
		words, ok = dates+" and also"+weekdays, datesOK && weekdaysOK
	}
	return words, true, ok
}

// describeMonths gives "" for all of them.
func describeMonths(all set) (string, bool) {
	if all == 1<<13-2 {
		return "", true
	}
	var names []string
	for rest := all; rest != 0; rest &= rest - 1 {
		names = append(names, capital(months.names[rest.first()-1]))
	}
	return listOrRun(names, isRun(all))
}

func in(months string) string {
	if months == "" {
		return ""
	}
	return " in " + months
}

func of(months string) string {
	if months == "" {
		return " of every month"
	}
	return " of " + months
}

// describeDates is about days of the month.
func (e *expression) describeDates(months string) (string, bool) {
	if len(e.extraDaysOfMonth) > 0 {
		special := map[string]string{"l": " on the last day", "lw": " on the last weekday"}[e.extraDaysOfMonth[0]]
		return special + of(months), special != "" && len(e.extraDaysOfMonth) == 1 && e.daysOfMonth == 0
	}
	var days []string
	last := 0
	for rest := e.daysOfMonth; rest != 0; rest &= rest - 1 {
		last = rest.first()
		days = append(days, ordinal(last))
	}
	inEach := last <= 28 || months != "" && e.haveDay(last)
	if !inEach && (len(days) > 1 || months != "") {
		return "", false
	}
	words, ok := listOrRun(days, isRun(e.daysOfMonth))
	words = " on the " + strings.Replace(words, " to ", " to the ", 1) + of(months)
	if !inEach {
		words += " that has it"
	}
	return words, ok
}

// haveDay says whether all months of the expression have that day, February
// its 29th.
func (e *expression) haveDay(day int) bool {
	short := set(1<<4 | 1<<6 | 1<<9 | 1<<11)
	return day <= 29 || !e.months.has(2) && (day == 30 || e.months&short == 0)
}

// describeWeekdays is about days of the week.
func (e *expression) describeWeekdays(months string) (string, bool) {
	if len(e.extraDaysOfWeek) > 0 {
		words, ok := describeNth(e.extraDaysOfWeek[0])
		return words + of(months), ok && len(e.extraDaysOfWeek) == 1 && e.daysOfWeek == 0
	}
	first := 1 // the week begins with Monday, unless there is one run over its end
	if week := e.daysOfWeek; week.has(0) && week.has(1) && isRun(^week&0x7f) {
		for first = 6; week.has(first); first-- {
		}
		first++
	}
	var names []string
	run := true
	for i := range 7 {
		if day := (first + i) % 7; e.daysOfWeek.has(day) {
			names = append(names, weekday(day))
			run = run && (len(names) == 1 || e.daysOfWeek.has((day+6)%7))
		}
	}
	words, ok := listOrRun(names, run)
	return " on " + words + in(months), ok
}

// describeNth is about 5l and 5#2.
func describeNth(extra string) (string, bool) {
	day := weekday(int(extra[0] - '0'))
	if extra[1] == 'l' {
		return " on the last " + day, true
	}
	n := int(extra[2] - '1')
	if n == 4 {
		return "", false // not every month has a fifth
	}
	return " on the " + []string{"first", "second", "third", "fourth"}[n] + " " + day, true
}

func describeYears(years []int) (string, bool) {
	if len(years) == 0 {
		return "", true
	}
	var numbers []string
	for _, year := range years {
		numbers = append(numbers, fmt.Sprint(year))
	}
	words, ok := listOrRun(numbers, years[len(years)-1]-years[0] == len(years)-1)
	return ", in " + words, ok
}

// listOrRun joins the words for what may be a run of days or months.
func listOrRun(words []string, run bool) (string, bool) {
	if run && len(words) > 2 {
		return words[0] + " to " + words[len(words)-1], true
	}
	return list(words), len(words) <= maxListed
}

// isRun says whether the numbers of a set follow each other.
func isRun(s set) bool {
	return s != 0 && (s>>s.first())&(s>>s.first()+1) == 0
}

func ordinal(n int) string {
	suffix := "th"
	if i := slices.Index([]int{1, 2, 3}, n%10); i >= 0 && n/10 != 1 {
		suffix = []string{"st", "nd", "rd"}[i]
	}
	return fmt.Sprint(n) + suffix
}

func weekday(n int) string { return capital(daysOfWeek.names[n]) }

func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
