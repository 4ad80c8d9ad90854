package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"slavedriver/internal/durable"
)

// known remembers since when each job has the schedule that it has, so that a
// new job, or one whose schedule was changed or switched on, begins with the
// minute in which it was first seen and does not make good what was before.
type known map[string]knownJob

type knownJob struct {
	Since time.Time `json:"since"`
	Print string    `json:"print"`
}

// printOff is the fingerprint of a job that is not due on this slave at all.
const printOff = "off"

// fingerprints returns one for each job, by name, and one for all of them.
func fingerprints(jobs []*Job, slave string) (each map[string]string, all string) {
	each = make(map[string]string, len(jobs))
	sum := fnv.New64a()
	for _, job := range jobs {
		each[job.Name] = fingerprint(job, slave)
		_, _ = io.WriteString(sum, job.Name+"\x00"+each[job.Name]+"\x00")
	}
	return each, strconv.FormatUint(sum.Sum64(), 36)
}

// fingerprint changes when the instants at which a job is due on this slave do.
func fingerprint(job *Job, slave string) string {
	if !job.Enabled || !job.OnSlave(slave) {
		return printOff
	}
	text := strings.Join(job.ScheduleText, "\n")
	if job.Timezone != "" {
		text += "\n@" + job.Timezone
	}
	return text
}

// knownFile is jobs.json.
type knownFile struct {
	// Of is the fingerprint of the jobs (agenda.Jobs) that it was written for.
	Of   string `json:"of"`
	Jobs known  `json:"jobs"`
	// Definitions are those jobs' (definition.go), by name; nil: not known.
	Definitions map[string]string `json:"definitions"`
	// Before are the definitions of the jobs before those. It takes an agenda
	// that names Of to make the change from them known, and that is written
	// later: the shift may die in between.
	Before map[string]string `json:"before"`
}

// loadKnown reads the jobs known so far; a file that is missing or cannot be
// understood counts as none, so that each job begins with this minute.
func loadKnown(path string) (k knownFile, warning string, err error) {
	data, err := durable.ReadFile(path)
	switch {
	case errors.Is(err, durable.ErrOdd):
		return knownFile{}, fmt.Sprintf("the list of known jobs was put aside (%v); each job begins with this minute", err), nil
	case errors.Is(err, fs.ErrNotExist):
		return knownFile{}, "", nil
	}
	if err != nil {
		return knownFile{}, "", fmt.Errorf("cannot read the list of known jobs: %w", err)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		aside, err2 := setAside(path)
		return knownFile{}, fmt.Sprintf("the list of known jobs could not be understood (%v) and was set aside as %s; "+
			"each job begins with this minute", err, aside), err2
	}
	return k, "", nil
}

// before are the definitions of the jobs that the agenda knows, to which those
// of now are compared; nil where they are not known.
func (k knownFile) before(agendaJobs string) map[string]string {
	if agendaJobs == k.Of || agendaJobs == "" { // nothing is known of the agenda, if it was lost
		return k.Definitions
	}
	return k.Before
}

// update is k as it is to be from this minute on.
func (k known) update(prints map[string]string, minute time.Time) known {
	next := make(known, len(prints))
	for name, now := range prints {
		old, ok := k[name]
		if !ok || old.Print != now || old.Since.After(minute) { // or the clock was ahead
			old = knownJob{Since: minute, Print: now}
		}
		next[name] = old
	}
	return next
}

// anyHere says whether one of the jobs is due on this slave at all.
func (k known) anyHere() bool {
	for _, job := range k {
		if job.Print != printOff {
			return true
		}
	}
	return false
}

func (k knownFile) save(path string) error {
	data, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("cannot encode the list of known jobs: %w", err)
	}
	return durable.WriteFile(path, data, "jobs")
}

// clip begins a window no earlier than the minute in which the job became what
// it is.
func (k known) clip(w window, name string) window {
	if begin := k[name].Since.Add(-time.Nanosecond); begin.After(w.From) {
		w.From = begin
	}
	return w
}
