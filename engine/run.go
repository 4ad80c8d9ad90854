package engine

import (
	"encoding/json"
	"time"

	"slavedriver/internal/runfile"
)

// run is an active run as the shift sees it: from its start, or its adoption,
// until its end is told and its folder is put away.
type run struct {
	file   RunFile
	intent runfile.Intent
	job    *Job // the entry file's, or rebuilt from the run
	look   runfile.Look

	ending    *ending // set once it has ended
	said      bool    // its end was counted and logged by this shift
	entered   bool    // its end was written to the ledger by this shift
	recorded  bool    // its end is in the ledger
	told      bool    // all of it was told
	adopted   bool    // another shift started it
	unjudged  bool    // it could not be looked at, and is to be
	waited    bool    // some time of this shift its end was waited for
	watched   bool    // somebody waits for its wrapper
	stopping  bool    // End is under way
	exited    bool    // it was seen to have ended by itself, and is about to be judged
	orphaned  bool    // lost its wrapper; what still lives of it is watched by polling
	warned    bool    // the expected run time elapsed, and was said
	leaseLost bool
	leased    bool // it has ended, and its lease is not given up yet
	telling   *telling
}

// jobOf finds the job of a run in the plan, or rebuilds it from what the run
// knows.
func (d *duty) jobOf(in runfile.Intent) *Job {
	if job, ok := d.jobs[in.Job]; ok {
		return job
	}
	return rebuild(in.Job, in.Spec)
}

// rebuild makes the job of a run that is no longer in the entry file.
func rebuild(name string, spec json.RawMessage) *Job {
	job := &Job{}
	if json.Unmarshal(spec, job) != nil || job.Name == "" {
		job = &Job{Name: name, SuccessCodes: []int{0}, KeepRuns: 20}
	}
	job.Slug, job.Removed = Slug(job.Name), true
	return job
}

// toldToStop says whether it is noted that the run is being ended.
func (r *run) toldToStop() bool {
	if r.file == nil {
		return false
	}
	stop, err := r.file.Stopping()
	return err == nil && stop != nil
}

// endedItself says whether a run has ended before it was to be ended, though the shift
// has not come to judging that: something may have held it up.
func (r *run) endedItself() bool {
	if r.file == nil || r.exited || r.toldToStop() {
		return r.exited
	}
	look, err := r.file.Look()
	r.exited = err == nil && look.Exited
	return r.exited
}

// elapsed is how long a run has been going on, by the clock that no change of
// the time touches.
func (d *duty) elapsed(r *run) time.Duration {
	if r.intent.World.BootID != d.world.BootID {
		return d.now().Sub(r.intent.StartedAt)
	}
	return d.Clock.Boot() - r.intent.StartedBoot
}

// addRun takes a run under watch.
func (d *duty) addRun(r *run) {
	d.runs[r.intent.ID] = r
	d.bySlug[r.job.Slug] = append(d.bySlug[r.job.Slug], r)
	d.running++
}

// removeLive takes an ended run from those that are in the way of others.
func (d *duty) removeLive(r *run) {
	live := d.bySlug[r.job.Slug]
	for i, other := range live {
		if other == r {
			d.bySlug[r.job.Slug] = append(live[:i:i], live[i+1:]...)
			d.running--
			return
		}
	}
}
