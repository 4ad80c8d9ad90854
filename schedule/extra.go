package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/cronexpr"
)

// crontab(5) does not know L, W and #. They mean what cronexpr makes of them,
// so it is asked; everything else it is not asked, because it silently drops
// Sundays from ranges, reads 05 as Sunday and reversed ranges as nothing, and
// because its Next must not be called from two goroutines.

// extra recognizes an item of a day field that crontab(5) does not know, and
// gives it in the form that cronexpr reads rightly.
func (f *field) extra(item string) (canonical string, ok bool) {
	switch f {
	case &daysOfMonth:
		return extraDayOfMonth(item)
	case &daysOfWeek:
		return extraDayOfWeek(item)
	}
	return "", false
}

// extraDayOfMonth recognizes l, lw and 15w.
func extraDayOfMonth(item string) (string, bool) {
	if item == "l" || item == "lw" {
		return item, true
	}
	day, isWorkday := strings.CutSuffix(item, "w")
	n, ok := number(day)
	if !isWorkday || !ok || n < daysOfMonth.min || n > daysOfMonth.max {
		return "", false
	}
	return fmt.Sprintf("%dw", n), true
}

// extraDayOfWeek recognizes 5l, the last Friday, and 5#2, the second.
func extraDayOfWeek(item string) (string, bool) {
	day, week, nth := strings.Cut(item, "#")
	suffix := "l"
	if nth {
		if len(week) != 1 || week < "1" || week > "5" {
			return "", false
		}
		suffix = "#" + week
	} else if day, nth = strings.CutSuffix(item, "l"); !nth {
		return "", false
	}
	n, err := daysOfWeek.value(day)
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("%d%s", n%7, suffix), true
}

// A month has one of 28 shapes: which days it has depends on its length and
// its first day's weekday alone. So cronexpr is asked once, when an expression
// is parsed, and never while jobs wait.
type shapes [28]daySet

func shapeOf(first time.Weekday, length int) int { return int(first)*4 + length - 28 }

// askCronexpr gives the days of each shape of month that the items name; nil
// when there are none. Each item names one day of a month at most, and is asked
// about alone: cronexpr is slow with many.
func askCronexpr(format string, items []string) (*shapes, *Error) {
	if len(items) == 0 {
		return nil, nil
	}
	slices.Sort(items)
	var asked []*cronexpr.Expression
	for _, item := range slices.Compact(items) {
		e, err := cronexpr.Parse(fmt.Sprintf(format, item))
		if err != nil {
			return nil, refuse("", "cronexpr does not take %q: %v", item, err)
		}
		asked = append(asked, e)
	}
	return dayOfEachShape(asked), nil
}

// dayOfEachShape finds a month of each shape: all occur within the 28 years that
// the calendar takes to repeat.
func dayOfEachShape(asked []*cronexpr.Expression) *shapes {
	table, known := new(shapes), [len(shapes{})]bool{}
	for month := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); month.Year() < 2028; month = month.AddDate(0, 1, 0) {
		shape := shapeOf(month.Weekday(), monthLength(month))
		if known[shape] {
			continue
		}
		known[shape] = true
		for _, e := range asked {
			if t := e.Next(month.Add(-time.Second)); t.Month() == month.Month() && t.Year() == month.Year() {
				table[shape] |= 1 << t.Day()
			}
		}
	}
	return table
}
