package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/lastgood"
	"slavedriver/internal/logging"
	"slavedriver/internal/vardir"
)

// An entry file under another namespace is in another world: nothing of the one
// before is seen, and nothing fails. It may have been meant, or a deploy cut the file
// off above its setNamespace. So people are told.

const (
	// together is how near to each other the shifts of two namespaces are where two
	// lines of a crontab give one file both of them.
	together = 3 * time.Minute
	// movedTold is how long commands tell of a namespace that has no shifts any more.
	movedTold = 7 * 24 * time.Hour
)

// moved is a namespace that an entry file had before.
type moved struct {
	from string
	last time.Time // its last shift
}

// hasLeft says whether a file whose last shift was one of another namespace, at old,
// has left that for the one that had its last shift at now; zero is none.
func hasLeft(old, now time.Time) bool { return !old.IsZero() && old.Sub(now) > together }

// movedFrom is what the index says of a file that is in namespace now, before a shift
// changes it; nil: nothing is to be told.
func movedFrom(base, entryFile, namespace string) *moved {
	from := vardir.Peek(base, entryFile)
	if from == "" || from == namespace {
		return nil
	}
	old, err := engine.LastShift(filepath.Join(base, from))
	now, err2 := engine.LastShift(filepath.Join(base, namespace))
	if err != nil || err2 != nil || !hasLeft(old, now) {
		return nil
	}
	return &moved{from, old}
}

// movedLately is movedFrom for commands, which are asked later, when the index knows
// the new namespace alone: it looks for var dirs of the same file that had jobs. Of
// several it is the one with the last shift.
func movedLately(base, entryFile, namespace string, now time.Time) *moved {
	found := movedFrom(base, entryFile, namespace)
	for _, from := range vardir.Namespaces(base) {
		dir := filepath.Join(base, from)
		last, err := engine.LastShift(dir)
		switch {
		case err != nil, from == namespace, now.Sub(last) > movedTold, !engine.ShiftOverdue(last, now):
		case found != nil && !last.After(found.last):
		case engine.AnyJobHere(dir) && lastgood.EntryOf(filepath.Join(dir, lastgood.FileName)) == entryFile:
			found = &moved{from, last}
		}
	}
	return found
}

// sentence is what people are told. The namespace was set by the file, or is made
// from its path.
func (m *moved) sentence(entryFile, namespace string) (sentence, hint string) {
	how, hint := "", "if that is not meant, see what setNamespace says"
	if namespace == vardir.Namespace(entryFile) {
		how, hint = ", as the file sets none", "if that is not meant, see whether the file is whole"
	}
	return fmt.Sprintf("the namespace of %s was %q until %s, and is %q now%s: runs, locks and records of %q are not seen from here",
		entryFile, m.from, dateTime(m.last.Local()), namespace, how, m.from), hint
}

// movedWarning is for who asks about an entry file; empty: there is nothing to tell.
func (c *command) movedWarning(entryFile, namespace string) []string {
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return nil
	}
	m := movedLately(base, entryFile, namespace, c.clock.Now())
	if m == nil {
		return nil
	}
	sentence, hint := m.sentence(entryFile, namespace)
	return []string{sentence + "; " + hint}
}

// noteNamespace notes the namespace of the entry file in the index, after the shift
// that finds another one there has told of it: one that is killed in between leaves
// that to the next. What is told is written by then, so its log is one of its own.
func (c *command) noteNamespace(plan *engine.Plan, dir *vardir.Dir, call logging.Function) {
	if c.moved != nil {
		log := logging.New(plan.Loggers, c.stderr, call)
		sentence, hint := c.moved.sentence(plan.EntryFile, plan.Namespace)
		log.Log(engine.Error, sentence+" ("+hint+")", nil)
		log.Close()
	}
	c.warn(dir.List(plan.EntryFile))
}
