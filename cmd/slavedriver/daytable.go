package main

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"slavedriver/engine"
	"slavedriver/internal/logging"
)

// mostListed is how many starts of a job in one day get a line each: those of
// an hourly job also on the day that has 25 hours. It bounds what is held.
const mostListed = 25

// widestName is how wide a column of names gets; longer ones stick out.
const widestName = 28

// dayTable prints starts as one table for each day on the host's clock.
type dayTable struct {
	out      *bufio.Writer
	from, to time.Time
	slave    string // where it is but one
	name     int    // width of the jobs' column
	where    int    // width of the slaves'; 0: there is none
	any      bool

	day    string
	starts int // so many that day
	cells  map[cell]*jobDay
}

// cell is a job on a slave.
type cell struct{ job, where string }

// jobDay is what such a job does in one day.
type jobDay struct {
	listed []dayStart // the first few
	count  int
	last   time.Time
}

// dayStart is a start with its place among all of that day.
type dayStart struct {
	place int
	engine.SimulatedStart
}

func newDayTable(out *bufio.Writer, s *engine.Simulation) *dayTable {
	t := &dayTable{out: out, from: s.From, to: s.To, cells: map[cell]*jobDay{}}
	for _, slave := range s.Slaves {
		for _, job := range slave.Plan.Jobs {
			t.name = max(t.name, width(job.Name))
		}
		t.where = max(t.where, width(slave.Plan.Slave))
	}
	if len(s.Slaves) == 1 {
		t.slave, t.where = s.Slaves[0].Plan.Slave, 0
	}
	return t
}

func width(name string) int { return min(widestName, utf8.RuneCountInString(logging.Escape(name))) }

func (t *dayTable) start(s engine.SimulatedStart) error {
	if day := s.Time.Local().Format("Mon 2006-01-02"); day != t.day {
		if err := t.endDay(); err != nil {
			return err
		}
		t.day = day
		_, err := fmt.Fprintln(t.out, t.title(s.Time.Local()))
		if err != nil {
			return err
		}
	}
	t.any = true
	t.starts++
	key := cell{s.Job.Name, s.Where()}
	j := t.cells[key]
	if j == nil {
		j = &jobDay{}
		t.cells[key] = j
	}
	j.count++
	j.last = s.Time
	if len(j.listed) < mostListed {
		j.listed = append(j.listed, dayStart{t.starts, s})
	}
	return nil
}

// title names the day, the slave where it is but one, and what the clock does.
func (t *dayTable) title(at time.Time) string {
	title := t.day
	if t.slave != "" {
		title += " on " + logging.Escape(t.slave)
	}
	change := changeOn(at)
	before := change.In(time.FixedZone(change.Add(-1).Zone()))
	if change.IsZero() || before.Hour() == change.Hour() && before.Minute() == change.Minute() {
		return title
	}
	return fmt.Sprintf("%s (the clock goes from %s to %s)", title, clockTime(before), clockTime(change))
}

// changeOn is the first change of the host's clock on the day of t, or the zero time.
func changeOn(t time.Time) time.Time {
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	begin, end := onClock(day, t.Location()), onClock(day.AddDate(0, 0, 1), t.Location())
	start, change := begin.ZoneBounds()
	if start.Equal(begin) {
		return start
	}
	if change.Before(end) {
		return change // or there is none
	}
	return time.Time{}
}

func (t *dayTable) end() error {
	if err := t.endDay(); err != nil || t.any {
		return err
	}
	_, err := fmt.Fprintf(t.out, "nothing starts from %s to %s\n", dateTime(t.from.Local()), dateTime(t.to.Local()))
	return err
}

// endDay prints the day.
func (t *dayTable) endDay() error {
	var lines []dayLine
	for _, j := range t.cells {
		lines = append(lines, j.lines()...)
	}
	slices.SortFunc(lines, func(a, b dayLine) int { return cmp.Compare(a.place, b.place) })
	wide := len("15:04 GMT")
	for _, l := range lines {
		wide = max(wide, len(clockTime(l.Time.Local())))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(t.out, t.line(l, wide)); err != nil {
			return err
		}
	}
	clear(t.cells)
	t.starts = 0
	return nil
}

// dayLine is a line of the table: a start, or the first of many.
type dayLine struct {
	dayStart
	many string
}

// lines are one for each start, or one for all where they are many.
func (j *jobDay) lines() (lines []dayLine) {
	if j.count > mostListed {
		return []dayLine{{j.listed[0], fmt.Sprintf("%d starts, the last at %s", j.count, clockTime(j.last.Local()))}}
	}
	for _, s := range j.listed {
		lines = append(lines, dayLine{s, ""})
	}
	return lines
}

// line is a line whose first column is so wide.
func (t *dayTable) line(l dayLine, wide int) string {
	reason, _, _ := strings.Cut(l.Reason, ";") // what follows is for --json
	var notes []string
	for _, n := range []string{l.many, ownTime(l.Time), reason} {
		if n != "" {
			notes = append(notes, n)
		}
	}
	text := fmt.Sprintf("  %-*s  %-*s", wide, clockTime(l.Time.Local()), t.name, logging.Escape(l.Job.Name))
	if t.where > 0 {
		text += fmt.Sprintf("  %-*s", t.where, logging.Escape(l.Where()))
	}
	return strings.TrimRight(text+"  "+strings.Join(notes, ", "), " ")
}

// ownTime is what the clock of the job's zone shows, where it is another than
// the host's.
func ownTime(t time.Time) string {
	if sameClock(t) {
		return ""
	}
	if t.Format(time.DateOnly) != t.Local().Format(time.DateOnly) {
		return t.Format("Mon ") + clockTime(t)
	}
	return clockTime(t)
}

// clockTime is a time of day with its zone, and seconds where there are any.
func clockTime(t time.Time) string {
	if t.Second() == 0 {
		return t.Format("15:04 MST")
	}
	return t.Format("15:04:05 MST")
}

// dateTime is clockTime with its date.
func dateTime(t time.Time) string { return t.Format("2006-01-02 ") + clockTime(t) }
