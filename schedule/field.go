package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// field is what one field of an expression may hold.
type field struct {
	name, plural string
	min, max     int
	// top is where * and an open step end: the day of week has two numbers
	// for Sunday, and 7 is only meant where it is written.
	top   int
	names []string // of the values from min on; three letters will do
}

var (
	seconds     = field{name: "second", plural: "seconds", max: 59, top: 59}
	minutes     = field{name: "minute", plural: "minutes", max: 59, top: 59}
	hours       = field{name: "hour", plural: "hours", max: 23, top: 23}
	daysOfMonth = field{name: "day of month", plural: "days of month", min: 1, max: 31, top: 31}
	months      = field{name: "month", plural: "months", min: 1, max: 12, top: 12, names: []string{
		"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december",
	}}
	daysOfWeek = field{name: "day of week", plural: "days of week", max: 7, top: 6, names: []string{
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	}}
	years = field{name: "year", plural: "years", min: firstYear, max: lastYear, top: lastYear}
)

// parse reads a field in lower case: add is called with each value, and the
// items that only cronexpr understands are returned.
func (f *field) parse(text string, add func(value int)) (extras []string, err *Error) {
	for _, item := range strings.Split(text, ",") {
		if extra, ok := f.extra(item); ok {
			extras = append(extras, extra)
			continue
		}
		if err := f.item(item, add); err != nil {
			return nil, err
		}
	}
	return extras, nil
}

// item reads one item of a list: *, ?, 5, 5-10, and each but ? with a step.
func (f *field) item(item string, add func(value int)) *Error {
	if item == "" {
		return refuse("write values with single commas between them", "the list in the %s field has an empty item", f.name)
	}
	span, stepText, stepped := strings.Cut(item, "/")
	first, last, err := f.span(span, stepped)
	if err != nil {
		return err
	}
	step := 1
	if stepped {
		if step, err = f.step(stepText); err != nil {
			return err
		}
	}
	for v := first; v <= last; v += step {
		add(v)
	}
	return nil
}

func (f *field) span(text string, stepped bool) (first, last int, err *Error) {
	if text == "*" || text == "?" && !stepped {
		return f.min, f.top, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if ranged && (from == "" || to == "") {
		return 0, 0, f.halfRange(text, from, to)
	}
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		return f.reach(first, from, to)
	case stepped: // 5/15: from there to the end; 7 is the Sunday that begins the week
		if first > f.top {
			first = f.min
		}
		return first, f.top, nil
	}
	return first, first, nil
}

// halfRange is the error about a range that lacks a side: -5 may be one, or a step.
func (f *field) halfRange(text, from, to string) *Error {
	lacks, hint := "no begin", fmt.Sprintf("write a range such as %d-%d", f.min, f.top)
	n, isNumber := number(to)
	if _, err := f.value(to); from == "" && err == nil {
		hint = fmt.Sprintf("write %d-%s", f.min, to)
		if isNumber && n > 1 {
			hint += fmt.Sprintf(", or */%d if a step is meant", n)
		}
	}
	if from != "" {
		lacks = "no end"
		if _, err := f.value(from); err == nil {
			hint = fmt.Sprintf("write %s-%d", from, f.top)
		}
	}
	return refuse(hint, "the %s range %s has %s", f.name, text, lacks)
}

// reach reads the end of a range. A week may end in its Sunday by name.
func (f *field) reach(first int, from, to string) (int, int, *Error) {
	last, err := f.value(to)
	if err != nil {
		return 0, 0, err
	}
	if f.top < f.max && last == f.min && strings.HasPrefix(to, "sun") && first > last {
		last = f.max
	}
	if first > last {
		return 0, 0, refuse("write "+f.wrapped(first, last, from, to), "the %s range %s-%s is reversed", f.name, from, to)
	}
	return first, last, nil
}

// wrapped is what a reversed range probably means: it goes on at the begin of
// the next hour, day, month, year or week.
func (f *field) wrapped(first, last int, from, to string) string {
	switch begin := f.max - f.top + f.min; { // a week that ended in 7 goes on with 1
	case f == &years:
		return to + "-" + from
	case f.top < first: // 7-2
		return fmt.Sprintf("%d-%s", f.min, to)
	case last < begin: // 5-0
		return fmt.Sprintf("%s-%d", from, f.max)
	default:
		return fmt.Sprintf("%s-%d,%d-%s", from, f.max, begin, to)
	}
}

// step takes what has a meaning: a step as long as the field leaves its first
// value, as in crontab; a longer one is a mistake (*/90 is not 90 minutes).
func (f *field) step(text string) (int, *Error) {
	const hint = "write a step such as */2"
	n, ok := number(text)
	if !ok {
		return 0, refuse(hint, "%q in the %s field is not a step", text, f.name)
	}
	if n == 0 {
		return 0, refuse(hint, "the step in the %s field is 0", f.name)
	}
	if size := f.top - f.min + 1; n > size {
		return 0, refuse(fmt.Sprintf("steps begin again with each round of the field, so none is longer than %d", size),
			"the step %s is longer than the %s field", text, f.name)
	}
	return n, nil
}

// value reads a number or a name.
func (f *field) value(text string) (int, *Error) {
	if n, ok := number(text); ok {
		if n < f.min || n > f.max {
			return 0, refuse(f.rangeHint(), "%s %s is out of range", f.name, text)
		}
		return n, nil
	}
	for i, name := range f.names {
		if text == name || text == name[:3] {
			return f.min + i, nil
		}
	}
	return 0, refuse(f.valueHint(text), "%q is not a %s", text, f.name)
}

// isOfMonth says whether a text is a value and the # of 5#2, whatever follows.
func (f *field) isOfMonth(text string) bool {
	day, _, is := strings.Cut(text, "#")
	if !is {
		return false
	}
	_, err := f.value(day)
	return err == nil
}

func (f *field) rangeHint() string {
	if f.names == nil {
		return fmt.Sprintf("%s go from %d to %d", f.plural, f.min, f.max)
	}
	return fmt.Sprintf("%s go from %d to %d, or from %s to %s", f.plural, f.min, f.max, f.names[0][:3], f.names[len(f.names)-1][:3])
}

// valueHint knows what other crons take and this one does not.
func (f *field) valueHint(text string) string {
	switch {
	case text == "":
		return "write * for all of them, as in */2"
	case strings.Contains(text, "~"):
		return "random values are not supported: choose one"
	case f == &daysOfWeek && f.isOfMonth(text):
		return "after # comes which one of the month it is, 1 to 5: 5#2 is the second Friday"
	case f == &daysOfWeek && text == "l":
		return "write 5L for the last Friday of a month, or 6 for Saturday"
	case f == &daysOfMonth && text == "l":
		return "L stands for the last day of a month only alone, without a range or step"
	}
	return f.rangeHint()
}

// number reads up to four digits, and no sign.
func number(text string) (int, bool) {
	if text == "" || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil
}
