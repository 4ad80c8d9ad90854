package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// trace begins the name of what stands beside a run's folder from just before
// its process is made until the folder is put away: another name of its
// intent.json. A job that removes or renames its own folder leaves that, and
// the run is known to have been started.
const trace = ".made-"

func tracePath(active, id string) string { return filepath.Join(active, trace+id) }

// TracedRun is the run whose trace has that name in the folder active.
func TracedRun(name string) (id string, ok bool) { return strings.CutPrefix(name, trace) }

// leaveTrace leaves the run's trace; r.mu is held. Nothing is synced: in another
// world a trace says nothing that the agenda does not.
func (r *Run) leaveTrace() error {
	if err := faultpoint.Hit("runfile.trace"); err != nil {
		return err
	}
	path := tracePath(filepath.Dir(r.dir), r.Intent.ID)
	intent := r.dir + "/intent.json"
	err := os.Link(intent, path)
	if errors.Is(err, fs.ErrExist) { // of an earlier try to start it
		if err := os.RemoveAll(path); err != nil {
			return err
		}
		err = os.Link(intent, path)
	}
	if err == nil {
		return nil
	}
	data, err := json.Marshal(r.Intent) // where there are no links
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// Forget removes the trace of a run; one that is not there is no error.
func Forget(active, id string) {
	_ = os.RemoveAll(tracePath(active, id)) // what stays is looked at by the next shift
}

// ReadTrace is the intent of a run of this world that was started, from its
// trace. Where there is none that can be used the error is fs.ErrNotExist.
func ReadTrace(active, id string) (Intent, error) {
	path := tracePath(active, id)
	data, err := durable.PeekAll(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, durable.ErrOdd) {
		return Intent{}, err
	}
	var in Intent
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	if err != nil || in.ID != id || in.World != CurrentWorld() {
		return Intent{}, &fs.PathError{Op: "use", Path: path, Err: fs.ErrNotExist}
	}
	return in, nil
}

// Remake makes the folder of a run anew that was started and has none any more,
// with a status that says that it was lost.
func Remake(active string, in Intent) (*Run, error) {
	dir := filepath.Join(active, in.ID)
	if err := newRun(dir, in).Restore(Look{}); err != nil {
		return nil, err
	}
	r, err := Open(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open the run that was made anew: %w", err)
	}
	return r, nil
}
