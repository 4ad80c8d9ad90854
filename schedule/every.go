package schedule

import (
	"strconv"
	"strings"
	"time"
)

// longestWildcard is the longest interval that follows the wall clock through
// its changes. A longer one stands for times of day: once a day must not become
// twice, or never, because midnight is repeated or left out.
const longestWildcard = 3600

// parseEvery reads what follows @every.
func parseEvery(words []string) (*expression, *Error) {
	const hint = "write a duration such as @every 90s, @every 5m or @every 1h30m"
	if len(words) != 1 {
		return nil, refuse(hint, "@every needs one duration, and here are %d", len(words))
	}
	text := words[0]
	seconds, ok := readDuration(text)
	switch {
	case !ok && strings.Trim(text, "0123456789") == "":
		return nil, refuse("write @every "+text+"s for seconds", "%q has no unit", text)
	case !ok:
		return nil, refuse(hint, "%q is not a duration", text)
	case seconds < 1:
		return nil, refuse("the shortest interval is @every 1s", "%q is less than a second", text)
	case seconds > day:
		return nil, refuse("choose the days instead: 0 0 * * 1 is each Monday, 0 0 1 * * each first of a month",
			"%q is more than a day, and @every counts from midnight", text)
	case seconds != float64(int(seconds)):
		return nil, refuse("write whole seconds", "%q is not a whole number of seconds", text)
	}
	return everyDay(interval(seconds)), nil
}

// everyDay is due at the same times each day.
func everyDay(i interval) *expression {
	return &expression{
		times: i, fixed: i > longestWildcard, both: true,
		daysOfMonth: 1<<32 - 2, months: 1<<13 - 2, daysOfWeek: 1<<7 - 1,
		begin: time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC),
		end:   time.Date(lastYear+1, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// readDuration adds up numbers with units, the larger ones first and each at
// most once, as the durations of job options are written: "1h30m".
func readDuration(text string) (seconds float64, ok bool) {
	units, factors := "dhms", []float64{day, 3600, 60, 1}
	for text != "" {
		i := strings.IndexAny(text, units)
		if i < 1 || strings.Trim(text[:i], "0123456789.") != "" {
			return 0, false
		}
		n, err := strconv.ParseFloat(text[:i], 64)
		if err != nil {
			return 0, false
		}
		unit := strings.IndexByte(units, text[i])
		seconds += n * factors[unit]
		text, units, factors, ok = text[i+1:], units[unit+1:], factors[unit+1:], true
	}
	return seconds, ok
}
