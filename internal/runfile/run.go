// Package runfile is one run of a job on disk: it starts, watches, adopts and
// ends the run's processes and reads its output. All that must outlive the
// process that started a run is in the run's folder:
//
//	intent.json  what is to run, complete before the process can exist
//	status       pid, exit status and CPU times, written by the wrapper
//	stdout       the job's output, written by the job itself
//	stderr
//	cursor       what was delivered and what was dropped of the output
//	stop.json    why the run is being ended; stop.sent once a signal was sent for that
//
// Beside the folder, active/.made-ID is another name of intent.json: see trace.
//
// A lock on the open file status proves that the wrapper, or whoever is about
// to start it, lives. The folder belongs to the shift on duty: it alone may
// call what changes something, except NoteTold, which is for the one who
// speaks to the handlers.
package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// ErrCorrupt is what errors are when a file of the run is torn, missing or
// not ours, and reading it again will not help.
var ErrCorrupt = errors.New("the run's files are damaged")

// Intent is what a later shift needs to watch the run without the entry file.
type Intent struct {
	ID      string // names the folder
	Run     string // the run of which this is an attempt; "": ID
	Job     string
	Attempt int // from 1
	Instant time.Time
	Token   string // the lease's
	Mark    string // random; RunMarkVar of the run's processes
	Fence   int64  // the lease's; 0: none

	Slave, Namespace string
	Depth            int `json:",omitempty"` // the caller's: how many runs led to this one

	// World is where pids of this run mean something. StartedAt and
	// StartedBoot (see Boottime) are when it was started.
	World       World
	StartedAt   time.Time
	StartedBoot time.Duration

	Timeout, WarnAfter, KillGrace time.Duration
	KeepOutput, MaxBacklog        int64 // bytes of each stream; see Trim

	UID  int             // the run's user, -1: ours
	Spec json.RawMessage // the engine's job, opaque here
}

// RunID is the run of which this is an attempt.
func (in Intent) RunID() string {
	if in.Run == "" {
		return in.ID
	}
	return in.Run
}

// Run is a run's folder and what this process has open of it. Its methods may
// be called from several goroutines at once.
type Run struct {
	// Intent is what intent.json says. Between Claim and Start the caller may
	// change it; Start writes it down again.
	Intent Intent

	// mu guards what follows up to the next gap. It is never held while
	// waiting, and taken after the locks of cursor and output.
	mu        sync.Mutex
	dir       string
	lock      int    // descriptor of status that has the lock, -1
	claimed   bool   // the lock is from Claim: intent.json is to be written again
	pipes     [2]int // stdout and stderr for the job, -1
	child     child
	stop      *Stop // asked for, though it may not have been written
	signalled bool

	cursor cursor
	output output
}

func newRun(dir string, in Intent) *Run {
	return &Run{
		Intent: in, dir: dir, lock: -1, pipes: [2]int{-1, -1},
		cursor: cursor{fd: -1},
	}
}

// Open opens a run that some shift left. An intent.json that is missing, torn
// or another run's gives an error that is ErrCorrupt; a folder that is not
// there one that is fs.ErrNotExist; anything else may pass.
func Open(dir string) (*Run, error) {
	data, err := durable.ReadFile(filepath.Join(dir, "intent.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(dir); missing != nil {
			return nil, fmt.Errorf("cannot open run %s: %w", dir, missing)
		}
		return nil, fmt.Errorf("cannot open run %s: it has no intent.json: %w", dir, ErrCorrupt)
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("cannot open run %s: %w: %w", dir, ErrCorrupt, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open run %s: %w", dir, err)
	}
	var in Intent
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("cannot read %s/intent.json: %w: %w", dir, ErrCorrupt, err)
	}
	if in.ID != filepath.Base(dir) {
		return nil, fmt.Errorf("cannot open run %s: its intent.json is of run %q: %w", dir, in.ID, ErrCorrupt)
	}
	return newRun(dir, in), nil
}

// Dir is the run's folder, where it is now.
func (r *Run) Dir() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dir
}

func (r *Run) path(name string) string { return filepath.Join(r.Dir(), name) }

// MoveTo moves the whole run into folder dir, in one rename. dir is made when
// it is not there.
func (r *Run) MoveTo(dir string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	target := filepath.Join(dir, r.Intent.ID)
	err := move(r.dir, target)
	if mayHelp := clearWay(dir, target, err); mayHelp {
		err = move(r.dir, target)
	}
	if err != nil {
		return fmt.Errorf("cannot move run %s to %s: %w", r.Intent.ID, dir, err)
	}
	Forget(filepath.Dir(r.dir), r.Intent.ID)
	r.dir = target
	return nil
}

// clearWay makes the folder dir for a move that failed, and puts aside what is no
// folder there, or has the run's name.
func clearWay(dir, target string, failed error) (mayHelp bool) {
	switch {
	case errors.Is(failed, fs.ErrNotExist):
		return os.MkdirAll(dir, 0o700) == nil
	case errors.Is(failed, syscall.ENOTDIR), errors.Is(failed, fs.ErrExist): // ENOTEMPTY is one too
		if err := durable.MakeFolder(dir); err != nil {
			return errors.Is(err, durable.ErrOdd)
		}
		return durable.PutAside(target) == nil
	}
	return false
}

func move(from, to string) error {
	if err := faultpoint.Hit("runfile.move"); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// Close gives up all descriptors. With them goes the lock of a run that was
// not started, and never the lock that a wrapper has. No other method may be
// called afterwards.
func (r *Run) Close() error {
	r.mu.Lock()
	r.closeStartFiles()
	r.child.close()
	r.mu.Unlock()
	r.cursor.close()
	r.output.close()
	return nil
}

// closeStartFiles closes our copies of what the wrapper inherits.
func (r *Run) closeStartFiles() {
	for _, fd := range []*int{&r.lock, &r.pipes[Stdout], &r.pipes[Stderr]} {
		if *fd >= 0 {
			_ = syscall.Close(*fd)
			*fd = -1
		}
	}
}

// Remove deletes the folder of a run, through the folder trash, so that no
// half-deleted run is ever seen where it was. A run that is not there is no error.
func Remove(dir, trash string) error {
	target := filepath.Join(trash, filepath.Base(dir))
	if err := os.RemoveAll(target); err != nil { // a crash left it
		return fmt.Errorf("cannot empty the trash: %w", err)
	}
	if err := os.MkdirAll(trash, 0o700); err != nil {
		return fmt.Errorf("cannot remove run %s: %w", dir, err)
	}
	Forget(filepath.Dir(dir), filepath.Base(dir))
	if err := faultpoint.Hit("runfile.remove"); err != nil {
		return fmt.Errorf("cannot remove run %s: %w", dir, err)
	}
	if err := os.Rename(dir, target); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("cannot remove run %s: %w", dir, err)
	}
	return os.RemoveAll(target)
}

// hidden begins the names of folders that are not complete yet.
const hidden = ".new-"

// Sweep removes the incomplete folders that a crash in Create left in active.
// No process can belong to one.
func Sweep(active string) error { return removeEach(active, hidden) }

// EmptyTrash removes what a crash in Remove left. A trash that is not there is
// no error.
func EmptyTrash(trash string) error {
	if err := removeEach(trash, ""); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func removeEach(dir, prefix string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("cannot clean up: %w", err)
	}
	var failed error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			failed = errors.Join(failed, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return failed
}

// rewriteIntent puts r.Intent in the place of intent.json.
func (r *Run) rewriteIntent() error {
	data, err := json.Marshal(r.Intent)
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(r.dir, "intent.json"), data, "runfile.intent")
}
