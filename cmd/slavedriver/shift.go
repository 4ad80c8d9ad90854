package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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
func (c *command) runShift(ctx context.Context, file string) error {
	at, err := c.instant()
	if err != nil {
		return err
	}
	script, err := c.load(ctx, file)
	if err != nil {
		return err
	}
	defer script.Close()
	c.warn(script.Plan().Warnings)
	dir, err := c.openDir(script.Plan())
	if err != nil {
		return err
	}
	script.UseState(dir.State())
	ctx = untilRelieved(ctx)
	duty, err := dir.GoOnDuty(ctx, c.holder(script))
	if err != nil {
		return unusable(err)
	}
	go duty.Reap(ctx)
	return c.work(ctx, script, dir, &engine.Shift{At: at, Release: duty.Release})
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
	shift.Dir, shift.Clock, shift.Environ = dir.Path(), c.clock, os.Environ()
	shift.Out, shift.Err, shift.Say = c.scriptOutput(), c.stderr, c.sayer()
	shift.Speak = speaker(dir, script)
	shift.Log = logging.New(plan.Loggers, c.stderr, shift.ScriptLog)
	report, err := shift.Run(ctx)
	if shift.Say != nil {
		sayReport(shift.Say, report)
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

// load reads the entry file; its errors are *luaapi.Error.
func (c *command) load(ctx context.Context, file string) (*luaapi.Script, error) {
	root := os.Geteuid() == 0
	folder, err := os.Getwd() // honours $PWD: links in it keep their names
	if err != nil {
		return nil, fmt.Errorf("cannot tell the current folder: %w", err)
	}
	script, err := luaapi.Load(ctx, file, luaapi.Options{
		Slave: c.slave, Getenv: os.Getenv, Hostname: os.Hostname, Stdout: c.scriptOutput(), Stderr: c.stderr,
		WorkingDirectory: folder, Root: root, CheckFile: vardir.Trusted(root), CheckStore: lockstore.Validate,
	})
	if errors.Is(err, luaapi.ErrNoSlaveName) {
		plan := script.Plan()
		logging.New(plan.Loggers, c.stderr, script.Log).Log(plan.Levels.InvalidConfig, luaapi.ErrNoSlaveName.Error(), nil)
		script.Close()
	}
	return script, err
}

func (c *command) openDir(plan *engine.Plan) (*vardir.Dir, error) {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return nil, unusable(err)
	}
	dir, err := vardir.Open(base, namespace(plan), plan.EntryFile)
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

func openStore(plan *engine.Plan, dir *vardir.Dir) (engine.Store, error) {
	return lockstore.Open(plan.LockStore, lockstore.Options{
		Namespace: namespace(plan), Dir: dir.Path(),
		Password:         func() string { return os.Getenv(envStorePassword) },
		SentinelPassword: func() string { return os.Getenv(envSentinelPassword) },
	})
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
