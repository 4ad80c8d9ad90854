package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// dated is how people write a date, a time of day, or both.
var dated = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]|$))?(?:(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?)?`)
})

// NoSuchTime says why a text that is written as a date, a time of day or both is
// none: "February 2027 has 28 days". "" where nothing is wrong with its numbers,
// or it is no such text.
func NoSuchTime(text string) string {
	parts := dated().FindStringSubmatch(text)
	if parts == nil || parts[0] == "" {
		return ""
	}
	var n [7]int
	for i, part := range parts[1:] {
		n[i+1], _ = strconv.Atoi(part)
	}
	if parts[1] != "" {
		if why := noSuchDay(n[1], n[2], n[3]); why != "" {
			return why
		}
	}
	switch {
	case n[4] == 24:
		return "there is no hour 24: midnight is 00:00"
	case n[4] > 23:
		return fmt.Sprintf("there is no hour %d", n[4])
	case n[5] > 59:
		return fmt.Sprintf("there is no minute %d", n[5])
	case n[6] > 59:
		return fmt.Sprintf("there is no second %d", n[6])
	}
	for i, part := range parts[2:] {
		if len(part) == 1 && i+2 != 4 { // 2:30 is read
			return fmt.Sprintf("its %q wants two digits: %02d", part, n[i+2])
		}
	}
	return ""
}

func noSuchDay(year, month, day int) string {
	if month < 1 || month > 12 {
		return fmt.Sprintf("there is no month %d", month)
	}
	first := time.Date(year, time.Month(month), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	switch {
	case day == 0:
		return "there is no day 0"
	case day > last:
		return fmt.Sprintf("%s has %d days", first.Format("January 2006"), last)
	}
	return ""
}
