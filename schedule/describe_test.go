package schedule_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"slavedriver/schedule"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ exprs, want string }{
		{"30 2 * * *", "at 02:30 every day"},
		{"*/5 * * * *", "every 5 minutes"},
		{"@every 5m", "every 5 minutes"},
		{"0 6 * * mon-fri", "at 06:00 on Monday to Friday"},
		{"* * * * *", "every minute"},
		{"@hourly", "every hour"},
		{"17 * * * *", "at 17 minutes past every hour"},
		{"1 * * * *", "at 1 minute past every hour"},
		{"0,15,40 * * * *", "at 0, 15 and 40 minutes past every hour"},
		{"2-59/5 * * * *", "every 5 minutes from 00:02 on"},
		{"*/10 9-17 * * 1-5", "every 10 minutes from 09:00 to 17:50 on Monday to Friday"},
		{"*/10 12 * * *", "every 10 minutes from 12:00 to 12:50 every day"},
		{"30 9-17 * * *", "every hour from 09:30 to 17:30 every day"},
		{"0 */2 * * *", "every 2 hours"},
		{"23 */2 * * *", "every 2 hours from 00:23 on"},
		{"23 1/2 * * *", "every 2 hours from 01:23 on"},
		{"23 0-20/2 * * *", "every 2 hours from 00:23 to 20:23 every day"},
		{"0 8,12,18 * * *", "at 08:00, 12:00 and 18:00 every day"},
		{"@weekly", "at 00:00 on Sunday"},
		{"0 3 * * sat,sun", "at 03:00 on Saturday and Sunday"},
		{"0 3 * * fri-sun", "at 03:00 on Friday to Sunday"},
		{"0 3 * * 0-5", "at 03:00 on Sunday to Friday"},
		{"0 3 * * 5,6,0,1", "at 03:00 on Friday to Monday"},
		{"0 3 * * 1,3,5", "at 03:00 on Monday, Wednesday and Friday"},
		{"@monthly", "at 00:00 on the 1st of every month"},
		{"0 0 1,2,3,22 * *", "at 00:00 on the 1st, 2nd, 3rd and 22nd of every month"},
		{"24 0 8-14 * *", "at 00:24 on the 8th to the 14th of every month"},
		{"0 0 31 * *", "at 00:00 on the 31st of every month that has it"},
		{"0 0 30 * *", "at 00:00 on the 30th of every month that has it"},
		{"0 0 29 * *", "at 00:00 on the 29th of every month that has it"},
		{"0 0 30 4,6,9,11 *", "at 00:00 on the 30th of April, June, September and November"},
		{"0 0 31 jan *", "at 00:00 on the 31st of January"},
		{"0 0 29 2 *", "at 00:00 on the 29th of February"},
		{"0 0 L * *", "at 00:00 on the last day of every month"},
		{"0 18 LW 12 *", "at 18:00 on the last weekday of December"},
		{"0 10 * * 1#1", "at 10:00 on the first Monday of every month"},
		{"0 0 * * 5L", "at 00:00 on the last Friday of every month"},
		{"30 4 1,15 * 5", "at 04:30 on the 1st and 15th of every month and also on Friday"},
		{"0 6 * 6-8 *", "at 06:00 every day in June to August"},
		{"*/5 * * 12 *", "every 5 minutes in December"},
		{"0 6 * 6-8 1", "at 06:00 on Monday in June to August"},
		{"30 2 15 6 * 2027-2029", "at 02:30 on the 15th of June, in 2027 to 2029"},
		{"0 0 1 1 * 2027,2031", "at 00:00 on the 1st of January, in 2027 and 2031"},
		{"* * * * * * *", "every second"},
		{"*/10 * * * * * *", "every 10 seconds"},
		{"15 30 2 * * * *", "at 02:30:15 every day"},
		{"0 30 2 * * * *", "at 02:30 every day"},
		{"@every 90s", "every 90 seconds"},
		{"@every 2h", "every 2 hours"},
		{"@every 7m", "every 7 minutes from midnight on"},
		{"@every 12h", "at 00:00 and 12:00 every day"},
		{"0 6 * * 1-5 | 0 8 * * 6", "at 06:00 on Monday to Friday; at 08:00 on Saturday"},
		// No words are clearer than these.
		{"*/7 * * * *", ""},
		{"0,1,2,3,4,40 * * * *", ""},
		{"*/10 1,5 * * *", ""},
		{"0 0 15W * *", ""},
		{"0 0 */2 * 1", ""},
		{"0 0 28-31 * *", ""},
		{"0 0 31 3,4 *", ""},
		{"0 0 30 1,2 *", ""},
		{"0 0 30,31 * *", ""},
		{"0 0 * * 1#5", ""},
		{"0 0 * * 1,5L", ""},
		{"0 0 1,L * *", ""},
		{"0 0 13 6 5", ""},
		{"30 * * * * * *", ""},
		{"10-59/5 * * * * * *", ""},
		{"0 0 1 */2 *", ""},
		{"0 6 * * 1-5 | */7 * * * *", ""},
		{"0 6 * * 1-5 | 0 8 1,15 * * | 30 6 * * sun | 0 9 1,15 jan *", ""}, // too long
		{"x", ""},
		{"", ""},
	} {
		got, ok := schedule.Describe(strings.Split(c.exprs, " | ")...)
		if ok != (c.want != "") || ok && got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.exprs, got, ok, c.want)
		}
	}
	if got, ok := schedule.Describe(); ok {
		t.Errorf("nothing: got %q", got)
	}
}

// TestWordsAreTrue reads the words as a person would and compares them with
// what Next says, for real expressions and for those of the common shapes.
func TestWordsAreTrue(t *testing.T) {
	for _, c := range slices.Concat(realLife, withSeconds) {
		checkWords(t, c.expr)
	}
	for _, minute := range strings.Fields("* */5 2-59/5 */15 */7 0 30 0,30 1,5 5-10") {
		for _, hour := range strings.Fields("* */2 1/2 */6 */5 0-20/2 9-17 9 0,12 8,12,18 1,2,3,4,9") {
			checkWords(t, minute+" "+hour+" * * *")
		}
	}
	for _, date := range strings.Fields("* 1 1,15 8-14 30 31 30,31 */2 1-31 L LW 15W L,1") {
		for _, month := range strings.Fields("* 2 6-8 1,4,7,10 */2") {
			for _, weekday := range strings.Fields("* 1-5 0 sat,sun fri-sun 0,1,5,6 0-7 */2 5L 1#2 1#5 1,5L") {
				checkWords(t, "0 6 "+date+" "+month+" "+weekday)
			}
		}
	}
	checks(t, 100)
	described := 0
	rapid.Check(t, func(t *rapid.T) {
		e := drawFields(t)
		for i := range e.fields { // at most one or two fields are out of the ordinary
			if rapid.IntRange(0, 2).Draw(t, "plain") > 0 {
				e.fields[i] = []item{always("*")}
			}
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			e = entry{every: drawInterval(t, 24*60*60)}
		case 1:
			e.seconds, e.years = drawList(t, "second", 0, 59, 59, nil, nil), []item{always("*")}
		}
		if checkWords(t, e.String()) {
			described++
		}
	})
	if described == 0 {
		t.Error("none had words")
	}
}

// checkWords says whether an expression has words; it skips what is not valid.
func checkWords(t interface {
	Fatalf(format string, args ...any)
}, expr string) bool {
	words, ok := schedule.Describe(expr)
	s, err := schedule.Parse(expr, time.UTC)
	if !ok || err != nil {
		return false
	}
	r := readWords(words)
	if r == nil {
		t.Fatalf("%s: nobody understands %q", expr, words)
	}
	day := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	var times []int // of a day, in seconds
	for next := s.Next(day.Add(-1)); day.Year() < 2030; day = day.AddDate(0, 0, 1) {
		due := !next.IsZero() && next.Before(day.AddDate(0, 0, 1))
		if due != r.onDay(day) {
			t.Fatalf("%s: %q, but on %v it is due: %v", expr, words, day, due)
		}
		if due && times == nil {
			times = timesOn(s, day)
		}
		if due {
			next = s.Next(day.AddDate(0, 0, 1).Add(-1))
		}
	}
	if times != nil && !slices.Equal(times, r.times) {
		t.Fatalf("%s: %q, but the times are %v", expr, words, times)
	}
	return true
}

func timesOn(s schedule.Schedule, day time.Time) (times []int) {
	instants, _ := schedule.Between(s, day.Add(-1), day.AddDate(0, 0, 1).Add(-1), 86400)
	for _, at := range instants {
		times = append(times, int(at.Sub(day)/time.Second))
	}
	return times
}

// reading is what words mean.
type reading struct {
	times []int // seconds of a day
	onDay func(time.Time) bool
}

var sentence = regexp.MustCompile(`^(at .+? past every hour|at [\d:, and]*\d|every (?:\d+ )?(?:second|minute|hour)s?` +
	`(?: from (?:midnight|[\d:]+) on| from [\d:]+ to [\d:]+)?)( every day)?( on .+?)??( in [A-Z][A-Za-z, ]+)?(, in [\d, andto]+)?$`)

func readWords(words string) *reading {
	m := sentence.FindStringSubmatch(words)
	if m == nil {
		return nil
	}
	on, months, years := readDays(m[3]), namesIn(m[4], monthNames, 1), numbersIn(m[5])
	return &reading{readTimes(m[1]), func(day time.Time) bool {
		return on(day) && (months == nil || slices.Contains(months, int(day.Month()))) &&
			(years == nil || slices.Contains(years, day.Year()))
	}}
}

var clocks = regexp.MustCompile(`\d\d:\d\d(:\d\d)?`)

// readTimes lists the seconds of a day.
func readTimes(words string) (times []int) {
	if numbers, past := strings.CutSuffix(words, " past every hour"); past {
		for hour := range 24 {
			for _, minute := range numbersIn(numbers) {
				times = append(times, hour*3600+minute*60)
			}
		}
		return times
	}
	for _, text := range clocks.FindAllString(words, -1) {
		times = append(times, secondsOf(text))
	}
	if strings.HasPrefix(words, "at ") {
		return times
	}
	first, last, step := 0, 86399, stepOf(strings.Fields(words))
	if len(times) > 0 {
		first = times[0]
	}
	if len(times) > 1 {
		last = times[1]
	}
	times = nil
	for t := first; t <= last; t += step {
		times = append(times, t)
	}
	return times
}

// stepOf reads "every 5 minutes" and "every minute".
func stepOf(words []string) int {
	n, unit := 1, words[1]
	if number, err := strconv.Atoi(unit); err == nil {
		n, unit = number, words[2]
	}
	return n * map[string]int{"second": 1, "minute": 60, "hour": 3600}[strings.TrimSuffix(unit, "s")]
}

func secondsOf(clock string) int {
	var h, m, s int
	if n, _ := fmt.Sscanf(clock, "%d:%d:%d", &h, &m, &s); n < 2 {
		panic(clock)
	}
	return h*3600 + m*60 + s
}

// readDays reads " on Monday", " on the 1st of June" and both together.
func readDays(words string) func(time.Time) bool {
	if words == "" {
		return func(time.Time) bool { return true }
	}
	if either := strings.Split(words, " and also"); len(either) == 2 {
		a, b := readDays(either[0]), readDays(either[1])
		return func(day time.Time) bool { return a(day) || b(day) }
	}
	days, months, _ := strings.Cut(words, " of ")
	matches, ofMonth := readDay(days), namesIn(months, monthNames, 1)
	return func(day time.Time) bool {
		return matches(day) && (ofMonth == nil || slices.Contains(ofMonth, int(day.Month())))
	}
}

func readDay(words string) func(time.Time) bool {
	left := func(day time.Time) int { return lastDay(day) - day.Day() }
	numbers, weekdays := numbersIn(words), namesIn(words, dayNames, 0)
	onWeekday := func(day time.Time) bool { return slices.Contains(weekdays, int(day.Weekday())) }
	nth := slices.Index(strings.Fields("first second third fourth last"), strings.Fields(words + " x x")[2])
	switch {
	case words == " on the last day":
		return func(day time.Time) bool { return left(day) == 0 }
	case words == " on the last weekday": // Friday may be followed by a weekend
		return func(day time.Time) bool {
			friday := day.Weekday() == time.Friday
			return day.Weekday() >= 1 && day.Weekday() <= 5 && (left(day) == 0 || friday && left(day) <= 2)
		}
	case nth == 4:
		return func(day time.Time) bool { return onWeekday(day) && left(day) < 7 }
	case nth >= 0:
		return func(day time.Time) bool { return onWeekday(day) && (day.Day()-1)/7 == nth }
	case strings.HasPrefix(words, " on the "):
		return func(day time.Time) bool { return slices.Contains(numbers, day.Day()) }
	}
	return onWeekday
}

var (
	nameOrRun   = regexp.MustCompile(`([A-Z]\w+)(?: to ([A-Z]\w+))?`)
	numberOrRun = regexp.MustCompile(`(\d+)\w*(?: to (?:the )?(\d+))?`)
)

// namesIn finds names, and all that is between two with "to"; the week goes round.
func namesIn(words string, names []string, first int) (found []int) {
	for _, m := range nameOrRun.FindAllStringSubmatch(words, -1) {
		i := slices.Index(names, m[1])
		found = append(found, first+i)
		for m[2] != "" && names[i] != m[2] {
			i = (i + 1) % len(names)
			found = append(found, first+i)
		}
	}
	return found
}

// numbersIn does the same for numbers.
func numbersIn(words string) (found []int) {
	for _, m := range numberOrRun.FindAllStringSubmatch(words, -1) {
		from, _ := strconv.Atoi(m[1])
		to, _ := strconv.Atoi(m[2])
		for n := from; n <= max(from, to); n++ {
			found = append(found, n)
		}
	}
	return found
}
