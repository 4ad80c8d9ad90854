package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// roster is the part of the agenda about the slaves of a Roster. Each trouble is
// said when it begins, whichever shift notices.
type roster struct {
	// Offset is how far this slave's clock is ahead of the store's, to the second
	// or so.
	Offset time.Duration `json:"offset,omitempty"`
	Off    bool          `json:"off,omitempty"` // too far: it was said
	// Namesake is the id of another slave that has this one's name; it was said.
	Namesake string `json:"namesake,omitempty"`
	Refused  bool   `json:"refused,omitempty"` // the store does not keep a roster; it was said
	// Made are the reports whose events are in this agenda, for the store.
	Made []SlaveReport `json:"made,omitempty"`
	// Ended are runs that are not in the history yet.
	Ended []Outcome `json:"ended,omitempty"`
}

const (
	// mostRunning bounds how many of its jobs a slave names.
	mostRunning = 100
	// mostEnded bounds what waits for a store that is away: the ledger has all.
	mostEnded = 1000
)

// tellRoster tells the store of this slave and of the runs that ended, when
// nothing else is to be asked: no start waits for it. It is told once a shift,
// if the store was spoken to anyway; where slaves are known by name, always,
// since who is not heard of is missed.
func (d *duty) tellRoster() {
	if d.roster == nil || d.leases.calling || !d.leases.idle() || d.startsUnderWay() {
		return
	}
	switch {
	case !d.leases.noted && (d.leases.answered || len(d.Plan.KnownSlaves) > 0):
		d.leases.noted = true
		d.noteSelf()
	case len(d.agenda.Roster.Ended) > 0 && (d.leases.answered || !d.leases.tried):
		d.addEnded()
	}
}

func (d *duty) startsUnderWay() bool {
	return slices.ContainsFunc(d.agenda.Intents, func(in *intent) bool { return !in.settled && in.phase != phaseWaiting })
}

// rosterIdle says whether there is nothing left to tell the store. What it cannot
// be told now is the next shift's.
func (d *duty) rosterIdle() bool {
	switch {
	case d.roster == nil:
		return true
	case d.leases.answered:
		return len(d.agenda.Roster.Ended) == 0 && d.leases.noted
	}
	return len(d.agenda.Roster.Ended) == 0 || d.leases.tried
}

// noteSelf notes this slave, and makes the reports that the store hands to it.
func (d *duty) noteSelf() {
	note := Note{Slave: d.self(), Watch: d.Plan.KnownSlaves, Made: slices.Clone(d.agenda.Roster.Made)}
	var muster Muster
	d.leases.ask(func(ctx context.Context) (now time.Time, err error) {
		muster, err = d.roster.Note(ctx, note)
		return muster.Now, err
	}, func(err error) {
		if d.rosterRefused(err) || err != nil {
			return
		}
		d.agenda.Roster.Made = slices.DeleteFunc(d.agenda.Roster.Made, func(r SlaveReport) bool { return slices.Contains(note.Made, r) })
		d.dirty = d.dirty || len(note.Made) > 0
		d.meetNamesake(namesake(note.Slave.ID, muster.Namesakes))
		for _, report := range muster.Reports {
			d.reportSlave(report)
		}
	})
}

// self is what this slave says of itself.
func (d *duty) self() Slave {
	s := Slave{
		Name: d.Plan.Slave, Host: d.Host, Dir: d.Dir, Version: d.Version, Offset: d.agenda.Roster.Offset, Running: []string{},
	}
	sum := sha256.Sum256([]byte(d.Host + "\x00" + d.world.BootID + "\x00" + d.Dir))
	s.ID = hex.EncodeToString(sum[:8])
	for _, r := range d.runs {
		if r.ending == nil {
			s.Running = append(s.Running, r.job.Name)
		}
	}
	slices.Sort(s.Running)
	s.Running = slices.Compact(s.Running)
	s.Running = s.Running[:min(len(s.Running), mostRunning)]
	return s
}

// reportSlave makes a report: its event is committed before the store hears that
// it was made.
func (d *duty) reportSlave(r SlaveReport) {
	if slices.ContainsFunc(d.agenda.Roster.Made, r.Same) {
		return
	}
	d.agenda.Roster.Made = append(d.agenda.Roster.Made, r)
	d.dirty = true
	what, name, level, message := "lost", EventSlaveLost, Error, fmt.Sprintf("slave %s is lost: it has had no shift for three minutes", r.Name)
	if r.Returned {
		what, name, level, message = "returned", EventSlaveReturned, Notice, fmt.Sprintf("slave %s has returned", r.Name)
	}
	params := map[string]any{"slave": r.Name}
	if !r.LastSeen.IsZero() {
		params["lastSeen"] = r.LastSeen.Unix()
	}
	d.Log.Log(level, message, nil)
	d.notify(name, "", fmt.Sprintf("slave/%s/%d/%s", r.Name, r.LastSeen.Unix(), what), params)
}

// meetNamesake says that two slaves have one name, when that begins.
func (d *duty) meetNamesake(other *Slave) {
	id := ""
	if other != nil {
		id = other.ID
	}
	if id == d.agenda.Roster.Namesake {
		return
	}
	d.agenda.Roster.Namesake = id
	d.dirty = true
	if other != nil {
		d.Log.Log(Warning, fmt.Sprintf("two slaves call themselves %s: this one, on %s (%s), and one on %s (%s); jobs of each slave alone start on one of them only. "+
			"Give each a name of its own (setSlaveName, $SLAVEDRIVER_SLAVE_NAME, --slave)", d.Plan.Slave, d.Host, d.Dir, other.Host, other.Dir), nil)
	}
}

// compareClocks says that this slave's clock is not the store's, when that begins.
func (d *duty) compareClocks(offset time.Duration) {
	r := &d.agenda.Roster
	if (offset - r.Offset).Abs() > time.Second {
		r.Offset = offset
		d.dirty = true
	}
	off := offset.Abs() > offBy
	if off == r.Off {
		return
	}
	r.Off = off
	d.dirty = true
	switch {
	case !off:
		d.Log.Log(Notice, "this slave's clock agrees with the lock store's again", nil)
	case offset > 0:
		d.Log.Log(Warning, "this slave's clock is "+words(offset.Round(time.Second))+" ahead of the lock store's; jobs that run on one slave start by it", nil)
	default:
		d.Log.Log(Warning, "this slave's clock is "+words(-offset.Round(time.Second))+" behind the lock store's; jobs that run on one slave start by the others'", nil)
	}
}

// rosterRefused says that the store keeps no roster, when that begins.
func (d *duty) rosterRefused(err error) bool {
	refused := errors.Is(err, ErrRefused)
	if refused != d.agenda.Roster.Refused && (refused || err == nil) {
		d.agenda.Roster.Refused = refused
		d.dirty = true
		if refused {
			d.Log.Log(Warning, err.Error(), nil)
		}
	}
	return refused
}

// noteEnded puts an ended run among those that are to go into the history: of
// jobs that the store knows, since it is to be asked nothing for others.
func (d *duty) noteEnded(r *run) {
	if d.roster == nil || !d.needsLease(r.job) || len(d.agenda.Roster.Ended) >= mostEnded {
		return
	}
	d.agenda.Roster.Ended = append(d.agenda.Roster.Ended, d.outcomeOf(r))
	d.dirty = true
}

func (d *duty) addEnded() {
	ended := slices.Clone(d.agenda.Roster.Ended)
	d.leases.ask(func(ctx context.Context) (time.Time, error) {
		return time.Time{}, d.roster.AddEnded(ctx, ended)
	}, func(err error) {
		if !d.rosterRefused(err) && err != nil {
			return
		}
		d.agenda.Roster.Ended = slices.Clone(d.agenda.Roster.Ended[len(ended):])
		d.dirty = true
	})
}
