package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/luaapi"
)

const historyManual = `Shows what became of the instants that were due: started and how it ended, skipped,
missed, and why. It is what shifts recorded on this slave last, in the order of
the times at which it was due; with --slave, only what that one recorded here.

With --cluster it is the runs of all slaves that ended, from the lock store: the
last 10,000 or so of those jobs that take leases there. What the store could not
be told is in the records of the slave alone.

--json prints an object for each, as the ledger has it, with the folder of the
run's stdout and stderr as output, while that is kept here.`

// historyShown is how many lines are shown unless --limit says otherwise.
const historyShown = 50

// historyFlags are those of the command.
type historyFlags struct {
	job     string
	limit   int
	cluster bool
}

func (c *command) historyCommand() *cobra.Command {
	var f historyFlags
	cmd := &cobra.Command{
		Use:               "history FILE",
		Short:             "Shows what became of the jobs' starts, newest last",
		Long:              historyManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.limit < 1 {
				return usage(fmt.Sprintf("--limit must be 1 or more, not %d", f.limit), cmd.UseLine())
			}
			return c.history(cmd.Context(), args[0], f)
		},
	}
	cmd.Flags().StringVar(&f.job, "job", "", "only the job of that `NAME`")
	cmd.Flags().IntVarP(&f.limit, "limit", "n", historyShown, "so many lines at the most, the newest")
	cmd.Flags().BoolVar(&f.cluster, "cluster", false, "the runs of all slaves, from the lock store")
	return cmd
}

func (c *command) history(ctx context.Context, file string, f historyFlags) error {
	script, err := c.load(ctx, file)
	if err != nil {
		return c.historyInvalid(file, f, err)
	}
	defer script.Close()
	plan := script.Plan()
	if job := jobNamed(plan, f.job); job != nil {
		f.job = job.Name
	}
	dir, err := c.lookDir(plan.EntryFile, plan.Namespace)
	if err != nil {
		return err
	}
	if !f.cluster {
		c.sayStanding(plan.EntryFile, dir)
	}
	other := !f.cluster && c.sayOtherSlave(dir)
	ended, err := c.outcomes(ctx, plan, dir, f)
	if err != nil {
		return err
	}
	switch {
	case len(ended) == 0 && f.cluster && !c.json:
		_, err := fmt.Fprintln(c.stdout, "nothing is recorded in the lock store")
		return err
	case len(ended) == 0 && other:
		return c.printHistory(dir, nil, nil)
	case len(ended) == 0 && f.job != "":
		return c.nothingEnded(plan, dir, file, f)
	}
	return c.printHistory(dir, ended, func(o engine.Outcome) bool { return !f.cluster || o.Slave == plan.Slave })
}

// nothingEnded tells of a job of which nothing is recorded: its first run may be
// going on.
func (c *command) nothingEnded(plan *engine.Plan, dir, file string, f historyFlags) error {
	job := jobNamed(plan, f.job)
	if job == nil {
		job = engine.Unlisted(f.job)
	}
	now := c.clock.Now()
	records, err := engine.ReadRecords(dir, job, plan.Slave, now, now)
	if err != nil {
		return unusable(err)
	}
	switch {
	case len(records.Runs) > 0:
		run := records.Runs[0]
		c.warn([]string{fmt.Sprintf("nothing is recorded of %q yet: its run %s is going on since %s", f.job, run.ID, dateTime(run.Started.Local()))})
	case job.Removed:
		return noSuchJob(f.job, file, plan, noneRecorded)
	}
	return c.printHistory(dir, nil, nil)
}

// pastStart is a line in the output of `history --json`.
type pastStart struct {
	engine.Outcome
	Output string `json:"output,omitempty"` // the folder of its stdout and stderr, while that is here
}

// printHistory prints the lines in the order of their instants, with where the output
// is of those that are of the slave whose var dir that is.
func (c *command) printHistory(dir string, ended []engine.Outcome, here func(engine.Outcome) bool) error {
	// A run is recorded when it ends, long ones after those that were due later.
	slices.SortStableFunc(ended, func(a, b engine.Outcome) int { return a.Instant.Compare(b.Instant) })
	starts := make([]pastStart, len(ended))
	for i, o := range ended {
		starts[i].Outcome = o
		if here(o) {
			starts[i].Output = engine.OutputFolder(dir, o.Run, o.Attempt)
		}
	}
	return printEach(c, starts, func(starts []pastStart) error { return c.historyTable(dir, starts) })
}

// historyInvalid shows what this slave recorded though the entry file does not
// load: what ran before may be the reason to ask.
func (c *command) historyInvalid(file string, f historyFlags, cause error) error {
	var invalid *luaapi.Error
	if f.cluster || !errors.As(cause, &invalid) {
		return cause
	}
	entryFile, err := c.absolute(file)
	if err != nil {
		return err
	}
	dir, err := c.lookDir(entryFile, c.lastNamespace(entryFile))
	if err != nil {
		return cause
	}
	ended, err := engine.HistoryOf(dir, f.job, c.slave, f.limit)
	if err != nil || len(ended) == 0 {
		return cause
	}
	c.warn([]string{fmt.Sprintf("the entry file does not load: %v", cause)})
	return c.printHistory(dir, ended, func(engine.Outcome) bool { return true })
}

// outcomes are the lines to show.
func (c *command) outcomes(ctx context.Context, plan *engine.Plan, dir string, f historyFlags) ([]engine.Outcome, error) {
	if !f.cluster {
		ended, err := engine.HistoryOf(dir, f.job, c.slave, f.limit)
		return ended, unusable(err)
	}
	roster, closeStore, err := c.openRoster(plan)
	if err != nil {
		return nil, err
	}
	defer func() { _ = closeStore() }()
	return roster.History(ctx, f.job, f.limit)
}

// historyTable prints a line for each, its time on the host's clock.
func (c *command) historyTable(dir string, ended []pastStart) error {
	if len(ended) == 0 {
		_, err := fmt.Fprintln(c.stdout, "nothing is recorded in "+logging.Escape(dir))
		return err
	}
	rows := [][]string{{"DUE", "JOB", "SLAVE", "OUTCOME", "TOOK", "WHY"}}
	for _, o := range ended {
		took := cmp.Or(o.Took(), "-")
		rows = append(rows, []string{
			dateTime(o.Instant.Local()), logging.Escape(o.Job),
			logging.Escape(o.Slave), o.Outcome.Outcome, took, logging.Escape(whyEnded(o.Outcome)),
		})
	}
	for _, line := range inColumns(rows) {
		if _, err := fmt.Fprintln(c.stdout, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// whyEnded is what is to be said of an outcome besides its name.
func whyEnded(o engine.Outcome) string {
	var words []string
	if o.Count > 1 {
		words = append(words, fmt.Sprintf("%d starts", o.Count))
	}
	if o.Attempt > 1 {
		words = append(words, fmt.Sprintf("attempt %d", o.Attempt))
	}
	if by := engine.StartedBy(o.Run); by != "" {
		words = append(words, by)
	}
	if o.Reason != "" {
		words = append(words, o.Reason)
	} else if o.Exit != nil && o.Outcome != engine.OutcomeSucceeded {
		words = append(words, engine.ExitWords(*o.Exit))
	}
	return strings.Join(words, "; ")
}
