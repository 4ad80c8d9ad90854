package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"slavedriver/internal/runfile"
)

// A job may remove or rename the folder of its own run. A shift that watches it
// makes it anew (restoreIfLost). Here is what makes a run known that lost its
// folder while no shift looked: its trace beside the folder, and, should that be
// gone too, the agenda, in which a start stays until its folder was seen whole,
// and which knows the mark of its processes.

// seenAfter is how long after a start its folder is looked for before the agenda
// forgets the start: who removes it as the first thing has done so by then.
const seenAfter = time.Second

// leaves says whether a start is to leave the agenda with the next commit.
func (d *duty) leaves(in *intent) bool {
	switch r := d.runs[in.Run]; {
	case !in.settled || in.lost:
		return false
	case in.madeAt == 0 || r == nil:
		return true
	default:
		return r.recorded
	}
}

// seeFolders looks for the folders of the starts that were made a while ago, and
// has those leave the agenda.
func (d *duty) seeFolders() {
	for _, in := range d.agenda.Intents {
		r := d.runs[in.Run]
		if in.madeAt != 0 && r != nil && d.Clock.Boot()-in.madeAt >= seenAfter && !r.file.Lost() {
			in.madeAt = 0
		}
		d.dirty = d.dirty || d.leaves(in)
	}
}

// open opens an active run. One without a folder that has a trace gets another.
func (d *duty) open(id string) (RunFile, error) {
	file, err := d.Supervisor.Open(d.folderOf(id))
	if !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	in, err := d.Supervisor.Trace(d.path(folderActive), id)
	if err != nil {
		return nil, err
	}
	return d.remake(in)
}

// remake makes the folder of a run anew that was started.
func (d *duty) remake(in runfile.Intent) (RunFile, error) {
	file, err := d.Supervisor.Remake(d.path(folderActive), in)
	if err == nil {
		d.sayRestored(&run{intent: in, job: d.jobOf(in)})
	}
	return file, err
}

// adoptTraced takes a run over of which there is a trace, unless it is over.
func (d *duty) adoptTraced(id string) {
	_, err := os.Lstat(d.folderOf(id))
	switch {
	case err == nil: // as nearly always
	case d.hasEnded(slugOfRun(id), id), d.wasSetAside(id), hasEnd(d.ledger.recent(), id):
		d.settleIntentOf(id)
		d.dirty = d.dirty || d.intentNamed(id) != nil // the trace goes after the start
		d.afterCommit(func() { d.Supervisor.Forget(d.path(folderActive), id) })
	default:
		d.adopt(id)
	}
}

// removed reports a run of which nothing is left; a start that was under way
// when the machine stopped is reviewed as such.
func (d *duty) removed(id string) {
	if in := d.intentNamed(id); in == nil || in.World == d.world {
		d.settleIntentOf(id)
		d.notUnderstood(id, "its run folder was removed; it may have run")
	}
	d.afterCommit(func() { d.Supervisor.Forget(d.path(folderActive), id) })
}

// adoptLiving takes those starts over that were made, going by processes that
// live, though neither folder nor trace says so. What of the others cannot be
// known is told in docs/decisions/0020.
func (d *duty) adoptLiving(starts map[string]*intent) {
	if len(starts) == 0 {
		return
	}
	marks := map[string]bool{}
	for mark := range starts {
		marks[mark] = true
	}
	living, err := d.Supervisor.Living(marks)
	if err != nil {
		d.sayOnce("living", Error, err.Error())
	}
	for _, mark := range slices.Sorted(maps.Keys(living)) {
		d.adoptStart(starts[mark])
	}
}

// adoptStart takes a start over that was made, with what agenda and job tell of
// it: its time counts from now.
func (d *duty) adoptStart(in *intent) {
	known := *in
	if known.job == nil {
		known.job = rebuild(in.Job, nil)
	}
	made, err := d.runIntent(&known)
	if err == nil {
		_, err = d.remake(made)
	}
	if err != nil {
		d.sayOnce("remake "+in.Run, Error, fmt.Sprintf("%v; trying again", err))
		d.unseen[in.Run] = d.standIn(in.Run)
		in.lost = true
		return
	}
	in.lost = false
	d.adopt(in.Run)
}
