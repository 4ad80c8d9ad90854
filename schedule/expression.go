package schedule

import (
	"slices"
	"strings"
	"time"
)

// The years that cronexpr knows; a search has to end somewhere.
const (
	firstYear = 1970
	lastYear  = 2099
)

// daySet holds days of a month, bits 1 to 31.
type daySet = set

// expression is a parsed cron expression: a set of wall-clock seconds, without
// a zone. It does not change once it is made.
type expression struct {
	times                 timesOfDay
	daysOfMonth           daySet
	months                set
	daysOfWeek            set // 0 is Sunday
	extraMonth, extraWeek *shapes
	// what these two are made of, as cronexpr has it
	extraDaysOfMonth, extraDaysOfWeek []string
	// both says that a day must be in both day fields, not just in one.
	both  bool
	years []int // in order; nil: all
	// begin and end (not part of it) are of the time that years allows.
	begin, end time.Time
	// fixed says that the entry means a time of day, which daylight saving
	// neither drops nor repeats: neither minute nor hour starts with *.
	fixed bool
}

// newExpression reads seven fields in lower case.
func newExpression(words []string) (*expression, *Error) {
	e := &expression{
		fixed: !isStar(words[1]) && !isStar(words[2]),
		// crontab(5): either day field will do if both are restricted, that
		// is, do not start with *.
		both: isStar(words[3]) || isStar(words[5]),
	}
	if err := e.readFields(words); err != nil {
		return nil, err
	}
	if err := e.readYears(words[6]); err != nil {
		return nil, err
	}
	if e.next(e.begin, e.end).IsZero() {
		return nil, refuse("use L for the last day of a month", "it names a date that never comes")
	}
	return e, nil
}

func isStar(word string) bool {
	return strings.HasPrefix(word, "*") || strings.HasPrefix(word, "?")
}

func (e *expression) readFields(words []string) *Error {
	var clock clockFields
	var extras [6][]string
	for i, target := range []struct {
		field *field
		set   *set
	}{
		{&seconds, &clock.seconds}, {&minutes, &clock.minutes}, {&hours, &clock.hours},
		{&daysOfMonth, &e.daysOfMonth}, {&months, &e.months}, {&daysOfWeek, &e.daysOfWeek},
	} {
		var err *Error
		if extras[i], err = target.field.parse(words[i], func(v int) { *target.set |= 1 << v }); err != nil {
			return err
		}
	}
	e.times, e.extraDaysOfMonth, e.extraDaysOfWeek = &clock, extras[3], extras[5]
	e.daysOfWeek = (e.daysOfWeek | e.daysOfWeek>>7) & 0x7f // 7 is Sunday as well
	var err *Error
	if e.extraMonth, err = askCronexpr("0 0 %s * *", extras[3]); err != nil {
		return err
	}
	e.extraWeek, err = askCronexpr("0 0 * * %s", extras[5])
	return err
}

func (e *expression) readYears(word string) *Error {
	first, last := firstYear, lastYear
	if word != "*" && word != "?" {
		var named [lastYear + 1]bool
		if _, err := years.parse(word, func(v int) { named[v] = true }); err != nil {
			return err
		}
		for year, ok := range named {
			if ok {
				e.years = append(e.years, year)
			}
		}
		first, last = e.years[0], e.years[len(e.years)-1]
	}
	e.begin = time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC)
	e.end = time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC)
	return nil
}

// next is the first second of the expression that is not before from, which is
// a whole second, and is before end; else the zero time. Wall-clock times are
// written as if they were UTC.
func (e *expression) next(from, end time.Time) time.Time {
	from, end = e.within(from, end)
	year, month, day := from.Date()
	second, today := e.times.from(secondOf(from))
	if !today {
		day++
	}
	date := e.nextDay(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC), day, end)
	if date.IsZero() {
		return date
	}
	if !today || date.After(from) {
		second, _ = e.times.from(0)
	}
	t := date.Add(time.Duration(second) * time.Second)
	if !t.Before(end) {
		return time.Time{}
	}
	return t
}

// count is how many seconds of the expression are not before from and before
// end, both whole seconds.
func (e *expression) count(from, end time.Time) int {
	from, end = e.within(from, end)
	if !from.Before(end) {
		return 0
	}
	first, last := midnight(from), midnight(end)
	n := e.daysBetween(first, last) * e.times.before(day)
	if e.daysBetween(first, first.AddDate(0, 0, 1)) > 0 {
		n -= e.times.before(secondOf(from))
	}
	if second := secondOf(end); second > 0 && e.daysBetween(last, last.AddDate(0, 0, 1)) > 0 {
		n += e.times.before(second)
	}
	return n
}

// within cuts off the time that no year of the expression holds.
func (e *expression) within(from, end time.Time) (time.Time, time.Time) {
	if from.Before(e.begin) {
		from = e.begin
	}
	if end.After(e.end) {
		end = e.end
	}
	return from, end
}

func midnight(wall time.Time) time.Time {
	year, month, day := wall.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// daysBetween is how many days match from first on and before end, which are
// both midnights.
func (e *expression) daysBetween(first, end time.Time) (n int) {
	month := time.Date(first.Year(), first.Month(), 1, 0, 0, 0, 0, time.UTC)
	for from := first.Day(); month.Before(end); month, from = e.nextMonth(month), 1 {
		days := e.days(month).from(from)
		if month.Year() == end.Year() && month.Month() == end.Month() {
			days = days.before(end.Day())
		}
		n += days.len()
	}
	return n
}

// nextDay is midnight of the first matching day before end, from that day of
// the month that begins at month on, or the zero time. The day may be one past
// the end of its month.
func (e *expression) nextDay(month time.Time, day int, end time.Time) time.Time {
	for month.Before(end) {
		if days := e.days(month).from(day); days != 0 {
			return month.AddDate(0, 0, days.first()-1)
		}
		month, day = e.nextMonth(month), 1
	}
	return time.Time{}
}

// nextMonth leaves out those that are not in the expression.
func (e *expression) nextMonth(month time.Time) time.Time {
	if rest := e.months.from(int(month.Month()) + 1); rest != 0 {
		return time.Date(month.Year(), time.Month(rest.first()), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(month.Year()+1, time.Month(e.months.first()), 1, 0, 0, 0, 0, time.UTC)
}

// days are the matching days of the month that begins at first.
func (e *expression) days(first time.Time) daySet {
	if !e.months.has(int(first.Month())) || !e.inYear(first.Year()) {
		return 0
	}
	length := monthLength(first)
	inMonth, inWeek := e.daysOfMonth, everyWeek(e.daysOfWeek, first.Weekday())
	shape := shapeOf(first.Weekday(), length)
	if e.extraMonth != nil {
		inMonth |= e.extraMonth[shape]
	}
	if e.extraWeek != nil {
		inWeek |= e.extraWeek[shape]
	}
	all := daySet(1)<<(length+1) - 2
	if e.both {
		return inMonth & inWeek & all
	}
	return (inMonth | inWeek) & all
}

func monthLength(first time.Time) int {
	switch year := first.Year(); first.Month() {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

// everyWeek repeats days of the week over a month that begins with first.
func everyWeek(week set, first time.Weekday) daySet {
	begin := (week>>first | week<<(7-first)) & 0x7f
	return begin * (1 | 1<<7 | 1<<14 | 1<<21 | 1<<28) << 1
}

func (e *expression) inYear(year int) bool {
	return e.years == nil || slices.Contains(e.years, year)
}
