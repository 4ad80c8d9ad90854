package engine

import (
	"container/heap"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"slavedriver/schedule"
)

// Simulation is the question which starts the schedules ask for in a span of
// time. It is about the schedules alone: whether a start would find the last
// run still going, a lease, or a shift at all is not asked.
type Simulation struct {
	From, To time.Time // From is part of it, To is not
	Slaves   []SimulatedSlave
}

// SimulatedSlave is one slave with what the entry file says there.
type SimulatedSlave struct {
	Plan *Plan
	// Due asks the schedule function of one of Plan's jobs about a minute, given
	// in the job's zone.
	Due func(job *Job, now time.Time) (bool, error)
}

// SimulatedStart is one start that a schedule asks for.
type SimulatedStart struct {
	Time  time.Time // when it is made, jitter included, in the job's zone
	Job   *Job
	Slave string
	// OneOf are the slaves of which one, whichever asks first, starts a job with
	// runOn = "one"; then Slave is empty.
	OneOf []string
	// Reason says in a few words what makes it not plainly the schedule's; ""
	// where nothing does.
	Reason string
}

// Where names the slave, or those of which it is one.
func (s SimulatedStart) Where() string {
	switch len(s.OneOf) {
	case 0:
		return s.Slave
	case 1:
		return s.OneOf[0]
	}
	return "one of " + strings.Join(s.OneOf, ", ")
}

// Starts gives each start in the order of time; those of one moment in the
// order of the entry file, then of the slaves. It holds one start of each job
// at a time, however long the span is. An error is of a schedule function, and
// comes with the job and the minute that it was asked about; that function is
// not asked again.
func (s *Simulation) Starts() iter.Seq2[SimulatedStart, error] {
	return func(yield func(SimulatedStart, error) bool) {
		var coming comingStarts
		for i, l := range s.lanes() {
			l.order = i
			if l.goOn(s.From.Add(-l.delay - 1)) {
				coming = append(coming, l)
			}
		}
		heap.Init(&coming)
		for len(coming) > 0 {
			l := coming[0]
			if !yield(l.start(), l.err) {
				return
			}
			if l.err == nil && l.goOn(l.instant) {
				heap.Fix(&coming, 0)
			} else {
				heap.Pop(&coming)
			}
		}
	}
}

// lane is the starts of one job on one slave, or of a job with runOn = "one" on
// all that share it, one after the other.
type lane struct {
	job     *Job
	due     func(*Job, time.Time) (bool, error)
	slaves  []string
	delay   time.Duration // jitter
	to      time.Time
	order   int
	instant time.Time // the schedule's, of the start that is next
	err     error
}

// lanes are those of all jobs that are on and the slaves' own.
func (s *Simulation) lanes() (lanes []*lane) {
	shared := map[string]*lane{} // of jobs with runOn = "one"
	for _, slave := range s.Slaves {
		for _, job := range slave.Plan.Jobs {
			name := slave.Plan.Slave
			if !job.Enabled || !job.OnSlave(name) {
				continue
			}
			l := &lane{job: job, due: slave.Due, slaves: []string{name}, delay: JitterOf(job, name), to: s.To}
			if job.RunOn == RunOnOne {
				key := job.Name + "\x00" + job.Timezone + "\x00" + strings.Join(job.ScheduleText, "\n")
				if other := shared[key]; other != nil {
					other.slaves = append(other.slaves, name)
					other.delay = min(other.delay, l.delay) // who comes first starts it
					continue
				}
				shared[key] = l
			}
			lanes = append(lanes, l)
		}
	}
	s.sortByJob(lanes)
	return lanes
}

// sortByJob puts the lanes of one job beside each other, in the order in which
// the entry file has the jobs.
func (s *Simulation) sortByJob(lanes []*lane) {
	place := map[string]int{}
	for _, l := range lanes {
		if _, ok := place[l.job.Name]; !ok {
			place[l.job.Name] = len(place)
		}
	}
	slices.SortStableFunc(lanes, func(a, b *lane) int { return place[a.job.Name] - place[b.job.Name] })
}

// goOn moves the lane to its first start after an instant of the schedule, and
// says whether there is one, or the error of its function.
func (l *lane) goOn(after time.Time) bool {
	if !l.job.ScheduleFunc {
		l.instant = l.job.Schedule.Next(after)
		return !l.instant.IsZero() && l.at().Before(l.to)
	}
	l.instant = after.Truncate(time.Minute)
	for {
		l.instant = l.instant.Add(time.Minute)
		if !l.at().Before(l.to) {
			return false
		}
		due, err := l.due(l.job, l.instant.In(l.job.Location))
		if l.err = err; due || err != nil {
			return true
		}
	}
}

func (l *lane) at() time.Time { return l.instant.Add(l.delay) }

func (l *lane) start() SimulatedStart {
	s := SimulatedStart{Time: l.at().In(l.job.Location), Job: l.job, Reason: l.reason()}
	if l.job.RunOn == RunOnOne {
		s.OneOf = l.slaves
	} else {
		s.Slave = l.slaves[0]
	}
	return s
}

func (l *lane) reason() string {
	var reasons []string
	if reason := schedule.Reason(l.job.Schedule, l.instant); reason != "" {
		reasons = append(reasons, reason)
	}
	if l.delay > 0 {
		reasons = append(reasons, fmt.Sprintf("jitter of %s", words(l.delay)))
	}
	if l.job.Condition {
		reasons = append(reasons, "if its condition allows it")
	}
	return strings.Join(reasons, ", ")
}

// comingStarts is a heap of lanes: the one whose start is next comes first.
type comingStarts []*lane

// Len is how many lanes have a start to come.
func (c comingStarts) Len() int { return len(c) }

// Swap exchanges two lanes.
func (c comingStarts) Swap(i, j int) { c[i], c[j] = c[j], c[i] }

// Push puts a lane at the end; container/heap moves it to its place.
func (c *comingStarts) Push(x any) { *c = append(*c, x.(*lane)) }

// Less orders by the time of the next start, then of the entry file, then of the slaves.
func (c comingStarts) Less(i, j int) bool {
	if a, b := c[i].at(), c[j].at(); !a.Equal(b) {
		return a.Before(b)
	}
	return c[i].order < c[j].order
}

// Pop takes the last lane out, where container/heap has moved the first one.
func (c *comingStarts) Pop() any {
	all := *c
	last := all[len(all)-1]
	*c = all[:len(all)-1]
	return last
}
