package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"slavedriver/internal/runfile"
)

// action is what is to be done about a run that some shift left.
type action int

const (
	actWatch   action = iota // it runs, or is just being started
	actFinish                // it has ended
	actEnd                   // it is being ended: go on with that
	actStart                 // it was never started and may be
	actGiveUp                // it was never started and is not to be
	actMayRun                // nobody knows whether it was started
	actOrphans               // its wrapper is gone; some of its processes live
	actLost                  // its wrapper is gone, and all of it
)

// sight is what can be seen of a run: its lock and status, whether it is being
// ended, and how many of its processes live besides the wrapper.
type sight struct {
	runfile.Look
	Stopping bool
	Alive    int
}

// decide is the table of the status file. Who holds the lock is asked before
// the status is read, so "free" means that what stands there is final.
func decide(s sight) action {
	switch {
	case s.Exited && s.Stopping && s.Alive > 0:
		return actEnd
	case s.Exited:
		return actFinish
	case s.Held && s.Stopping:
		return actEnd
	case s.Held:
		return actWatch
	case s.Damaged && s.Alive > 0 && s.Stopping:
		return actEnd
	case s.Damaged && s.Alive > 0:
		return actOrphans
	case s.Damaged:
		return actLost
	case s.PID == 0 && s.Stopping:
		return actGiveUp
	case s.PID == 0 && s.SameWorld:
		return actStart
	case s.PID == 0:
		return actMayRun
	case s.Alive > 0 && s.Stopping:
		return actEnd
	case s.Alive > 0:
		return actOrphans
	}
	return actLost
}

// see looks at a run. Processes are counted only where it matters: it costs a
// walk through all of the machine's.
func see(r *run) (sight, error) {
	look, err := r.file.Look()
	if err != nil {
		return sight{}, err
	}
	s := sight{Look: look}
	stop, err := r.file.Stopping()
	if err != nil {
		return sight{}, err
	}
	s.Stopping = stop != nil
	if s.Stopping || !s.Held && !s.Exited && (s.PID != 0 || s.Damaged) {
		s.Alive, err = r.file.Alive()
	}
	return s, err
}

// reconcile makes the shift's picture from what is on the disk: the runs that
// go on are watched, those that ended are finished, those that were intended
// are made to wait for their start. It is also the recovery after a crash;
// there is no other.
func (d *duty) reconcile() error {
	d.agenda.Intents = slices.DeleteFunc(d.agenda.Intents, func(in *intent) bool {
		in.job = d.jobs[in.Job]
		return in.Ask && in.job != nil && !in.job.ScheduleFunc // there is nobody to ask any more
	})
	entries, err := os.ReadDir(d.path(folderActive))
	if err != nil { // what runs is not known, so nothing may be started
		return fmt.Errorf("cannot read the active runs: %w", err)
	}
	for _, entry := range entries {
		if id, ok := runfile.TracedRun(entry.Name()); ok {
			d.adoptTraced(id)
		} else if !strings.HasPrefix(entry.Name(), ".") {
			d.adopt(entry.Name())
		}
	}
	if d.inDoubt {
		d.restoreRetries()
	}
	d.reviewIntents()
	d.takeRequests(true)
	d.takeStops()
	d.voice.hear(d.voice.untold(d.agenda.Notices))
	d.renew(true)
	d.emptyTrash()
	return nil
}

// adopt takes one active run over.
func (d *duty) adopt(id string) {
	file, err := d.open(id)
	switch {
	case errors.Is(err, runfile.ErrCorrupt):
		d.setRunAside(id, err)
		return
	case errors.Is(err, fs.ErrNotExist):
		d.removed(id)
		return
	case err != nil:
		d.sayOnce("open "+id, Error, err.Error()+"; trying again")
		d.unseen[id] = d.standIn(id)
		return
	}
	r := &run{file: file, intent: file.Intent(), adopted: true}
	r.job = d.jobOf(r.intent)
	d.addRun(r)
	d.settleIntentOf(id)
	if in := d.intentNamed(id); in != nil && d.elapsed(r) < seenAfter {
		in.madeAt = d.Clock.Boot() - d.elapsed(r)
	}
	d.judge(r)
}

// standIn makes a run that cannot be looked at count as running: its job must
// not be started over it.
func (d *duty) standIn(id string) *run {
	r := &run{job: &Job{Slug: slugOfRun(id)}}
	d.bySlug[r.job.Slug] = append(d.bySlug[r.job.Slug], r)
	d.running++
	d.settleIntentOf(id)
	return r
}

// lookAgain tries again to look at what could not be looked at.
func (d *duty) lookAgain() {
	for id, r := range d.unseen {
		d.removeLive(r)
		delete(d.unseen, id)
		if in := d.intentNamed(id); in != nil && in.lost {
			d.adoptStart(in)
			continue
		}
		d.adopt(id)
	}
}

// settleIntentOf takes an intent from the agenda whose run folder exists.
func (d *duty) settleIntentOf(id string) {
	if in := d.intentNamed(id); in != nil {
		in.settled, in.created = true, true
	}
}

// judge does what the sight of a run asks for.
func (d *duty) judge(r *run) {
	d.restoreIfLost(r)
	s, err := see(r)
	if err != nil {
		d.sayOnce("see "+r.intent.ID, Error, err.Error()+"; trying again")
		r.unjudged = true
		return
	}
	r.look, r.unjudged = s.Look, false
	act := decide(s)
	if r.adopted && r.telling == nil && act != actStart && act != actGiveUp {
		d.report.Adopted++
		d.voice.take(r)
		d.adoptedDecided(r)
	}
	switch act {
	case actWatch:
		d.watch(r)
	case actFinish:
		d.finish(r, d.endingOf(r, s))
	case actEnd:
		d.goOnEnding(r)
	case actOrphans:
		r.orphaned = true
	case actStart:
		d.intendAgain(r)
	case actGiveUp:
		d.finish(r, ending{Exit: -1, Never: true, Reason: d.stopReason(r)})
	case actMayRun:
		d.finish(r, ending{Exit: -1, Unknown: true, Reason: "the machine or container stopped while it was being started; it may have run"})
	case actLost:
		d.finish(r, d.lost(r, s))
	}
}

// restoreIfLost makes the folder of a run anew, or its status, that somebody
// removed: most likely the job itself. Where the whole var dir is gone there is
// nothing to be made.
func (d *duty) restoreIfLost(r *run) {
	if !r.file.Lost() || d.stillOurs() != nil {
		return
	}
	look := r.look
	look.Exited = r.ending != nil && look.Exited
	if err := r.file.Restore(look); err != nil {
		d.sayOnce("restore "+r.intent.ID, Error, err.Error()+"; trying again")
		return
	}
	d.sayRestored(r)
}

func (d *duty) sayRestored(r *run) {
	d.log(Error, r.job, fmt.Sprintf("the files of run %s were removed or renamed; it is watched to its end, but its exit status, and what it prints from now on, may not be known", r.intent.ID))
}

// lost is the ending of a run whose wrapper was killed.
func (d *duty) lost(r *run, s sight) ending {
	e := ending{Exit: -1, Reason: "its supervisor was killed, so that its exit status is not known"}
	switch {
	case s.Stopping:
		e.Reason = d.stopReason(r)
		e.TimedOut = e.Reason == reasonTimeout
		e.Stopped = !e.TimedOut
	case s.Damaged:
		e.Reason = "its status file was damaged or removed, so that its exit status is not known"
	case !s.SameWorld:
		e.Reason = "the machine or container was restarted while it ran"
	case r.waited: // its end was seen
		e.Duration, e.Timed = d.elapsed(r), true
	}
	return e
}

// intendAgain makes a run that was never started an intent again: whether it
// may still start is asked anew. A wrapper that this very shift started and
// that did not even write its pid is not tried again.
func (d *duty) intendAgain(r *run) {
	if !r.adopted {
		d.finish(r, ending{Exit: -1, Never: true, Reason: "its supervisor ended before it could write its status"})
		return
	}
	d.removeLive(r)
	delete(d.runs, r.intent.ID)
	d.voice.forget(r)
	in := d.intentFor(r)
	if old := d.intentNamed(in.Run); old != nil {
		in.Until, in.NotBefore, in.Asked, in.Retry, in.Merged = old.Until, old.NotBefore, old.Asked, old.Retry, old.Merged
		d.dropIntent(old)
	} else if d.ledger.has(in.Run) { // given up by a shift that died before the folder was gone
		d.discard(in)
		d.throwAway()
		return
	}
	d.addIntent(in)
}

func (d *duty) intentNamed(run string) *intent {
	for _, in := range d.agenda.Intents {
		if in.Run == run {
			return in
		}
	}
	return nil
}

// reviewIntents takes those intents from the agenda that were carried out, and
// those whose start was under way when the machine stopped.
func (d *duty) reviewIntents() {
	lost := map[string]*intent{} // by mark
	recorded := sync.OnceValue(d.ledger.recent)
	for _, in := range d.agenda.Intents {
		switch {
		case in.settled || in.folder != nil:
		case d.hasEnded(slugOfRun(in.Run), in.Run), d.wasSetAside(in.Run):
			in.settled = true
		case in.Starting && hasEnd(recorded(), in.Run): // and its folder was removed, or lost in a power cut
			in.settled = true
		case in.Starting && in.World != d.world:
			d.mayHaveRun(in)
		case in.Starting && in.Mark != "":
			lost[in.Mark] = in
		}
	}
	d.adoptLiving(lost)
}

// mayHaveRun reports a start that was under way when the machine stopped and
// of which nothing is left.
func (d *duty) mayHaveRun(in *intent) {
	const reason = "the machine or container stopped while it was being started; it may have run"
	_, attempt := cutAttempt(in.Run)
	d.settle(in, OutcomeUnknown, reason)
	if in.Retry == nil {
		d.decided(in) // it is told as this
	}
	d.report.Failed++
	name := in.Job
	d.Log.Log(d.Plan.Levels.ErrorExitCode, fmt.Sprintf("Slavedriver [%s] - %s", name, reason), nil)
	d.notifyFailure(name, in.Run, map[string]any{"reason": reason, "timedOut": false, "attempt": attempt})
}

// setRunAside moves a run that cannot be understood out of the way, once
// nobody holds its status any more; until then its job counts as running.
func (d *duty) setRunAside(id string, cause error) {
	if held, err := d.Supervisor.Held(d.folderOf(id)); err == nil && held {
		d.sayOnce("corrupt "+id, Error, fmt.Sprintf("run %s cannot be understood (%v), but it runs; it is left alone until it ends", id, cause))
		d.unseen[id] = d.standIn(id)
		return
	}
	if err := os.MkdirAll(d.path(folderCorrupt), 0o700); err != nil {
		d.sayOnce("corrupt", Error, err.Error())
		return
	}
	target := d.path(folderCorrupt, id)
	if _, err := os.Lstat(target); err == nil { // of an earlier run, or a job's own doing
		target += d.now().UTC().Format(".20060102T150405.000Z")
	}
	d.Supervisor.Forget(d.path(folderActive), id)
	if err := os.Rename(d.folderOf(id), target); err != nil {
		d.sayOnce("corrupt "+id, Error, fmt.Sprintf("cannot set aside run %s: %v", id, err))
		return
	}
	d.notUnderstood(id, fmt.Sprintf("its run folder could not be understood (%v); it was set aside in %s", cause, d.path(folderCorrupt)))
}

// notUnderstood reports a run of which nothing but its id is known; a folder
// whose name is no id is no run.
func (d *duty) notUnderstood(id, reason string) {
	d.Log.Log(Error, fmt.Sprintf("run %s: %s", id, reason), nil)
	if _, _, ok := cutID(id); !ok {
		return
	}
	_, attempt := cutAttempt(id)
	d.outcome(Outcome{Job: d.nameOfSlug(slugOfRun(id)), Run: id, Instant: instantOfRun(id), Outcome: OutcomeUnknown, Reason: reason})
	d.notifyFailure(d.nameOfSlug(slugOfRun(id)), id, map[string]any{"reason": reason, "timedOut": false, "attempt": attempt})
}

func (d *duty) wasSetAside(id string) bool {
	_, err := os.Lstat(filepath.Join(d.path(folderCorrupt), id))
	return err == nil
}

func (d *duty) nameOfSlug(slug string) string {
	for _, job := range d.Plan.Jobs {
		if job.Slug == slug {
			return job.Name
		}
	}
	return slug
}

// slugOfRun and instantOfRun read a run's id: what is left when its folder
// cannot be understood.
func slugOfRun(id string) string {
	slug, _, _ := cutID(id)
	return slug
}

func instantOfRun(id string) time.Time {
	_, instant, _ := cutID(id)
	return instant
}

func cutID(id string) (slug string, instant time.Time, ok bool) {
	id, _ = cutAttempt(id)
	id, _, _ = strings.Cut(id, "Z"+byCommand)
	id, _, _ = strings.Cut(id, "Z"+byHandler)
	id = strings.TrimSuffix(id, "Z")
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return id, time.Time{}, false
	}
	instant, err := time.Parse("20060102T150405", id[i+1:])
	return id[:i], instant, err == nil
}
