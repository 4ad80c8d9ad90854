package engine

import (
	"cmp"
	"strconv"
	"strings"

	"slavedriver/internal/runfile"
)

// AttemptID names an attempt of a run, its folder and its events. The first is
// named as the run; later ones have their number behind it, after a dot, which
// no run's id has: "backup-20261123T023000Z.2".
func AttemptID(run string, attempt int) string {
	if attempt <= 1 {
		return run
	}
	return run + "." + strconv.Itoa(attempt)
}

// cutAttempt is the run and the number of the attempt of that id.
func cutAttempt(id string) (run string, attempt int) {
	run, number, later := strings.Cut(id, ".")
	if attempt, err := strconv.Atoi(number); later && err == nil && attempt > 1 {
		return run, attempt
	}
	return id, 1
}

// runOf is the run of an attempt's id.
func runOf(id string) string {
	run, _ := cutAttempt(id)
	return run
}

// previousOf is the id of the attempt before; "" for a first one.
func previousOf(in runfile.Intent) string {
	if in.Attempt <= 1 {
		return ""
	}
	return AttemptID(in.RunID(), in.Attempt-1)
}

// byInstant orders the ids of runs and attempts of one job: by instant, the
// attempts of a run in their order.
func byInstant(a, b string) int {
	runA, attemptA := cutAttempt(a)
	runB, attemptB := cutAttempt(b)
	return cmp.Or(instantOfRun(a).Compare(instantOfRun(b)), strings.Compare(runA, runB), cmp.Compare(attemptA, attemptB))
}
