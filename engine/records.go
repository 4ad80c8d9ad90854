package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"slavedriver/internal/durable"
)

// Records is what a var dir holds about one job around a time. Reading it
// changes nothing and takes no lock, so a shift may work in it meanwhile.
type Records struct {
	// Evaluated is the last moment whose due instants some shift decided about;
	// zero where no shift ever did.
	Evaluated time.Time
	// Since is when a shift first saw the job as it is: with this schedule, on or
	// off here; zero where none has seen it so.
	Since time.Time
	Off   bool // as it is since then, it is disabled or another slave's
	// StoreDownSince is since when the lock store does not answer; zero while it does.
	StoreDownSince time.Time

	Outcomes []Outcome // about that time, and those that these lead to; as they were decided
	Runs     []ActiveRun
	Waiting  []WaitingStart
	Active   int // runs of all jobs that are not put away
	// Problems are sentences about what could not be understood.
	Problems []string
}

// ActiveRun is an attempt of a run that has not been put away yet.
type ActiveRun struct {
	ID      string // the run's
	Job     string // its name
	Instant time.Time
	Started time.Time // the attempt
	Attempt int       // from 1
	Slave   string
	PID     int // of its wrapper; 0: not known
	Exit    int // where it has exited
	State   RunState
	Reason  string // why it is being ended, or was
}

// RunState is what can be seen of an active run.
type RunState string

// The states of an active run.
const (
	RunStarting RunState = "starting"
	RunRunning  RunState = "running"
	RunEnding   RunState = "ending"   // on purpose: its timeout, a newer start
	RunEnded    RunState = "ended"    // and a shift is to record that
	RunOrphaned RunState = "orphaned" // lost its wrapper; what lives of it runs on
	RunStray    RunState = "stray"    // lost its folder, which the next shift makes anew; it runs on
	RunLost     RunState = "lost"     // and nothing lives of it; a shift is to record that
	RunPrepared RunState = "prepared" // its folder is made and it was not started
	RunUnclear  RunState = "unclear"  // its folder cannot be understood
)

// WaitingStart is a start that was decided and not made yet.
type WaitingStart struct {
	Run       string
	Instant   time.Time
	Attempt   int       // from 1
	NotBefore time.Time // zero: it may start at once
	Until     time.Time // later than this it is missed
	Asking    bool      // its schedule function is to be asked first
	Asked     bool      // its condition was asked, and holds
	// Failure is how the attempt before ended, and Since when that was started.
	Failure string
	Since   time.Time
	Stopped string // why no attempt is made, which a shift is still to record
}

func waitingStart(in *intent) WaitingStart {
	w := WaitingStart{Instant: in.Instant, NotBefore: in.NotBefore, Until: in.Until, Asking: in.Ask, Asked: in.Asked}
	w.Run, w.Attempt = cutAttempt(in.Run)
	if again := in.Retry; again != nil {
		w.Failure, w.Since = again.Reason, again.Since
	}
	return w
}

// Unlisted is a job of which the name alone is known: it is not in the entry file.
func Unlisted(name string) *Job {
	return &Job{Name: name, Slug: Slug(name), Location: time.Local, Enabled: true, Removed: true}
}

// ReadRecords reads what the var dir holds about a job and the instants that
// are not before from and before to. A var dir that is not there holds nothing. What can be
// understood in part is; errors are of what could not be read at all.
//
// A start goes from the agenda to a run folder to the ledger, and leaves each
// only when it is in the next: read in this order, it cannot be missed.
func ReadRecords(dir string, job *Job, slave string, from, to time.Time) (Records, error) {
	var r Records
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	pending, err := r.readAgenda(dir, job.Name)
	if err == nil {
		err = r.readKnown(dir, job, slave)
	}
	if err == nil {
		err = r.readRuns(dir, job.Slug)
	}
	if err != nil {
		return r, err
	}
	s := newSearch(job.Name, from, to)
	s.seek(r.Runs)
	err = s.through(ledger{filepath.Join(dir, folderLedger)}, pending)
	// An outcome that is still in the agenda was found first, and may be the last word.
	slices.SortStableFunc(s.found, func(a, b Outcome) int { return a.Time.Compare(b.Time) })
	r.Outcomes = s.found
	return r, err
}

// readAgenda returns the outcomes that are decided and may not be in the ledger.
func (r *Records) readAgenda(dir, job string) ([]Outcome, error) {
	var a agenda
	if err := r.readJSON(filepath.Join(dir, fileAgenda), &a); err != nil {
		return nil, err
	}
	r.Evaluated, r.StoreDownSince = a.Evaluated, a.StoreDownSince
	for _, in := range a.Intents {
		if in.Job == job {
			w := waitingStart(in)
			if w.Attempt > 1 {
				w.Stopped = StopAsked(dir, w.Run)
			}
			r.Waiting = append(r.Waiting, w)
		}
	}
	return a.Outcomes, nil
}

func (r *Records) readKnown(dir string, job *Job, slave string) error {
	var k knownFile
	err := r.readJSON(filepath.Join(dir, fileKnown), &k)
	if seen := k.Jobs[job.Name]; seen.Print == fingerprint(job, slave) {
		r.Since, r.Off = seen.Since, seen.Print == printOff
	}
	return err
}

// readJSON leaves value as it is where there is no such file, or none that can
// be understood: a shift will set that aside.
func (r *Records) readJSON(path string, value any) error {
	data, err := durable.PeekAll(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, durable.ErrOdd):
		r.Problems = append(r.Problems, fmt.Sprintf("%s could not be read (%v); what it held is not known", path, err))
		return nil
	case err != nil:
		return fmt.Errorf("cannot read what shifts noted: %w", err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		r.Problems = append(r.Problems, fmt.Sprintf("%s could not be understood (%v); what it held is not known", path, err))
	}
	return nil
}

// readRuns looks at the job's active runs, as a shift does that adopts them.
func (r *Records) readRuns(dir, slug string) error {
	return eachActive(dir, func(id string) {
		r.Active++
		if slugOfRun(id) != slug {
			return
		}
		active, err := lookAt(dir, id)
		if errors.Is(err, fs.ErrNotExist) { // put away just now: the ledger has it
			return
		}
		if err != nil {
			active = ActiveRun{Instant: instantOfRun(id), State: RunUnclear}
			active.ID, active.Attempt = cutAttempt(id)
			r.Problems = append(r.Problems, err.Error())
		}
		r.Runs = append(r.Runs, active)
	})
}

// lookAt looks at one run of a var dir.
func lookAt(dir, id string) (ActiveRun, error) {
	active := filepath.Join(dir, folderActive)
	file, err := processes{}.Open(filepath.Join(active, id))
	if errors.Is(err, fs.ErrNotExist) {
		return lookAtTrace(active, id)
	}
	if err != nil {
		return ActiveRun{}, err
	}
	defer file.Close()
	s, err := see(&run{file: file})
	if err != nil {
		return ActiveRun{}, err
	}
	in := file.Intent()
	r := ActiveRun{
		ID: in.RunID(), Job: in.Job, Instant: in.Instant, Started: in.StartedAt, Attempt: in.Attempt, Slave: in.Slave,
		PID: s.PID, Exit: s.Exit, State: stateOf(s),
	}
	if stop, err := file.Stopping(); err == nil && stop != nil && (!s.Exited || !endedBefore(file)) {
		r.Reason = stop.Reason
	}
	return r, nil
}

// stateOf puts a name to what a shift would do about a run.
func stateOf(s sight) RunState {
	switch decide(s) {
	case actFinish:
		return RunEnded
	case actEnd:
		return RunEnding
	case actOrphans:
		return RunOrphaned
	case actStart:
		return RunPrepared
	case actGiveUp, actMayRun, actLost:
		return RunLost
	default: // actWatch
		if s.PID == 0 {
			return RunStarting
		}
		return RunRunning
	}
}

// mergedWith is the reason of a merged instant for which that run was started; see
// mergedInto.
func mergedWith(run string) string { return "one start for several missed instants: " + run }

// mergedInto is the run that was started for a merged instant.
func mergedInto(o Outcome) string {
	return o.Reason[strings.LastIndexByte(o.Reason, ' ')+1:]
}

// since goes through the lines about a job of the day of t (UTC) and all later
// ones, those from a time when the clock was ahead first. A line that cannot be
// understood is passed over: a crash may have torn it.
func (l ledger) since(t time.Time, job string, take func(Outcome)) error {
	names, err := filepath.Glob(filepath.Join(l.dir, "*.jsonl"))
	if err != nil {
		return err
	}
	mark, err := json.Marshal(job)
	if err != nil {
		return err
	}
	for _, name := range names { // in order: Glob sorts
		if dayOfFile(name) < dayOf(t) {
			continue
		}
		if err := eachLine(name, func(line []byte) {
			var o Outcome
			// Most lines are other jobs': decoding them all would take longest.
			if bytes.Contains(line, mark) && json.Unmarshal(line, &o) == nil {
				take(o)
			}
		}); err != nil && !errors.Is(err, durable.ErrOdd) { // what is no file holds no outcome
			return fmt.Errorf("cannot read the ledger: %w", err)
		}
	}
	return nil
}

func eachLine(path string, take func([]byte)) error {
	f, err := durable.Peek(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(f, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		take(line)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
