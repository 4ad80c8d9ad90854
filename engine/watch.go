package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// reasonTimeout is what stop.json says of a run that hit its timeout; the next
// shift knows by it that a timeout event is due.
const reasonTimeout = "timeout"

// reasonReplaced is what it says of one that made way for the next start.
const reasonReplaced = "replaced by the next start"

// longestSleep is how long the shift sleeps at the most while anything is
// pending: what cannot be waited for (a disk that was full, orphans, a clock
// that was changed) is looked at this often.
const longestSleep = time.Second

// watch waits for the end of a run's wrapper.
func (d *duty) watch(r *run) {
	r.watched, r.waited = true, true
	go func() {
		err := r.file.Wait(d.ctx)
		d.send(func() { d.gone(r, err) })
	}()
}

// gone looks at a run whose wrapper has ended.
func (d *duty) gone(r *run, err error) {
	r.watched = false
	if err != nil && !errors.Is(err, context.Canceled) {
		d.sayOnce("wait "+r.intent.ID, Warning, fmt.Sprintf("cannot wait for run %s: %v; it is looked at every second", r.intent.ID, err))
		r.orphaned = true
		return
	}
	if r.ending == nil && !r.stopping {
		d.judge(r)
	}
}

// look is what is done about runs from time to time: deadlines, what cannot be
// waited for, room on the disk, leases.
func (d *duty) look() {
	d.lookedAt = d.Clock.Boot()
	if err := d.makeFolders(); err != nil {
		d.sayOnce("folders", Error, fmt.Sprintf("cannot use the var dir: %v; trying again", err))
	}
	d.lookAgain()
	d.leases.releases = append(d.leases.releases, d.leases.again...)
	d.leases.again = nil
	for _, r := range d.runs {
		d.restoreIfLost(r)
		if r.ending == nil && r.unjudged && !r.stopping {
			d.judge(r)
		}
		if r.ending == nil {
			d.checkDeadlines(r)
		}
		if r.ending == nil && r.orphaned && !r.stopping {
			d.judgeOrphan(r)
		}
		d.reportSlowStart(r)
		d.trim(r)
		d.putAwayIfTold(r)
	}
	d.seeFolders()
	d.takeStops()
	d.renew(false)
	d.voice.look()
}

// judgeOrphan looks whether anything of a run without a wrapper still lives.
func (d *duty) judgeOrphan(r *run) {
	s, err := see(r)
	if err != nil {
		return
	}
	if act := decide(s); act == actFinish || act == actLost || act == actEnd {
		d.judge(r)
	}
}

// reportSlowStart says of a run that some shift began to start, and whose
// process has not come up in a minute, that this is so.
func (d *duty) reportSlowStart(r *run) {
	if !r.adopted || r.ending != nil || r.look.PID != 0 || d.elapsed(r) < time.Minute {
		return
	}
	if look, err := r.file.Look(); err == nil {
		r.look = look
	}
	if r.look.Held && r.look.PID == 0 {
		d.sayOnce("slow "+r.intent.ID, Warning, fmt.Sprintf("run %s has been starting for more than a minute", r.intent.ID))
	}
}

// checkDeadlines ends a run whose timeout is over, and says of one that takes
// longer than expected that it does.
func (d *duty) checkDeadlines(r *run) {
	elapsed := d.elapsed(r)
	if warn := r.intent.WarnAfter; warn > 0 && elapsed >= warn && !r.warned {
		d.warn(r)
	}
	if limit := r.intent.Timeout; limit > 0 && elapsed >= limit && !r.stopping && !r.endedItself() {
		if !r.toldToStop() { // else that was said: its processes have ended, and its wrapper is waited for
			d.log(d.Plan.Levels.NeedingToBeKilled, r.job, "Timeout of "+words(limit)+" was hit, ending it")
		}
		d.stop(r, reasonTimeout)
	}
}

// warn tells and logs that a run takes longer than expected, once, whichever shift
// notices.
func (d *duty) warn(r *run) {
	r.warned = true
	d.voice.warned(r)
	if d.firstOf(r, keptWarned) {
		d.log(d.Plan.Levels.NotFinishedWhenExpected, r.job, "Expected run time of "+words(r.intent.WarnAfter)+" elapsed")
	}
}

// stop ends a run: the reason is noted before the first signal, so that a later
// shift goes on with it. A full disk must not keep a run alive, though: where
// the reason cannot be noted, this shift alone knows it. That waits for the disk,
// and many runs may hit their timeout in one moment, so nothing else waits for it.
func (d *duty) stop(r *run, reason string) {
	if r.file == nil || r.stopping || r.ending != nil || r.endedItself() {
		return
	}
	r.stopping = true
	d.notes.unwritten.Add(1)
	go func() {
		err := d.noteInTurn(r, reason)
		if d.ctx.Err() != nil {
			return // the next shift's to end, or to decide that again
		}
		said := make(chan struct{})
		go func() { // its processes do not wait for the shift's loop
			defer close(said)
			d.send(func() { d.stopNoted(r, err) })
		}()
		d.endProcesses(r, said)
	}()
}

func (d *duty) stopNoted(r *run, err error) {
	if err != nil {
		d.sayOnce("stop "+r.intent.ID, Error, err.Error())
	}
	if d.stopReason(r) == reasonTimeout {
		d.voice.timedOut(r)
	}
}

// stopNotes are the reasons that are being noted. The shift gives up its duty
// only when none is: a run's folder belongs to the shift on duty.
type stopNotes struct {
	turns     chan struct{} // each that is written has one: it keeps a thread
	unwritten sync.WaitGroup
}

func newStopNotes() *stopNotes { return &stopNotes{turns: make(chan struct{}, 16)} }

// noteInTurn notes why a run is being ended, unless the shift is relieved before.
func (d *duty) noteInTurn(r *run, reason string) error {
	defer d.notes.unwritten.Done()
	d.notes.turns <- struct{}{}
	defer func() { <-d.notes.turns }()
	if err := d.ctx.Err(); err != nil {
		return err
	}
	return d.noteStop(r, reason)
}

// goOnEnding ends the processes of a run that is to be ended, as was noted.
func (d *duty) goOnEnding(r *run) {
	if r.stopping {
		return
	}
	r.stopping = true
	d.stopNoted(r, nil)
	said := make(chan struct{})
	close(said)
	go d.endProcesses(r, said)
}

// endProcesses ends them and waits for that, and until it was said why. When it
// is done and the run's wrapper, where somebody waits for it, is gone too, the
// run is judged: by whichever comes last.
func (d *duty) endProcesses(r *run, said <-chan struct{}) {
	err := r.file.End(d.ctx, r.intent.KillGrace)
	<-said
	d.send(func() {
		r.stopping = false
		switch {
		case err != nil:
			d.sayOnce("end "+r.intent.ID, Error, fmt.Sprintf("cannot end run %s: %v; trying again", r.intent.ID, err))
			r.orphaned = true
		case !r.watched:
			d.judge(r)
		}
	})
}

// untilNext is how long nothing needs to be looked at; not positive when
// something does.
func (d *duty) untilNext() time.Duration {
	next := min(longestSleep, d.Plan.MonitorInterval) - (d.Clock.Boot() - d.lookedAt)
	for _, r := range d.runs {
		if r.ending != nil || r.stopping {
			continue
		}
		elapsed := d.elapsed(r)
		if limit := r.intent.Timeout; limit > 0 && !r.exited {
			next = min(next, limit-elapsed)
		}
		if warn := r.intent.WarnAfter; warn > 0 && !r.warned {
			next = min(next, warn-elapsed)
		}
	}
	return min(next, d.untilNextStart())
}
