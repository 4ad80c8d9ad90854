package main

import (
	"fmt"
	"os"
	"path/filepath"

	"slavedriver/engine"
	"slavedriver/internal/vardir"
)

// sayStanding warns where what a var dir holds may not be what somebody takes it for:
// no shift has run with it yet, or none comes any more.
func (c *command) sayStanding(entryFile, dir string) {
	moved := c.movedWarning(entryFile, filepath.Base(dir))
	c.warn(moved)
	last, err := engine.LastShift(dir)
	switch {
	case err != nil: // who reads more of it says so
	case last.IsZero():
		c.warn([]string{"no shift has run by a crontab yet with the var dir " + dir})
		if moved == nil {
			c.sayElsewhere(entryFile, dir)
		}
	case engine.ShiftOverdue(last, c.clock.Now()):
		c.warn([]string{fmt.Sprintf("no shift has run since %s: does cron run?", dateTime(last.Local()))})
	}
}

// sayElsewhere warns that the same file was run by another path, as which it has
// another var dir.
func (c *command) sayElsewhere(entryFile, dir string) {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return
	}
	if path, namespace := vardir.SameFile(base, entryFile, filepath.Base(dir)); path != "" {
		c.warn([]string{fmt.Sprintf("shifts of the same file were called as %s, and their var dir is %s: what belongs together has one path, or one setNamespace",
			path, filepath.Join(base, namespace))})
	}
}
