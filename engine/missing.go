package engine

import (
	"fmt"
	"slices"
	"time"
)

// miss is what nobody may have started, of a job that one slave starts: which of
// the slaves tells it, and whether it was missed at all, is for the lock store to
// say. It is part of the agenda until that was answered.
type miss struct {
	Job    string    `json:"job"`
	Run    string    `json:"run"` // the last one's, had it been started
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
	Reason string    `json:"reason"`
	Token  string    `json:"token"`

	// Merged: the instants before the last are in the ledger already, as merged into
	// it one by one.
	Merged bool `json:"merged,omitempty"`

	// Decided: there is nothing to tell. This slave left the start out, and others
	// that come later are to know that somebody decided it.
	Decided bool `json:"decided,omitempty"`

	asking bool // this shift's: the question is under way
}

// missed says that instants of a job will not be started any more; the token is
// that of the last one's claims.
func (d *duty) missed(job *Job, m *miss) {
	m.Job = job.Name
	if d.Store == nil || job.RunOn != RunOnOne || byHand(m.Run) {
		d.tellMissed(m)
		return
	}
	d.agenda.Misses = append(d.agenda.Misses, m)
	d.dirty = true
}

// decided lets the others know that this slave left an instant out, as its job
// wants it: who was off meanwhile has not missed it.
func (d *duty) decided(in *intent) {
	if in.job == nil || d.Store == nil || in.job.RunOn != RunOnOne || byHand(in.Run) {
		return
	}
	d.agenda.Misses = append(d.agenda.Misses, &miss{
		Job: in.Job, Run: in.Run, Token: in.Token, First: in.Instant, Last: in.Instant, Count: 1, Decided: true,
	})
	d.dirty = true
}

// settleMisses asks the store about what is committed. Where it is silent, or is
// none any more, each slave tells: better forty times than not at all.
func (d *duty) settleMisses() {
	if d.Store == nil {
		d.missesAnswered(d.agenda.Misses, nil, nil)
		return
	}
	// The older first: what is told covers, for the store, all instants before.
	slices.SortStableFunc(d.agenda.Misses, func(a, b *miss) int { return a.Last.Compare(b.Last) })
	var asked []*miss
	var claims []Claim
	for _, m := range d.agenda.Misses {
		if !m.asking {
			m.asking = true
			asked = append(asked, m)
			c := d.claimOf(d.jobNamed(m.Job), d.Plan.Slave, m.Last, m.Token, 0)
			c.Decided = m.Decided
			claims = append(claims, c)
		}
	}
	if len(asked) > 0 {
		d.leases.call("settle", claims, d.Store.Miss, func(grants []Grant, err error) { d.missesAnswered(asked, grants, err) })
	}
}

func (d *duty) missesAnswered(asked []*miss, grants []Grant, err error) {
	for i, m := range asked {
		switch {
		case m.Decided:
		case err == nil && i < len(grants) && grants[i].Answer == Used:
			d.othersKnow(m)
		default: // also where the store, or the part that knows, is silent
			d.tellMissed(m.after(d.jobNamed(m.Job), grants, i))
		}
	}
	left := slices.Clone(d.agenda.Misses)
	d.agenda.Misses = slices.DeleteFunc(left, func(m *miss) bool { return slices.Contains(asked, m) })
}

// after is m without the instants that others knew of, as the store's answer says.
func (m *miss) after(job *Job, grants []Grant, i int) *miss {
	if i >= len(grants) || job.Schedule == nil || grants[i].Since.Before(m.First) {
		return m
	}
	rest := *m
	if s := spanOf(job.Schedule, grants[i].Since, m.Last); s.Count > 0 {
		rest.First, rest.Count = s.First, s.Count
	}
	return &rest
}

func (d *duty) tellMissed(m *miss) {
	d.outcome(m.outcome(OutcomeMissed, m.Reason))
	d.report.Missed += m.Count
	job := d.jobNamed(m.Job)
	d.log(Error, job, fmt.Sprintf("Missed %d start(s), the last at %s: %s", m.Count, moment(m.Last), m.Reason))
	d.notify(EventJobMissed, m.Job, m.Run+"/missed", map[string]any{"scheduledAt": m.Last.Unix(), "count": m.Count, "reason": m.Reason})
}

// othersKnow is for instants that others started, or told as missed.
func (d *duty) othersKnow(m *miss) {
	d.outcome(m.outcome(OutcomeElsewhere, "another slave started it, or told that it was missed"))
	d.log(Debug, d.jobNamed(m.Job), fmt.Sprintf("Not missed: the store knows of %d start(s) until %s", m.Count, moment(m.Last)))
}

// outcome is the ledger's line, in which each instant stands once.
func (m *miss) outcome(what, reason string) Outcome {
	o := Outcome{Job: m.Job, Run: m.Run, Instant: m.Last, First: m.First, Count: m.Count, Outcome: what, Reason: reason}
	if m.Merged {
		o.First, o.Count = m.Last, 1
	}
	return o
}
