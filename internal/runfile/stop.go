package runfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"slavedriver/internal/durable"
)

// Stop says that a run is being ended, and since when.
type Stop struct {
	Reason string
	At     time.Time
	Boot   time.Duration // see Boottime
	World  World         // where Boot counts
}

// RequestStop writes down that the run is being ended, which must be said
// before the first signal; a request that is there already stays. Where there
// is no room for that, the cursor, which has its room, takes it. With an error
// (nothing must keep a run alive) End may be called all the same: the request
// then lives as long as this process.
func (r *Run) RequestStop(s Stop) error {
	earlier, err := r.Stopping()
	if err == nil && earlier != nil {
		return nil
	}
	r.mu.Lock()
	r.stop = &s
	r.mu.Unlock()
	data, err := json.Marshal(s)
	if err == nil {
		err = durable.WriteFile(r.path("stop.json"), data, "runfile.stop")
	}
	if err != nil {
		err = r.noteStop(s)
	}
	if err != nil {
		return fmt.Errorf("cannot write down why run %s is being ended: %w", r.Intent.ID, err)
	}
	return nil
}

// Stopping is the request to end the run, nil when there is none. A torn one
// is a request for the reason "unknown".
func (r *Run) Stopping() (*Stop, error) {
	data, err := durable.ReadFile(r.path("stop.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r.unwrittenStop()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read whether run %s is being ended: %w", r.Intent.ID, err)
	}
	s := &Stop{}
	if torn := json.Unmarshal(data, s); torn != nil || s.Reason == "" {
		s = &Stop{Reason: "unknown"}
	}
	return s, nil
}

// unwrittenStop is a request that found no room for a file of its own.
func (r *Run) unwrittenStop() (*Stop, error) {
	r.mu.Lock()
	stop := r.stop
	r.mu.Unlock()
	if stop != nil {
		return stop, nil
	}
	kept, err := r.keptOrNothing()
	reason, _, _ := bytes.Cut(kept.Stop.Reason[:], []byte{0})
	if err != nil || len(reason) == 0 {
		return nil, err
	}
	return &Stop{Reason: string(reason), Boot: kept.Stop.Boot, World: r.Intent.World}, nil
}

// The pause between two looks at the processes of a run that is being ended.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// End ends the processes of the run: SIGTERM to each once, but for those that
// a job starts because of it, and when grace is over, counted from the request
// to stop whoever made it, SIGKILL to each but the wrapper, again and again
// until none is left. The wrapper, which is to write the exit status, is only
// woken should somebody have stopped it. What fails is tried again; an error
// says that ctx ended, with the last failure, or that there is no finding out
// (no folder, no pidfds). Only a run that was started can be ended.
func (r *Run) End(ctx context.Context, grace time.Duration) error {
	kill := Boottime() + r.graceLeft(grace)
	h := r.newHunt()
	defer h.close()
	pause, quiet := firstPause, 0
	for {
		left, err := r.press(h, kill)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOSYS) {
			return err
		}
		// A process may have hidden from one look by forking behind its back.
		if quiet++; left || err != nil {
			quiet = 0
		}
		if quiet == 2 {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		}
	}
}

// graceLeft is how long the run's processes have from now on.
func (r *Run) graceLeft(grace time.Duration) time.Duration {
	stop, err := r.Stopping()
	if err != nil || stop == nil || stop.World != CurrentWorld() {
		return grace
	}
	return max(0, min(grace, stop.Boot+grace-Boottime()))
}

// press sends what it is time for and says whether anything is left that
// could go on: a process, or a wrapper that has not started its job yet or not
// recorded its end.
func (r *Run) press(h *hunt, kill time.Duration) (left bool, err error) {
	look, err := r.Look()
	if err != nil {
		return true, err
	}
	sig := syscall.Signal(0)
	switch {
	case Boottime() >= kill:
		sig = syscall.SIGKILL
	case look.Held && !look.Began && !look.Exited: // its traps would swallow SIGTERM
	case !r.Signalled():
		sig = syscall.SIGTERM
	}
	n, err := h.signal(sig)
	if n > 0 && sig != 0 {
		r.noteSignalled()
	}
	if n > 0 || err != nil {
		return true, err
	}
	look, err = r.Look()
	return err != nil || look.Held && !look.Exited && look.SameWorld, err
}

// Signalled says whether End sent a signal, ours or that of a shift before. It is
// noted by an empty file after the fact: should that be lost, a second SIGTERM is
// the lesser evil.
func (r *Run) Signalled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.signalled {
		_, err := os.Stat(r.dir + "/stop.sent")
		r.signalled = err == nil
	}
	return r.signalled
}

func (r *Run) noteSignalled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signalled = true
	if fd, err := openFile(r.dir+"/stop.sent", syscall.O_WRONLY|syscall.O_CREAT); err == nil {
		_ = syscall.Close(fd)
	}
}

// Alive is how many processes of the run live, the wrapper not counted; 0 in
// another world.
func (r *Run) Alive() (int, error) {
	h := r.newHunt()
	defer h.close()
	return h.signal(0)
}
