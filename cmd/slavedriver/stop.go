package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"sync"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/luaapi"
)

const stopManual = `Ends what runs of a job on this slave: all of its processes get SIGTERM and, after
the job's killGrace, SIGKILL. It returns when none is left.

The run counts as failed, with the reason that it was stopped by hand: the
handlers hear of it, and history shows it. It is not tried again (retries), also
where it failed before and waits for its next attempt, and the job starts again
when it is due next; enabled = false in FILE keeps it from that. Should this
command be killed, the next shift goes on with it.`

func (c *command) stopCommand() *cobra.Command {
	var run string
	cmd := &cobra.Command{
		Use:               "stop FILE JOB",
		Short:             "Ends what runs of a job, or waits for its next attempt",
		Long:              stopManual,
		Args:              stopArguments,
		ValidArgsFunction: c.completeJob,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.stop(cmd.Context(), args[0], args[1], run)
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "end the run of that `ID` alone")
	return cmd
}

func stopArguments(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return oneArgument(cmd, args)
	case 1:
		return usage("no job is given", cmd.UseLine())
	case 2:
		return nil
	}
	return usage(fmt.Sprintf("stop takes a file and a job; what is %s?", args[2]), `a name of several words needs quotes: slavedriver stop FILE "JOB"`)
}

func (c *command) stop(ctx context.Context, file, name, run string) error {
	it, err := c.findJob(ctx, file, name)
	if err != nil {
		return err
	}
	byJob, _, err := c.runningIn(it.dir)
	if err != nil {
		return unusable(err)
	}
	var runs []engine.ActiveRun
	for _, r := range byJob[it.job.Name] {
		if run == "" || r.ID == run {
			runs = append(runs, r)
		}
	}
	waiting, err := c.waitingForRetry(it, run)
	if err != nil {
		return err
	}
	if len(runs) == 0 && len(waiting) == 0 {
		return c.nothingToStop(it, file, run)
	}
	return errors.Join(c.stopRetries(ctx, it, waiting), c.stopRuns(ctx, it.dir, runs))
}

// nothingToStop says that nothing runs or waits, or where something may run.
func (c *command) nothingToStop(it stoppable, file, run string) error {
	what, hint := fmt.Sprintf("nothing of job %q runs here", it.job.Name), "slavedriver list "+file+" shows what runs"
	if run != "" {
		what = fmt.Sprintf("no run %s of job %q goes on here", run, it.job.Name)
		hint = "slavedriver list --json " + file + " shows the ids of what runs or is retried"
	}
	if it.job.RunOn == engine.RunOnOne {
		hint = fmt.Sprintf(`it starts on one of its slaves (runOn = "one"); slavedriver slaves %s shows which, and stop is called there`, file)
	}
	c.sayOtherSlave(it.dir)
	now := c.clock.Now()
	records, err := engine.ReadRecords(it.dir, it.job, c.slave, now, now)
	if err == nil && records.Evaluated.IsZero() {
		what += ": no shift has run by a crontab yet with the var dir " + it.dir
		c.sayElsewhere(it.entryFile, it.dir)
	}
	return &failure{status: exitOther, err: errors.New(what), hint: hint}
}

// stoppable is a job of which something may run.
type stoppable struct {
	job            *engine.Job // perhaps its name alone is known
	dir, entryFile string      // the var dir
}

// findJob finds the var dir of an entry file, and the job of that name or slug: also
// one that is in the file no more, and where the file does not load.
func (c *command) findJob(ctx context.Context, file, name string) (it stoppable, err error) {
	it.job = engine.Unlisted(name)
	script, err := c.load(ctx, file)
	var invalid *luaapi.Error
	if errors.As(err, &invalid) {
		plan, broken := c.jobsToRead(ctx, file, err), err
		if it.entryFile, err = c.absolute(file); err == nil {
			it.dir, err = c.lookDir(it.entryFile, c.lastNamespace(it.entryFile))
		}
		if err != nil || plan == nil {
			return it, err
		}
		if it, err = c.jobOf(it, plan, file, name); err != nil {
			c.warn([]string{"the entry file does not load: " + withHint(broken)})
		}
		return it, err
	}
	if err != nil {
		return it, err
	}
	defer script.Close()
	plan := script.Plan()
	it.entryFile = plan.EntryFile
	if it.dir, err = c.lookDir(plan.EntryFile, plan.Namespace); err != nil {
		return it, err
	}
	return c.jobOf(it, plan, file, name)
}

// jobOf finds the job in a plan, or else something that runs of one by that name.
func (c *command) jobOf(it stoppable, plan *engine.Plan, file, name string) (stoppable, error) {
	if known := jobNamed(plan, name); known != nil {
		it.job = known
		return it, nil
	}
	if runs, _, err := c.runningIn(it.dir); err == nil && len(runs[name]) > 0 {
		return it, nil
	}
	if waiting, err := c.waitingForRetry(it, ""); err == nil && len(waiting) > 0 {
		return it, nil
	}
	return it, noSuchJob(name, file, plan, ", and none of it runs")
}

// stopRuns ends runs side by side, and says of each that it has ended.
func (c *command) stopRuns(ctx context.Context, dir string, runs []engine.ActiveRun) error {
	var stopping sync.WaitGroup
	stopped, errs := make([]bool, len(runs)), make([]error, len(runs))
	for i, r := range runs {
		stopping.Go(func() { stopped[i], errs[i] = engine.StopRun(ctx, dir, r, stoppedBy(os.Getenv), c.clock) })
	}
	stopping.Wait()
	for i, r := range runs {
		if errs[i] != nil {
			continue
		}
		if err := c.sayStopped(r, stopped[i]); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

func (c *command) sayStopped(r engine.ActiveRun, stopped bool) error {
	if c.json {
		return c.printJSON(map[string]any{"job": r.Job, "run": r.ID, "attempt": r.Attempt, "stopped": stopped})
	}
	what := "was stopped"
	if !stopped {
		what = "had ended by itself just before"
	}
	_, err := fmt.Fprintln(c.stdout, logging.Escape(fmt.Sprintf("run %s of job %q %s", r.ID, r.Job, what)))
	return err
}

// stoppedBy is the reason that is recorded: with the name of whoever called
// sudo, or of the user.
func stoppedBy(getenv func(string) string) string {
	const reason = engine.ReasonByHand
	if name := getenv("SUDO_USER"); name != "" {
		return reason + " (" + name + ")"
	}
	if u, err := user.Current(); err == nil && u.Username != "" {
		return reason + " (" + u.Username + ")"
	}
	return reason
}
