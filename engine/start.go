package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"

	"slavedriver/internal/runfile"
)

// start makes the start of a committed intent: the run's folder, then its
// process. Each step may be the last one of this shift; the next shift finds
// the intent without a folder, or the folder without a process, or the process.
func (d *duty) start(in *intent) {
	if in.confirmed != 0 && d.Clock.Boot()-in.confirmed > StartWithin {
		in.Problem = "its lease was confirmed too long ago"
		d.waitAgain(in)
		return
	}
	r, err := d.prepare(in)
	if err != nil {
		d.cannotPrepare(in, err)
		return
	}
	launch, err := d.launchOf(in.job, r.intent)
	if err == nil {
		err = r.file.Start(launch)
	}
	switch {
	case err == nil:
		d.started(in, r)
	case transient(err):
		in.folder, in.Problem = r.file, fmt.Sprintf("could not be started: %v", err)
		d.sayOnce("start "+in.Run, Error, fmt.Sprintf("job %q could not be started yet: %v", in.Job, err))
		d.waitAgain(in)
	default:
		d.neverStarted(in, r, err)
	}
}

// prepare makes the run's folder, or takes the one that an earlier try left.
func (d *duty) prepare(in *intent) (*run, error) {
	r := &run{job: in.job}
	if in.folder != nil {
		r.file = in.folder
		return r, d.retake(in, r)
	}
	credential, err := credentialOf(in.job)
	if err != nil {
		return nil, err
	}
	r.intent, err = d.runIntent(in)
	if err != nil {
		return nil, err
	}
	if r.file, err = d.Supervisor.Create(d.path(folderActive), r.intent, credential); err != nil {
		return nil, err
	}
	in.created, in.locked = true, true
	return r, nil
}

// retake makes a run ready for its start whose folder is there already: from a
// try of this shift, which still has its lock, or of one that died.
func (d *duty) retake(in *intent, r *run) error {
	if !in.locked {
		free, err := r.file.Claim()
		if err == nil && !free {
			err = errors.New("another process is starting it")
		}
		if err != nil {
			return err
		}
		in.locked = true
	}
	r.file.SetFence(in.fence)
	r.intent = r.file.Intent()
	return nil
}

// runIntent is all that a later shift needs to watch the run.
func (d *duty) runIntent(in *intent) (runfile.Intent, error) {
	spec, err := json.Marshal(in.job)
	if err != nil {
		return runfile.Intent{}, fmt.Errorf("cannot encode job %q: %w", in.Job, err)
	}
	job := in.job
	_, attempt := cutAttempt(in.Run)
	return runfile.Intent{
		ID: in.Run, Run: runOf(in.Run), Job: in.Job, Attempt: attempt, Instant: in.Instant, Token: in.Token, Mark: in.Mark, Fence: in.fence,
		Slave: d.Plan.Slave, Namespace: d.Plan.Namespace, Depth: in.Depth,
		World: d.world, StartedAt: d.now(), StartedBoot: d.Clock.Boot(),
		Timeout: job.Timeout, WarnAfter: job.WarnAfter, KillGrace: job.KillGrace,
		KeepOutput: job.KeepOutput, MaxBacklog: job.MaxBacklog, UID: uidOf(job), Spec: spec,
	}, nil
}

// cannotPrepare is a start that failed before there was a folder: for want of
// room or descriptors it is tried again until the catch-up ends; anything else
// will not get better.
func (d *duty) cannotPrepare(in *intent, err error) {
	in.Problem = fmt.Sprintf("could not be started: %v", err)
	if transient(err) || in.folder != nil {
		d.sayOnce("start "+in.Run, Error, fmt.Sprintf("job %q could not be started yet: %v", in.Job, err))
		d.waitAgain(in)
		return
	}
	_, attempt := cutAttempt(in.Run)
	d.settle(in, OutcomeFailed, in.Problem)
	d.startDecided(in, in.confirmed != 0)
	d.report.Failed++
	d.log(d.Plan.Levels.ErrorExitCode, in.job, "Could not be started: "+err.Error())
	d.notifyFailure(in.Job, in.Run, map[string]any{"reason": in.Problem, "timedOut": false, "attempt": attempt})
}

// neverStarted ends a run whose process could not be made.
func (d *duty) neverStarted(in *intent, r *run, cause error) {
	reason := fmt.Sprintf("could not be started: %v", cause)
	if err := d.noteStop(r, reason); err != nil {
		in.folder, in.Problem = r.file, reason
		d.waitAgain(in)
		return
	}
	in.settled, in.folder = true, nil
	d.startDecided(in, in.confirmed != 0)
	d.addRun(r)
	d.finish(r, ending{Exit: -1, Never: true, Reason: reason})
}

// started takes a run that was just started under watch.
func (d *duty) started(in *intent, r *run) {
	in.settled, in.folder, in.madeAt = true, nil, d.Clock.Boot()
	d.startDecided(in, in.confirmed != 0)
	r.intent = r.file.Intent()
	d.addRun(r)
	d.report.Started++
	d.log(d.Plan.Levels.JobStartingAndFinishing, r.job, "Starting: "+r.job.Command.String())
	d.say("%s: started", r.job.Name)
	d.voice.take(r)
	d.watch(r)
}

// transient says whether a failure may be gone in a moment: no memory, no
// process, no descriptor, no room on the disk.
func transient(err error) bool {
	for _, cause := range []syscall.Errno{
		syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ENOSPC, syscall.EDQUOT, syscall.EIO, syscall.EROFS, syscall.EINTR,
	} {
		if errors.Is(err, cause) {
			return true
		}
	}
	return false
}

// noteStop notes why a run is being ended, before anything is done about it.
func (d *duty) noteStop(r *run, reason string) error {
	return r.file.RequestStop(runfile.Stop{Reason: reason, At: d.now(), Boot: d.Clock.Boot(), World: d.world})
}

// stopReason is what stop.json says.
func (d *duty) stopReason(r *run) string {
	if stop, err := r.file.Stopping(); err == nil && stop != nil {
		return stop.Reason
	}
	return "it was ended"
}
