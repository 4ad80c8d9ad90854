package schedule_test

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"
)

var (
	monthNames = strings.Fields("January February March April May June July August September October November December")
	dayNames   = strings.Fields("Sunday Monday Tuesday Wednesday Thursday Friday Saturday")
)

// drawEntry draws five fields, or now and then an interval of whole minutes.
func drawEntry(t *rapid.T) entry {
	if rapid.IntRange(0, 9).Draw(t, "kind") == 0 {
		return entry{every: 60 * drawInterval(t, 24*60)}
	}
	return drawFields(t)
}

// drawFields draws mostly frequent times of day, so that a few days show much.
func drawFields(t *rapid.T) entry {
	return entry{fields: [5][]item{
		drawList(t, "minute", 0, 59, 59, nil, nil),
		drawList(t, "hour", 0, 23, 23, nil, nil),
		drawList(t, "day of month", 1, 31, 31, nil, drawDayOfMonth),
		drawList(t, "month", 1, 12, 12, monthNames, nil),
		drawList(t, "day of week", 0, 7, 6, dayNames, drawDayOfWeek),
	}}
}

// drawInterval draws small ones as often as large ones.
func drawInterval(t *rapid.T, longest int) int {
	most := rapid.SampledFrom([]int{10, 100, longest}).Draw(t, "longest interval")
	return rapid.IntRange(1, min(most, longest)).Draw(t, "interval")
}

// onMostDays makes an entry due in every month, and mostly every day.
func onMostDays(t *rapid.T, e entry) entry {
	e.fields[3] = []item{always("*")}
	if rapid.IntRange(0, 2).Draw(t, "every day") > 0 {
		e.fields[2], e.fields[4] = e.fields[3], e.fields[3]
	}
	return e
}

// drawWithSeconds draws seven fields around a year, or an interval.
func drawWithSeconds(t *rapid.T, year int) entry {
	if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
		return entry{every: drawInterval(t, 24*60*60)}
	}
	e := onMostDays(t, drawFields(t))
	e.seconds = drawList(t, "second", 0, 59, 59, nil, nil)
	e.years = []item{rapid.SampledFrom([]item{
		always("*"), always("?"),
		{fmt.Sprint(year), func(v int, _ time.Time) bool { return v == year }},
		{fmt.Sprintf("%d-%d", year-2, year-1), func(v int, _ time.Time) bool { return v == year-2 || v == year-1 }},
	}).Draw(t, "years")}
	return e
}

func drawList(t *rapid.T, label string, low, high, top int, names []string, special func(*rapid.T) item) []item {
	if rapid.IntRange(0, 2).Draw(t, label+" every") == 0 {
		return []item{always(rapid.SampledFrom([]string{"*", "?"}).Draw(t, label+" star"))}
	}
	items := make([]item, rapid.IntRange(1, 3).Draw(t, label+" items"))
	for i := range items {
		if special != nil && rapid.IntRange(0, 3).Draw(t, label+" special") == 0 {
			items[i] = special(t)
			continue
		}
		items[i] = drawItem(t, label, low, high, top, names)
	}
	return items
}

func always(text string) item {
	return item{text, func(int, time.Time) bool { return true }}
}

// drawItem draws 5, 5-10, *, each perhaps with a step.
func drawItem(t *rapid.T, label string, low, high, top int, names []string) item {
	write := func(value int) string {
		if names != nil && value <= top && rapid.Bool().Draw(t, label+" named") {
			name := names[value-low]
			return rapid.SampledFrom([]string{name, name[:3], strings.ToLower(name[:3]), strings.ToUpper(name)}).Draw(t, label+" name")
		}
		return fmt.Sprintf(rapid.SampledFrom([]string{"%d", "%02d"}).Draw(t, label+" digits"), value)
	}
	from := rapid.IntRange(low, high).Draw(t, label+" from")
	to := rapid.IntRange(from, high).Draw(t, label+" to")
	step := rapid.IntRange(1, top-low+1).Draw(t, label+" step")
	stepped := func(from, to, step int) func(int, time.Time) bool {
		return func(v int, _ time.Time) bool { return v >= from && v <= to && (v-from)%step == 0 }
	}
	switch rapid.IntRange(0, 5).Draw(t, label+" form") {
	case 0:
		return item{fmt.Sprintf("*/%d", step), stepped(low, top, step)}
	case 1:
		return item{fmt.Sprintf("%s-%s/%d", write(from), write(to), step), stepped(from, to, step)}
	case 2:
		from = min(from, top)
		return item{fmt.Sprintf("%s/%d", write(from), step), stepped(from, top, step)}
	case 3:
		return item{fmt.Sprintf("%s-%s", write(from), write(to)), stepped(from, to, 1)}
	}
	return item{write(from), stepped(from, from, 1)}
}

func lastDay(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWorkday is the day from Monday to Friday nearest to the target, within
// its month.
func nearestWorkday(target int, day time.Time) int {
	for _, away := range []int{0, -1, 1, -2, 2} {
		d := target + away
		if d < 1 || d > lastDay(day) {
			continue
		}
		if w := day.AddDate(0, 0, d-day.Day()).Weekday(); w != time.Saturday && w != time.Sunday {
			return d
		}
	}
	panic("a week without a workday")
}

func drawDayOfMonth(t *rapid.T) item {
	n := rapid.IntRange(1, 31).Draw(t, "workday")
	return rapid.SampledFrom([]item{
		{"L", func(v int, day time.Time) bool { return v == lastDay(day) }},
		{"LW", func(v int, day time.Time) bool { return v == nearestWorkday(lastDay(day), day) }},
		{fmt.Sprintf("%dW", n), func(v int, day time.Time) bool {
			return n <= lastDay(day) && v == nearestWorkday(n, day)
		}},
	}).Draw(t, "special day of month")
}

func drawDayOfWeek(t *rapid.T) item {
	n, week := rapid.IntRange(0, 7).Draw(t, "weekday"), rapid.IntRange(1, 5).Draw(t, "week")
	return rapid.SampledFrom([]item{
		{fmt.Sprintf("%dL", n), func(v int, day time.Time) bool {
			return v == n && day.Day()+7 > lastDay(day)
		}},
		{fmt.Sprintf("%02d#%d", n, week), func(v int, day time.Time) bool {
			return v == n && (day.Day()+6)/7 == week
		}},
	}).Draw(t, "special day of week")
}
