package schedule

import (
	"strings"
	"sync"
	"time"
)

// maxLength is far longer than any expression with a meaning: one that lists
// every value of every field has some 400 characters.
const maxLength = 1000

// Parse reads one cron expression: the five fields of crontab(5), a sixth that
// is a year (1970 to 2099), or a macro such as @daily. It means what it would
// mean there, in loc's wall clock (nil: the host's zone). Beyond crontab(5), ?
// is *, 5/15 is 5-59/15, full names of days and months are taken, and so are L,
// LW and 15W as a day of month, 5L and 5#2 as a day of week. Nothing is due
// after 2099. Every error is an *Error.
func Parse(expr string, loc *time.Location) (Schedule, error) {
	if loc == nil {
		loc = time.Local
	}
	e, err := cache.get(expr)
	if err != nil {
		err.Expr = expr
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
	if len(words) > 0 && strings.HasPrefix(words[0], "@") {
		plain, err := expandMacro(words)
		if err != nil {
			return nil, err
		}
		words = strings.Fields(plain)
	}
	if err := checkCount(words); err != nil {
		return nil, err
	}
	return newExpression(words)
}

func expandMacro(words []string) (string, *Error) {
	if words[0] == "@every" {
		return "", refuse("write */5 * * * * for every five minutes", "@every is not supported yet")
	}
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
	return "", refuse("there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually",
		"there is no macro %q", words[0])
}

const fieldOrder = "the fields are: minute, hour, day of month, month, day of week, and perhaps a year"

// checkCount refuses the forms that are read differently by different crons.
func checkCount(words []string) *Error {
	switch n := len(words); {
	case n == 0:
		return refuse(fieldOrder, "it is empty")
	case n < 5:
		return refuse(fieldOrder, "it has %d of the five fields", n)
	case n == 6 && !isYear(words[5]):
		return refuse("if the first field is seconds, leave it out: "+strings.Join(words[1:], " "),
			"six fields are ambiguous: the last one would be the year, and %q is none", words[5])
	case n == 7:
		return refuse("leave out the first field: "+strings.Join(words[1:6], " "),
			"seven fields begin with seconds, which are not supported yet")
	case n > 7:
		return refuse(fieldOrder, "it has %d fields", n)
	}
	return nil
}

// isYear says whether a sixth field can only be meant as one: a * could as
// well be the day of week of an expression that begins with seconds.
func isYear(word string) bool {
	return len(word) >= 4 && strings.Trim(word[:4], "0123456789") == ""
}
