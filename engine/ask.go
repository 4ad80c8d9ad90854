package engine

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a script's functions say about a start. The questions are in the agenda
// with the start that they are about: they are asked again only if a shift dies
// between an answer and the next commit.

// ask intends to ask the job's schedule function about a minute.
func (d *duty) ask(job *Job, minute time.Time) {
	id := runID(job, minute)
	start := minute.Add(JitterOf(job, d.Plan.Slave))
	if !d.At.IsZero() {
		id = idByAt(id)
		start = d.now()
	}
	if d.isKnownRun(job, id) {
		if !start.After(d.now()) && d.intentNamed(id) == nil {
			d.noteAnswer(job.Name, id)
		}
		return
	}
	in := d.newIntent(job, minute, start, catchUpOf(job, minute), id)
	in.Ask = true
	d.addIntent(in)
}

// mostAsked is how many minutes a schedule function is asked about at a time:
// the longest catchUp that means anything for one.
const mostAsked = 180

// askMinutes asks about this minute, and about each before it that no shift asked
// about and that may still start: the newest first, as that one makes good the others.
func (d *duty) askMinutes(job *Job, w window, now time.Time) {
	minute := now.Truncate(time.Minute)
	reach := JitterOf(job, d.Plan.Slave) + catchUpOf(job, now)
	oldest := latest(w.From, minute.Add(-min(reach, (mostAsked-1)*time.Minute)-1))
	for t := minute; t.After(oldest); t = t.Add(-time.Minute) {
		d.ask(job, t)
	}
}

// hasCome is for a minute that the function said yes to and whose time has come: as with
// an expression, the newest of these makes good all before, whatever becomes of its start.
func (d *duty) hasCome(in *intent) {
	if !d.madeGood(in) {
		d.noteAnswer(in.Job, in.Run)
	}
}

// noteAnswer notes the newest minute that makes others good.
func (d *duty) noteAnswer(job, run string) {
	if newest := d.agenda.Answered[job]; newest != "" && !instantOfRun(run).After(instantOfRun(newest)) {
		return
	}
	if d.agenda.Answered == nil {
		d.agenda.Answered = map[string]string{}
	}
	d.agenda.Answered[job] = run
}

// madeGood says whether a newer minute, whose time had come before, makes a start of a
// schedule function good, and settles it then.
func (d *duty) madeGood(in *intent) bool {
	newest := d.agenda.Answered[in.Job]
	if newest == "" || !in.job.ScheduleFunc || !in.scheduled() || !instantOfRun(newest).After(in.Instant) {
		return false
	}
	d.settle(in, OutcomeMerged, mergedWith(newest))
	if start := d.intentNamed(newest); start != nil && !start.settled {
		start.Merged = start.Merged.and(in.instants())
	} else {
		d.decided(in)
	}
	return true
}

// waitsForEarlier says whether a minute that a function said yes to too late is to be
// missed together with earlier ones, about which it is still to be asked.
func (d *duty) waitsForEarlier(in *intent) bool {
	return in.job.ScheduleFunc && slices.ContainsFunc(d.agenda.Intents, func(other *intent) bool {
		return other.job == in.job && other.Ask && !other.settled && other.Instant.Before(in.Instant)
	})
}

// nextQuestions are the minutes that schedule functions are asked about next, one
// at a time for each job: the newest first, so that what is due now does not wait
// for what was missed. Where one is being asked about, it is that.
func (d *duty) nextQuestions() map[*Job]*intent {
	var next map[*Job]*intent
	for _, in := range d.agenda.Intents {
		if !in.Ask || in.settled || in.job == nil {
			continue
		}
		other := next[in.job]
		if next == nil {
			next = map[*Job]*intent{}
		}
		if other == nil || in.phase == phaseAsking || other.phase != phaseAsking && in.Instant.After(other.Instant) {
			next[in.job] = in
		}
	}
	return next
}

// askSchedule puts the question to the script, which answers in its own time.
func (d *duty) askSchedule(in *intent) {
	in.phase = phaseAsking
	d.oracles.ask(question{func(s Script) func() {
		due, err := s.Due(d.ctx, in.job, in.Instant)
		return func() { d.scheduleSays(in, due, err) }
	}, func() { d.scheduleSays(in, false, errHung) }})
}

func (d *duty) scheduleSays(in *intent, due bool, err error) {
	in.phase, in.Ask = phaseWaiting, false
	d.dirty = true
	if errors.Is(err, errHung) {
		d.askNoMore(in)
	}
	switch {
	case err != nil:
		d.scheduleFailed(in, err)
	case !due:
		in.settled = true // it is no instant of the job
	case byHand(in.Run): // what is asked for is no start of the schedule, nor in its place
	case d.waits(in) <= 0 && !d.isLate(in):
		d.hasCome(in)
	}
}

// scheduleFailed leaves a minute out that the function could not answer about. Of the
// minutes before this one it is said once, in the log, as nobody knows whether they
// are instants of the job.
func (d *duty) scheduleFailed(in *intent, err error) {
	reason := fmt.Sprintf("its schedule function failed: %v", err)
	if !in.Instant.Before(d.minute()) || byHand(in.Run) {
		d.saidOnce[functionFailed+in.Job] = true
		d.log(Error, in.job, reason)
		d.skip(in, reason)
		return
	}
	in.settled = true
	if !d.saidOnce[functionFailed+in.Job] {
		d.saidOnce[functionFailed+in.Job] = true
		d.log(Error, in.job, fmt.Sprintf("for %s %s", moment(in.Instant), reason))
	}
}

// functionFailed and a job's name: what is said once of that.
const functionFailed = "schedule function of "

// answersFirst is how long a start waits at the beginning of a shift for what its
// job's function says of newer minutes.
const answersFirst = 15 * time.Second

// waitsForAnswers says whether the function of a job is still to be asked about
// newer minutes whose start has come too: one of these may take the place of a start
// that waited from before a gap.
func (d *duty) waitsForAnswers(in *intent) bool {
	if !in.job.ScheduleFunc || byHand(in.Run) || d.now().Sub(d.began) > answersFirst {
		return false
	}
	return slices.ContainsFunc(d.agenda.Intents, func(other *intent) bool {
		return other.job == in.job && other.Ask && !other.settled && other.Instant.After(in.Instant) && d.waits(other) <= 0
	})
}

// askNoMore is for a function that hangs: it is not asked about the minutes before
// too, each of which would cost a new beginning of the shift.
func (d *duty) askNoMore(hung *intent) {
	dropped := 0
	for _, in := range d.agenda.Intents {
		if in.job == hung.job && in.Ask && !in.settled && in.Instant.Before(hung.Instant) {
			in.settled = true
			dropped++
		}
	}
	if dropped > 0 {
		d.log(Error, hung.job, fmt.Sprintf("its schedule function is not asked about %d earlier minute(s), since it hangs", dropped))
	}
}

// askCondition asks the script whether an instant whose time has come is to
// start now. An error is a no: what a condition guards against is worse than a
// start that is left out, and that is said.
func (d *duty) askCondition(in *intent) {
	in.phase = phaseAsking
	now := d.now()
	d.oracles.ask(question{func(s Script) func() {
		ok, reason, err := s.Condition(d.ctx, in.job, now)
		return func() { d.conditionSays(in, ok, reason, err) }
	}, func() { d.conditionSays(in, false, "", errHung) }})
}

func (d *duty) conditionSays(in *intent, ok bool, reason string, err error) {
	in.phase = phaseWaiting
	switch {
	case err != nil:
		reason = fmt.Sprintf("its condition failed: %v", err)
		d.log(Error, in.job, reason)
		d.skip(in, reason)
	case !ok:
		d.skip(in, reason)
	default:
		in.Asked, d.dirty = true, true
	}
}
