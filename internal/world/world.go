// Package world is where a test tries out an entry file: nothing is executed,
// time is virtual, and the network, the lock store and the other slaves are
// imagined. Engine, schedules, handlers and outbox are the real ones.
//
// A World lives in a Bubble. It belongs to the goroutine that made it, which is
// to call its methods one at a time; while that computes, no time passes.
package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/redact"
	"slavedriver/internal/vardir"
	"slavedriver/lockstore"
	"slavedriver/modules"
)

// Script is a loaded entry file.
type Script interface {
	engine.Script
	Plan() *engine.Plan
	Secrets() *redact.Secrets
	// Connect says what the modules of the script act on.
	Connect(c Connections)
	Close()
}

// Connections are what a script acts on.
type Connections struct {
	Sender modules.Sender
	Outbox modules.Outbox
	State  *vardir.State
	Log    engine.Logger
	Shift  *engine.Shift // starts jobs for handlers; nil for questions
}

// Loader loads the entry file, as each shift does. What the file prints goes to
// out, but quietly nothing of it before it is loaded; what it would execute goes
// to execute.
type Loader func(slave string, out io.Writer, quietly bool, execute func(command string) (status int, printed string, err error)) (Script, error)

// Options are what a world begins with.
type Options struct {
	Now  time.Time      // not before the year 2000
	Zone *time.Location // the hosts' time zone
	// Slave is the name of the first slave; "": as the entry file says.
	Slave   string
	Environ []string // what jobs inherit
	Load    Loader
	Room    string // an empty folder of the caller's, see NewRoom
}

// World is the cluster of an entry file.
type World struct {
	o      Options
	began  time.Time
	zone   *time.Location
	store  *lockstore.Memory
	slaves []*Slave

	mu       sync.Mutex
	commands []*Command
	answers  []*Answer
	mailers  []*Mailer
	shells   []*Shell
	records
}

// New makes a world in which the time is o.Now, with one slave; no shift was
// called yet. Its errors are those of loading the entry file, and sentences.
func New(o Options) (*World, error) {
	wait := time.Until(o.Now)
	if wait < 0 {
		return nil, fmt.Errorf("the time of a world cannot begin before %s", time.Now().UTC().Format("2006-01-02"))
	}
	w := &World{o: o, began: o.Now.Add(-time.Hour), zone: time.Local}
	time.Local = o.Zone // the hosts' zone is the process's, for all that asks for it
	time.Sleep(wait)
	w.store = lockstore.NewMemory(time.Now)
	_ = w.store.Prepare(context.Background()) // it was there before the world was looked at
	if _, err := w.Slave(o.Slave); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// NewRoom makes a folder for the var dirs of worlds: in memory where there is
// such a place, since each shift syncs what it writes.
func NewRoom() (string, error) {
	const name = "slavedriver-test-"
	if dir, err := os.MkdirTemp("/dev/shm", name); err == nil {
		return dir, nil
	}
	dir, err := os.MkdirTemp("", name)
	if err != nil {
		return "", fmt.Errorf("cannot make a folder for the worlds of tests: %w", err)
	}
	return dir, nil
}

// Close ends all that goes on, and takes the world's files away.
func (w *World) Close() {
	for _, s := range w.slaves {
		s.relieve()
		s.processes.Close()
	}
	time.Local = w.zone
	for i := range w.slaves {
		_ = os.RemoveAll(w.room(i))
	}
}

// room is the folder of a slave.
func (w *World) room(i int) string { return filepath.Join(w.o.Room, fmt.Sprint(i)) }

// Slave is the slave of that name, which is made if it is not there yet; the
// name "" is what the entry file says.
func (w *World) Slave(name string) (*Slave, error) {
	for _, s := range w.slaves {
		if s.name == name {
			return s, nil
		}
	}
	s, err := newSlave(w, name)
	if err != nil {
		return nil, err
	}
	w.slaves = append(w.slaves, s)
	return s, nil
}

// First is the slave that the world began with.
func (w *World) First() *Slave { return w.slaves[0] }

// Slaves are the names of all slaves, in the order in which they were made.
func (w *World) Slaves() (names []string) {
	for _, s := range w.slaves {
		names = append(names, s.name)
	}
	return names
}

// Jobs are the names of the jobs that the entry file has.
func (w *World) Jobs() (names []string) {
	for _, job := range w.First().plan.Jobs {
		names = append(names, job.Name)
	}
	return names
}

// SetStoreDown says whether the lock store can be reached.
func (w *World) SetStoreDown(down bool) { w.store.SetDown(down) }

// ForgetStore lets the lock store lose its memory.
func (w *World) ForgetStore() { w.store.Forget() }

// Advance lets the time pass: cron calls a shift on each slave, one second into
// each minute, the slaves in the order in which they were made. Minutes in which
// a slave's shift would do nothing are passed over. It ends early with an error
// when the entry file does not load, or a shift cannot use its var dir.
func (w *World) Advance(d time.Duration) error {
	end := time.Now().Add(d)
	for _, s := range w.slaves {
		s.note(ending{failed: s.ended().failed}) // the test may have changed what a shift would find
	}
	for {
		next := w.nextCall()
		if next.IsZero() || next.After(end) {
			break
		}
		sleepUntil(next)
		for _, s := range w.slaves {
			if s.nextCall().Equal(next) {
				if err := s.call(); err != nil {
					return err
				}
			}
		}
	}
	sleepUntil(end)
	return w.trouble()
}

// nextCall is when cron calls a shift next; zero: no more.
func (w *World) nextCall() (next time.Time) {
	for _, s := range w.slaves {
		if t := s.nextCall(); !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// trouble brings each slave up to now, and is what kept a shift from its work.
func (w *World) trouble() (err error) {
	for _, s := range w.slaves {
		err = errors.Join(err, s.passIdle(lastTick(time.Now())), s.ended().failed)
	}
	return err
}

// sleepUntil lets the time pass, and all that is due then be done.
func sleepUntil(t time.Time) {
	time.Sleep(time.Until(t))
	synctest.Wait()
}

// clock is every host's.
type clock struct{ began time.Time }

func (clock) Now() time.Time { return time.Now() }

func (c clock) Boot() time.Duration { return time.Since(c.began) }

// pick is the last rule that fits: what is said later counts.
func pick[T any](rules []*T, fits func(*T) bool) *T {
	for _, rule := range slices.Backward(rules) {
		if fits(rule) {
			return rule
		}
	}
	return nil
}
