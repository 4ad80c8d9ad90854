package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// notice is an event that has no run folder to keep what was told of it: it is
// part of the agenda until it was told.
type notice struct {
	Seq    uint64         `json:"seq"`
	Name   string         `json:"name"`
	ID     string         `json:"id"`
	Time   time.Time      `json:"time"`
	Job    string         `json:"job,omitempty"`
	Depth  int            `json:"depth,omitempty"` // see Event
	Since  time.Time      `json:"since,omitzero"`  // see Event
	Params map[string]any `json:"params,omitempty"`
}

// runOf is what there is to know of a run that failed without a process to
// blame: before it had a folder, or because it could not be tried again. The
// output is that of the last attempt, if there was one.
func (v *voice) runOf(n notice) *RunInfo {
	if n.Name != EventJobError {
		return nil
	}
	id := n.attempt()
	run, attempt := cutAttempt(id)
	return &RunInfo{
		ID: run, Attempt: attempt, ScheduledAt: instantOfRun(id), StartedAt: n.Time, Slave: v.d.Plan.Slave,
		Output: func(stream string, lines int, most int64) (string, error) {
			return v.keptOutput(id, stream, lines, most)
		},
	}
}

// keptOutput is what is kept of the output of an attempt; "" where there was no
// process, or its folder is pruned. It may be put away just now.
func (v *voice) keptOutput(id, stream string, lines int, most int64) (string, error) {
	for _, dir := range keptIn(v.d.Dir, id) {
		file, err := v.d.Supervisor.Open(dir)
		if err != nil {
			continue
		}
		text, err := tailOfRun(file, stream, lines, most)
		_ = file.Close()
		if !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return "", nil
}

// attempt is the id of the attempt that a notice is about, if it is about one.
func (n notice) attempt() string {
	id, _, _ := strings.Cut(n.ID, "/")
	return id
}

// toldBefore is the run of which there is something left to tell before a
// notice about its end, or nil.
func (v *voice) toldBefore(n notice) *telling {
	if n.Name != EventJobError {
		return nil
	}
	run, attempt := cutAttempt(n.attempt())
	if t := v.tellings[AttemptID(run, attempt)]; t != nil {
		return t
	}
	return v.tellings[AttemptID(run, attempt-1)]
}

// notify puts an event into the agenda, if any handler wants it. It is told
// once the agenda is committed.
func (d *duty) notify(name, job, id string, params map[string]any) {
	if !d.Script.Wants(name, d.jobNamed(job)) {
		return
	}
	d.agenda.Seq++
	d.agenda.Notices = append(d.agenda.Notices, notice{
		Seq: d.agenda.Seq, Name: name, ID: id, Time: d.now(), Job: job, Depth: d.depthOf(id), Params: params,
	})
	d.dirty = true
}

// jobNamed is the job of that name, made up if the entry file has it no more;
// nil for the empty name.
func (d *duty) jobNamed(name string) *Job {
	if name == "" {
		return nil
	}
	if job, ok := d.jobs[name]; ok {
		return job
	}
	return rebuild(name, nil)
}

// hear takes the committed notices that are new; it is called by the shift.
func (v *voice) hear(notices []notice) {
	var fresh []notice
	for _, n := range notices {
		if n.Seq > v.heard {
			fresh = append(fresh, n)
			v.heard = n.Seq
		}
	}
	if len(fresh) == 0 {
		return
	}
	v.mu.Lock()
	v.busy += len(fresh)
	v.mu.Unlock()
	v.post(func() { v.notices = append(v.notices, fresh...) })
}

// untold are those notices that were not told yet; it is called by the shift.
func (v *voice) untold(notices []notice) []notice {
	done := v.told.done()
	var rest []notice
	for _, n := range notices {
		if n.Seq > done {
			rest = append(rest, n)
		}
	}
	return rest
}

// skipTold drops what the shift before told after this one began.
func (v *voice) skipTold() {
	done := v.told.done()
	for len(v.notices) > 0 && v.notices[0].Seq <= done {
		v.notices = v.notices[1:]
		v.done(1)
	}
}

// sayNotice tells the first notice; like an event of a run it is noted before
// and after, and not told if it cannot be.
func (v *voice) sayNotice() bool {
	v.skipTold()
	if len(v.notices) == 0 {
		return true
	}
	n := v.notices[0]
	if err := v.told.begin(n.Seq, v.d.Clock.Boot(), v.deathsMore); err != nil {
		v.d.send(func() {
			v.d.sayOnce("told", Error, fmt.Sprintf("cannot note what was told: %v; handlers wait", err))
		})
		return false
	}
	defer v.calls(calling{what: "a handler", note: v.told.diedIn})()
	if v.told.deaths() < deathsAllowed {
		v.call(&Event{Name: n.Name, ID: n.ID, Time: n.Time, Job: v.d.jobNamed(n.Job), Run: v.runOf(n), Depth: n.Depth, Since: n.Since, Params: n.Params})
	} else {
		message := fmt.Sprintf("the event %s was set aside: shift after shift ended in its handlers", n.ID)
		v.d.Log.Log(Error, message, nil)
		v.call(&Event{
			Name: EventHandlerError, ID: n.ID + "/set-aside", Time: v.d.now(), Job: v.d.jobNamed(n.Job),
			Params: map[string]any{"event": n.Name, "error": message},
		})
	}
	v.notices = v.notices[1:]
	err := v.told.finish(n.Seq)
	v.done(1)
	if err != nil {
		v.d.Log.Log(Error, fmt.Sprintf("cannot note that %s was told: %v", n.ID, err), nil)
	}
	return true
}
