package engine

import (
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"slavedriver/schedule"
)

// evaluate decides about every instant that is due and not decided yet. What
// it decides is in the agenda in memory; the commit makes it true.
func (d *duty) evaluate() {
	d.notify(EventStarted, "", fmt.Sprintf("shift/%s/started", d.shiftID()), nil)
	d.tellLoad()
	d.tellCopy()
	if !d.At.IsZero() {
		d.evaluateMinute(d.At)
		return
	}
	now := d.now()
	w, reset := nextWindow(d.agenda.Evaluated, now)
	if reset {
		d.Log.Log(Error, fmt.Sprintf("the clock went back from %s; schedules go on from this minute",
			d.agenda.Evaluated.Format(time.RFC3339)), nil)
	}
	if !w.To.After(w.From) {
		return
	}
	if err := d.meetJobs(); err != nil {
		d.sayOnce("known", Error, err.Error()+"; nothing is started before it can be written")
		return
	}
	for _, job := range d.Plan.Jobs {
		if job.Enabled && job.OnSlave(d.Plan.Slave) {
			d.evaluateJob(job, d.known.clip(w, job.Name), now)
		}
	}
	d.agenda.Evaluated = w.To
	d.dirty = true
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
	d.tellChange(now.Before, now.Definitions)
	d.agenda.Jobs = all
	return nil
}

func (d *duty) evaluateJob(job *Job, w window, now time.Time) {
	if job.ScheduleFunc {
		d.ask(job, now.Truncate(time.Minute))
		return
	}
	if next := job.Schedule.Next(w.From); next.IsZero() || next.After(w.To) {
		return
	}
	v := due(job.Schedule, w, now, catchUpOf(job, now))
	if v.Missed.Count > 0 {
		d.missed(job, v.Missed, "no shift ran in time")
	}
	if v.Start.IsZero() {
		return
	}
	if v.Merged.Count > 0 {
		d.outcome(Outcome{Job: job.Name, Run: runID(job, v.Merged.Last), Instant: v.Merged.Last, First: v.Merged.First,
			Count: v.Merged.Count, Outcome: OutcomeMerged, Reason: "one start for several missed instants: " + runID(job, v.Start)})
	}
	d.intend(job, d.newIntent(job, v.Start, v.Start.Add(catchUpOf(job, now)), runID(job, v.Start)))
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
			id := runID(job, t) + "-at-" + rand.Text()[:6]
			d.intend(job, d.newIntent(job, t, now.Add(catchUpOf(job, now)), id))
		}
	}
	d.dirty = true
}

func instantsOf(job *Job, minute time.Time) []time.Time {
	instants, _ := schedule.Between(job.Schedule, minute.Add(-time.Nanosecond), minute.Add(time.Minute-time.Nanosecond), maxInstants)
	return instants
}

// runID names the run of a job's instant. It is the same whoever computes it,
// so that a second run of an instant would have to take the first one's folder.
func runID(job *Job, instant time.Time) string {
	return job.Slug + "-" + instant.UTC().Format("20060102T150405Z")
}

func (d *duty) newIntent(job *Job, instant, until time.Time, id string) *intent {
	if end := d.minute().Add(time.Minute); until.Before(end) {
		until = end // what is due in this minute is not late before its end
	}
	return &intent{Run: id, Job: job.Name, Instant: instant, Until: until, Token: rand.Text(), World: d.world, job: job}
}

// intend puts a start into the agenda, unless the job's last run, or an
// earlier start that waits, is in its way.
func (d *duty) intend(job *Job, in *intent) {
	if d.isKnownRun(job, in.Run) {
		return // an agenda was lost, the instant was not
	}
	if job.Overlaps() {
		d.addIntent(in)
		return
	}
	if earlier := d.intentOf(job, in); earlier != nil {
		d.merge(earlier, in)
		return
	}
	if live := d.bySlug[job.Slug]; len(live) > 0 && !d.makeWay(job, live) {
		d.stillRunning(in, live[0].intent.StartedAt, d.Plan.Slave)
		return
	}
	d.addIntent(in)
}

// merge lets a start that still waits make way for a newer one of the same job,
// in its place in the queue: one start for both. One that is past waiting, or
// whose time is over, goes its own way.
func (d *duty) merge(earlier, in *intent) {
	switch {
	case earlier.phase != phaseWaiting || earlier.Ask:
		d.skip(in, fmt.Sprintf("the start of %s is being made", earlier.Instant.Format(time.RFC3339)))
		return
	case d.now().After(earlier.Until):
		d.miss(earlier)
	default:
		d.settle(earlier, OutcomeMerged, "one start for several missed instants: "+in.Run)
	}
	for i, other := range d.agenda.Intents {
		if other == earlier {
			d.agenda.Intents = slices.Insert(d.agenda.Intents, i+1, in)
			break
		}
	}
	d.dirty = true
}

func (d *duty) addIntent(in *intent) {
	d.agenda.Intents = append(d.agenda.Intents, in)
	d.dirty = true
}

// makeWay says whether a due instant may wait for the job's live runs to end,
// and ends them for onOverlap = "replace".
func (d *duty) makeWay(job *Job, live []*run) bool {
	if job.OnOverlap != OverlapReplace {
		return false
	}
	for _, r := range live {
		d.stop(r, reasonReplaced)
	}
	return true
}

// intentOf is another start of the same job that still waits, or nil.
func (d *duty) intentOf(job *Job, except *intent) *intent {
	for _, in := range d.agenda.Intents {
		if in != except && in.Job == job.Name && !in.settled {
			return in
		}
	}
	return nil
}

func (d *duty) isKnownRun(job *Job, id string) bool {
	return d.runs[id] != nil || d.intentNamed(id) != nil || d.hasEnded(job.Slug, id)
}

// ask intends to ask the job's schedule function about a minute. The question
// is in the agenda, so that it is asked again if this shift dies before the answer.
func (d *duty) ask(job *Job, minute time.Time) {
	id := runID(job, minute)
	if !d.At.IsZero() {
		id += "-at-" + rand.Text()[:6]
	}
	if d.isKnownRun(job, id) {
		return
	}
	in := d.newIntent(job, minute, d.now().Add(catchUpOf(job, minute)), id)
	in.Ask = true
	d.addIntent(in)
}

// question puts an asking intent to the script, which answers in its own time.
func (d *duty) question(in *intent) {
	in.phase = phaseAsking
	d.voice.ask(in.job, in.Instant, func(due bool, err error) {
		in.phase, in.Ask = phaseWaiting, false
		in.settled = true // it comes back as a plain intent if it is due
		d.dirty = true
		switch {
		case err != nil:
			d.log(Error, in.job, fmt.Sprintf("its schedule function failed: %v", err))
			d.skip(in, fmt.Sprintf("its schedule function failed: %v", err))
		case due:
			again := *in
			again.settled = false
			d.dropIntent(in)
			d.intend(in.job, &again)
		}
	})
}

func (d *duty) dropIntent(in *intent) {
	for i, other := range d.agenda.Intents {
		if other == in {
			d.agenda.Intents = append(d.agenda.Intents[:i:i], d.agenda.Intents[i+1:]...)
			return
		}
	}
}
