package engine

import (
	"context"
	"time"

	"slavedriver/internal/runfile"
)

// Supervisor makes the runs of jobs and finds them again: all that the engine
// asks of the world of processes. The real one is internal/runfile; another
// one can let jobs run in a world where nothing is executed. It keeps each run
// in a folder, which the engine lists and names: active/<id> until the run's
// end was told, then where MoveTo puts it.
type Supervisor interface {
	// World is where pids mean something now: see runfile.World.
	World() runfile.World
	// Create makes a run in the folder active, locked for its start; one that
	// is there already gives fs.ErrExist.
	Create(active string, in runfile.Intent, c *runfile.Credential) (RunFile, error)
	// Open finds the run in the folder dir: see runfile.Open for its errors.
	Open(dir string) (RunFile, error)
	// Held says whether somebody lives who holds the status of the run in dir.
	Held(dir string) (bool, error)
	// Remove deletes the run in dir by way of the folder trash.
	Remove(dir, trash string) error
	// Sweep removes what a crash in Create left in the folder active.
	Sweep(active string) error

	traces
}

// traces are what is left of a run whose folder was removed.
type traces interface {
	// Trace is the intent of a run of this world that was started; fs.ErrNotExist
	// where nothing says so.
	Trace(active, id string) (runfile.Intent, error)
	// Forget removes the trace of a run.
	Forget(active, id string)
	// Remake makes the folder of a run anew that was started.
	Remake(active string, in runfile.Intent) (RunFile, error)
	// Living is which of the marks (Intent.Mark) processes carry.
	Living(marks map[string]bool) (map[string]bool, error)
}

// RunFile is one run of a Supervisor. Its methods mean what those of the same
// names of runfile.Run do, and may be called from several goroutines at once.
type RunFile interface {
	// Intent is what is known of the run; SetFence changes it before Start.
	Intent() runfile.Intent
	SetFence(fence int64)
	Claim() (bool, error)
	Start(l runfile.Launch) error
	Close() error
	// MoveTo moves the run's folder into the folder dir.
	MoveTo(dir string) error
	Lost() bool
	Restore(look runfile.Look) error

	runProcess
	runNotes
	runOutput
}

// runProcess is what goes on in a run.
type runProcess interface {
	Look() (runfile.Look, error)
	Alive() (int, error)
	Wait(ctx context.Context) error
	EndedAt() time.Time
	RequestStop(s runfile.Stop) error
	Stopping() (*runfile.Stop, error)
	Signalled() bool
	End(ctx context.Context, grace time.Duration) error
}

// runNotes is what shifts note of a run, so that the next one knows it.
type runNotes interface {
	ReadTold() (runfile.Told, error)
	NoteTold(t runfile.Told) error
	ReadKept() (runfile.Kept, error)
	NoteKept(k runfile.Kept) error
}

// runOutput is what a run printed.
type runOutput interface {
	Size(s runfile.Stream) (int64, error)
	Read(s runfile.Stream, from int64, mode runfile.ReadMode, buf []byte) (runfile.Piece, error)
	ReadAgain(s runfile.Stream, from, next int64, buf []byte) (runfile.Piece, error)
	Tail(s runfile.Stream, lines int, maxBytes int64) (string, error)
	Trim(delivered [2]int64) (lost [2]int64, err error)
	TrimLast(delivered [2]int64) (lost [2]int64, err error)
}

// processes is the Supervisor of real processes.
type processes struct{}

// onDisk is a real run.
type onDisk struct{ *runfile.Run }

func (r onDisk) Intent() runfile.Intent { return r.Run.Intent }
func (r onDisk) SetFence(fence int64)   { r.Run.Intent.Fence = fence }

func (processes) World() runfile.World { return runfile.CurrentWorld() }

func (processes) Create(active string, in runfile.Intent, c *runfile.Credential) (RunFile, error) {
	r, err := runfile.Create(active, in, c)
	if err != nil {
		return nil, err
	}
	return onDisk{r}, nil
}

func (processes) Open(dir string) (RunFile, error) {
	r, err := runfile.Open(dir)
	if err != nil {
		return nil, err
	}
	return onDisk{r}, nil
}

func (processes) Trace(active, id string) (runfile.Intent, error) {
	return runfile.ReadTrace(active, id)
}
func (processes) Forget(active, id string) { runfile.Forget(active, id) }

func (processes) Remake(active string, in runfile.Intent) (RunFile, error) {
	r, err := runfile.Remake(active, in)
	if err != nil {
		return nil, err
	}
	return onDisk{r}, nil
}

func (processes) Living(marks map[string]bool) (map[string]bool, error) { return runfile.Living(marks) }

func (processes) Held(dir string) (bool, error)  { return runfile.StatusHeld(dir) }
func (processes) Remove(dir, trash string) error { return runfile.Remove(dir, trash) }
func (processes) Sweep(active string) error      { return runfile.Sweep(active) }
