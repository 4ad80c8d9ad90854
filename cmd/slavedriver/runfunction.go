package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/outbox"
	"slavedriver/internal/vardir"
	"slavedriver/luaapi"
	"slavedriver/modules"
)

// The process of a job whose command is a function of Lua. It is a job's process
// like any other: whatever becomes of the shift that started it.

// functionArgs is how a shift has the function of a job called; the job's name
// is to follow. The binary is the one of this process, whatever took its place.
func (c *command) functionArgs(plan *engine.Plan, dir *vardir.Dir) []string {
	program, err := os.Executable()
	if err != nil {
		program = c.program
	}
	args := []string{program, "run-function", "--var-dir=" + filepath.Dir(dir.Path()), "--slave=" + plan.Slave}
	if c.strict {
		args = append(args, "--strict")
	}
	return append(args, "--", plan.EntryFile)
}

func (c *command) runFunctionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:    "run-function FILE JOB",
		Short:  "Calls the function of a job; shifts do that",
		Hidden: true,
		Args:   cobra.ArbitraryArgs, // judged below
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || os.Getenv("SLAVEDRIVER_RUN_ID") == "" {
				return usage("run-function is what a shift starts for a job in Lua; it cannot be called by hand", "slavedriver help")
			}
			return c.runFunction(cmd.Context(), args[0], args[1])
		},
	}
	cmd.Flags().BoolVar(&c.strict, "strict", false, "do not run the last good copy of FILE")
	return cmd
}

// runFunction loads the entry file, or its last good copy as a shift would, and
// calls the function in the folder in which the job is to run.
func (c *command) runFunction(ctx context.Context, file, job string) error {
	c.forFunction = true
	if _, err := os.ReadDir(c.varDir); err != nil {
		c.strict = true // the copy is closed to the user of this job
	}
	folder, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("cannot tell the current folder: %w", err)
	}
	l, err := c.loadForShift(ctx, file)
	if err != nil {
		return failed(readable(err))
	}
	defer l.script.Close()
	if err := os.Chdir(folder); err != nil {
		return failed(err)
	}
	closeLog := c.connectFunction(l.script)
	defer closeLog()
	status, message, err := l.script.RunFunction(ctx, job, c.runFromEnvironment())
	if err != nil {
		return c.threw(err)
	}
	if message != "" {
		_, _ = fmt.Fprintln(c.stderr, message)
	}
	return exitWith(status)
}

// failed is a failure of the job, not a wrong use of slavedriver. It is one line,
// as the last line is what a failure is reported with.
func failed(err error) error {
	return &failure{status: exitOther, err: errors.New(withHint(err))}
}

// exitWith ends this process with a status, and says nothing more.
func exitWith(status int) error {
	if status == 0 {
		return nil
	}
	return &failure{status: status, said: true, err: errors.New("the function failed")}
}

// threw says what a function threw: where it was, and last what is wrong.
func (c *command) threw(err error) error {
	var inFile *luaapi.Error
	if errors.As(err, &inFile) && inFile.Trace != "" {
		_, _ = fmt.Fprintf(c.stderr, "stack traceback:\n%s\n", inFile.Trace)
	}
	_, _ = fmt.Fprintln(c.stderr, withHint(err))
	return exitWith(exitOther)
}

// readable adds to an error about files that the job's own user must be able to
// read them.
func readable(err error) error {
	var inFile *luaapi.Error
	if errors.As(err, &inFile) && errors.Is(err, fs.ErrPermission) && inFile.Hint == "" {
		inFile.Hint = fmt.Sprintf("a job in Lua loads the entry file as its own user (here %d), who must be able to read it, and what it requires", os.Geteuid())
	}
	return err
}

// runFromEnvironment is what the shift said of this run.
func (c *command) runFromEnvironment() *engine.RunInfo {
	run := &engine.RunInfo{
		ID: os.Getenv("SLAVEDRIVER_RUN_ID"), Slave: os.Getenv("SLAVEDRIVER_SLAVE"), StartedAt: c.clock.Now(), PID: os.Getpid(),
	}
	run.Attempt, _ = strconv.Atoi(os.Getenv("SLAVEDRIVER_ATTEMPT"))
	run.ScheduledAt, _ = time.Parse(time.RFC3339, os.Getenv("SLAVEDRIVER_SCHEDULED_AT"))
	run.Fence, _ = strconv.ParseInt(os.Getenv("SLAVEDRIVER_FENCE"), 10, 64)
	return run
}

// connectFunction gives the modules what they act on: the loggers of the entry
// file, and of the var dir the state and the outbox, which is only filled here
// and emptied by shifts. A job that runs as another user has no var dir.
func (c *command) connectFunction(script *luaapi.Script) (closeLog func()) {
	log := logging.New(script.Plan().Loggers, c.stderr, script.Log)
	script.UseLog(logging.Redacted(log, script.Secrets()))
	dir, err := vardir.Open(c.varDir, os.Getenv("SLAVEDRIVER_NAMESPACE"), script.Plan().EntryFile)
	if err != nil {
		script.UseState(noVarDir{err})
		script.UseOutbox(noVarDir{err})
		return log.Close
	}
	script.UseState(dir.State())
	script.UseOutbox(outbox.New(dir.Path("outbox"), outbox.Options{
		Clock: c.clock, Deliver: modules.Deliverer(&modules.Network{}), Log: log,
	}))
	return log.Close
}

// noVarDir is the state and the outbox where the var dir cannot be used.
type noVarDir struct{ why error }

func (n noVarDir) err() error {
	why := strings.TrimPrefix(n.why.Error(), "cannot look at the var dir: ")
	return fmt.Errorf("it is in the var dir, which is closed to the user of this job: %s", why)
}

// Get knows no value, and says why.
func (n noVarDir) Get(string) (any, bool, error) { return nil, false, n.err() }

// Set keeps nothing, and says why.
func (n noVarDir) Set(string, any) error { return n.err() }

// Increment counts nothing, and says why.
func (n noVarDir) Increment(string, float64) (float64, error) { return 0, n.err() }

// Put takes no letter, and says why.
func (n noVarDir) Put(outbox.Letter) error { return n.err() }
