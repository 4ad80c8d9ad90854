package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/schedule"
)

// nextShown is how many coming starts list shows.
const nextShown = 3

const listManual = `Shows each job: whether it runs, else what became of it last, its next starts,
and its schedule in words. Times are on the clock of the job's zone, which is
named where it is not the host's.

What became of a job last is in what shifts recorded here; "-" is nothing, or
nothing of late, "ended" a run whose end no shift has recorded yet. Where FILE
does not load, it is about its last good copy, which runs meanwhile.`

func (c *command) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list FILE",
		Short:             "Shows the jobs: what runs, their last outcome, their next starts, their schedule",
		Long:              listManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := c.loadToRead(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer script.Close()
			plan := script.Plan()
			c.warn(plan.Warnings)
			now, err := c.presentOf(plan)
			if err != nil {
				c.warn([]string{"what became of the jobs last is not known: " + err.Error()})
			}
			if c.json {
				return c.listJSON(plan, now)
			}
			return c.listTable(plan, now)
		},
	}
}

// present is what runs of each job, and what became of it last, by its name.
type present struct {
	runs, ended map[string][]engine.ActiveRun // ended: not recorded yet
	last        map[string]engine.Outcome
	coming      *engine.Coming // nil: nothing is known of that
}

func (c *command) presentOf(plan *engine.Plan) (p present, err error) {
	dir, err := c.lookDir(plan.EntryFile, plan.Namespace)
	if err != nil {
		return p, err
	}
	if c.slave == "" {
		c.sayStanding(plan.EntryFile, dir)
	}
	if p.runs, p.ended, err = c.runningIn(dir); err != nil {
		return p, err
	}
	if c.otherSlave(dir) == "" {
		coming, err := engine.ReadComing(dir, c.clock.Now())
		if err != nil {
			return p, err
		}
		p.coming = &coming
	}
	p.last, err = engine.LastOutcomes(dir, plan.Jobs)
	if c.slave != "" { // another slave's records are not its own
		maps.DeleteFunc(p.last, func(_ string, o engine.Outcome) bool { return o.Slave != c.slave })
	}
	return p, err
}

// retry is a run of a job that waits for its next attempt, or nil.
func (p present) retry(job *engine.Job) *engine.WaitingStart {
	if p.coming == nil {
		return nil
	}
	return p.coming.Retry(job.Name)
}

// runningIn are the runs that go on in a var dir, by the names of their jobs, and
// in ended those that are over, which the next shift will record.
func (c *command) runningIn(dir string) (running, ended map[string][]engine.ActiveRun, err error) {
	runs, problems, err := engine.ActiveRuns(dir)
	c.warn(problems)
	running, ended = map[string][]engine.ActiveRun{}, map[string][]engine.ActiveRun{}
	for _, r := range runs {
		switch {
		case c.slave != "" && c.slave != r.Slave:
		case r.Goes():
			running[r.Job] = append(running[r.Job], r)
		case r.State != engine.RunPrepared:
			ended[r.Job] = append(ended[r.Job], r)
		}
	}
	return running, ended, err
}

// listed is a job in the output of `list --json`.
type listed struct {
	Name        string          `json:"name"`
	Slug        string          `json:"slug"`
	Description string          `json:"description,omitempty"`
	Tags        []string        `json:"tags"`
	Source      string          `json:"source"` // file:line
	Command     string          `json:"command"`
	Schedule    []string        `json:"schedule"`
	InWords     string          `json:"inWords,omitempty"`  // the schedule
	Timezone    string          `json:"timezone,omitempty"` // else the host's
	Enabled     bool            `json:"enabled"`
	Slaves      []string        `json:"slaves"`  // empty: all
	OnSlave     bool            `json:"onSlave"` // it runs on this one
	Running     []runningNow    `json:"running"`
	Retrying    *attemptToCome  `json:"retrying,omitempty"`
	Last        *engine.Outcome `json:"last"` // null: nothing is recorded
	Next        []time.Time     `json:"next"` // the next starts here, in the job's zone
}

// runningNow is a run that goes on.
type runningNow struct {
	Run     string    `json:"run"`
	Attempt int       `json:"attempt"`
	Started time.Time `json:"started"`
	State   string    `json:"state"`
}

// attemptToCome is the next attempt of a run that failed.
type attemptToCome struct {
	Run     string    `json:"run"`
	Attempt int       `json:"attempt"`
	At      time.Time `json:"at"` // its delay is over then
}

func (c *command) listJSON(plan *engine.Plan, now present) error {
	for _, job := range plan.Jobs {
		one := listed{
			Name: job.Name, Slug: job.Slug, Description: job.Description, Tags: append([]string{}, job.Tags...),
			Source: job.Source, Command: job.Command.String(), Schedule: append([]string{}, job.ScheduleText...), Timezone: job.Timezone,
			Enabled: job.Enabled, Slaves: append([]string{}, job.Slaves...), OnSlave: job.OnSlave(plan.Slave),
			Next: now.nextStarts(job, plan.Slave, c.clock.Now()), Running: []runningNow{},
		}
		for _, r := range now.runs[job.Name] {
			one.Running = append(one.Running, runningNow{r.ID, r.Attempt, r.Started.In(job.Location).Truncate(time.Second), string(r.State)})
		}
		if w := now.retry(job); w != nil {
			one.Retrying = &attemptToCome{w.Run, w.Attempt, w.NotBefore.In(job.Location).Truncate(time.Second)}
		}
		one.InWords, _ = schedule.Describe(job.ScheduleText...)
		if o, ok := now.last[job.Name]; ok {
			one.Last = &o
		}
		if err := c.printJSON(one); err != nil {
			return err
		}
	}
	return nil
}

// nextStarts are the next few starts on that slave, jitter included; none where
// the job does not start there, or where only its function knows when. A jitter may
// put an instant off that is no start any more, or never was one.
func (p present) nextStarts(job *engine.Job, slave string, now time.Time) []time.Time {
	next := []time.Time{}
	if !job.Enabled || !job.OnSlave(slave) || job.Schedule == nil {
		return next
	}
	delay := engine.JitterOf(job, slave)
	for t := job.Schedule.Next(now.Add(-delay)); !t.IsZero() && len(next) < nextShown; t = job.Schedule.Next(t) {
		if p.coming == nil || p.coming.IsToCome(job, slave, t, now) {
			next = append(next, t.Add(delay).In(job.Location))
		}
	}
	return next
}

// listTable prints a line for each job, and below it one for each of its
// schedules.
func (c *command) listTable(plan *engine.Plan, there present) error {
	rows := [][]string{{"JOB", "LAST", "NEXT STARTS"}}
	for _, job := range plan.Jobs {
		now := c.clock.Now().In(job.Location)
		rows = append(rows, []string{logging.Escape(job.Name), there.inWords(job, now), there.nextInWords(job, plan.Slave, now)})
	}
	lines := inColumns(rows)
	if _, err := fmt.Fprintln(c.stdout, lines[0]); err != nil {
		return err
	}
	for i, line := range lines[1:] {
		if _, err := fmt.Fprintf(c.stdout, "%s\n%s", line, scheduleLines(plan.Jobs[i])); err != nil {
			return err
		}
	}
	return c.printElsewhere(plan.Slave, jobsElsewhere(plan))
}

// inWords says what a job does, or else what became of it last.
func (p present) inWords(job *engine.Job, now time.Time) string {
	if runs := p.runs[job.Name]; len(runs) > 0 {
		text := "runs since " + shortTimes([]time.Time{runs[0].Started.In(job.Location).Truncate(time.Minute)}, now)
		if len(runs) > 1 {
			text = fmt.Sprintf("%d runs, the first since %s", len(runs), strings.TrimPrefix(text, "runs since "))
		}
		return text
	}
	if w := p.retry(job); w != nil {
		return engine.OutcomeRetrying + " " + shortTimes([]time.Time{w.Instant.In(job.Location)}, now)
	}
	o, ok := p.last[job.Name]
	if over := p.ended[job.Name]; len(over) > 0 {
		if newest := over[len(over)-1]; newest.ID != o.Run {
			return "ended, began " + shortTimes([]time.Time{newest.Started.In(job.Location).Truncate(time.Minute)}, now)
		}
	}
	if !ok {
		return "-"
	}
	return o.Outcome + " " + shortTimes([]time.Time{o.Instant.In(job.Location)}, now)
}

func (p present) nextInWords(job *engine.Job, slave string, now time.Time) string {
	switch {
	case !job.Enabled:
		return "off"
	case !job.OnSlave(slave):
		return "not here"
	case job.ScheduleFunc:
		return "asked each minute"
	}
	next := p.nextStarts(job, slave, now)
	if len(next) == 0 {
		return "never again"
	}
	return shortTimes(next, now)
}

// scheduleLines are the schedules as they are written and in words, a line each.
func scheduleLines(job *engine.Job) string {
	widest := 0
	for _, text := range job.ScheduleText {
		widest = max(widest, len(text))
	}
	var lines strings.Builder
	for _, text := range job.ScheduleText {
		words, _ := schedule.Describe(text)
		if _, err := time.Parse(time.RFC3339, text); err == nil {
			words = "once"
		}
		if job.Timezone != "" {
			words = strings.TrimPrefix(words+", in "+job.Timezone, ", ")
		}
		_, _ = fmt.Fprintln(&lines, strings.TrimRight(fmt.Sprintf("  %-*s  %s", widest, logging.Escape(text), words), " "))
	}
	return lines.String()
}

// shortTimes are times to the minute, or the second where it is not zero,
// without what can be told from the one before or from now: three of them fit
// into 80 columns beside a job. All are in the zone of now, whose short name
// follows where it is not the host's, and each where the clock is changed.
func shortTimes(times []time.Time, now time.Time) string {
	words := make([]string, len(times))
	last, zone := now.Format("2006"), ""
	change := clockChanges(times)
	for i, t := range times {
		words[i] = t.Format(shortLayout(t, last))
		last = t.Format(time.DateOnly)
		switch {
		case change:
			words[i] += t.Format(" MST")
		case !sameClock(t):
			zone = t.Format(" MST")
			words[i] += zone
		}
	}
	if zone == "" {
		return strings.Join(words, ", ")
	}
	return strings.ReplaceAll(strings.Join(words, ", "), zone+", ", ", ")
}

// clockChanges says whether a clock is changed between the first and the last of some
// times, or one of them is there twice because of it.
func clockChanges(times []time.Time) bool {
	return slices.ContainsFunc(times, func(t time.Time) bool {
		_, offset := t.Zone()
		_, first := times[0].Zone()
		return offset != first || isTwice(t)
	})
}

// shortLayout leaves out the date, or the year, that the last time had already.
func shortLayout(t time.Time, last string) string {
	layout, day := "15:04", t.Format(time.DateOnly)
	if t.Second() != 0 {
		layout = time.TimeOnly
	}
	switch {
	case day == last:
		return layout
	case day[:4] == last[:4]:
		return "01-02 " + layout
	}
	return time.DateOnly + " " + layout
}

// sameClock says whether the host's clock shows t as t's own zone does.
func sameClock(t time.Time) bool {
	_, own := t.Zone()
	_, host := t.Local().Zone()
	return own == host
}
