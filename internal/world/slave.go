package world

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"testing/synctest"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/imagined"
	"slavedriver/internal/logging"
	"slavedriver/internal/outbox"
	"slavedriver/internal/runfile"
	"slavedriver/internal/vardir"
	"slavedriver/lockstore"
	"slavedriver/modules"
)

// Slave is a machine with a crontab and a var dir.
type Slave struct {
	w         *World
	name      string
	plan      *engine.Plan // of the last shift, or of the first look at the file
	dir       *vardir.Dir
	processes *imagined.Processes

	off      bool           // no cron calls
	ticked   time.Time      // when the last shift was called, or passed over
	end      ending         // of the last shift; World.mu guards it
	relieve  func()         // ends the shift that is on duty, and waits for it
	boundary time.Time      // up to when schedules were evaluated
	deaf     []string       // events of shifts that the entry file does not want
	tries    map[string]int // of each message of the outbox; World.mu guards it
}

// ending is what a shift left when it ended.
type ending struct {
	idle   bool  // the next shift has something to do only when a job is due
	failed error // what kept it from its work
}

// ended is the ending of the last shift; the zero one while it is at work.
func (s *Slave) ended() ending {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.end
}

func (s *Slave) note(end ending) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.end = end
}

// newSlave makes a machine that was just switched on.
func newSlave(w *World, name string) (*Slave, error) {
	s := &Slave{w: w, relieve: func() {}, name: name, tries: map[string]int{}}
	script, err := w.o.Load(name, io.Discard, false, w.execute)
	if err != nil {
		return nil, err
	}
	defer script.Close()
	s.know(script)
	s.name = s.plan.Slave
	namespace := s.plan.Namespace
	if namespace == "" {
		namespace = vardir.Namespace(s.plan.EntryFile)
	}
	if s.dir, err = vardir.Open(w.room(len(w.slaves)), namespace, s.plan.EntryFile); err != nil {
		return nil, err
	}
	s.processes = imagined.New(clock{w.began}.Boot, time.Now, func(in runfile.Intent) imagined.Act { return w.act(s.name, in) })
	return s, nil
}

// know takes in what the entry file says now.
func (s *Slave) know(script Script) {
	s.plan = script.Plan()
	s.deaf = slices.DeleteFunc([]string{engine.EventStarted, engine.EventFinished}, func(event string) bool { return script.Wants(event, nil) })
}

// Name is the slave's.
func (s *Slave) Name() string { return s.name }

// Kill is a power cut: shift and jobs are gone, and cron calls no more.
func (s *Slave) Kill() {
	s.relieve()
	s.processes.Reboot()
	s.off = true
	s.note(ending{})
	s.w.tell(s.name, "the power fails")
}

// Start switches the machine on again.
func (s *Slave) Start() {
	s.off = false
	s.w.tell(s.name, "is switched on")
}

// KillShift ends the shift that is on duty, as kill -9 does; its jobs go on.
func (s *Slave) KillShift() {
	s.relieve()
	s.w.tell(s.name, "the shift is killed")
}

// lastTick is when cron called last, at or before t.
func lastTick(t time.Time) time.Time {
	tick := t.Truncate(time.Minute).Add(time.Second)
	if tick.After(t) {
		return tick.Add(-time.Minute)
	}
	return tick
}

// nextCall is when the next shift is to be called that has something to do;
// zero: none.
func (s *Slave) nextCall() time.Time {
	if s.off {
		return time.Time{}
	}
	tick := lastTick(time.Now())
	for tick.Before(time.Now()) || !tick.After(s.ticked) {
		tick = tick.Add(time.Minute)
	}
	if !s.ended().idle {
		return tick
	}
	due, asks := s.plan.NextDue(s.boundary)
	switch call := due.Truncate(time.Minute).Add(time.Second); {
	case asks || !due.IsZero() && call.Before(tick):
		return tick
	case due.IsZero():
		return time.Time{}
	default:
		return call
	}
}

// passIdle notes that shifts came in all minutes up to that tick of cron, and
// had nothing to do.
func (s *Slave) passIdle(tick time.Time) error {
	if !s.ended().idle || s.off || !tick.After(s.ticked) {
		return nil
	}
	s.ticked, s.boundary = tick, endOfMinute(tick)
	return engine.PassIdle(s.dir.Path(), tick)
}

func endOfMinute(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute - 1) }

// call is what the crontab line does: a shift begins, and relieves the one before.
func (s *Slave) call() error {
	s.relieve()
	now := time.Now()
	if err := s.passIdle(now.Add(-time.Minute)); err != nil {
		return err
	}
	script, err := s.w.o.Load(s.name, s.w.printer(), false, s.w.execute)
	if err != nil {
		return err
	}
	s.know(script)
	if s.plan.Namespace == "" {
		s.plan.Namespace = vardir.Namespace(s.plan.EntryFile)
	}
	s.ticked, s.boundary = now, endOfMinute(now)
	s.note(ending{})
	s.begin(script)
	synctest.Wait()
	return s.ended().failed
}

// begin lets a shift work, in goroutines of its own.
func (s *Slave) begin(script Script) {
	shift, box := s.shift(script)
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer script.Close()
		report, err := shift.Run(ctx)
		s.note(ending{failed: err, idle: err == nil && !report.Relieved && box.Empty() &&
			len(s.deaf) == 2 && !shift.Plan.NotesItself(shift.Store)})
	}()
	s.relieve = func() {
		cancel()
		<-over
		s.processes.LetGo()
		s.relieve = func() {}
	}
}

// shift puts one together, as the command does.
func (s *Slave) shift(script Script) (*engine.Shift, *outbox.Box) {
	w, plan, secrets := s.w, s.plan, script.Secrets()
	clock := clock{w.began}
	shift := &engine.Shift{
		Plan: plan, Script: &witness{script, s}, Store: s.storeOf(plan), Dir: s.dir.Path(), Clock: clock,
		Host: s.name, Supervisor: supervisor{s.processes}, Out: secrets.Writer(w.printer()), Err: secrets.Writer(w.printer()), Environ: w.o.Environ,
		Release: func() {}, Speak: func(context.Context) (func(), error) { return func() {}, nil },
	}
	shift.Log = logging.Redacted(&logger{s, plan.Loggers, shift.ScriptLog}, secrets)
	box := outbox.New(s.dir.Path("outbox"), outbox.Options{Clock: clock, Deliver: modules.Deliverer(network{s, true}), Log: shift.Log})
	shift.Outbox = box
	shift.Another = func() (engine.Script, error) { return s.another(shift.Log, box) }
	script.Connect(Connections{Sender: network{s: s}, Outbox: box, State: s.dir.State(), Log: shift.Log, Shift: shift})
	return shift, box
}

// another is the entry file loaded once more, for questions to its functions.
func (s *Slave) another(log engine.Logger, box *outbox.Box) (engine.Script, error) {
	script, err := s.w.o.Load(s.name, s.w.printer(), true, s.w.execute)
	if err != nil {
		return nil, err
	}
	script.Connect(Connections{
		Sender: network{s: s}, Outbox: box, State: s.dir.State(), Log: logging.Redacted(log, script.Secrets()),
	})
	return script, nil
}

// storeOf is the lock store, for plans that have one; where that is a folder it
// keeps no roster.
func (s *Slave) storeOf(plan *engine.Plan) engine.Store {
	switch {
	case lockstore.IsNone(plan.LockStore):
		return nil
	case lockstore.IsFolder(plan.LockStore):
		return struct{ engine.Store }{s.w.store}
	}
	return s.w.store
}

// supervisor makes the engine's of imagined processes.
type supervisor struct{ *imagined.Processes }

func (p supervisor) Create(active string, in runfile.Intent, _ *runfile.Credential) (engine.RunFile, error) {
	r, err := p.Processes.Create(active, in)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Remake finds the run: a run always has its folder.
func (p supervisor) Remake(active string, in runfile.Intent) (engine.RunFile, error) {
	return p.Open(filepath.Join(active, in.ID))
}

func (p supervisor) Open(dir string) (engine.RunFile, error) {
	r, err := p.Processes.Open(dir)
	if err != nil {
		return nil, err
	}
	return r, nil
}
