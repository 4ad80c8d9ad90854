package engine

import (
	"path/filepath"
	"slices"
	"time"
)

// Coming is what a var dir holds about starts that are still to come.
type Coming struct {
	known   known
	window  window // what the next shift decides begins after From
	waiting map[string][]WaitingStart
}

// ReadComing reads it at the moment now. It takes no lock, and a var dir that is not
// there holds nothing; what cannot be understood counts as that.
func ReadComing(dir string, now time.Time) (Coming, error) {
	var a agenda
	var k knownFile
	var r Records
	if err := r.readJSON(filepath.Join(dir, fileAgenda), &a); err != nil {
		return Coming{}, err
	}
	if err := r.readJSON(filepath.Join(dir, fileKnown), &k); err != nil {
		return Coming{}, err
	}
	c := Coming{known: k.Jobs, waiting: map[string][]WaitingStart{}}
	c.window, _ = nextWindow(a.Evaluated, now)
	for _, in := range a.Intents {
		if in.Starting && in.Retry == nil {
			continue // it is being made, or was: it stays until its folder was seen whole
		}
		c.waiting[in.Job] = append(c.waiting[in.Job], waitingStart(in))
	}
	return c, nil
}

// Retry is the newest run of a job that failed and waits for its next attempt; nil:
// none does.
func (c Coming) Retry(job string) *WaitingStart {
	for _, w := range slices.Backward(c.waiting[job]) {
		if w.Attempt > 1 {
			return &w
		}
	}
	return nil
}

// IsToCome says whether a start may still be made for an instant of a job's schedule
// on a slave: it waits, or a shift is still to decide about it. It is not where a
// shift decided already, or the job had not been seen with this schedule by then; one
// that none has seen yet begins with the minute of now.
func (c Coming) IsToCome(job *Job, slave string, t, now time.Time) bool {
	waits := func(w WaitingStart) bool { return w.Attempt <= 1 && !byHand(w.Run) && w.Instant.Equal(t) }
	if slices.ContainsFunc(c.waiting[job.Name], waits) {
		return true
	}
	begins := now.Truncate(time.Minute)
	if seen, ok := c.known[job.Name]; ok && seen.Print == fingerprint(job, slave) {
		begins = seen.Since
	}
	return t.After(c.window.From) && !t.Before(begins)
}
