package schedule

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"slavedriver/internal/spelling"
)

// maxLength is far longer than any expression with a meaning: one that lists
// every value of every field has some 600 characters.
const maxLength = 1000

// Parse reads one cron expression, in loc's wall clock (nil: the host's zone):
//
//   - the five fields of crontab(5), which mean what they mean there;
//   - six, of which the last is a year (1970 to 2099);
//   - seven, of which the first is seconds and the last a year, or *;
//   - @hourly, @daily or @midnight, @weekly, @monthly, @yearly or @annually;
//   - @every and a duration of whole seconds, from "1s" to "24h".
//
// Beyond crontab(5), ? is *, 5/15 is 5-59/15, full names of days and months are
// taken, and so are L, LW and 15W as a day of month, 5L and 5#2 as a day of
// week. Nothing is due after 2099. Instants are whole seconds, and whole minutes
// where neither seconds nor @every say otherwise.
//
// "@every 5m" is due at 00:00 of each day's wall clock and every five minutes
// on from there, so that it does not drift. Where the interval does not divide
// a day, the last one before midnight is shorter.
//
// When clocks change by less than three hours, cronie's rule holds. Entries
// whose minute and hour both do not start with * are times of day: what the
// change skips is due once, at the first instant after the gap, and what it
// repeats is due the first time only. The others, whatever their seconds are,
// follow the wall clock: they leave out what it skips and repeat what it
// repeats. An @every of more than an hour is of the first kind, a shorter one
// of the second. A larger change corrects the clock; it skips and repeats.
//
// Every error is an *Error.
func Parse(expr string, loc *time.Location) (Schedule, error) {
	if loc == nil {
		loc = time.Local
	}
	e, err := cache.get(expr)
	if err != nil {
		err.Text = expr
		return nil, err
	}
	return &cron{expression: e, loc: loc}, nil
}

// expressions keeps what was parsed, by its text: ten thousand jobs share some
// hundred expressions, and the zone is none of their business.
type expressions struct {
	sync.Mutex
	known map[string]*expression
}

// maxCached bounds the memory of a long-lived process that is given ever new
// expressions.
const maxCached = 20_000

var cache expressions

func (c *expressions) get(text string) (*expression, *Error) {
	c.Lock()
	defer c.Unlock()
	if e := c.known[text]; e != nil {
		return e, nil
	}
	e, err := parse(text)
	if err != nil {
		return nil, err
	}
	if c.known == nil || len(c.known) >= maxCached {
		c.known = map[string]*expression{}
	}
	c.known[text] = e
	return e, nil
}

func parse(text string) (*expression, *Error) {
	if len(text) > maxLength {
		return nil, refuse("give the job several shorter schedules", "it is longer than %d characters", maxLength)
	}
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil, refuse(fieldOrder, "it is empty")
	}
	if err := zoneBefore(words, text); err != nil {
		return nil, err
	}
	if words[0] == "@every" {
		return parseEvery(words[1:])
	}
	if strings.HasPrefix(words[0], "@") {
		plain, err := expandMacro(words)
		if err != nil && len(words) > 1 && isForeign(words[1]) {
			err.Hint = asOptions(strings.Fields(text), 1)
		}
		if err != nil {
			return nil, err
		}
		words = strings.Fields(plain)
	}
	if isCrontabLine(words) {
		return nil, refuse(asOptions(strings.Fields(text), 5), "it goes on after the five fields of a crontab's line")
	}
	words, err := sevenFields(words)
	if err != nil {
		return nil, err
	}
	return newExpression(words)
}

// macros are those that Parse knows.
var macros = []string{"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually", "@every"}

func expandMacro(words []string) (string, *Error) {
	if len(words) > 1 {
		return "", refuse("write "+words[0]+" alone", "nothing can follow a macro, and here %q does", words[1])
	}
	switch words[0] {
	case "@hourly":
		return "0 * * * *", nil
	case "@daily", "@midnight":
		return "0 0 * * *", nil
	case "@weekly":
		return "0 0 * * 0", nil
	case "@monthly":
		return "0 0 1 * *", nil
	case "@yearly", "@annually":
		return "0 0 1 1 *", nil
	case "@reboot":
		return "", refuse("start it from the system: a systemd unit, or an @reboot line in the crontab itself",
			"@reboot is not a time")
	}
	near := spelling.Nearest(words[0], macros)
	if strings.HasPrefix(near, words[0]) || near != "" && spelling.Distance(near, words[0]) <= 2 { // @minutely is no @monthly
		return "", refuse("did you mean "+near+"?", "there is no macro %q", words[0])
	}
	last := len(macros) - 1
	return "", refuse("there are "+strings.Join(macros[:last], ", ")+" and "+macros[last], "there is no macro %q", words[0])
}

const fieldOrder = "the fields are: minute, hour, day of month, month, day of week, and perhaps a year; " +
	"or all of these with the second in front"

// sevenFields adds the seconds and the year where they are left out, and
// refuses what is read differently by different crons.
func sevenFields(words []string) ([]string, *Error) {
	switch n := len(words); {
	case n < 5:
		return nil, refuse(fieldOrder, "it has %d of the five fields", n)
	case n == 5:
		return append(append([]string{"0"}, words...), "*"), nil
	case n == 6 && isYear(words[5]):
		return append([]string{"0"}, words...), nil
	case n == 6 && isUser(words[5]):
		return nil, refuse(fmt.Sprintf("/etc/crontab has a user there: user = %q is an option of the job", words[5]),
			"the sixth field would be the year, and %q is none", words[5])
	case n == 6:
		return nil, ambiguous(words)
	case n > 7:
		return nil, refuse(fieldOrder, "it has %d fields, and there are seven at most", n)
	}
	return words, nil
}

// isYear says whether a sixth field can only be meant as one: a * could as
// well be the day of week of an expression that begins with seconds.
func isYear(word string) bool {
	return len(word) >= 4 && strings.Trim(word[:4], "0123456789") == ""
}

// isUser says whether a sixth field can only be meant as the name of a user: a
// day of week would be the last field of an expression that begins with seconds.
func isUser(word string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	if len(word) < 3 || !strings.ContainsRune(letters, rune(word[0])) || strings.Trim(word, letters+"0123456789-") != "" {
		return false
	}
	_, err := daysOfWeek.parse(word, func(int) {})
	return err != nil && !slices.ContainsFunc(daysOfWeek.names, func(day string) bool { return strings.HasPrefix(word, day[:3]) })
}

// ambiguous tells how to write each of the two things that six fields may mean.
func ambiguous(words []string) *Error {
	withSeconds, withYear := strings.Join(words, " ")+" *", strings.Join(words[:5], " ")
	if words[0] == "0" {
		withSeconds = strings.Join(words[1:], " ")
	}
	if _, err := parse(withSeconds); err != nil {
		withSeconds = "a seventh for the year, or *"
	}
	if _, err := parse(withYear); err != nil || !isStar(words[5]) {
		withYear = "it with four digits"
	}
	return refuse("if the first is the second, write "+withSeconds+"; if the last is the year, write "+withYear,
		"six fields are ambiguous: the last one would be the year, and %q is none", words[5])
}
