package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/lastgood"
	"slavedriver/internal/vardir"
	"slavedriver/luaapi"
)

// loaded is an entry file for a shift.
type loaded struct {
	script *luaapi.Script
	files  luaapi.Files       // where it was read
	read   *lastgood.Recorder // nil where the script is that of a copy
	broken *engine.LoadError  // why it is; nil where it is not
}

// keep makes a copy of an entry file that loaded, if it is not there already.
func (l *loaded) keep(dir *vardir.Dir, now time.Time) error {
	if l.read == nil {
		return nil
	}
	return l.read.Keep(dir.Path(lastgood.FileName), l.script.Plan().EntryFile, now)
}

// besides says what is wrong with the entry file where something else keeps the
// shift from saying it; it returns that.
func (l *loaded) besides(c *command, err error) error {
	if l.broken != nil {
		complain(c.stderr, "error", l.broken.Message)
	}
	return err
}

// loadForShift loads the entry file or, where it does not load, its last good
// copy. The error is the entry file's own, whatever is wrong with the copy.
func (c *command) loadForShift(ctx context.Context, file string) (*loaded, error) {
	if err := c.enter(file); err != nil {
		return nil, err
	}
	read := lastgood.Record(c.disk())
	script, err := c.loadFrom(ctx, file, read)
	if err == nil {
		return &loaded{script: script, files: c.disk(), read: read}, nil
	}
	if !c.strict && mayUseCopy(err) {
		if l := c.loadCopy(ctx, file, err); l != nil {
			closeScript(script)
			return l, nil
		}
	}
	c.logNoName(script, err)
	return nil, err
}

// mayUseCopy says whether a copy may take the place of a file with that error.
// One that others could have written is not to be worked around: until somebody
// has looked into it, root runs nothing here, as sshd and sudo would have it.
func mayUseCopy(err error) bool {
	var e *luaapi.Error
	return errors.As(err, &e) && !vardir.IsUntrusted(err)
}

// loadCopy is nil where there is no copy that loads; what is wrong with it is
// said.
func (c *command) loadCopy(ctx context.Context, file string, broken error) *loaded {
	copied, err := c.openCopy(file)
	if errors.Is(err, lastgood.ErrNone) {
		return nil
	}
	if err != nil {
		complain(c.stderr, "warning", err.Error())
		return nil
	}
	script, err := c.loadFrom(ctx, file, copied)
	if err != nil {
		closeScript(script)
		if sameError(file, err) != sameError(file, broken) {
			complain(c.stderr, "warning", "its last good copy does not load either: "+err.Error())
		}
		return nil
	}
	copied.Loaded(c.disk())
	return &loaded{script: script, files: copied, broken: &engine.LoadError{
		Message: withHint(broken), Same: sameError(file, broken), Copy: copied.Of(),
	}}
}

// openCopy finds the copy by what the index says of the entry file: its own
// namespace is not known while it does not load.
func (c *command) openCopy(file string) (*lastgood.Copy, error) {
	entry := filepath.Clean(file)
	if !filepath.IsAbs(entry) {
		entry = filepath.Join(c.calledFrom, entry)
	}
	base, err := vardir.Base(c.varDir, os.Getenv, os.Geteuid() == 0)
	if err != nil {
		return nil, err
	}
	namespace, known, err := vardir.Lookup(base, entry)
	if err != nil {
		complain(c.stderr, "warning", err.Error())
	}
	if !known {
		namespace = vardir.Namespace(entry)
	}
	if _, err := os.Lstat(filepath.Join(base, namespace, lastgood.FileName)); err != nil {
		return nil, lastgood.ErrNone // and no var dir is made
	}
	dir, err := vardir.Open(base, namespace, entry)
	if err != nil {
		return nil, err
	}
	return lastgood.Open(dir.Path(lastgood.FileName), entry)
}

// withHint is a load error with what to do about it.
func withHint(err error) string {
	var e *luaapi.Error
	if errors.As(err, &e) && e.Hint != "" {
		return err.Error() + " (" + e.Hint + ")"
	}
	return err.Error()
}

// sameError is equal for load errors that are the same to a person, by whatever
// path they named the file. Where a file that does not come to an end was cut
// off is chance.
func sameError(file string, err error) string {
	folder := filepath.Dir(file) + "/"
	var e *luaapi.Error
	switch {
	case !errors.As(err, &e):
		return withoutNumbers(err.Error())
	case e.Overran():
		return "cut off"
	}
	place := (&luaapi.Error{File: e.File, Line: e.Line}).Error()
	return strings.ReplaceAll(place, folder, "") + withoutNumbers(strings.ReplaceAll(e.Message, folder, ""))
}

// withoutNumbers leaves out what may differ from load to load: times, process
// numbers, addresses of tables (0xc000123abc).
func withoutNumbers(message string) string {
	var b strings.Builder
	inNumber := false
	for _, r := range message {
		switch digit := r >= '0' && r <= '9'; {
		case digit && !inNumber:
			b.WriteByte('#')
			inNumber = true
		case digit, inNumber && strings.ContainsRune("xabcdef", r):
			// more of it
		default:
			b.WriteRune(r)
			inNumber = false
		}
	}
	return b.String()
}

func closeScript(script *luaapi.Script) {
	if script != nil {
		script.Close()
	}
}
