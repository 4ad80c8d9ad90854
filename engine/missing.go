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

	// Decided: there is nothing to tell (any more). The store is to know that this
	// slave settled it: it made the start, left it out, or told while the store was
	// silent. This waits for the store, from shift to shift.
	Decided bool `json:"decided,omitempty"`

	asking bool // this shift's: the question is under way, or was not answered
	later  bool // this shift's: it is for the next one to ask again
}

// mostDecided is how many spans of a job wait for a store that is silent: as many as
// stores keep. Of more the oldest are dropped, and may be told as missed by others.
const mostDecided = 100

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

// decided lets the others know that this slave settled all instants of a start: who
// was off meanwhile has not missed them.
func (d *duty) decided(in *intent) {
	if in.job == nil || d.Store == nil || in.job.RunOn != RunOnOne || byHand(in.Run) {
		return
	}
	s := in.instants()
	d.agenda.Misses = append(d.agenda.Misses, &miss{
		Job: in.Job, Run: in.Run, Token: in.Token, First: s.First, Last: s.Last, Count: s.Count, Decided: true,
	})
	d.dirty = true
}

// isFree says whether a miss is decided and not being asked about.
func (m *miss) isFree() bool { return m.Decided && (m.later || !m.asking) }

// joinDecided makes one of what is decided of a job and follows one another, and
// drops the oldest of what is too many. What is being asked stays as it is.
func (d *duty) joinDecided() {
	var all []*miss
	last, count := map[string]*miss{}, map[string]int{}
	for _, m := range d.agenda.Misses {
		free := m.isFree()
		if before := last[m.Job]; free && before != nil && !stretchOf(d.jobNamed(m.Job), span{First: m.First}).After.After(before.Last) {
			before.Last, before.Count, before.Run, before.Token = latest(before.Last, m.Last), before.Count+m.Count, m.Run, m.Token
			if !m.asking { // all of it is asked anew
				before.asking, before.later = false, false
			}
			continue
		}
		if all = append(all, m); free {
			last[m.Job] = m
			count[m.Job]++
		}
	}
	d.agenda.Misses = slices.DeleteFunc(all, func(m *miss) bool {
		free := m.isFree()
		if free {
			count[m.Job]--
		}
		return free && count[m.Job] >= mostDecided
	})
}

// startDecided is decided for a start that was made, where the store does not know
// that from its Confirm: it was asked about less, about one run of several that may
// overlap, or not at all.
func (d *duty) startDecided(in *intent, leased bool) {
	if in.Retry == nil && in.job != nil && (!leased || in.job.Overlaps() || in.confirmedFor != in.instants().Count) {
		d.decided(in)
	}
}

// adoptedDecided is startDecided for a start of which it is not known whether the shift
// that made it came to its next commit.
func (d *duty) adoptedDecided(r *run) {
	if in := d.intentNamed(r.intent.ID); in != nil && r.intent.Attempt <= 1 {
		in.confirmedFor = in.instants().Count
		d.startDecided(in, r.intent.Fence != 0)
	}
}

// settleMisses asks the store about what is committed. Where it is silent, or is
// none any more, each slave tells: better forty times than not at all.
func (d *duty) settleMisses() {
	if len(d.agenda.Misses) == 0 {
		return
	}
	if d.Store == nil {
		d.missesAnswered(d.agenda.Misses, nil, nil)
		return
	}
	slices.SortStableFunc(d.agenda.Misses, func(a, b *miss) int { return a.Last.Compare(b.Last) }) // told in order
	d.joinDecided()
	var asked []*miss
	var claims []Claim
	for _, m := range d.agenda.Misses {
		if !m.asking {
			m.asking = true
			asked = append(asked, m)
			claims = append(claims, d.claimOfMiss(m))
		}
	}
	if len(asked) > 0 {
		d.leases.call("settle", claims, d.Store.Miss, func(grants []Grant, err error) { d.missesAnswered(asked, grants, err) })
	}
}

// claimOfMiss is the question about a miss. It is asked of the job's own key, also
// where runs that may overlap have leases of their own.
func (d *duty) claimOfMiss(m *miss) Claim {
	job := d.jobNamed(m.Job)
	c := d.claimOf(job, d.Plan.Slave, m.Last, m.Token, 0)
	c.Key, c.Decided = job.Slug, m.Decided
	c.After = stretchOf(job, span{First: m.First, Last: m.Last}).After
	return c
}

// stretchOf is the time of a job's instants, from the instant before them on: so
// those of starts that follow one another touch.
func stretchOf(job *Job, s span) Stretch {
	before := s.First.Add(-time.Second)
	switch {
	case job.ScheduleFunc:
		before = s.First.Add(-time.Minute)
	case job.Schedule != nil:
		if t := lastBefore(job.Schedule, s.First); !t.IsZero() {
			before = t
		}
	}
	return Stretch{After: before, To: s.Last}
}

// missesAnswered lets each miss go on as the store answered; what it is still to be
// told of is asked again by the next shift.
func (d *duty) missesAnswered(asked []*miss, grants []Grant, err error) {
	keep := map[*miss]bool{}
	for i, m := range asked {
		silent := d.Store != nil && (err != nil || i >= len(grants) || grants[i].Answer == Unreached)
		switch {
		case silent || i >= len(grants):
			if !m.Decided {
				d.tellMissed(m)
			}
			m.Decided, m.later, keep[m] = true, silent, silent
		case m.Decided:
		case grants[i].Answer == Used:
			d.othersKnow(m)
		default:
			d.tellRest(m, grants[i].Untold)
		}
	}
	left := slices.Clone(d.agenda.Misses)
	d.agenda.Misses = slices.DeleteFunc(left, func(m *miss) bool { return slices.Contains(asked, m) && !keep[m] })
	d.dirty = true
}

// missesIdle says that no miss is to be asked about, or waits for its answer.
func (d *duty) missesIdle() bool {
	return !slices.ContainsFunc(d.agenda.Misses, func(m *miss) bool { return !m.later })
}

// tellRest tells of what nobody else settled.
func (d *duty) tellRest(m *miss, untold []Stretch) {
	rest := m.within(d.jobNamed(m.Job), untold)
	switch {
	case rest.Count == 0:
		d.othersKnow(m)
		return
	case m.Merged && !rest.Last.Equal(m.Last): // the ledger is to have the end of each run
		last := *m
		last.First, last.Count = m.Last, 1
		d.outcome(last.outcome(OutcomeElsewhere, reasonSettled))
	case rest.Count < m.Count && !m.Merged:
		d.outcomeAround(m, rest)
	}
	d.tellMissed(&rest)
}

// outcomeAround is the ledger's lines about the instants that others settled before and
// after the rest; those of a function are not known.
func (d *duty) outcomeAround(m *miss, rest miss) {
	job := d.jobNamed(m.Job)
	if job.Schedule == nil {
		return
	}
	for _, s := range []span{
		spanOf(job.Schedule, m.First.Add(-1), rest.First.Add(-1)),
		spanOf(job.Schedule, rest.Last, m.Last),
	} {
		if s.Count > 0 {
			others := miss{Job: m.Job, Run: runID(job, s.Last), First: s.First, Last: s.Last, Count: s.Count}
			d.outcome(others.outcome(OutcomeElsewhere, reasonSettled))
		}
	}
}

// within is m with those of its instants alone that are in the stretches. Of a
// schedule function it is not known which these are.
func (m *miss) within(job *Job, untold []Stretch) miss {
	rest, before := *m, m.First.Add(-1)
	if len(untold) == 1 && untold[0].After.Before(m.First) && !untold[0].To.Before(m.Last) {
		return rest
	}
	if job.Schedule == nil {
		return rest
	}
	var all span
	for _, s := range untold {
		to := s.To
		if m.Last.Before(to) {
			to = m.Last
		}
		all = all.and(spanOf(job.Schedule, latest(s.After, before), to))
	}
	rest.First, rest.Last, rest.Count = all.First, all.Last, all.Count
	if all.Count > 0 && !rest.Last.Equal(m.Last) {
		rest.Run = runID(job, rest.Last)
	}
	return rest
}

func (d *duty) tellMissed(m *miss) {
	if !m.Merged || instantOfRun(m.Run).Equal(m.Last) {
		d.outcome(m.outcome(OutcomeMissed, m.Reason))
	}
	d.report.Missed += m.Count
	job := d.jobNamed(m.Job)
	d.log(Error, job, fmt.Sprintf("Missed %d start(s), the last at %s: %s", m.Count, moment(m.Last), m.Reason))
	d.notify(EventJobMissed, m.Job, m.Run+"/missed", map[string]any{"scheduledAt": m.Last.Unix(), "count": m.Count, "reason": m.Reason})
}

const reasonSettled = "another slave started it, or told that it was missed"

// othersKnow is for instants that others started, or told as missed.
func (d *duty) othersKnow(m *miss) {
	d.outcome(m.outcome(OutcomeElsewhere, reasonSettled))
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
