package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/spelling"
	"slavedriver/internal/vardir"
	"slavedriver/luaapi"
)

const whyManual = `Says in a sentence why a job did, or did not, start at a time on this slave:

  slavedriver why shop.lua Backup "2026-03-29 02:30"

The time is that of a start by the schedule, or of one as it was made; it is a
minute, or a second where one is given, as 2026-03-29, "2026-03-29 02:30", or as
RFC 3339 2026-03-29T02:30:00Z. Without a zone it is the host's. One in the future
is answered by the schedule.

It reads the schedule and what shifts recorded, and changes nothing, whether or
not a shift is at work. What other slaves recorded is with them. --json has the
facts, an object for each start that the time is about.`

func (c *command) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "why FILE JOB TIME",
		Short:             "Says why a job did or did not start at a time",
		Long:              whyManual,
		Args:              whyArguments,
		ValidArgsFunction: c.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.why(cmd.Context(), args[0], args[1], strings.Join(args[2:], " "))
		},
	}
}

// whyArguments takes a time in two words too: date and time of day unquoted.
func whyArguments(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return oneArgument(cmd, args)
	case 1:
		return usage("no job is given", cmd.UseLine())
	case 2:
		return usage("no time is given", cmd.UseLine()+`; `+momentForms)
	case 3, 4:
		return nil
	}
	return usage(fmt.Sprintf("why takes a file, a job and a time; what is %s?", args[4]), `a name of several words needs quotes: slavedriver why FILE "JOB" TIME`)
}

func (c *command) why(ctx context.Context, file, name, text string) error {
	t, exact, err := moment("TIME", text)
	if err != nil {
		return err
	}
	q := engine.Why{From: t.Truncate(time.Minute), To: t.Truncate(time.Minute).Add(time.Minute), Now: c.clock.Now()}
	if exact && t.Second() != 0 {
		q.From, q.To = t, t.Add(time.Second)
	}
	script, err := c.load(ctx, file)
	if err != nil {
		return c.whyInvalid(q, file, name, err)
	}
	defer script.Close()
	plan := script.Plan()
	c.warn(plan.Warnings)
	q.Slave, q.MaxConcurrent = plan.Slave, plan.MaxConcurrent
	q.Job = jobNamed(plan, name)
	known := q.Job != nil
	if !known {
		q.Job = engine.Unlisted(name)
	}
	if err := c.readRecords(&q, plan.EntryFile, plan.Namespace); err != nil {
		return err
	}
	if !known && !q.Recorded() {
		return noSuchJob(name, file, plan)
	}
	if q.Job.ScheduleFunc {
		q.FunctionSays, q.FunctionErr = script.Due(ctx, q.Job, q.From.In(q.Job.Location))
	}
	return c.printAnswers(q)
}

// jobNamed finds a job by its name, else by what it is called in file names.
func jobNamed(plan *engine.Plan, name string) *engine.Job {
	for _, is := range []func(*engine.Job) bool{
		func(job *engine.Job) bool { return job.Name == name },
		func(job *engine.Job) bool { return job.Slug == name },
	} {
		for _, job := range plan.Jobs {
			if is(job) {
				return job
			}
		}
	}
	return nil
}

func noSuchJob(name, file string, plan *engine.Plan) error {
	var known []string
	for _, job := range plan.Jobs {
		known = append(known, job.Name)
	}
	hint := "slavedriver list " + file + " shows the jobs"
	if near := spelling.Nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return usage(fmt.Sprintf("there is no job %q in %s, nor was there at that time", name, file), hint)
}

// readRecords reads what shifts noted of the time that is asked about.
func (c *command) readRecords(q *engine.Why, entryFile, namespace string) error {
	dir, err := c.lookDir(entryFile, namespace)
	if err != nil {
		return err
	}
	from := q.From.Add(-engine.JitterOf(q.Job, q.Slave))
	if q.Records, err = engine.ReadRecords(dir, q.Job, q.Slave, from, q.To); err != nil {
		return unusable(err)
	}
	c.warn(q.Records.Problems)
	return nil
}

// lookDir is the var dir of an entry file, for reading; it need not be there.
func (c *command) lookDir(entryFile, namespace string) (string, error) {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return "", unusable(err)
	}
	if namespace == "" {
		namespace = vardir.Namespace(entryFile)
	}
	dir, err := vardir.Look(base, namespace)
	return dir, unusable(err)
}

// whyInvalid answers from the records alone, because the entry file does not
// load: then no shift has run since it does not, which may be the very reason.
func (c *command) whyInvalid(q engine.Why, file, name string, cause error) error {
	var invalid *luaapi.Error
	if !errors.As(cause, &invalid) {
		return cause
	}
	entryFile, err := c.absolute(file)
	if err != nil {
		return err
	}
	q.Job, q.Slave = engine.Unlisted(name), c.slave
	if err := c.readRecords(&q, entryFile, c.lastNamespace(entryFile)); err != nil {
		return cause
	}
	if !q.Recorded() {
		if last := q.Records.Evaluated; !last.IsZero() && last.Before(q.From) {
			c.warn([]string{"no shift has run since " + dateTime(last.Local().Truncate(time.Minute))})
		}
		return cause
	}
	c.warn([]string{fmt.Sprintf("the entry file does not load, so that the answer is from the records alone: %v", cause)})
	return c.printAnswers(q)
}

// lastNamespace is that under which an entry file was run last, if that is known.
func (c *command) lastNamespace(entryFile string) string {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return ""
	}
	namespace, _, _ := vardir.Lookup(base, entryFile)
	return namespace
}

// absolute is the path of an entry file as the plan has it.
func (c *command) absolute(file string) (string, error) {
	if filepath.IsAbs(file) {
		return filepath.Clean(file), nil
	}
	err := c.noteFolder()
	return filepath.Join(c.calledFrom, file), err
}

func (c *command) printAnswers(q engine.Why) error {
	for _, answer := range q.Explain() {
		if c.json {
			if err := c.printJSON(answer); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(c.stdout, logging.Escape(answer.Sentence)); err != nil {
			return err
		}
	}
	return nil
}
