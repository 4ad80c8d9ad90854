package engine

import (
	"fmt"
	"math"
)

const (
	// descriptorsKept are left for all but runs: locks, logs, the lock store,
	// what handlers open, and looking at runs.
	descriptorsKept = 56
	// descriptorsOfRun are what a run has open at the most: its process, its
	// cursor and its two streams.
	descriptorsOfRun = 4
)

// slots is how many more runs there may be now, by each of the limits.
type slots struct {
	jobs  int // setMaxConcurrentJobs
	files int // descriptors
}

func (s slots) none() bool { return s.jobs <= 0 || s.files <= 0 }

func (s *slots) take() {
	s.jobs--
	s.files--
}

// freeSlots counts. Starts that are on their way have their slots already; an
// ended run that is not put away yet has none as a job, but still its files.
func (d *duty) freeSlots() slots {
	starting := 0
	for _, in := range d.agenda.Intents {
		if !in.settled && in.phase >= phaseLeasing {
			starting++
		}
	}
	free := slots{math.MaxInt, math.MaxInt}
	if most := d.Plan.MaxConcurrent; most > 0 {
		free.jobs = most - d.running - starting
	}
	if d.Descriptors > 0 {
		free.files = d.mostRuns() - len(d.runs) - starting
	}
	return free
}

// mostRuns is for how many runs there are descriptors; one may always be tried.
func (d *duty) mostRuns() int {
	return max(1, (d.Descriptors-descriptorsKept)/descriptorsOfRun)
}

// explainWait says of a start that waits for want of descriptors that it does:
// that is no limit that anybody chose.
func (d *duty) explainWait(in *intent, free slots) {
	if free.jobs <= 0 || free.files > 0 {
		return
	}
	in.Problem = fmt.Sprintf("too many open files: with a limit of %d (ulimit -n) only %d runs can be watched at a time", d.Descriptors, d.mostRuns())
	d.sayOnce("descriptors", Error, fmt.Sprintf("starts wait: %s; raise it where slavedriver is called", in.Problem))
}
