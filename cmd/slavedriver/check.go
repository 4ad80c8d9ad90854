package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/luaapi"
)

const checkManual = `Loads an entry file, says what is wrong with it and where, and runs nothing.

After the first mistake it goes on to find more: one in each job, and in each
file of a folder of jobs. What stops the entry file itself hides the rest of it.
It is always strict: whether there is a last good copy of FILE does not matter.
--json prints one object, whether the file is valid or not.`

func (c *command) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "check FILE",
		Short:             "Loads an entry file and says what is wrong with it, and where",
		Long:              checkManual,
		Args:              oneArgument,
		ValidArgsFunction: onlyLua,
		RunE: func(cmd *cobra.Command, args []string) error {
			script, err := c.load(cmd.Context(), args[0])
			var invalid *luaapi.Error
			if errors.As(err, &invalid) {
				return c.printMistakes(cmd.Context(), args[0], invalid)
			}
			if err != nil {
				return err
			}
			defer script.Close()
			script.Examine(cmd.Context(), c.clock.Now())
			return c.printVerdict(args[0], script.Plan())
		},
	}
}

// mistake is an error in the output of `check --json`.
type mistake struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// printMistakes says all that is found to be wrong with an entry file that was
// refused.
func (c *command) printMistakes(ctx context.Context, file string, first *luaapi.Error) error {
	mistakes := []mistake{}
	for _, e := range luaapi.Mistakes(ctx, file, c.readOptions(), first) {
		mistakes = append(mistakes, mistake{e.File, e.Line, e.Message, e.Hint})
		if !c.json {
			complainOf(c.stderr, e.Error(), e.Hint)
		}
	}
	if c.json {
		if err := c.printJSON(map[string]any{"file": file, "valid": false, "errors": mistakes}); err != nil {
			return err
		}
	}
	return &failure{status: exitUsage, err: first, said: true}
}

// printVerdict says that the file is valid, and what may still be wrong.
func (c *command) printVerdict(file string, plan *engine.Plan) error {
	if len(plan.Jobs) == 0 {
		plan.Warnings = append(plan.Warnings, "there is no job in it; a Job is added by slavedriver:addJob(job), before slavedriver:run()")
	}
	plan.Warnings = append(plan.Warnings, doubts(file, plan, c.clock.Now())...)
	c.warn(plan.Warnings)
	elsewhere := jobsElsewhere(plan)
	here := len(plan.Jobs) - len(elsewhere)
	if c.json {
		return c.printJSON(map[string]any{
			"file": file, "valid": true, "slave": plan.Slave, "jobs": len(plan.Jobs), "onSlave": here,
			"warnings": append([]string{}, plan.Warnings...),
		})
	}
	_, err := fmt.Fprintf(c.stdout, "%s is valid: %s%s\n", file, count(len(plan.Jobs), "job"), ofThem(here, len(plan.Jobs), plan.Slave))
	if err != nil {
		return err
	}
	return c.printElsewhere(plan.Slave, elsewhere)
}

func (c *command) warn(sentences []string) {
	for _, sentence := range sentences {
		complain(c.stderr, "warning", sentence)
	}
}

// jobsElsewhere are the jobs none of whose slave names is this slave.
func jobsElsewhere(plan *engine.Plan) (jobs []*engine.Job) {
	for _, job := range plan.Jobs {
		if !job.OnSlave(plan.Slave) {
			jobs = append(jobs, job)
		}
	}
	return jobs
}

// printElsewhere names them: a misspelt slave looks just like this.
func (c *command) printElsewhere(slave string, jobs []*engine.Job) error {
	for _, job := range jobs {
		_, err := fmt.Fprintf(c.stdout, "not on slave %s: %s (only on %s)\n", slave, job.Name, strings.Join(job.Slaves, ", "))
		if err != nil {
			return err
		}
	}
	return nil
}

// ofThem says how many of all jobs are for a slave.
func ofThem(here, all int, slave string) string {
	switch {
	case all == 0:
		return ""
	case all == 1 && here == 1:
		return ", on slave " + slave
	case all == 1:
		return ", and not on slave " + slave
	case here == all:
		return ", all of them on slave " + slave
	case here == 0:
		return ", none of them on slave " + slave
	}
	return fmt.Sprintf(", %d of them on slave %s", here, slave)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
