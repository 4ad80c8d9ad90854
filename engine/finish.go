package engine

import (
	"errors"
	"fmt"
	"time"

	"slavedriver/internal/runfile"
)

// finish records the end of a run and makes way for the next one. What is left
// to be told about it does not hold that up.
func (d *duty) finish(r *run, e ending) {
	if r.ending != nil {
		return
	}
	d.noteDeadlines(r, e)
	uncommitted := d.tryAgainLater(r, &e)
	r.ending = &e
	d.removeLive(r)
	if uncommitted {
		d.retried = append(d.retried, r)
		return
	}
	d.conclude(r)
}

// noteDeadlines has that told of a run which passed its timeout, or its expected
// time, and ended before this shift saw it going on: an earlier one may not have
// come to telling it.
func (d *duty) noteDeadlines(r *run, e ending) {
	if e.TimedOut {
		d.voice.timedOut(r)
	}
	if warn := r.intent.WarnAfter; warn > 0 && !r.warned && e.Timed && e.Duration >= warn {
		d.warn(r)
	}
}

// conclude makes the end of a run known. A run that is tried again keeps its
// lease: it still goes on.
func (d *duty) conclude(r *run) {
	if !r.ending.Retried {
		d.release(r)
		r.ending.streak = d.countEnd(r)
	}
	d.record(r)
	d.voice.ended(r)
}

// concludeRetried makes those ends known whose retries are committed now.
func (d *duty) concludeRetried() {
	retried := d.retried
	d.retried = nil
	for _, r := range retried {
		d.conclude(r)
	}
}

// What shifts note of a run (runfile.Kept.Flags), so that it is said once.
const (
	keptSaid      = 1 << iota // it was counted and logged
	keptWarned                // that it took longer than expected was logged
	keptLeaseLost             // that its lease was lost was said
	keptRetried               // it failed and is tried again
)

// firstOf says whether no shift noted that flag of a run before, and notes it.
func (d *duty) firstOf(r *run, flag uint32) bool {
	if d.hasFlag(r, flag) {
		return false
	}
	d.noteFlag(r, flag)
	return true
}

func (d *duty) hasFlag(r *run, flag uint32) bool {
	kept, err := r.file.ReadKept()
	return err == nil && kept.Flags&flag != 0
}

func (d *duty) noteFlag(r *run, flag uint32) {
	kept, _ := r.file.ReadKept() // what cannot be read is begun anew
	kept.Flags |= flag
	if err := r.file.NoteKept(kept); err != nil {
		d.sayOnce("kept", Error, err.Error())
	}
}

// record counts and logs the end of a run and writes it to the ledger, each
// once: a note in the run's folder says that it was done, and where a crash, a
// full disk or damage came in between, the ledger itself is asked.
func (d *duty) record(r *run) {
	kept, err := r.file.ReadKept()
	if err != nil && !errors.Is(err, runfile.ErrCorrupt) {
		d.sayOnce("kept", Error, err.Error())
		return
	}
	if kept.Flags&keptSaid == 0 && !r.said {
		r.said = true
		d.sayEnding(r)
	}
	if !kept.Recorded {
		kept.Recorded = d.enter(r, err != nil)
	}
	r.recorded = kept.Recorded
	kept.Flags |= keptSaid
	if r.ending.Retried {
		kept.Flags |= keptRetried
	}
	if err := r.file.NoteKept(kept); err != nil {
		d.sayOnce("kept", Error, err.Error())
	}
}

// enter writes the end of a run to the ledger and says whether it is there.
func (d *duty) enter(r *run, inDoubt bool) bool {
	if r.entered {
		return true
	}
	write := d.ledger.append
	if r.adopted || inDoubt {
		write = d.ledger.appendMissing
	}
	if err := write(d.outcomeOf(r)); err != nil {
		d.sayOnce("ledger", Error, err.Error())
		return false
	}
	r.entered = true
	d.noteEnded(r)
	return true
}

// outcomeOf is the ledger's line about a run.
func (d *duty) outcomeOf(r *run) Outcome {
	e := r.ending
	o := Outcome{
		Time: d.now(), Job: r.job.Name, Run: r.intent.RunID(), Instant: r.intent.Instant, Outcome: OutcomeFailed,
		Reason: e.Reason, Slave: r.intent.Slave, Started: r.intent.StartedAt,
		Attempt: r.intent.Attempt, Fence: r.intent.Fence,
	}
	switch {
	case e.Unknown:
		o.Outcome = OutcomeUnknown
	case e.good(r.job):
		o.Outcome = OutcomeSucceeded
	case e.Retried:
		o.Outcome = OutcomeRetrying
	}
	if e.Timed {
		o.Duration = max(e.Duration, time.Millisecond).Seconds() // 0: not known
	}
	if e.Exit >= 0 {
		o.Exit = &e.Exit
	}
	return o
}

// sayEnding counts and logs how a run ended.
func (d *duty) sayEnding(r *run) {
	e := *r.ending
	switch {
	case e.good(r.job):
		d.report.Succeeded++
	case !e.Retried:
		d.report.Failed++
	}
	took := ""
	if e.Timed {
		took = " after " + Took(e.Duration)
	}
	d.logEnding(d.Plan.Levels.JobStartingAndFinishing, r, "Finished"+took+": "+e.String())
	d.say("%s: %s%s", r.job.Name, e.String(), took)
	if e.good(r.job) {
		return
	}
	level, message := d.Plan.Levels.ErrorExitCode, "Failed: "+e.String()
	switch {
	case e.Retried:
		level = Warning
		message += fmt.Sprintf("; attempt %d follows in %s", r.intent.Attempt+1, words(e.Delay))
	case e.Reason == reasonReplaced:
		level = Notice // as the entry file wants it
	}
	if words := lastWords(r); words != "" {
		message += "; its last words: " + words
	}
	d.logEnding(level, r, message)
}

// putAwayIfTold moves a run whose end is recorded and told to the ended ones.
func (d *duty) putAwayIfTold(r *run) {
	if r.ending == nil || !r.told || r.leased || d.runs[r.intent.ID] != r || d.isActive(previousOf(r.intent)) {
		return
	}
	if !r.recorded {
		d.record(r)
	}
	if !r.recorded {
		return
	}
	d.trim(r)
	slug := r.job.Slug
	if err := r.file.MoveTo(d.endedFolder(slug)); err != nil {
		d.sayOnce("move "+r.intent.ID, Error, fmt.Sprintf("cannot put run %s away: %v", r.intent.ID, err))
		return
	}
	_ = r.file.Close()
	delete(d.runs, r.intent.ID)
	d.prune(r.job)
}

// isActive says whether the run of that id still has its folder among the active.
func (d *duty) isActive(id string) bool { return d.runs[id] != nil || d.unseen[id] != nil }
