package engine

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

// A run that failed and waits for its next attempt has no process that could be
// ended. Who wants it stopped leaves a file named for the run, and is heard once that
// is there: whichever shift is on duty gives the attempt up, and removes the file
// when that is committed.

// stopRequest is such a wish.
type stopRequest struct {
	Reason string `json:"reason"`
}

// StopRetry asks for the end of a run that waits for its next attempt, from outside
// of any shift; of the attempt, should it have begun by then. When it returns nil,
// some shift will do that: the one on duty within a second or so, else the next.
func StopRetry(dir, run, reason string) error {
	path := stopPath(dir, run)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("run %s cannot be stopped: %w", run, err)
	}
	data, err := json.Marshal(stopRequest{reason})
	if err == nil {
		err = durable.WriteFile(path, data, "cancel")
	}
	if err != nil {
		return fmt.Errorf("run %s cannot be stopped: %w", run, err)
	}
	return nil
}

// StopAsked is the reason for which somebody wants a run stopped that waits for its
// next attempt; "" where nobody does, or a shift has done that.
func StopAsked(dir, run string) string {
	r, err := readStop(stopPath(dir, run))
	if err != nil {
		return ""
	}
	return r.Reason
}

func stopPath(dir, run string) string { return filepath.Join(dir, folderStops, run+requestWaits) }

func readStop(path string) (r stopRequest, err error) {
	data, err := durable.PeekAll(path)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err == nil && r.Reason == "" {
		err = errors.New("it gives no reason")
	}
	return r, err
}

// takeStops does what was asked for of runs that wait.
func (d *duty) takeStops() {
	if _, err := os.Lstat(d.path(folderStops)); errors.Is(err, fs.ErrNotExist) {
		return // as nearly always, and this is asked every second
	}
	entries, err := os.ReadDir(d.path(folderStops))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.sayOnce("stops", Error, "cannot read which runs are to be stopped: "+err.Error())
	}
	for _, entry := range entries {
		if run, ok := strings.CutSuffix(entry.Name(), requestWaits); ok {
			d.takeStop(run)
		}
	}
}

func (d *duty) takeStop(run string) {
	path := stopPath(d.Dir, run)
	r, err := readStop(path)
	if err != nil {
		d.sayOnce(path, Error, fmt.Sprintf("run %s is not stopped: %s could not be understood: %v", run, path, err))
		_ = durable.PutAside(path)
		return
	}
	if !d.stopWaiting(run, r.Reason) || !d.stopBegun(run, r.Reason) {
		return // the next look does
	}
	d.afterCommit(func() {
		err := faultpoint.Hit("cancel.taken")
		if err == nil {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.sayOnce("stops", Error, "cannot note that a run was stopped: "+err.Error())
		}
	})
}

// stopWaiting gives up what waits of a run, and says whether nothing more does: an
// attempt that is just being started is ended once it is there.
func (d *duty) stopWaiting(run, reason string) bool {
	for _, in := range d.agenda.Intents {
		switch {
		case in.settled || in.Retry == nil || runOf(in.Run) != run: // that of the attempt before may still be there
		case in.phase != phaseWaiting || !in.committed:
			return false
		default:
			d.notRetried(in, reason)
		}
	}
	return true
}

// stopBegun ends an attempt of a run that has begun, and says whether that is noted.
func (d *duty) stopBegun(run, reason string) bool {
	for id := range d.unseen {
		if runOf(id) == run {
			return false
		}
	}
	for _, r := range d.runs {
		if r.intent.RunID() != run || r.ending != nil {
			continue
		}
		if d.stop(r, reason); !r.toldToStop() {
			return false
		}
	}
	return true
}
