// Package engine is one shift: it decides which jobs are due, starts them,
// watches them and tells the script's handlers what happens.
//
// Read shift.go first: Run is the table of contents. Everything that a shift
// knows is on the disk when it happens, so a shift may die at any instant and
// the next one goes on; there is no other recovery.
package engine

import (
	"context"
	"io"
	"os"
	"time"

	"slavedriver/internal/runfile"
)

// Shift is one process on duty. Its fields are given by the command, which has
// gone on duty (holds the duty lock) before Run is called.
type Shift struct {
	Plan   *Plan
	Script Script
	Store  Store  // nil: no leases, the run folders of this slave are enough
	Dir    string // the var dir: this namespace's folder, 0700, ours
	Clock  Clock
	// Supervisor makes the runs; nil: real processes.
	Supervisor Supervisor
	// At, when not zero, makes the instants of its minute due, whatever was
	// evaluated before.
	At  time.Time
	Log Logger
	Out io.Writer // forwarded output of jobs
	Err io.Writer
	// Environ is what jobs inherit ("NAME=value").
	Environ []string
	// Host and Version are what others are told of this slave.
	Host, Version string
	// FunctionArgs is the command, with arguments, that calls the function of the
	// job whose name is appended to it: for jobs in Lua.
	FunctionArgs []string
	// Descriptors is how many files this process may have open (ulimit -n); 0:
	// not known.
	Descriptors int
	// Release gives up the duty lock; it is called once, as soon as the shift
	// is relieved.
	Release func()
	// Speak waits until no other shift is in a handler and returns what gives
	// up that right again. It fails when ctx is done.
	Speak func(ctx context.Context) (release func(), err error)
	// Outbox is what handlers leave messages to; nil: they cannot.
	Outbox Outbox
	// Another loads the entry file once more, for questions to its functions
	// that must not wait for handlers. nil: they are put to Script, in turn.
	Another func() (Script, error)
	// Again ends this process and, unless over, begins the shift anew in it:
	// the script hangs where nothing can interrupt it. nil: the next shift, which
	// ends this one, is waited for.
	Again func(over bool)
	// Resumed says that this is such a new beginning, not another minute's shift.
	Resumed bool
	// Say prints a line for a person who watches; nil where nobody does.
	Say func(format string, args ...any)
	// Aloud says on stderr what is logged at that level, unless a logger of the
	// plan does; nil: nothing more than the log.
	Aloud func(level Level, message string)
	// LoadError is why Plan and Script are those of the last good copy; nil:
	// they are those of the entry file.
	LoadError *LoadError
	// CopyError is why the copy that this shift was to make is not there.
	CopyError error

	scriptLog scriptLog
	requests  requests
}

// Report counts what a shift did.
type Report struct {
	Started, Succeeded, Failed, Skipped, Missed, Adopted int
	Relieved                                             bool
}

// Run does the shift's work until nothing is left to do, or ctx is done
// because the shift is relieved. What the jobs and handlers do is no error of
// it; an error means that the var dir could not be used.
func (s *Shift) Run(ctx context.Context) (Report, error) {
	d, err := s.open(ctx)
	if err != nil {
		return Report{}, err
	}
	d.startOutbox()
	if err := d.reconcile(); err != nil {
		return Report{}, err
	}
	d.evaluate()
	if err := d.work(); err != nil {
		return d.report, err
	}
	return d.end()
}

// duty is a shift's state. It belongs to the goroutine that called Run; the
// others (the voice, the lease worker, those that wait for processes) send it
// closures through inbox.
type duty struct {
	*Shift
	ctx   context.Context
	world runfile.World
	jobs  map[string]*Job // by name

	began  time.Time   // when the shift went on duty
	folder os.FileInfo // the var dir
	agenda agenda
	known  known
	ledger ledger
	dirty  bool // the agenda is to be committed
	// inDoubt is that the agenda may not say what was decided of this minute (doubt.go).
	inDoubt       bool
	lately        []Outcome       // what the ledger says then
	decidedLately map[string]bool // of which runs
	aheadStarts   map[string]Outcome
	// hanging are calls into scripts that do not come back.
	hanging hanging
	// afterwards is what waits for that.
	afterwards []func()
	// commitAfter puts off the next try after a commit failed.
	commitAfter time.Duration // Clock.Boot
	saidOnce    map[string]bool
	unpruned    []*Job              // have ended runs that may go with the next commit
	streaks     map[string]*streaks // by slug
	requested   map[string]bool     // files of starts that handlers asked for: true until they are marked as taken
	retried     []*run              // have ended, and their next attempt is to be committed
	discarded   []string            // runs whose folders go with the next commit
	lookedAt    time.Duration       // Clock.Boot

	runs    map[string]*run   // active, by id
	unseen  map[string]*run   // stand-ins for those that cannot be looked at
	bySlug  map[string][]*run // those of them that have not ended
	running int               // how many have not ended

	inbox   chan func()
	oracles oracles
	voice   *voice
	notes   *stopNotes
	leases  *leaseWorker
	roster  Roster // of the store; nil: it keeps none
	report  Report
}

// open prepares a shift in its var dir.
func (s *Shift) open(ctx context.Context) (*duty, error) {
	if s.Supervisor == nil {
		s.Supervisor = processes{}
	}
	d := &duty{
		Shift: s, ctx: ctx, world: s.Supervisor.World(),
		jobs: map[string]*Job{}, runs: map[string]*run{}, unseen: map[string]*run{}, bySlug: map[string][]*run{},
		began: s.Clock.Now(), saidOnce: map[string]bool{}, requested: map[string]bool{}, streaks: map[string]*streaks{}, inbox: make(chan func(), 64), notes: newStopNotes(),
	}
	d.roster, _ = s.Store.(Roster)
	for _, job := range s.Plan.Jobs {
		d.jobs[job.Name] = job
	}
	if err := d.openFolders(); err != nil {
		return nil, err
	}
	if err := d.openAgenda(); err != nil {
		return nil, err
	}
	d.oracles.d = d
	d.voice = newVoice(d)
	s.Script.OnHung(d.voice.hung)
	s.scriptLog.connect(d.voice)
	s.requests.connect(d)
	if trouble := d.voice.told.trouble(); trouble != "" {
		d.Log.Log(Error, d.path(fileTold)+" "+trouble+"; events may be told once more", nil)
	}
	d.agenda.Seq = max(d.agenda.Seq, d.voice.told.done()) // the agenda may have been lost
	d.leases = newLeaseWorker(d)
	return d, nil
}

// work is the loop of the shift: whatever happens, then what follows from it.
func (d *duty) work() error {
	for d.ctx.Err() == nil {
		d.pump()
		if d.idle() {
			return nil
		}
		if wait := d.untilNext(); wait > 0 {
			d.waitFor(wait)
			continue
		}
		if err := d.stillOurs(); err != nil {
			return err
		}
		d.drain() // what has ended is no more to be ended
		d.look()
	}
	return nil
}

// waitFor handles what the other goroutines send, for so long at the most.
func (d *duty) waitFor(long time.Duration) {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-d.ctx.Done():
	case act := <-d.inbox:
		act()
		d.drain()
	case <-timer.C:
	}
}

// drain handles all that is in the inbox, so that one commit serves for it.
func (d *duty) drain() {
	for range cap(d.inbox) {
		select {
		case act := <-d.inbox:
			act()
		default:
			return
		}
	}
}

// send hands a closure to the shift's goroutine; once the shift is relieved it
// is dropped, because nothing is decided any more.
func (d *duty) send(act func()) {
	select {
	case d.inbox <- act:
	case <-d.ctx.Done():
	}
}

// idle says that nothing runs, nothing is pending and all is told.
func (d *duty) idle() bool {
	return len(d.runs) == 0 && len(d.unseen) == 0 && len(d.agenda.Intents) == d.settledIntents() && d.missesIdle() && !d.dirty &&
		d.leases.idle() && d.rosterIdle() && d.voice.idle() && d.outboxIdle() && len(d.inbox) == 0
}

func (d *duty) settledIntents() (n int) {
	for _, in := range d.agenda.Intents {
		if in.settled {
			n++
		}
	}
	return n
}

// end closes the shift: at once and without another word when it is relieved
// (all was noted when it happened), else with its own last event.
func (d *duty) end() (Report, error) {
	d.report.Relieved = d.ctx.Err() != nil
	d.notes.unwritten.Wait()
	d.Release()
	d.requests.connect(nil) // what is asked for now is the next shift's
	if d.report.Relieved {
		d.voice.finishHandler()
	} else {
		d.voice.sayFinished(d.report)
	}
	d.finishOutbox()
	return d.report, nil
}

// now is the wall clock.
func (d *duty) now() time.Time { return d.Clock.Now() }

// minute is the beginning of the current minute.
func (d *duty) minute() time.Time { return d.now().Truncate(time.Minute) }
