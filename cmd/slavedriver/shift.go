package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/vardir"
	"slavedriver/lockstore"
	"slavedriver/luaapi"
)

// The passwords of the lock store and of its sentinels, where the entry file
// says none.
const (
	envStorePassword    = "SLAVEDRIVER_REDIS_PASSWORD"
	envSentinelPassword = "SLAVEDRIVER_SENTINEL_PASSWORD"
)

// runShift is one shift: load, go on duty, work.
func (c *command) runShift(cmd *cobra.Command, file string) error {
	ctx := cmd.Context()
	at, err := c.instant(cmd)
	if err != nil {
		return err
	}
	l, err := c.loadForShift(ctx, file)
	if err != nil {
		return c.sayInvalid(ctx, file, err)
	}
	defer l.script.Close()
	plan := l.script.Plan()
	if c.sayer() != nil { // cron would mail them each minute
		c.warn(plan.Warnings)
	}
	dir, err := c.openDir(plan)
	if err != nil {
		return l.besides(c, err)
	}
	l.script.UseState(dir.State())
	ctx = untilRelieved(ctx)
	duty, err := dir.GoOnDuty(ctx, c.holder(l.script))
	if err != nil {
		return l.besides(c, unusable(err))
	}
	go duty.Reap(ctx)
	shift := &engine.Shift{At: at, Release: duty.Release, LoadError: l.broken}
	shift.CopyError = l.keep(dir, c.clock.Now())
	shift.Another = func() (engine.Script, error) { return c.another(ctx, file, l.files, dir, shift) }
	return c.work(ctx, l.script, dir, shift)
}

// work does the work of the shift, of which only what differs from shift to
// shift is given.
func (c *command) work(ctx context.Context, script *luaapi.Script, dir *vardir.Dir, shift *engine.Shift) error {
	plan := script.Plan()
	plan.Namespace = namespace(plan)
	store, err := openStore(plan, dir)
	if err != nil {
		return err
	}
	if store != nil {
		defer store.Close()
	}
	shift.Plan, shift.Script, shift.Store = plan, script, store
	shift.Dir, shift.Clock, shift.Environ, shift.Descriptors = dir.Path(), c.clock, os.Environ(), mostOpen()
	shift.Host, shift.Version = hostname(), version()
	shift.Out, shift.Err, shift.Say = c.scriptOutput(), c.stderr, c.sayer()
	shift.FunctionArgs = c.functionArgs(plan, dir)
	shift.Aloud = c.aloud(plan.Loggers)
	shift.Speak = speaker(dir, script)
	c.noteNamespace(plan, dir, shift.ScriptLog)
	log := logging.New(plan.Loggers, c.stderr, shift.ScriptLog)
	defer log.Close()
	shift.Log = log
	shift.Again, shift.Resumed = func(over bool) { c.again(log, over) }, os.Getenv(envResumed) != ""
	c.connect(script, dir, shift)
	report, err := shift.Run(ctx)
	if shift.Say != nil {
		sayReport(shift.Say, report)
	} else if err == nil && !shift.At.IsZero() && report == (engine.Report{}) {
		complain(c.stderr, "warning", "nothing is due at "+shift.At.Format("2006-01-02 15:04")+" on slave "+plan.Slave)
	}
	return unusable(err)
}

// sayReport tells a person who watches why the shift is over, where that is
// not plain.
func sayReport(say func(string, ...any), r engine.Report) {
	switch {
	case r.Relieved:
		say("relieved: what runs goes on, and the next call takes over")
	case r.Started+r.Adopted+r.Failed+r.Skipped+r.Missed == 0:
		say("nothing was due (see slavedriver list; --at TIME starts what is due then)")
	}
}

// load reads the entry file for a command that starts nothing; its errors are *luaapi.Error.
func (c *command) load(ctx context.Context, file string) (*luaapi.Script, error) {
	if err := c.enter(file); err != nil {
		return nil, err
	}
	script, err := luaapi.Load(ctx, file, c.readOptions())
	if err != nil {
		c.logNoName(script, err)
		return nil, c.named(file, err)
	}
	return script, nil
}

// disk is where entry files are; as root, what others could write is refused.
func (c *command) disk() luaapi.Files { return luaapi.Disk(vardir.Trusted(os.Geteuid() == 0)) }

// loadFrom is luaapi.Load with what this process has to give.
func (c *command) loadFrom(ctx context.Context, file string, files luaapi.Files) (*luaapi.Script, error) {
	return luaapi.Load(ctx, file, c.loadOptions(files))
}

// loadOptions are what loading for a shift takes from this process, once it called enter.
func (c *command) loadOptions(files luaapi.Files) luaapi.Options {
	return luaapi.Options{
		Slave: c.slave, Getenv: os.Getenv, Hostname: os.Hostname, Stdout: c.scriptOutput(), Stderr: c.stderr,
		WorkingDirectory: c.calledFrom, Root: os.Geteuid() == 0 || c.forFunction, Files: files, CheckStore: lockstore.Validate,
		ForFunction: c.forFunction,
	}
}

// readOptions are those of commands that start no job. What only root can start
// is no mistake to them: the file may be root's, and they are asked by anybody.
func (c *command) readOptions() luaapi.Options {
	o := c.loadOptions(c.disk())
	o.Root = true
	return o
}

// logNoName logs, as the entry file says, that this slave has no name, if that
// is what the error is.
func (c *command) logNoName(script *luaapi.Script, err error) {
	if !errors.Is(err, luaapi.ErrNoSlaveName) || script == nil {
		return
	}
	plan := script.Plan()
	log := logging.New(plan.Loggers, c.stderr, script.Log)
	log.Log(plan.Levels.InvalidConfig, luaapi.ErrNoSlaveName.Error(), nil)
	log.Close()
	script.Close()
}

// noteFolder notes where this process was called, before it enters another folder.
func (c *command) noteFolder() (err error) {
	if c.calledFrom == "" {
		c.calledFrom, err = os.Getwd() // honours $PWD: links in it keep their names
	}
	if err != nil {
		return fmt.Errorf("cannot tell the current folder: %w", err)
	}
	return nil
}

// enter goes to the entry file's folder, so that a relative path in a handler
// means the same whoever calls, cron too. One that cannot be entered is left to
// the loading of the file, which says why.
func (c *command) enter(file string) (err error) {
	if err := c.noteFolder(); err != nil {
		return err
	}
	if c.varDir == "" {
		c.varDir = os.Getenv(vardir.EnvBase)
	}
	if c.varDir != "" {
		if c.varDir, err = filepath.Abs(c.varDir); err != nil {
			return unusable(err)
		}
	}
	folder := filepath.Dir(file)
	if !filepath.IsAbs(folder) {
		folder = c.calledFrom + "/" + folder
	}
	_ = os.Chdir(folder)
	return nil
}

// openDir also remembers which namespace the entry file had before. The index has
// that until noteNamespace changes it.
func (c *command) openDir(plan *engine.Plan) (*vardir.Dir, error) {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return nil, unusable(err)
	}
	c.moved = movedFrom(base, plan.EntryFile, namespace(plan))
	dir, err := vardir.OpenUnlisted(base, namespace(plan))
	if err != nil {
		return nil, unusable(err)
	}
	c.warn(dir.Warnings())
	return dir, nil
}

func namespace(plan *engine.Plan) string {
	if plan.Namespace != "" {
		return plan.Namespace
	}
	return vardir.Namespace(plan.EntryFile)
}

func (c *command) holder(script *luaapi.Script) vardir.Holder {
	plan := script.Plan()
	return vardir.Holder{
		PID: os.Getpid(), EntryFile: plan.EntryFile, Slave: plan.Slave, Version: version(),
		Since: c.clock.Now(), Deadline: script.LongestDeadline(),
	}
}

// hostname is for people; "" where there is none.
func hostname() string {
	name, _ := os.Hostname()
	return name
}

func openStore(plan *engine.Plan, dir *vardir.Dir) (engine.Store, error) {
	return lockstore.Open(plan.LockStore, storeOptions(namespace(plan), dir.Path()))
}

// storeOptions are what a store takes from this process; dir is where its
// relative folders begin.
func storeOptions(namespace, dir string) lockstore.Options {
	return lockstore.Options{
		Namespace: namespace, Dir: dir,
		Password:         func() string { return os.Getenv(envStorePassword) },
		SentinelPassword: func() string { return os.Getenv(envSentinelPassword) },
	}
}

// speaker waits for the right to call handlers.
func speaker(dir *vardir.Dir, script engine.Script) func(context.Context) (func(), error) {
	return func(ctx context.Context) (func(), error) {
		voice, err := dir.Voice(ctx, script.LongestDeadline())
		if err != nil {
			return nil, err
		}
		return voice.Release, nil
	}
}

// untilRelieved is done when the next shift, or a person, ends this one. A
// second signal then ends the process as it ends any other: nothing is lost by
// that. Where stdout is a pipe that nobody reads any more, writing fails, and
// the shift goes on.
func untilRelieved(ctx context.Context) context.Context {
	ends := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) { // nohup
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(ctx)
	came := make(chan os.Signal, 4)
	signal.Notify(came, append(ends, syscall.SIGPIPE)...)
	go func() {
		for sig := range came {
			if sig != syscall.SIGPIPE {
				signal.Reset(ends...)
				cancel()
			}
		}
	}()
	return ctx
}
