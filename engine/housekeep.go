package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"slavedriver/internal/runfile"
)

// trim keeps the disk use of a run's output bounded: what was delivered goes
// beyond keepOutput, what was not beyond maxBacklog.
func (d *duty) trim(r *run) {
	if r.telling == nil {
		return
	}
	trim := r.file.Trim
	if r.told {
		trim = r.file.TrimLast
	}
	lost, err := trim(r.telling.delivered())
	if err != nil {
		d.sayOnce("trim", Warning, fmt.Sprintf("cannot bound the disk use of run %s: %v", r.intent.ID, err))
	}
	for i, n := range lost {
		if n > 0 {
			d.log(Error, r.job, fmt.Sprintf("%d bytes of its %s were dropped: handlers could not take them in time (maxBacklog)", n, streamName(runfile.Stream(i))))
		}
	}
}

func streamName(s runfile.Stream) string {
	if s == runfile.Stderr {
		return "stderr"
	}
	return "stdout"
}

// prune removes the oldest ended runs of a job beyond keepRuns, each with all
// its attempts. A run that the agenda on the disk still names stays: its folder
// proves that it was started, and has the output of what is tried again.
func (d *duty) prune(job *Job) {
	folder, names := d.endedFolder(job.Slug), d.endedRuns(job)
	if len(names) <= job.KeepRuns {
		return
	}
	for _, name := range beyond(names, job.KeepRuns, d.now()) {
		if in := d.intentOfRun(runOf(name)); in != nil {
			if !slices.Contains(d.unpruned, job) {
				d.unpruned = append(d.unpruned, job)
			}
			d.dirty = d.dirty || d.leaves(in) // else it goes with some later commit
			continue
		}
		if err := d.Supervisor.Remove(filepath.Join(folder, name), d.path(folderTrash)); err != nil {
			d.sayOnce("prune", Warning, fmt.Sprintf("cannot remove an old run of job %q: %v", job.Name, err))
			return
		}
	}
}

// endedRuns are the names of the folders of a job's ended runs that are kept.
func (d *duty) endedRuns(job *Job) []string {
	entries, err := os.ReadDir(d.endedFolder(job.Slug))
	if err != nil {
		return nil
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// beyond are the attempts of all runs but the newest so many, oldest first; older than
// all are those from a time when the clock was ahead.
func beyond(names []string, keep int, now time.Time) []string {
	slices.SortFunc(names, byInstant)
	ahead := slices.IndexFunc(names, func(id string) bool { return instantOfRun(id).After(now.Add(clockBack)) })
	if ahead >= 0 {
		names = slices.Concat(names[ahead:], names[:ahead])
	}
	last := ""
	for i := len(names) - 1; i >= 0; i-- {
		if run := runOf(names[i]); run != last {
			last = run
			keep--
		}
		if keep < 0 {
			return names[:i+1]
		}
	}
	return nil
}

// intentOfRun is the start of a run, or of an attempt of it, that the agenda
// has; or nil.
func (d *duty) intentOfRun(run string) *intent {
	for _, in := range d.agenda.Intents {
		if runOf(in.Run) == run {
			return in
		}
	}
	return nil
}

// pruneRest prunes what had to wait for a commit.
func (d *duty) pruneRest() {
	jobs := d.unpruned
	d.unpruned = nil
	for _, job := range jobs {
		d.prune(job)
	}
}

// discard notes that the folder of a start that was given up is to go, once
// that is committed.
func (d *duty) discard(in *intent) {
	if in.folder != nil {
		d.discarded = append(d.discarded, in.Run)
		_ = in.folder.Close()
		in.folder = nil
	}
}

// throwAway removes the folders of starts that were given up.
func (d *duty) throwAway() {
	for _, id := range d.discarded {
		if err := d.Supervisor.Remove(d.folderOf(id), d.path(folderTrash)); err != nil {
			d.sayOnce("discard "+id, Warning, err.Error())
		}
	}
	d.discarded = nil
}

// emptyTrash deletes what an earlier shift did not get to delete.
func (d *duty) emptyTrash() {
	entries, err := os.ReadDir(d.path(folderTrash))
	if err != nil {
		return
	}
	for _, entry := range entries {
		_ = os.RemoveAll(d.path(folderTrash, entry.Name()))
	}
}
