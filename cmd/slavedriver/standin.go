package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/lastgood"
	"slavedriver/luaapi"
)

// loadToRead is load for commands that tell of the jobs: where the entry file does not
// load, it is its last good copy, as that is what shifts run, and a warning says so.
func (c *command) loadToRead(ctx context.Context, file string) (*luaapi.Script, error) {
	script, broken := c.load(ctx, file)
	if broken == nil {
		return script, nil
	}
	script, of, err := c.loadStandIn(ctx, file, broken)
	if script == nil {
		c.warn(said(err))
		return nil, broken
	}
	c.warn([]string{fmt.Sprintf("the entry file does not load: %s; this is about its last good copy, of %s, which shifts run until it is mended (unless --strict)",
		withHint(broken), dateTime(of.Local().Truncate(time.Minute)))})
	return script, nil
}

func said(err error) []string {
	if err == nil {
		return nil
	}
	return []string{err.Error()}
}

// loadStandIn loads the last good copy of an entry file that does not load, and says
// when it was made. It changes nothing. Where no copy takes the place of the file there
// is no script; the error is that of a copy that is there.
func (c *command) loadStandIn(ctx context.Context, file string, broken error) (script *luaapi.Script, of time.Time, err error) {
	if !mayUseCopy(broken) {
		return nil, of, nil
	}
	entryFile, err := c.absolute(file)
	if err != nil {
		return nil, of, err
	}
	dir, err := c.lookDir(entryFile, c.lastNamespace(entryFile))
	if err != nil {
		return nil, of, err
	}
	copied, err := lastgood.Open(filepath.Join(dir, lastgood.FileName), entryFile)
	if errors.Is(err, lastgood.ErrNone) {
		return nil, of, nil
	}
	if err != nil {
		return nil, of, err
	}
	options := c.readOptions()
	options.Files = copied
	script, err = luaapi.Load(ctx, file, options)
	if err != nil {
		closeScript(script)
		return nil, of, fmt.Errorf("its last good copy does not load either: %w", err)
	}
	copied.Loaded(c.disk())
	return script, copied.Of(), nil
}

// jobsToRead are the jobs of an entry file that does not load, by its last good copy;
// nil where there is none.
func (c *command) jobsToRead(ctx context.Context, file string, broken error) *engine.Plan {
	script, _, _ := c.loadStandIn(ctx, file, broken) // what runs needs none of that
	if script == nil {
		return nil
	}
	defer script.Close()
	return script.Plan()
}
