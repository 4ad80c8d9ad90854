// Package imagined lets jobs run in a world where nothing is executed: what a
// process does is said by a function, and happens in the time of package time,
// which in a synctest bubble is virtual. It means for runs what package runfile
// means, so that a shift cannot tell the two apart.
package imagined

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"slavedriver/internal/runfile"
)

// Processes are the runs of one machine and their processes. Its runs have
// folders, for the engine lists those; all else is in memory, which outlives a
// shift as a disk does. All methods may be called from any goroutine.
type Processes struct {
	boot func() time.Duration
	wall func() time.Time // nil: when a run ended is not known
	act  func(in runfile.Intent) Act

	mu    sync.Mutex
	world runfile.World
	runs  map[string]*process // by id
	// started are the attempts whose process was started, in order.
	started []*process
}

// Act is what the process of a run does.
type Act struct {
	Lasts time.Duration
	Exit  int // 0 to 255
	Says  []Saying
	// Deaf says that SIGTERM does not end it.
	Deaf bool
}

// Saying is what a process prints, so long after its start. What comes after
// its end is not printed.
type Saying struct {
	After  time.Duration
	Stream runfile.Stream
	Text   string
}

// process is one run, as it is on a disk and in the process table.
type process struct {
	in     *Processes
	intent runfile.Intent
	locked bool // by the shift that is about to start it
	pid    int
	begun  time.Duration // boot time
	ended  time.Duration // boot time; 0: not yet
	// startedAt and endedAt are by the wall clock.
	startedAt, endedAt time.Time
	act                Act
	over               chan struct{} // closed at its end
	timer              *time.Timer
	exited             bool
	told               runfile.Told
	kept               runfile.Kept
	stop               *runfile.Stop
	signalled          bool
}

// New makes a machine on which nothing runs. boot is the time since it was
// started, wall its clock (nil: when a run ended is not known afterwards); act
// says what the process of an attempt does, when it is started.
func New(boot func() time.Duration, wall func() time.Time, act func(in runfile.Intent) Act) *Processes {
	return &Processes{
		boot: boot, wall: wall, act: act,
		world: runfile.World{BootID: "boot 1", PIDNamespace: "1"}, runs: map[string]*process{},
	}
}

// LetGo is what the end of a shift's process means: the locks that it has not
// handed on are free.
func (p *Processes) LetGo() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.runs {
		a.locked = false
	}
}

// Reboot ends all processes, as a power cut does: nothing is written about that.
func (p *Processes) Reboot() {
	p.LetGo()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.world.BootID += "+"
	for _, a := range p.runs {
		if a.pid != 0 && !a.exited {
			a.timer.Stop()
			a.lose()
		}
	}
}

// Close stops the timers of what still runs: they would keep a synctest bubble.
func (p *Processes) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.runs {
		if a.timer != nil {
			a.timer.Stop()
		}
	}
}

// Attempt is what became of a started process.
type Attempt struct {
	Intent             runfile.Intent
	StartedAt, EndedAt time.Time // by the wall clock; EndedAt is zero while it runs
	Exited             bool      // of itself or by a signal, and Exit is known
	Exit               int       // 128 + n for one that signal n ended
	Stdout, Stderr     string    // so far
}

// Attempts are the processes that were started, in that order.
func (p *Processes) Attempts() []Attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Attempt, len(p.started))
	for i, a := range p.started {
		all[i] = Attempt{
			Intent: a.intent, StartedAt: a.startedAt, EndedAt: a.endedAt, Exited: a.exited,
			Stdout: a.output(runfile.Stdout), Stderr: a.output(runfile.Stderr),
		}
		if a.exited {
			all[i].Exit = a.act.Exit
		}
	}
	return all
}

// World is where pids mean something: until the next Reboot.
func (p *Processes) World() runfile.World {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.world
}

// Create makes a run in the folder active, locked for its start.
func (p *Processes) Create(active string, in runfile.Intent) (*Run, error) {
	if err := os.Mkdir(filepath.Join(active, in.ID), 0o700); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := &process{in: p, intent: in, locked: true, over: make(chan struct{})}
	p.runs[in.ID] = a
	return &Run{process: a, dir: filepath.Join(active, in.ID)}, nil
}

// Open finds the run in the folder dir.
func (p *Processes) Open(dir string) (*Run, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a := p.runs[filepath.Base(dir)]
	if a == nil {
		return nil, runfile.ErrCorrupt
	}
	return &Run{process: a, dir: dir}, nil
}

// Held says whether somebody lives who holds the status of the run in dir.
func (p *Processes) Held(dir string) (bool, error) {
	r, err := p.Open(dir)
	if err != nil {
		return false, err
	}
	look, err := r.Look()
	return look.Held, err
}

// Remove deletes the run in dir.
func (p *Processes) Remove(dir, _ string) error { return os.RemoveAll(dir) }

// Trace is none: nobody removes folders here.
func (p *Processes) Trace(active, id string) (runfile.Intent, error) {
	return runfile.Intent{}, &fs.PathError{Op: "use", Path: filepath.Join(active, id), Err: fs.ErrNotExist}
}

// Forget has nothing to do.
func (p *Processes) Forget(string, string) {}

// Living is none: a run always has its folder.
func (p *Processes) Living(map[string]bool) (map[string]bool, error) { return map[string]bool{}, nil }

// Sweep has nothing to do: a crash in Create leaves nothing.
func (p *Processes) Sweep(string) error { return nil }

// now is the wall clock, as far as it is known.
func (p *Processes) now() time.Time {
	if p.wall == nil {
		return time.Time{}
	}
	return p.wall()
}

// exit ends the process with a status; the lock of Processes is held.
func (a *process) exit(code int) {
	if a.isOver() || a.pid == 0 {
		return
	}
	a.exited, a.act.Exit = true, code
	a.lose()
}

// lose ends the process without one.
func (a *process) lose() {
	if !a.isOver() {
		a.ended, a.endedAt = a.in.boot(), a.in.now()
		close(a.over)
	}
}

func (a *process) isOver() bool {
	select {
	case <-a.over:
		return true
	default:
		return false
	}
}

// output is what was printed on a stream so far; the lock of Processes is held.
func (a *process) output(s runfile.Stream) (text string) {
	if a.pid == 0 {
		return ""
	}
	lived := a.in.boot() - a.begun
	if a.isOver() {
		lived = a.ended - a.begun
	}
	for _, said := range a.act.Says {
		if said.Stream == s && said.After <= lived {
			text += said.Text
		}
	}
	return text
}
