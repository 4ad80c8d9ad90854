package imagined

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"slavedriver/internal/runfile"
)

// Run is what a shift has open of a run. Its methods mean what those of the
// same names of runfile.Run do.
type Run struct {
	*process
	dir string
}

// Intent is what is known of the run.
func (r *Run) Intent() runfile.Intent {
	defer r.lock()()
	return r.intent
}

// SetFence changes the intent, before Start.
func (r *Run) SetFence(fence int64) {
	defer r.lock()()
	r.intent.Fence = fence
}

func (r *Run) lock() (unlock func()) {
	r.in.mu.Lock()
	return r.in.mu.Unlock
}

// Claim takes the lock of a run that was never started.
func (r *Run) Claim() (bool, error) {
	defer r.lock()()
	if r.locked || r.pid != 0 || r.intent.World != r.in.world {
		return false, nil
	}
	r.locked = true
	r.intent.StartedBoot = r.in.boot()
	return true, nil
}

// Start begins the act.
func (r *Run) Start(runfile.Launch) error {
	defer r.lock()()
	p := r.in
	if !r.locked {
		return errors.New("it is not locked")
	}
	p.started = append(p.started, r.process)
	r.locked, r.pid = false, len(p.started)+1
	r.act = p.act(r.intent)
	r.begun, r.startedAt = p.boot(), p.now()
	r.timer = time.AfterFunc(r.act.Lasts, func() {
		defer r.lock()()
		r.exit(r.act.Exit)
	})
	return nil
}

// Close has nothing to do.
func (r *Run) Close() error { return nil }

// MoveTo moves the run's folder into the folder dir.
func (r *Run) MoveTo(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	target := filepath.Join(dir, r.Intent().ID)
	if err := os.Rename(r.dir, target); err != nil {
		return err
	}
	r.dir = target
	return nil
}

// Lost says that the run's folder is gone.
func (r *Run) Lost() bool {
	_, err := os.Lstat(r.dir)
	return errors.Is(err, fs.ErrNotExist)
}

// Restore makes the folder again.
func (r *Run) Restore(runfile.Look) error { return os.Mkdir(r.dir, 0o700) }

// Look is what lock and status tell.
func (r *Run) Look() (runfile.Look, error) {
	defer r.lock()()
	look := runfile.Look{
		Held: r.locked || r.pid != 0 && !r.isOver(), PID: r.pid, Began: r.pid != 0,
		Exited: r.exited, SameWorld: r.intent.World == r.in.world,
	}
	if r.exited {
		look.Exit = r.act.Exit
	}
	return look, nil
}

// Alive is how many processes of the run live.
func (r *Run) Alive() (int, error) {
	look, err := r.Look()
	if err != nil || !look.SameWorld || look.PID == 0 || r.isOver() {
		return 0, err
	}
	return 1, nil
}

// Wait waits for the end of the process.
func (r *Run) Wait(ctx context.Context) error {
	select {
	case <-r.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// EndedAt is when the process ended; zero where that is not known.
func (r *Run) EndedAt() time.Time {
	defer r.lock()()
	return r.endedAt
}

// RequestStop notes why the run is being ended; the first reason stays.
func (r *Run) RequestStop(s runfile.Stop) error {
	defer r.lock()()
	if r.stop == nil {
		r.stop = &s
	}
	return nil
}

// Stopping is what RequestStop noted, or nil.
func (r *Run) Stopping() (*runfile.Stop, error) {
	defer r.lock()()
	return r.stop, nil
}

// End ends the process: at once, or after grace where it is deaf.
func (r *Run) End(ctx context.Context, grace time.Duration) error {
	code := 128 + int(syscall.SIGTERM)
	if r.deaf() {
		select {
		case <-time.After(grace):
			code = 128 + int(syscall.SIGKILL)
		case <-r.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer r.lock()()
	if r.timer != nil {
		r.timer.Stop()
	}
	r.signalled = true
	r.exit(code)
	return nil
}

// Signalled says whether End ended the run.
func (r *Run) Signalled() bool {
	defer r.lock()()
	return r.signalled
}

func (r *Run) deaf() bool {
	defer r.lock()()
	return r.act.Deaf
}

// ReadTold is what NoteTold noted last.
func (r *Run) ReadTold() (runfile.Told, error) {
	defer r.lock()()
	return r.told, nil
}

// NoteTold notes what was told of the run.
func (r *Run) NoteTold(t runfile.Told) error {
	defer r.lock()()
	r.told = t
	return nil
}

// ReadKept is what NoteKept noted last.
func (r *Run) ReadKept() (runfile.Kept, error) {
	defer r.lock()()
	return r.kept, nil
}

// NoteKept notes what is kept of the run's output.
func (r *Run) NoteKept(k runfile.Kept) error {
	defer r.lock()()
	r.kept = k
	return nil
}

// printed is what the run has printed so far on a stream.
func (r *Run) printed(s runfile.Stream) string {
	defer r.lock()()
	return r.output(s)
}

// Size is how much was printed, in bytes.
func (r *Run) Size(s runfile.Stream) (int64, error) { return int64(len(r.printed(s))), nil }

// Read gives what was printed from an offset on, as much as buf could hold.
func (r *Run) Read(s runfile.Stream, from int64, mode runfile.ReadMode, buf []byte) (runfile.Piece, error) {
	text := r.printed(s)[from:]
	text = text[:min(len(text), len(buf))]
	if mode == runfile.WholeLines {
		if end := strings.LastIndexByte(text, '\n') + 1; end > 0 || len(text) < len(buf) {
			text = text[:end]
		}
	}
	return runfile.Piece{
		Offset: from, Data: []byte(text), Next: from + int64(len(text)), Partial: text != "" && text[len(text)-1] != '\n',
	}, nil
}

// ReadAgain gives the same piece again.
func (r *Run) ReadAgain(s runfile.Stream, from, next int64, _ []byte) (runfile.Piece, error) {
	return runfile.Piece{Offset: from, Data: []byte(r.printed(s)[from:next]), Next: next}, nil
}

// Tail is the last lines (0: all) of what was printed, maxBytes (0: 64 KiB) at most.
func (r *Run) Tail(s runfile.Stream, lines int, maxBytes int64) (string, error) {
	text := r.printed(s)
	if maxBytes <= 0 {
		maxBytes = runfile.MaxPiece
	}
	if int64(len(text)) > maxBytes {
		text = text[int64(len(text))-maxBytes:]
	}
	if lines <= 0 {
		return text, nil
	}
	begin := len(strings.TrimSuffix(text, "\n"))
	for ; lines > 0 && begin >= 0; lines-- {
		begin = strings.LastIndexByte(text[:begin], '\n')
	}
	return text[begin+1:], nil
}

// Trim takes nothing away.
func (r *Run) Trim([2]int64) (lost [2]int64, err error) { return lost, nil }

// TrimLast takes nothing away.
func (r *Run) TrimLast([2]int64) (lost [2]int64, err error) { return lost, nil }
