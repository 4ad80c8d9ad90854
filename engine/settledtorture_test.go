package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// TestEachInstantEndsOnce lets machines of a cluster go off and come back at random,
// their shifts die, answers of the store get lost, and new machines come. Of each
// instant of a job that one slave starts, one of these holds then: some slave started
// it, made it good by a later start, or left it out; or it is counted as missed, in
// the events of one slave. SLAVEDRIVER_TORTURE as for TestTimeUnderTorture.
func TestEachInstantEndsOnce(t *testing.T) {
	rounds, first := uint64(12), uint64(0)
	if long, err := time.ParseDuration(os.Getenv("SLAVEDRIVER_TORTURE")); err == nil {
		rounds, first = uint64(long/time.Second), rand.Uint64()>>1
	}
	one := func(j *Job) { j.RunOn, j.Timezone = RunOnOne, "UTC" }
	for seed := first; seed < first+rounds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			jobs := []*Job{
				newJob(t, "plain", "* * * * *", one),
				newJob(t, "reaching", "* * * * *", one, func(j *Job) { j.CatchUp = 5 * time.Minute }),
				newJob(t, "beside", "* * * * *", one, func(j *Job) { j.OnOverlap, j.CatchUp = OverlapAllow, 3*time.Minute }),
				newJob(t, "guarded", "*/2 * * * *", one, func(j *Job) { j.Condition, j.CatchUp = true, 3*time.Minute }),
				newJob(t, "strict", "*/3 * * * *", one, func(j *Job) { j.CatchUp = 0 }),
			}
			virtually(t, jobs, func(m *machine) { newCluster(m).torture(rand.New(rand.NewPCG(seed, 2))) })
		})
	}
}

// cluster are machines at one store, the first of them there from the beginning.
type cluster struct {
	*machine
	all     []*machine
	offTill map[*machine]time.Time
}

func newCluster(m *machine) *cluster {
	m.store = newMemoryStore()
	c := &cluster{machine: m, offTill: map[*machine]time.Time{}}
	c.join(m)
	return c
}

func (c *cluster) join(m *machine) {
	m.play.act = func(in runfile.Intent) act { return act{lasts: time.Duration(luck(in.ID, 80)) * time.Second} }
	m.condition = func(_ *Job, now time.Time) (bool, string, error) { return now.Minute()%3 != 0, "every third", nil }
	c.all = append(c.all, m)
}

func (c *cluster) torture(r *rand.Rand) {
	defer func() {
		for _, m := range c.all {
			m.running()
			m.play.Close()
		}
	}()
	c.call()
	for range 70 {
		c.sleep(time.Duration(r.Int64N(int64(30 * time.Second))))
		m := c.all[r.IntN(len(c.all))]
		switch n := r.IntN(20); {
		case c.Now().Before(c.offTill[m]):
		case n < 11:
			m.call()
		case n < 14:
			m.running()
		case n < 18:
			m.running()
			m.play.reboot()
			c.offTill[m] = c.Now().Add(time.Duration(r.Int64N(int64(15 * time.Minute))))
		case n < 19:
			c.loseAnswer(m)
		case len(c.all) < 4:
			c.join(c.another(fmt.Sprint("n", len(c.all))))
		}
	}
	until(c.Now().Add(20*time.Minute).Format(time.TimeOnly), c.all...)
	c.check()
}

// loseAnswer lets a shift die after it asked about what was missed and before it was
// answered: had it lived for longer, it would have told without the store.
func (c *cluster) loseAnswer(m *machine) {
	for _, other := range c.all {
		other.running()
	}
	store := c.store.(*memoryStore)
	store.stall = true
	m.call()
	c.sleep(storePatience / 2)
	m.running()
	store.stall = false
}

// check compares what became of the instants of each job until some minutes ago: what
// is of the last minutes may not have ended.
func (c *cluster) check() {
	end := c.Now().Truncate(time.Minute).Add(-10 * time.Minute)
	for _, job := range c.plan.Jobs {
		settled, counted, told := map[time.Time]endingIn{}, 0, 0
		for _, m := range c.all {
			m.settledBy(job, settled)
			counted += m.countMissed(job)
		}
		for t := job.Schedule.Next(bubbleNoon.Add(-1)); !t.After(end); t = job.Schedule.Next(t) {
			tells, is := c.store.(*memoryStore).told[job.Slug][t.Unix()]
			if is {
				told++
			}
			by, ended := settled[t]
			late := by.merged && !by.at.Before(c.wall(tells.at)) // what was to make it good was itself made late
			if is == ended && (!is || !late && !by.unsure) {
				c.t.Errorf("%s at %s: told as missed is %t, and it was settled: %+v", job.Name, t.Format(time.TimeOnly), is, by)
			}
		}
		if counted != told {
			c.t.Errorf("%s: %d instants were missed, and events tell of %d", job.Name, told, counted)
		}
	}
	if c.t.Failed() {
		for _, m := range c.all {
			c.t.Logf("%s tells %v; its ledger is\n%s", m.plan.Slave, m.missedOnly(), strings.Join(m.ledger(), "\n"))
		}
	}
}

// endingIn is how an instant ended that was not missed.
type endingIn struct {
	slave  string
	merged bool // into a later start
	// unsure: the machine went off while it started it, and before the store knew.
	unsure bool
	at     time.Time // when that was made
}

// settledBy notes which instants of a job this machine started, left out, or merged
// into one that ended so, or that another one started.
func (m *machine) settledBy(job *Job, settled map[time.Time]endingIn) {
	ends := map[string]Outcome{}
	for _, o := range m.outcomes() {
		ends[o.Run] = o
	}
	for _, o := range ends {
		end := o
		for end.Outcome == OutcomeMerged {
			_, into, _ := strings.Cut(end.Reason, ": ")
			end = ends[into]
		}
		merged := o.Outcome == OutcomeMerged
		elsewhere := merged && end.Outcome == OutcomeElsewhere && end.Reason != reasonSettled
		if o.Job != job.Name || end.Outcome == OutcomeMissed || end.Outcome == OutcomeElsewhere && !elsewhere {
			continue
		}
		by := endingIn{slave: m.plan.Slave, merged: merged, at: end.Started}
		by.unsure = end.Outcome == OutcomeUnknown || end.Outcome == OutcomeFailed && job.Overlaps()
		if by.at.IsZero() {
			by.at = end.Time
		}
		from := o.Instant
		if !o.First.IsZero() {
			from = o.First
		}
		for t := job.Schedule.Next(from.Add(-1)); !t.After(o.Instant); t = job.Schedule.Next(t) {
			if was, is := settled[t]; !is || was.merged {
				settled[t] = by
			}
		}
	}
}

// countMissed is how many starts of a job this machine tells as missed; an event that
// is told again after a crash counts once.
func (m *machine) countMissed(job *Job) (n int) {
	told := map[string]bool{}
	for _, e := range m.events {
		if e.Name == EventJobMissed && e.Job.Name == job.Name && !told[e.ID] {
			told[e.ID] = true
			n += e.Params["count"].(int)
		}
	}
	return n
}
