package main

import (
	"context"

	"slavedriver/engine"
	"slavedriver/internal/logging"
	"slavedriver/internal/outbox"
	"slavedriver/internal/vardir"
	"slavedriver/luaapi"
	"slavedriver/modules"
)

// connect gives the modules of the script what they act on, and keeps the
// script's secrets out of what the shift writes.
func (c *command) connect(script *luaapi.Script, dir *vardir.Dir, shift *engine.Shift) {
	secrets := script.Secrets()
	shift.Out, shift.Err = secrets.Writer(shift.Out), secrets.Writer(shift.Err)
	shift.Log = logging.Redacted(shift.Log, secrets)
	aloud := shift.Aloud
	shift.Aloud = func(level engine.Level, message string) { aloud(level, secrets.String(message)) }
	script.UseLog(shift.Log)
	box := outbox.New(dir.Path("outbox"), outbox.Options{
		Clock: c.clock, Deliver: modules.Deliverer(&modules.Network{}), Log: shift.Log,
	})
	script.UseOutbox(box)
	script.UseStarter(shift)
	shift.Outbox = box
}

// another loads the entry file of a shift once more, for questions to its
// functions.
func (c *command) another(ctx context.Context, file string, files luaapi.Files, dir *vardir.Dir, shift *engine.Shift) (engine.Script, error) {
	options := c.loadOptions(files)
	options.Slave, options.Quietly = shift.Plan.Slave, true
	script, err := luaapi.Load(ctx, file, options)
	if err != nil {
		closeScript(script)
		return nil, err
	}
	script.UseState(dir.State())
	script.UseLog(logging.Redacted(shift.Log, script.Secrets()))
	if box, ok := shift.Outbox.(*outbox.Box); ok {
		script.UseOutbox(box)
	}
	return script, nil
}
