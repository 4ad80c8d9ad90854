package engine

import (
	"context"
	"errors"
	"time"
)

// Roster is a Store that also knows the slaves which use it, and how their runs
// ended. What it knows serves people: nothing is started or not because of it.
// A server that answers, and refuses, gives an error that is ErrRefused; any
// other means that it could not be reached.
type Roster interface {
	// Note notes a slave as seen now, by the store's clock. It is idempotent.
	Note(ctx context.Context, note Note) (Muster, error)
	// Slaves are all that were seen within a day, by name, and the store's clock.
	Slaves(ctx context.Context) (all []Slave, now time.Time, err error)
	// AddEnded appends ended runs to the history that all slaves share. It is
	// bounded; made again it may add them again.
	AddEnded(ctx context.Context, ended []Outcome) error
	// History is the end of that history, of one job unless its name is "", oldest
	// first and so many at the most.
	History(ctx context.Context, job string, most int) ([]Outcome, error)
}

// ErrRefused is what an error of a Roster is that says why the store does not
// do this: a right is missing, say.
var ErrRefused = errors.New("the lock store refuses it")

// Slave is what a slave says of itself, and when.
type Slave struct {
	Name    string        `json:"name"`
	ID      string        `json:"id"` // of the machine and var dir; no spaces
	Host    string        `json:"host"`
	Dir     string        `json:"dir"` // its var dir
	Version string        `json:"version"`
	Offset  time.Duration `json:"offset"` // how far its clock is ahead of the store's
	Running []string      `json:"running"`
	// First is since when it is noted without a pause, Seen when it was last: its
	// last shift that had something to say to the store. By the store's clock; set
	// by the store.
	First time.Time `json:"-"`
	Seen  time.Time `json:"-"`
}

// Note is what a slave tells a Roster.
type Note struct {
	Slave Slave
	// Watch are the names that are to be heard of, nil: none in particular.
	Watch []string
	// Made are the reports that are made known now: see Muster.Reports.
	Made []SlaveReport
}

// Muster is a Roster's answer to a Note.
type Muster struct {
	Now time.Time // the store's clock
	// Namesakes are the slaves under the same name, this one among them, that
	// were seen within LostAfter.
	Namesakes []Slave
	// Reports are for this slave to make, and to be named in a later Note when
	// they are made; else they are given again, to this slave or another.
	Reports []SlaveReport
}

// SlaveReport says that a watched slave is lost, or returned.
type SlaveReport struct {
	Name     string    `json:"name"`
	Returned bool      `json:"returned,omitempty"`
	LastSeen time.Time `json:"lastSeen,omitzero"` // before it was lost; zero: never
}

// Same says that two reports are the same one, whichever zone their times are in:
// one that was read from the agenda may have another.
func (r SlaveReport) Same(other SlaveReport) bool {
	return r.Name == other.Name && r.Returned == other.Returned && r.LastSeen.Equal(other.LastSeen)
}

const (
	// LostAfter is how long a watched slave may be silent: two of its shifts may fail.
	LostAfter = 3 * time.Minute
	// offBy is how far a slave's clock may be from the store's before it is said.
	offBy = 5 * time.Second
)

// clockOffset is how far a clock that showed sent and received around an answer
// is ahead of the store's, at the least: how long each way took is not known.
func clockOffset(sent, received, store time.Time) time.Duration {
	switch {
	case store.Before(sent):
		return sent.Sub(store)
	case store.After(received):
		return received.Sub(store)
	}
	return 0
}

// namesake is another slave that uses this one's name at the same time, or nil.
// One that was last seen before this one came has made way for it: a container
// that was started again, say.
func namesake(self string, all []Slave) *Slave {
	var first time.Time
	for _, s := range all {
		if s.ID == self {
			first = s.First
		}
	}
	for i, s := range all {
		if s.ID != self && !s.Seen.Before(first) {
			return &all[i]
		}
	}
	return nil
}
