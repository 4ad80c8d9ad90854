package engine

import (
	"crypto/rand"
	"fmt"
	"maps"
	"time"

	"slavedriver/schedule"
)

// evaluate decides about every instant that is due and not decided yet. What
// it decides is in the agenda in memory; the commit makes it true.
func (d *duty) evaluate() {
	if !d.Resumed {
		d.notify(EventStarted, "", fmt.Sprintf("shift/%s/started", d.shiftID()), nil)
	}
	d.tellLoad()
	d.tellCopy()
	d.tellSecrets()
	if !d.At.IsZero() {
		d.evaluateMinute(d.At)
		return
	}
	now := d.now()
	w, reset := nextWindow(d.agenda.Evaluated, now)
	if !w.To.After(w.From) {
		d.evaluateNewcomers(w, now)
		return
	}
	if err := d.meetJobs(); err != nil {
		d.sayOnce("known", Error, err.Error()+"; nothing is started before it can be written")
		return
	}
	if reset {
		d.clockCameBack(w)
	}
	d.noticeGap(now)
	for _, job := range d.Plan.Jobs {
		if job.Enabled && job.OnSlave(d.Plan.Slave) {
			d.evaluateJob(job, d.known.clip(w, job.Name), now)
		}
	}
	d.agenda.Evaluated, d.agenda.Ticked = w.To, now
	d.agenda.Ahead = d.agenda.Ahead.after(now)
	maps.DeleteFunc(d.agenda.Answered, func(name, _ string) bool { return d.jobs[name] == nil || !d.jobs[name].ScheduleFunc })
	d.dirty = true
}

// evaluateNewcomers makes what is due in this minute start of jobs that came, or
// changed, after the minute was evaluated: a new job begins with the minute in
// which it is first seen. What was decided of it in an earlier shift stays.
func (d *duty) evaluateNewcomers(w window, now time.Time) {
	begin, end := minuteAround(now)
	if w.From.After(end) { // the clock went back
		return
	}
	before := d.agenda.Jobs
	if err := d.meetJobs(); err != nil {
		d.sayOnce("known", Error, err.Error()+"; nothing is started before it can be written")
		return
	}
	if d.agenda.Jobs == before {
		return
	}
	d.dirty, d.inDoubt = true, true
	for _, job := range d.Plan.Jobs {
		if job.Enabled && job.OnSlave(d.Plan.Slave) && d.known[job.Name].Since.Equal(d.minute()) && !d.decidedIn(job, begin, end) {
			d.evaluateJob(job, window{begin, end}, now)
		}
	}
}

// decidedIn says whether a start of the job in that span was decided before.
func (d *duty) decidedIn(job *Job, begin, end time.Time) bool {
	id := runID(job, end.Truncate(time.Minute))
	if !job.ScheduleFunc {
		id = runID(job, job.Schedule.Next(begin))
	}
	return d.isKnownRun(job, id) // which asks the ledger too, as this is in doubt
}

// meetJobs notes since when jobs are what they are, when they are not those of
// the last shift.
func (d *duty) meetJobs() error {
	each, all := fingerprints(d.Plan.Jobs, d.Plan.Slave)
	all += "-" + definitionSum(d.Plan.Jobs)
	if all == d.agenda.Jobs {
		return nil // each is older than the last evaluated instant
	}
	old, warning, err := loadKnown(d.path(fileKnown))
	if err != nil {
		return err
	}
	if warning != "" {
		d.Log.Log(Error, warning, nil)
	}
	now := knownFile{
		Of: all, Jobs: old.Jobs.update(each, d.minute()), Definitions: definitions(d.Plan.Jobs), Before: old.before(d.agenda.Jobs),
	}
	if err := now.save(d.path(fileKnown)); err != nil {
		return err
	}
	d.known = now.Jobs
	if !d.known.anyHere() && (old.Jobs.anyHere() || old.Jobs == nil && len(d.known) > 0) {
		d.tellIdleness()
	}
	d.tellChange(now.Before, now.Definitions)
	d.agenda.Jobs = all
	return nil
}

func (d *duty) evaluateJob(job *Job, w window, now time.Time) {
	if job.ScheduleFunc {
		d.askMinutes(job, w, now)
		return
	}
	if next := job.Schedule.Next(w.From); next.IsZero() || next.After(w.To) {
		return
	}
	lag, catchUp := JitterOf(job, d.Plan.Slave), catchUpOf(job, now)
	v := due(job.Schedule, w, now, lag, catchUp)
	d.missedUndecided(job, v.Missed, reasonNoShift)
	d.missedUndecided(job, v.Excess, fmt.Sprintf("more than %d of its starts wait for their time", mostAhead))
	if v.Merged = v.Merged.without(job.Schedule, d.decidedOf(job, v.Merged)); v.Merged.Count > 0 {
		d.outcome(Outcome{Job: job.Name, Run: runID(job, v.Merged.Last), Instant: v.Merged.Last, First: v.Merged.First,
			Count: v.Merged.Count, Outcome: OutcomeMerged, Reason: mergedWith(runID(job, v.Starts[0]))})
	}
	for i, t := range v.Starts {
		in := d.newIntent(job, t, t.Add(lag), catchUp, runID(job, t))
		if i == 0 {
			in.Merged = v.Merged
		}
		d.intend(job, in)
	}
}

// missedUndecided misses instants, but for those that were started all the same.
func (d *duty) missedUndecided(job *Job, s span, reason string) {
	if s = s.without(job.Schedule, d.decidedOf(job, s)); s.Count > 0 {
		d.missed(job, &miss{Run: runID(job, s.Last), Token: rand.Text(), First: s.First, Last: s.Last, Count: s.Count, Reason: reason})
	}
}

// evaluateMinute makes the instants of one minute due, as --at asks for. They
// get runs of their own and do not count as evaluated.
func (d *duty) evaluateMinute(at time.Time) {
	minute := at.Truncate(time.Minute)
	now := d.now()
	for _, job := range d.Plan.Jobs {
		if !job.Enabled || !job.OnSlave(d.Plan.Slave) {
			continue
		}
		if job.ScheduleFunc {
			d.ask(job, minute)
			continue
		}
		for _, t := range instantsOf(job, minute) {
			id := idByAt(runID(job, t))
			d.intend(job, d.newIntent(job, t, now, catchUpOf(job, now), id))
		}
	}
	d.dirty = true
}

func instantsOf(job *Job, minute time.Time) []time.Time {
	instants, _ := schedule.Between(job.Schedule, minute.Add(-time.Nanosecond), minute.Add(time.Minute-time.Nanosecond), mostAhead)
	return instants
}

// runID names the run of a job's instant. It is the same whoever computes it,
// so that a second run of an instant would have to take the first one's folder.
func runID(job *Job, instant time.Time) string {
	return job.Slug + "-" + instant.UTC().Format("20060102T150405Z")
}

// newIntent is a start for an instant, to be made at that moment and no later
// than catchUp after it. What is due in this minute is not late before its end,
// and no start is within a minute of its time.
func (d *duty) newIntent(job *Job, instant, start time.Time, catchUp time.Duration, id string) *intent {
	in := &intent{
		Run: id, Job: job.Name, Instant: instant, Until: start.Add(max(catchUp, time.Minute)),
		Token: rand.Text(), World: d.world, job: job,
	}
	if end := d.minute().Add(time.Minute); in.Until.Before(end) {
		in.Until = end
	}
	if start.After(d.now()) {
		in.NotBefore = start
	}
	return in
}
