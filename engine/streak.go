package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// How often a job has failed in a row on this slave: a small file for each job
// that ever failed, so that neither the ledger nor what is kept of runs has to be
// looked at. A run counts once, whoever finishes it and however often.

// runsCounted is how many runs a file remembers that it counted: more than end
// between the death of a shift and the next one's look at them.
const runsCounted = 32

// streak is what the end of a run says about its job.
type streak struct {
	Failures int       `json:"failures"`        // in a row, up to this run; 0 after a success
	Since    time.Time `json:"since,omitzero"`  // when the first of them ended; zero without any
	Ended    int       `json:"ended,omitempty"` // the failures that this success ended
}

// streaks is the file of a job.
type streaks struct {
	streak
	Counted []countedRun `json:"counted"` // the last one last
}

type countedRun struct {
	Run string `json:"run"`
	streak
}

// after is the streak once another run of the job has ended.
func (s streak) after(good bool, now time.Time) streak {
	switch {
	case good:
		return streak{Ended: s.Failures, Since: s.Since}
	case s.Failures == 0:
		return streak{Failures: 1, Since: now}
	}
	return streak{Failures: s.Failures + 1, Since: s.Since}
}

// going is what is left of a streak for the next run.
func (s streak) going() streak {
	if s.Failures == 0 {
		return streak{}
	}
	return s
}

func (k *streaks) note(run string, s streak) {
	k.streak = s.going()
	k.Counted = append(k.Counted, countedRun{run, s})
	k.Counted = k.Counted[max(0, len(k.Counted)-runsCounted):]
}

func (k *streaks) of(run string) (streak, bool) {
	for _, c := range k.Counted {
		if c.Run == run {
			return c.streak, true
		}
	}
	return streak{}, false
}

// count notes the end of a run of a job, and says what that makes. Counted
// before is a run whose end some shift made known already; a run that succeeds
// where none has failed is not even looked up on the disk twice.
func (d *duty) count(slug, run string, good, before bool) streak {
	k := d.streaksOf(slug)
	if s, ok := k.of(run); ok {
		return s
	}
	switch {
	case good && (before || k.Failures == 0):
		return streak{}
	case before:
		return k.streak
	}
	s := k.after(good, d.now())
	k.note(run, s)
	if err := k.save(d.streakFile(slug)); err != nil {
		d.sayOnce("streaks", Error, fmt.Sprintf("%v; how often jobs failed in a row may be forgotten", err))
	}
	return s
}

// countEnd is count for a run that has ended, its last attempt. One that made way
// for the next start, as the entry file wants it, says nothing about its job.
func (d *duty) countEnd(r *run) streak {
	if r.ending.Reason == reasonReplaced {
		return d.streaksOf(r.job.Slug).streak
	}
	before := false
	if kept, err := r.file.ReadKept(); err == nil && r.adopted {
		before = kept.Flags&keptSaid != 0
	}
	return d.count(r.job.Slug, r.intent.RunID(), r.ending.good(r.job), before)
}

// notifyFailure tells that a run of a job failed without a process to watch; id
// is that of its last attempt.
func (d *duty) notifyFailure(job, id string, params map[string]any) {
	s := d.count(slugOfRun(id), runOf(id), false, false)
	params["consecutiveFailures"] = s.Failures
	d.notify(EventJobError, job, id+"/finished", params)
	if n := len(d.agenda.Notices); n > 0 && d.agenda.Notices[n-1].ID == id+"/finished" {
		d.agenda.Notices[n-1].Since = s.Since
	}
}

func (d *duty) streakFile(slug string) string { return d.path(folderStreaks, slug+".json") }

// streaksOf reads a job's file, once a shift. One that is damaged is made anew
// from the ledger.
func (d *duty) streaksOf(slug string) *streaks {
	if k := d.streaks[slug]; k != nil {
		return k
	}
	k := &streaks{}
	data, err := durable.ReadFile(d.streakFile(slug))
	if err == nil && json.Unmarshal(data, k) != nil {
		err = durable.ErrOdd
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		k = &streaks{}
		if all, err := streaksFromLedger(d.path(folderLedger), slug); err == nil && all[slug] != nil {
			k = all[slug]
		}
	}
	d.streaks[slug] = k
	return k
}

// save does not wait for the disk: what a power cut leaves in ruins is made anew.
func (k *streaks) save(path string) error {
	data, err := json.Marshal(k)
	if err == nil {
		err = faultpoint.Hit("streak.write")
	}
	if err == nil {
		err = durable.Replace(path, data)
	}
	if err != nil {
		return fmt.Errorf("cannot note how a run ended: %w", err)
	}
	return faultpoint.Hit("streak.written")
}

// openStreaks makes the folder where it is missing, of what the ledger says:
// after an upgrade, or where somebody removed it. It is made whole or not at all.
func (d *duty) openStreaks() error {
	folder := d.path(folderStreaks)
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	fresh := folder + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.Mkdir(fresh, 0o700)); err != nil {
		return fmt.Errorf("cannot use the var dir: %w", err)
	}
	all, err := streaksFromLedger(d.path(folderLedger), "")
	if err != nil {
		d.Log.Log(Error, fmt.Sprintf("how often jobs failed in a row is not known: %v", err), nil)
	}
	for slug, k := range all {
		if err := k.save(filepath.Join(fresh, slug+".json")); err != nil {
			return fmt.Errorf("cannot use the var dir: %w", err)
		}
	}
	return os.Rename(fresh, folder)
}

// streaksFromLedger is how often jobs have failed in a row, by their slugs, as far
// as the newest 32 MiB of the ledger tell: of all that fail, or of one.
func streaksFromLedger(dir, only string) (map[string]*streaks, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}
	slices.Reverse(names) // Glob sorts
	failing, over := map[string]*streaks{}, map[string]bool{}
	var read int64
	for _, name := range names {
		n, err := linesBackwards(name, ledgerSearched-read, func(line []byte) bool {
			goBack(line, only, failing, over)
			return only == "" || !over[only]
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if read += n; read >= ledgerSearched || only != "" && over[only] {
			break
		}
	}
	for _, k := range failing {
		slices.Reverse(k.Counted)
	}
	return failing, nil
}

// goBack takes one more line of the ledger into account, from its end: the streak
// of a job is over with its first success.
func goBack(line []byte, only string, failing map[string]*streaks, over map[string]bool) {
	var o Outcome
	if json.Unmarshal(line, &o) != nil {
		return
	}
	slug := Slug(o.Job)
	if over[slug] || o.Reason == reasonReplaced || only != "" && slug != only {
		return
	}
	switch o.Outcome {
	case OutcomeSucceeded:
		over[slug] = true
	case OutcomeFailed, OutcomeUnknown:
		k := failing[slug]
		if k == nil {
			k = &streaks{}
			failing[slug] = k
		}
		if _, twice := k.of(o.Run); twice {
			return
		}
		k.Failures, k.Since = k.Failures+1, o.Time
		if len(k.Counted) < runsCounted {
			k.Counted = append(k.Counted, countedRun{Run: o.Run, streak: k.streak})
		}
	}
}
