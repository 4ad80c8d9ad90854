package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"slavedriver/internal/runfile"
)

// stageplay is a Supervisor in whose world nothing is executed: what a job
// does is said by a function, and happens in the time of a synctest bubble. Its
// runs have folders, for the engine lists those; all else is in memory, which
// outlives a shift as a disk does.
type stageplay struct {
	mu    sync.Mutex
	world runfile.World
	boot  func() time.Duration
	act   func(in runfile.Intent) act
	runs  map[string]*actor // by id
	// started are the attempts whose process was started, in order.
	started []started
}

// act is what the process of a run does.
type act struct {
	lasts  time.Duration
	exit   int
	stdout string
	says   time.Duration // after its start
	// deaf: SIGTERM does not end it.
	deaf bool
}

type started struct {
	id      string
	attempt int
	fence   int64
	at      time.Time // of the bubble
}

// actor is one run, as it is on a disk and in the process table.
type actor struct {
	play   *stageplay
	intent runfile.Intent
	locked bool // by the shift that is about to start it
	pid    int
	begun  time.Duration // boot time
	act    act
	over   chan struct{} // closed at its end
	timer  *time.Timer
	exited bool
	told   runfile.Told
	kept   runfile.Kept
	stop   *runfile.Stop
}

func newStageplay(boot func() time.Duration) *stageplay {
	return &stageplay{
		world: runfile.World{BootID: "boot 1", PIDNamespace: "1"}, boot: boot, runs: map[string]*actor{},
		act: func(runfile.Intent) act { return act{} },
	}
}

// crash is what the end of a shift's process means: the locks that it has not
// handed on are free.
func (p *stageplay) crash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.runs {
		a.locked = false
	}
}

// reboot ends all processes; nothing is written about that.
func (p *stageplay) reboot() {
	p.crash()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.world.BootID += "+"
	for _, a := range p.runs {
		if a.pid != 0 && !a.exited {
			a.timer.Stop()
			a.lost()
		}
	}
}

func (p *stageplay) World() runfile.World {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.world
}

func (p *stageplay) Create(active string, in runfile.Intent, _ *runfile.Credential) (RunFile, error) {
	if err := os.Mkdir(filepath.Join(active, in.ID), 0o700); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := &actor{play: p, intent: in, locked: true, over: make(chan struct{})}
	p.runs[in.ID] = a
	return &playedRun{actor: a, dir: filepath.Join(active, in.ID)}, nil
}

func (p *stageplay) Open(dir string) (RunFile, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.runs[filepath.Base(dir)]
	if a == nil {
		return nil, runfile.ErrCorrupt
	}
	return &playedRun{actor: a, dir: dir}, nil
}

func (p *stageplay) Held(dir string) (bool, error) {
	r, err := p.Open(dir)
	if err != nil {
		return false, err
	}
	look, err := r.Look()
	return look.Held, err
}

func (p *stageplay) Remove(dir, _ string) error { return os.RemoveAll(dir) }
func (p *stageplay) Sweep(string) error         { return nil }

// playedRun is what a shift has open of a run.
type playedRun struct {
	*actor
	dir string
}

func (r *playedRun) Intent() runfile.Intent { return r.intent }
func (r *playedRun) SetFence(fence int64)   { r.intent.Fence = fence }

func (r *playedRun) Claim() (bool, error) {
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	if r.locked || r.pid != 0 || r.intent.World != r.play.world {
		return false, nil
	}
	r.locked = true
	r.intent.StartedBoot = r.play.boot()
	return true, nil
}

func (r *playedRun) Start(runfile.Launch) error {
	p := r.play
	p.mu.Lock()
	defer p.mu.Unlock()
	if !r.locked {
		return errors.New("it is not locked")
	}
	p.started = append(p.started, started{r.intent.ID, r.intent.Attempt, r.intent.Fence, time.Now()})
	r.locked, r.pid = false, len(p.started)+1
	r.act = p.act(r.intent)
	r.begun = p.boot()
	r.timer = time.AfterFunc(r.act.lasts, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		r.exit(r.act.exit)
	})
	return nil
}

// exit ends the process with a status; the stageplay's lock is held.
func (a *actor) exit(code int) {
	if a.exited || a.pid == 0 {
		return
	}
	a.exited, a.act.exit = true, code
	a.lost()
}

// lost ends the process without one.
func (a *actor) lost() {
	select {
	case <-a.over:
	default:
		close(a.over)
	}
}

func (r *playedRun) Close() error { return nil }

func (r *playedRun) MoveTo(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	target := filepath.Join(dir, r.intent.ID)
	if err := os.Rename(r.dir, target); err != nil {
		return err
	}
	r.dir = target
	return nil
}

func (r *playedRun) Lost() bool {
	_, err := os.Lstat(r.dir)
	return errors.Is(err, fs.ErrNotExist)
}

func (r *playedRun) Restore(runfile.Look) error { return os.Mkdir(r.dir, 0o700) }

func (r *playedRun) isOver() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

func (r *playedRun) Look() (runfile.Look, error) {
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	return runfile.Look{
		Held: r.locked || r.pid != 0 && !r.isOver(), PID: r.pid, Began: r.pid != 0,
		Exited: r.exited, Exit: r.act.exit, SameWorld: r.intent.World == r.play.world,
	}, nil
}

func (r *playedRun) Alive() (int, error) {
	look, err := r.Look()
	if err != nil || !look.SameWorld || look.PID == 0 || r.isOver() {
		return 0, err
	}
	return 1, nil
}

func (r *playedRun) Wait(ctx context.Context) error {
	select {
	case <-r.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *playedRun) EndedAt() time.Time { return time.Time{} }

func (r *playedRun) RequestStop(s runfile.Stop) error {
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	if r.stop == nil {
		r.stop = &s
	}
	return nil
}

func (r *playedRun) Stopping() (*runfile.Stop, error) {
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	return r.stop, nil
}

func (r *playedRun) End(ctx context.Context, grace time.Duration) error {
	code := 128 + int(syscall.SIGTERM)
	if r.act.deaf {
		select {
		case <-time.After(grace):
			code = 128 + int(syscall.SIGKILL)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	r.timer.Stop()
	r.exit(code)
	return nil
}

func (r *playedRun) ReadTold() (runfile.Told, error) { return r.told, nil }
func (r *playedRun) NoteTold(t runfile.Told) error   { r.told = t; return nil }
func (r *playedRun) ReadKept() (runfile.Kept, error) { return r.kept, nil }
func (r *playedRun) NoteKept(k runfile.Kept) error   { r.kept = k; return nil }

// output is what the run has printed so far on a stream.
func (r *playedRun) output(s runfile.Stream) string {
	r.play.mu.Lock()
	defer r.play.mu.Unlock()
	if s == runfile.Stderr || r.pid == 0 || r.play.boot()-r.begun < r.act.says {
		return ""
	}
	return r.act.stdout
}

func (r *playedRun) Size(s runfile.Stream) (int64, error) { return int64(len(r.output(s))), nil }

func (r *playedRun) Read(s runfile.Stream, from int64, mode runfile.ReadMode, _ []byte) (runfile.Piece, error) {
	text := r.output(s)[from:]
	if mode == runfile.WholeLines {
		text = text[:strings.LastIndexByte(text, '\n')+1]
	}
	return runfile.Piece{Offset: from, Data: []byte(text), Next: from + int64(len(text)), Partial: text != "" && text[len(text)-1] != '\n'}, nil
}

func (r *playedRun) ReadAgain(s runfile.Stream, from, next int64, _ []byte) (runfile.Piece, error) {
	return runfile.Piece{Offset: from, Data: []byte(r.output(s)[from:next]), Next: next}, nil
}

func (r *playedRun) Tail(s runfile.Stream, _ int, _ int64) (string, error) { return r.output(s), nil }
func (r *playedRun) Trim([2]int64) (lost [2]int64, err error)              { return lost, nil }
func (r *playedRun) TrimLast([2]int64) (lost [2]int64, err error)          { return lost, nil }

func (s started) String() string {
	return fmt.Sprintf("%s at %s", s.id, s.at.Format(time.TimeOnly))
}
