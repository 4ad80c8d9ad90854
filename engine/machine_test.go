package engine

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"slavedriver/schedule"
)

// The time of every bubble begins at midnight, 2000-01-01 UTC; its machine's
// clock begins at noon of the day of these tests.
var bubbleNoon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// machine is a machine with a crontab and a var dir, in virtual time: it calls
// a shift two seconds into each minute. What its shifts say is in its books.
type machine struct {
	hung  func() // what the script calls when it hangs
	t     *testing.T
	dir   string
	plan  *Plan
	play  *stageplay
	store Store
	began time.Time    // of the bubble
	ahead atomic.Int64 // the wall clock before the bubble's, nanoseconds
	at    time.Time    // Shift.At of the next shift

	due       func(job *Job, now time.Time) (bool, error)
	condition func(job *Job, now time.Time) (bool, string, error)
	handler   func(e *Event) // may take its time

	running func() // ends the shift that is on duty, and waits for it
	mu      sync.Mutex
	events  []*Event
	logged  []string
	reports []Report
	asked   []time.Time
}

// virtually runs a test on a machine in a bubble of its own.
func virtually(t *testing.T, jobs []*Job, test func(m *machine)) {
	t.Helper()
	dir := room(t)
	synctest.Test(t, func(t *testing.T) {
		m := &machine{t: t, dir: dir, began: time.Now(), running: func() {}}
		m.ahead.Store(int64(bubbleNoon.Sub(m.began)))
		m.play = newStageplay(m.Boot)
		m.plan = &Plan{
			EntryFile: "/srv/slavedriver.lua", Namespace: "n", Slave: "s", Jobs: jobs,
			MonitorInterval: time.Second, Levels: DefaultLogLevels(),
		}
		test(m)
		m.running()
		m.play.Close() // what still runs would keep the bubble
	})
}

// room is an empty folder: in memory where there is such a place, since each shift syncs
// what it writes.
func room(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "slavedriver-engine-") //nolint:usetesting // it has no folder in memory
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// newJob is a job with the defaults of an entry file.
func newJob(t *testing.T, name, expr string, change ...func(*Job)) *Job {
	t.Helper()
	s, err := schedule.Parse(expr, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	job := &Job{
		Name: name, Slug: Slug(name), Command: Command{Shell: "true"}, Schedule: s, ScheduleText: []string{expr}, Location: time.UTC,
		Enabled: true, CatchUp: -1, RunOn: RunOnEvery, OnOverlap: OverlapSkip, OnNoStore: StoreErrorRetry, OnLeaseLost: LeaseLostContinue,
		KillGrace: 10 * time.Second, RetryDelay: time.Minute, RetryBackoff: 2, SuccessCodes: []int{0}, KeepRuns: 20, Umask: -1,
	}
	for _, f := range change {
		f(job)
	}
	return job
}

func (m *machine) Now() time.Time      { return m.wall(time.Now()) }
func (m *machine) Boot() time.Duration { return time.Hour + time.Since(m.began) }

// wall is what the wall clock shows, if it stays as it is, at a time of the bubble.
func (m *machine) wall(t time.Time) time.Time { return t.UTC().Add(time.Duration(m.ahead.Load())) }

// set moves the wall clock.
func (m *machine) set(by time.Duration) { m.ahead.Add(int64(by)) }

// call starts a shift, which relieves the one before.
func (m *machine) call() {
	m.running()
	ctx, cancel := context.WithCancel(context.Background())
	s := &Shift{
		Plan: m.plan, Script: m, Store: m.store, Dir: m.dir, Clock: m, Supervisor: m.play, At: m.at, Log: machineLog{m},
		Release: func() {}, Speak: func(context.Context) (func(), error) { return func() {}, nil },
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		report, err := s.Run(ctx)
		if err != nil {
			m.t.Error(err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.reports = append(m.reports, report)
	}()
	m.running = func() {
		cancel()
		<-over
		m.play.crash()
		m.running = func() {}
	}
	synctest.Wait()
}

// sleep lets the time pass without a crontab.
func (m *machine) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// off is a machine that is switched off for so long: no process lives on.
func (m *machine) off(d time.Duration) {
	m.running()
	m.play.reboot()
	m.sleep(d)
}

// until lets the crontab call shifts until the wall clock shows hms.
func (m *machine) until(hms string) { m.cron(m.clock(hms).Sub(m.Now())) }

// cron calls a shift in each minute of that time.
func (m *machine) cron(d time.Duration) {
	end := m.Now().Add(d)
	for next := m.nextTick(); !next.After(end); next = m.nextTick() {
		m.sleep(next.Sub(m.Now()))
		m.call()
	}
	m.sleep(end.Sub(m.Now()))
}

func (m *machine) nextTick() time.Time {
	next := m.Now().Truncate(time.Minute).Add(2 * time.Second)
	if !next.After(m.Now()) {
		next = next.Add(time.Minute)
	}
	return next
}

// clock is a time of the day that it is.
func (m *machine) clock(hms string) time.Time {
	t, err := time.Parse(time.DateTime, m.Now().Format(time.DateOnly)+" "+hms)
	if err != nil {
		m.t.Fatal(err)
	}
	return t
}

// The script of a machine.

func (m *machine) Wants(string, *Job) bool { return true }

func (m *machine) Call(_ context.Context, e *Event) []HandlerError {
	if m.handler != nil {
		m.handler(e)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, e)
	return nil
}

func (m *machine) Due(_ context.Context, job *Job, now time.Time) (bool, error) {
	m.mu.Lock()
	m.asked = append(m.asked, now)
	m.mu.Unlock()
	return m.due(job, now)
}

func (m *machine) Condition(_ context.Context, job *Job, now time.Time) (bool, string, error) {
	m.mu.Lock()
	m.asked = append(m.asked, now)
	m.mu.Unlock()
	return m.condition(job, now)
}

func (m *machine) OnHung(hung func()) { m.hung = hung }

func (m *machine) LongestDeadline() time.Duration { return 10 * time.Second }

// Log is the shift's logger and, with an index, the script's; one machine is both.
type machineLog struct{ *machine }

func (m machineLog) Log(level Level, message string, _ map[string]any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logged = append(m.logged, string(level)+": "+message)
}

func (m *machine) Log(int, Level, string, map[string]any) {}

// starts are the starts of processes so far, as "id 12:00:02".
func (m *machine) starts() (all []string) {
	m.play.mu.Lock()
	defer m.play.mu.Unlock()
	for _, s := range m.play.started {
		all = append(all, shortID(s.id)+" "+m.wall(s.at).Format(time.TimeOnly))
	}
	return all
}

// shortID is a run's id with the time of day alone: "job-20261123T120000Z.2" is "job 12:00:00 .2".
func shortID(id string) string {
	slug, instant, ok := cutID(id)
	if !ok {
		return id
	}
	short := slug + " " + instant.Format(time.TimeOnly)
	if _, more, later := strings.Cut(id, "."); later {
		short += " ." + more
	}
	return short
}

// told are the events of jobs so far that are not left out, as "name id params".
func (m *machine) told(leaveOut ...string) (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.events {
		name := strings.TrimPrefix(e.Name, "slavedriver.")
		if e.Name == EventStarted || e.Name == EventFinished || slices.Contains(leaveOut, name) {
			continue
		}
		id, _, _ := strings.Cut(e.ID, "/")
		line := strings.TrimPrefix(name, "job.")
		if e.Job != nil {
			line += " " + shortID(id)
		}
		for _, key := range []string{"attempt", "delay", "exitCode", "timedOut", "count", "reason", "from", "to"} {
			if v, ok := e.Params[key]; ok && v != false {
				line += fmt.Sprintf(" %s=%v", key, v)
			}
		}
		all = append(all, line)
	}
	return all
}

// ledger are the lines of the ledger, as "outcome id reason". Runs that ended at
// the same instant have no order; they are in that of their ids.
func (m *machine) ledger() (all []string) {
	outcomes := m.outcomes()
	for from := 0; from < len(outcomes); {
		to := from + 1
		for to < len(outcomes) && endedTogether(outcomes[from], outcomes[to]) {
			to++
		}
		slices.SortFunc(outcomes[from:to], func(a, b Outcome) int { return cmp.Compare(a.Run, b.Run) })
		from = to
	}
	for _, o := range outcomes {
		line := o.Outcome + " " + shortID(o.Run)
		if o.Attempt > 1 {
			line += fmt.Sprintf(" .%d", o.Attempt)
		}
		if o.Count > 1 {
			line += fmt.Sprintf(" count=%d", o.Count)
		}
		if o.Reason != "" {
			line += ": " + o.Reason
		}
		all = append(all, line)
	}
	return all
}

func endedTogether(a, b Outcome) bool {
	return a.Outcome == OutcomeSucceeded && b.Outcome == OutcomeSucceeded && a.Time.Equal(b.Time)
}

// same compares lists of lines.
func (m *machine) same(what string, got []string, want ...string) {
	m.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		m.t.Errorf("%s:\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
