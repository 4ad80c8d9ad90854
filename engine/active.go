package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"slavedriver/internal/runfile"
)

// ActiveRuns are the attempts in the var dir that have not been put away yet, in
// the order of their ids. It reads as ReadRecords does: it changes nothing and
// takes no lock. What cannot be understood is left out, and named in problems.
func ActiveRuns(dir string) (runs []ActiveRun, problems []string, err error) {
	err = eachActive(dir, func(id string) {
		active, err := lookAt(filepath.Join(dir, folderActive, id))
		switch {
		case errors.Is(err, fs.ErrNotExist): // put away just now
		case err != nil:
			problems = append(problems, err.Error())
		default:
			runs = append(runs, active)
		}
	})
	return runs, problems, err
}

// eachActive names the run folders of attempts that are not put away.
func eachActive(dir string, take func(id string)) error {
	entries, err := os.ReadDir(filepath.Join(dir, folderActive))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the active runs: %w", err)
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			take(entry.Name())
		}
	}
	return nil
}

// Goes says whether a process of the run is there, or about to be.
func (r ActiveRun) Goes() bool {
	return slices.Contains([]RunState{RunStarting, RunRunning, RunEnding, RunOrphaned}, r.State)
}

// ReasonByHand is how the reasons of StopRun begin.
const ReasonByHand = "stopped by hand"

// StopRun ends an attempt that goes on, from outside of any shift: the reason is
// written down first, as a shift does, so that whichever shift comes next goes on
// with it should this process die; then its processes get SIGTERM and, after the
// job's killGrace, SIGKILL. It returns when none is left. That the run has ended,
// and why, is the shift's to record and tell. It is false for a run that had ended
// by itself before.
func StopRun(ctx context.Context, dir string, r ActiveRun, reason string, clock Clock) (stopped bool, err error) {
	id := AttemptID(r.ID, r.Attempt)
	file, err := runfile.Open(filepath.Join(dir, folderActive, id))
	if errors.Is(err, fs.ErrNotExist) { // it was put away just now
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	stop := runfile.Stop{Reason: reason, At: clock.Now(), Boot: clock.Boot(), World: runfile.CurrentWorld()}
	if look, err := file.Look(); err != nil || look.Exited {
		return false, err
	}
	if err := file.RequestStop(stop); err != nil {
		return false, err
	}
	if err := file.End(ctx, file.Intent.KillGrace); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return true, fmt.Errorf("run %s is still being ended: %w", id, err)
	}
	return !endedBefore(onDisk{file}), nil
}
