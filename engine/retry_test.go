package engine

import (
	"slices"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// failing lets the first so many attempts of each run end with 5 after 10 s.
func failing(attempts int) func(runfile.Intent) act {
	return func(in runfile.Intent) act {
		if in.Attempt <= attempts {
			return act{lasts: 10 * time.Second, exit: 5, stdout: "trying\n"}
		}
		return act{lasts: 10 * time.Second}
	}
}

func retries(n int) func(*Job) { return func(j *Job) { j.Retries = n } }

func TestMayRetry(t *testing.T) {
	job := &Job{Retries: 2, SuccessCodes: []int{0, 3}}
	for _, c := range []struct {
		name    string
		attempt int
		e       ending
		want    bool
	}{
		{"a failure", 1, ending{Exit: 5}, true},
		{"the last but one attempt", 2, ending{Exit: 5}, true},
		{"the last attempt", 3, ending{Exit: 5}, false},
		{"a success", 1, ending{Exit: 0}, false},
		{"another success", 1, ending{Exit: 3}, false},
		{"a timeout", 1, ending{Exit: 143, TimedOut: true, Reason: reasonTimeout}, true},
		{"a timeout of a job that ended well then", 1, ending{Exit: 0, TimedOut: true, Reason: reasonTimeout}, true},
		{"its process vanished", 1, ending{Exit: -1, Reason: "its supervisor was killed"}, true},
		{"replaced, or stopped", 1, ending{Exit: 143, Stopped: true, Reason: reasonReplaced}, false},
		{"never started", 1, ending{Exit: -1, Never: true, Reason: "no such program"}, false},
		{"may have run", 1, ending{Exit: -1, Unknown: true, Reason: "a power cut"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := mayRetry(job, c.attempt, c.e); got != c.want {
				t.Errorf("mayRetry = %v, want %v", got, c.want)
			}
		})
	}
}

func TestRetryDelay(t *testing.T) {
	for _, c := range []struct {
		delay   time.Duration
		backoff float64
		attempt int
		want    time.Duration
	}{
		{time.Minute, 2, 1, time.Minute},
		{time.Minute, 2, 2, 2 * time.Minute},
		{time.Minute, 2, 4, 8 * time.Minute},
		{time.Minute, 1, 9, time.Minute},
		{10 * time.Second, 1.5, 3, 22500 * time.Millisecond},
		{time.Minute, 10, 900, longestDelay},
		{48 * time.Hour, 3, 2, 48 * time.Hour},
		{0, 2, 5, 0},
		{0, 1e200, 3, 0}, // infinitely much of nothing
	} {
		job := &Job{RetryDelay: c.delay, RetryBackoff: c.backoff}
		if got := retryDelay(job, c.attempt); got != c.want {
			t.Errorf("retryDelay of %v × %v after attempt %d = %v, want %v", c.delay, c.backoff, c.attempt, got, c.want)
		}
	}
}

func TestAttemptIDs(t *testing.T) {
	const run = "a-2-20261123T120000Z"
	for attempt, id := range map[int]string{1: run, 2: run + ".2", 10: run + ".10"} {
		if got := AttemptID(run, attempt); got != id {
			t.Errorf("AttemptID(%d) = %s", attempt, got)
		}
		if back, n := cutAttempt(id); back != run || n != attempt {
			t.Errorf("cutAttempt(%s) = %s, %d", id, back, n)
		}
		if slugOfRun(id) != "a-2" || !instantOfRun(id).Equal(clock("12:00:00")) {
			t.Errorf("%s is of %s, %v", id, slugOfRun(id), instantOfRun(id))
		}
	}
	ids := []string{run + ".10", "a-2-20261123T120100Z", run + ".2", run}
	slices.SortFunc(ids, byInstant)
	if want := []string{run, run + ".2", run + ".10", "a-2-20261123T120100Z"}; !slices.Equal(ids, want) {
		t.Errorf("in order: %v", ids)
	}
	if got := beyond(ids, 1, bubbleNoon); !slices.Equal(got, ids[:3]) {
		t.Errorf("beyond one run: %v", got)
	}
}

// Each attempt starts when its delay is over, counted from the end of the one
// before, whichever shift is on duty then.
func TestRetriesUntilItSucceeds(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(3))}, func(m *machine) {
		m.play.act = failing(2)
		m.until("12:10:00")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:01:12", "flaky 12:00:00 .3 12:03:22")
		m.same("events", m.told("job.output.stdout"),
			"started flaky 12:00:00", "retrying flaky 12:00:00 attempt=1 delay=60 exitCode=5",
			"started flaky 12:00:00 .2", "retrying flaky 12:00:00 .2 attempt=2 delay=120 exitCode=5",
			"started flaky 12:00:00 .3", "finished.success flaky 12:00:00 .3 attempt=3")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "retrying flaky 12:00:00 .2", "succeeded flaky 12:00:00 .3")
		for _, e := range m.events {
			if e.Run != nil && e.Run.ID != "flaky-20261123T120000Z" {
				t.Errorf("%s is of run %s", e.ID, e.Run.ID)
			}
		}
	})
}

func TestTheLastAttemptIsTheFailure(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1))}, func(m *machine) {
		m.play.act = failing(9)
		m.until("12:10:00")
		m.same("events", m.told("job.output.stdout"),
			"started flaky 12:00:00", "retrying flaky 12:00:00 attempt=1 delay=60 exitCode=5",
			"started flaky 12:00:00 .2", "finished.error flaky 12:00:00 .2 attempt=2 exitCode=5")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00 .2")
		failed := 0
		for _, r := range m.reports {
			failed += r.Failed
		}
		if failed != 1 {
			t.Errorf("%d runs failed, by the shifts' reports", failed)
		}
	})
}

func TestATimeoutIsRetried(t *testing.T) {
	virtually(t, []*Job{newJob(t, "slow", "0 12 * * *", retries(1), func(j *Job) { j.Timeout = 5 * time.Second })}, func(m *machine) {
		m.play.act = failing(1)
		m.until("12:01:30")
		m.same("events", m.told("job.output.stdout"),
			"started slow 12:00:00", "timeout slow 12:00:00", "retrying slow 12:00:00 attempt=1 delay=60 exitCode=143 timedOut=true reason=timeout",
			"started slow 12:00:00 .2", "timeout slow 12:00:00 .2", "finished.error slow 12:00:00 .2 attempt=2 exitCode=143 timedOut=true reason=timeout")
	})
}

// A run that waits for its next attempt still goes on: the job's next instant
// is not started beside it.
func TestAWaitingRetryHoldsTheJobsPlace(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "* * * * *", retries(1), func(j *Job) { j.RetryDelay = 90 * time.Second })}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act {
			if in.Instant.Equal(bubbleNoon) {
				return failing(1)(in)
			}
			return act{lasts: time.Second}
		}
		m.until("12:02:50")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:01:42", "flaky 12:02:00 12:02:02")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00",
			"skipped flaky 12:01:00: the last run failed and waits for attempt 2, at "+moment(m.clock("12:01:42"))+" on s",
			"succeeded flaky 12:00:00 .2", "succeeded flaky 12:02:00")
	})
}

func TestAWaitingRetryIsReplaced(t *testing.T) {
	replace := func(j *Job) { j.OnOverlap, j.RetryDelay = OverlapReplace, 90*time.Second }
	virtually(t, []*Job{newJob(t, "flaky", "* * * * *", retries(1), replace)}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act {
			if in.Instant.Equal(bubbleNoon) {
				return failing(1)(in)
			}
			return act{lasts: time.Second}
		}
		m.until("12:02:50")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:01:00 12:01:02", "flaky 12:02:00 12:02:02")
		m.same("events", m.told("job.output.stdout", "job.started", "job.finished.success"),
			"retrying flaky 12:00:00 attempt=1 delay=90 exitCode=5",
			"finished.error flaky 12:00:00 attempt=1 exitCode=5 reason=exit code 5; not retried: replaced by the next start",
			"recovered flaky 12:01:00")
	})
}

func TestRetriesOfAJobThatMayOverlapAreItsOwn(t *testing.T) {
	allow := func(j *Job) { j.OnOverlap, j.RetryDelay = OverlapAllow, 90*time.Second }
	virtually(t, []*Job{newJob(t, "flaky", "* * * * *", retries(1), allow)}, func(m *machine) {
		m.play.act = failing(1)
		m.until("12:02:50")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:01:00 12:01:02", "flaky 12:00:00 .2 12:01:42",
			"flaky 12:02:00 12:02:02", "flaky 12:01:00 .2 12:02:42")
	})
}

// A job that is removed, or switched off, while a retry waits is not retried:
// its failure is told after all, with what the last attempt printed.
func TestARetryOfAJobThatIsGone(t *testing.T) {
	for name, change := range map[string]func(m *machine){
		"removed":  func(m *machine) { m.plan.Jobs = nil },
		"disabled": func(m *machine) { off := *m.plan.Jobs[0]; off.Enabled = false; m.plan.Jobs = []*Job{&off} },
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(3), func(j *Job) { j.RetryDelay = time.Hour })}, func(m *machine) {
				m.play.act = failing(9)
				output := ""
				m.handler = func(e *Event) {
					if e.Name == EventJobError {
						output, _ = e.Run.Output("stdout", 0, 0)
					}
				}
				m.until("12:01:30")
				change(m)
				m.until("12:02:30")
				const reason = "exit code 5; not retried: the job is no longer in the entry file, or was disabled"
				m.same("events", m.told("job.output.stdout"), "started flaky 12:00:00", "retrying flaky 12:00:00 attempt=1 delay=3600 exitCode=5",
					"config.changed", "finished.error flaky 12:00:00 attempt=1 exitCode=5 reason="+reason)
				m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00: "+reason)
				if output != "trying\n" {
					t.Errorf("the handler reads %q", output)
				}
			})
		})
	}
}

// A machine that is off when a retry is due makes it when it is on again, if
// that is within the job's catch-up, counted from when it was due.
func TestARetryIsCaughtUp(t *testing.T) {
	catchUp := func(j *Job) { j.CatchUp = 10 * time.Minute }
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1), catchUp)}, func(m *machine) {
		m.play.act = failing(1)
		m.until("12:00:30") // the retry is due at 12:01:12
		m.off(9 * time.Minute)
		m.until("12:15:00")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:10:02")
	})
}

func TestARetryIsTooLate(t *testing.T) {
	catchUp := func(j *Job) { j.CatchUp = 10 * time.Minute }
	virtually(t, []*Job{newJob(t, "flaky", "0,15 12 * * *", retries(1), catchUp)}, func(m *machine) {
		m.play.act = failing(1)
		m.until("12:00:30")
		m.off(16 * time.Minute)
		m.until("12:20:00")
		const reason = "exit code 5; not retried: its catch-up time ended before it could be started"
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:15:00 12:17:02", "flaky 12:15:00 .2 12:18:12")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00: "+reason,
			"retrying flaky 12:15:00", "succeeded flaky 12:15:00 .2")
	})
}

// A machine that stops while a job runs tries it again when it is back, as long
// after as if it had failed when the last shift came.
func TestARunThatWasCutOffIsRetried(t *testing.T) {
	for _, c := range []struct {
		name string
		off  time.Duration
		want []string
	}{
		{"back in time", 9 * time.Minute, []string{"flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:10:02"}},
		{"too late", 16 * time.Minute, []string{"flaky 12:00:00 12:00:02"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1), func(j *Job) { j.CatchUp = 10 * time.Minute })}, func(m *machine) {
				m.play.act = func(runfile.Intent) act { return act{lasts: 3 * time.Minute} }
				m.until("12:00:30")
				m.off(c.off)
				m.until("12:30:00")
				m.same("starts", m.starts(), c.want...)
			})
		})
	}
}

// Handlers that take long hold no attempt up, and still hear of the attempts of
// a run in order.
func TestAttemptsAreToldInOrder(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(2), func(j *Job) { j.RetryDelay = time.Second })}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act { return act{lasts: time.Second, exit: in.Attempt} }
		m.handler = func(e *Event) {
			if e.Name == EventJobStarted {
				time.Sleep(8 * time.Second)
			}
		}
		m.until("12:01:00")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:00:04", "flaky 12:00:00 .3 12:00:07")
		m.same("events", m.told(),
			"started flaky 12:00:00", "retrying flaky 12:00:00 attempt=1 delay=1 exitCode=1",
			"started flaky 12:00:00 .2", "retrying flaky 12:00:00 .2 attempt=2 delay=2 exitCode=2",
			"started flaky 12:00:00 .3", "finished.error flaky 12:00:00 .3 attempt=3 exitCode=3")
	})
}

func TestARetryStartsAsSoonAsItsDelayIsOver(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1), func(j *Job) { j.RetryDelay = 1300 * time.Millisecond })}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act { return act{lasts: time.Second, exit: 2 - in.Attempt} }
		m.until("12:00:30")
		if s := m.play.started; len(s) != 2 || s[1].at.Sub(s[0].at) != 2300*time.Millisecond {
			t.Errorf("started %v", s)
		}
	})
}

// The wait of a retry is measured by a clock that nobody changes too: a wall
// clock that goes back does not put it off.
func TestARetryDoesNotWaitForTheWallClock(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(1))}, func(m *machine) {
		m.play.act = failing(1)
		m.until("12:00:30")
		m.set(-365 * 24 * time.Hour)
		m.sleep(42*time.Second - time.Nanosecond)
		m.same("starts", m.starts()[1:])
		m.sleep(time.Nanosecond)
		m.same("starts", m.starts()[1:], "flaky 12:00:00 .2 12:01:12")
	})
}

// A retry that is given up while handlers still hear of the attempt before: the
// failure comes last.
func TestARetryThatIsGivenUpIsToldInOrder(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(2))}, func(m *machine) {
		m.play.act = func(runfile.Intent) act { return act{lasts: time.Second, exit: 5} }
		m.handler = func(e *Event) {
			if e.Name == EventJobStarted {
				time.Sleep(8 * time.Second)
			}
		}
		m.until("12:00:05")
		m.plan.Jobs = nil
		m.call()
		m.sleep(time.Second)
		m.same("events", m.told(), "started flaky 12:00:00", "config.changed", "retrying flaky 12:00:00 attempt=1 delay=60 exitCode=5",
			"finished.error flaky 12:00:00 attempt=1 exitCode=5 reason=exit code 5; not retried: the job is no longer in the entry file, or was disabled")
	})
}

// A shift that a slow handler holds up is relieved after a timeout was hit and
// before that was told; the run has ended by then. It is told all the same.
func TestATimeoutThatWasNotToldYetIsToldByTheNextShift(t *testing.T) {
	job := newJob(t, "slow", "0 12 * * *", func(j *Job) { j.Timeout, j.WarnAfter, j.KillGrace = 2*time.Second, time.Second, time.Second })
	virtually(t, []*Job{job}, func(m *machine) {
		m.play.act = func(runfile.Intent) act { return act{lasts: time.Hour} }
		m.handler = func(e *Event) {
			if e.Name == EventJobStarted {
				time.Sleep(6 * time.Second)
			}
		}
		m.call()
		m.sleep(5 * time.Second)
		m.call()
		m.sleep(20 * time.Second)
		m.same("events", m.told(), "started slow 12:00:00", "expected_runtime_elapsed slow 12:00:00", "timeout slow 12:00:00",
			"finished.error slow 12:00:00 attempt=1 exitCode=143 timedOut=true reason=timeout")
	})
}
