package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
)

// nextShown is how many coming starts list shows.
const nextShown = 3

const listManual = `Shows the jobs: their schedule, whether they run here, their next starts. It is
always strict: jobs of a last good copy of FILE are not shown.`

func (c *command) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "list FILE",
		Short:             "Shows the jobs: their schedule, whether they run here, their next starts",
		Long:              listManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := c.load(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer script.Close()
			plan := script.Plan()
			c.warn(plan.Warnings)
			if c.json {
				return c.listJSON(plan)
			}
			return c.listTable(plan)
		},
	}
}

// listed is a job in the output of `list --json`.
type listed struct {
	Name        string      `json:"name"`
	Slug        string      `json:"slug"`
	Description string      `json:"description,omitempty"`
	Tags        []string    `json:"tags"`
	Source      string      `json:"source"` // file:line
	Command     string      `json:"command"`
	Schedule    []string    `json:"schedule"`
	Enabled     bool        `json:"enabled"`
	Slaves      []string    `json:"slaves"`  // empty: all
	OnSlave     bool        `json:"onSlave"` // it runs on this one
	Next        []time.Time `json:"next"`    // the next starts here
}

func (c *command) listJSON(plan *engine.Plan) error {
	for _, job := range plan.Jobs {
		err := c.printJSON(listed{
			Name: job.Name, Slug: job.Slug, Description: job.Description, Tags: append([]string{}, job.Tags...),
			Source: job.Source, Command: job.Command.String(), Schedule: append([]string{}, job.ScheduleText...),
			Enabled: job.Enabled, Slaves: append([]string{}, job.Slaves...), OnSlave: job.OnSlave(plan.Slave),
			Next: nextStarts(job, plan.Slave, c.clock.Now()),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// nextStarts are the next few starts on that slave; none where the job does not
// start there, or where only its function knows when.
func nextStarts(job *engine.Job, slave string, now time.Time) []time.Time {
	next := []time.Time{}
	if !job.Enabled || !job.OnSlave(slave) || job.Schedule == nil {
		return next
	}
	for t := job.Schedule.Next(now); !t.IsZero() && len(next) < nextShown; t = job.Schedule.Next(t) {
		next = append(next, t)
	}
	return next
}

func (c *command) listTable(plan *engine.Plan) error {
	table := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "JOB\tSCHEDULE\tHERE\tNEXT STARTS")
	for _, job := range plan.Jobs {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", logging.Escape(job.Name),
			logging.Escape(strings.Join(job.ScheduleText, "; ")), runsHere(job, plan.Slave), nextInWords(job, plan.Slave, c.clock.Now()))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return c.printElsewhere(plan.Slave, jobsElsewhere(plan))
}

func runsHere(job *engine.Job, slave string) string {
	switch {
	case !job.Enabled:
		return "off"
	case job.OnSlave(slave):
		return "yes"
	}
	return "no"
}

func nextInWords(job *engine.Job, slave string, now time.Time) string {
	if job.ScheduleFunc && job.Enabled && job.OnSlave(slave) {
		return "asked each minute"
	}
	next := nextStarts(job, slave, now)
	if len(next) == 0 {
		return "-"
	}
	return shortTimes(next, now)
}

// shortTimes are local times to the minute, without what can be told from the
// one before or from now: three of them fit into 80 columns beside a job.
func shortTimes(times []time.Time, now time.Time) string {
	var words []string
	last := now.Local().Format("2006")
	for _, t := range times {
		day := t.Local().Format("2006-01-02")
		switch {
		case day == last:
			words = append(words, t.Local().Format("15:04"))
		case day[:4] == last[:4]:
			words = append(words, t.Local().Format("01-02 15:04"))
		default:
			words = append(words, t.Local().Format("2006-01-02 15:04"))
		}
		last = day
	}
	return strings.Join(words, ", ")
}
