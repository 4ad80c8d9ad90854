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
		active, err := lookAt(dir, id)
		switch {
		case errors.Is(err, fs.ErrNotExist): // put away just now
		case slices.ContainsFunc(runs, func(r ActiveRun) bool { return r.ID == active.ID && r.Attempt == active.Attempt }): // renamed
		case err != nil:
			problems = append(problems, err.Error())
		default:
			runs = append(runs, active)
		}
	})
	return runs, problems, err
}

// eachActive names the attempts that are not put away: first those of which there is
// a folder, then those whose folder is gone, of which there is a trace.
func eachActive(dir string, take func(id string)) error {
	entries, err := os.ReadDir(filepath.Join(dir, folderActive))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the active runs: %w", err)
	}
	var traced []string
	there := map[string]bool{}
	for _, entry := range entries { // in the order of their names
		if id, ok := runfile.TracedRun(entry.Name()); ok {
			traced = append(traced, id)
		} else if !strings.HasPrefix(entry.Name(), ".") {
			there[entry.Name()] = true
			take(entry.Name())
		}
	}
	for _, id := range traced {
		if !there[id] {
			take(id)
		}
	}
	return nil
}

// lookAtTrace looks at a run whose folder is gone: what its job removed while no shift
// was there. One of which nothing lives is no longer there, or put away.
func lookAtTrace(active, id string) (r ActiveRun, err error) {
	in, err := runfile.ReadTrace(active, id)
	if err != nil {
		return r, err
	}
	living, err := runfile.Living(map[string]bool{in.Mark: true})
	if err == nil && !living[in.Mark] {
		err = fs.ErrNotExist
	}
	return ActiveRun{
		ID: in.RunID(), Job: in.Job, Instant: in.Instant, Started: in.StartedAt, Attempt: in.Attempt, Slave: in.Slave, State: RunStray,
	}, err
}

// Goes says whether a process of the run is there, or about to be.
func (r ActiveRun) Goes() bool {
	return slices.Contains([]RunState{RunStarting, RunRunning, RunEnding, RunOrphaned, RunStray}, r.State)
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
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := lookAtTrace(filepath.Join(dir, folderActive), id); err != nil { // it was put away just now
			return false, nil
		}
		return false, fmt.Errorf("run %s cannot be ended yet: its folder was removed or renamed, and the next shift makes it anew", id)
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
