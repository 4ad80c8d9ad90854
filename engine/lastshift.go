package engine

import (
	"path/filepath"
	"time"
)

// shiftComes is how long after the beginning of its minute a shift has decided, also
// on a machine that is busy.
const shiftComes = 20 * time.Second

// LastShift is the minute of the last shift in a var dir that decided about
// schedules, as a crontab calls it; zero: none did, or what is there cannot be
// understood. It takes no lock.
func LastShift(dir string) (time.Time, error) {
	var r Records
	_, err := r.readAgenda(dir, "")
	return r.LastShift(), err
}

// LastShift is the minute of the last shift that decided about schedules; zero:
// none did.
func (r Records) LastShift() time.Time {
	if r.Evaluated.IsZero() {
		return r.Evaluated
	}
	return r.Evaluated.Truncate(time.Minute) // it is the last moment of that minute
}

// ShiftOverdue says whether one should have come since that of the minute last,
// if there was any.
func ShiftOverdue(last, now time.Time) bool {
	return !last.IsZero() && now.Sub(last) > time.Minute+shiftComes
}

// AnyJobHere says whether a var dir holds that the last shift in it had a job for its
// slave. It takes no lock, and what cannot be understood is none.
func AnyJobHere(dir string) bool {
	var r Records
	var k knownFile
	return r.readJSON(filepath.Join(dir, fileKnown), &k) == nil && k.Jobs.anyHere()
}
