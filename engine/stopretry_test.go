package engine

import (
	"os"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// A run that waits for its next attempt and is stopped by hand fails with the last
// one, whether a shift is on duty or comes later; once.
func TestARetryThatIsStoppedByHand(t *testing.T) {
	const run, reason = "flaky-20261123T120000Z", ReasonByHand + " (ann)"
	for name, away := range map[string]bool{"a shift is on duty": false, "the next shift does it": true} {
		t.Run(name, func(t *testing.T) {
			virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(3), func(j *Job) { j.RetryDelay = time.Hour })}, func(m *machine) {
				m.play.act = failing(9)
				m.until("12:00:30")
				if away {
					m.running()
				}
				if err := StopRetry(m.dir, run, reason); err != nil || StopAsked(m.dir, run) != reason {
					t.Fatal(err)
				}
				m.sleep(2 * time.Second)
				if got := StopAsked(m.dir, run) != ""; got != away {
					t.Errorf("the wish is there: %v", got)
				}
				m.until("13:10:00")
				const because = "exit code 5; not retried: " + reason
				m.same("starts", m.starts(), "flaky 12:00:00 12:00:02")
				m.same("events", m.told("job.output.stdout"), "started flaky 12:00:00", "retrying flaky 12:00:00 attempt=1 delay=3600 exitCode=5",
					"finished.error flaky 12:00:00 attempt=1 exitCode=5 reason="+because)
				m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00: "+because)
				if StopAsked(m.dir, run) != "" {
					t.Error("the wish is still there")
				}
			})
		})
	}
}

// Also where the start that failed is still in the agenda, because its folder was not
// seen whole yet.
func TestARetryThatIsStoppedAtOnce(t *testing.T) {
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(3))}, func(m *machine) {
		m.play.act = func(runfile.Intent) act { return act{exit: 5} }
		m.handler = func(e *Event) {
			if e.Name == EventJobRetrying {
				if err := StopRetry(m.dir, e.Run.ID, ReasonByHand); err != nil {
					t.Error(err)
				}
			}
		}
		m.until("12:10:00")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00: exit code 5; not retried: "+ReasonByHand)
	})
}

// Should the attempt have begun before a shift hears of the wish, it is ended.
func TestARetryThatBeginsBeforeItIsStopped(t *testing.T) {
	const run = "flaky-20261123T120000Z"
	virtually(t, []*Job{newJob(t, "flaky", "0 12 * * *", retries(3))}, func(m *machine) {
		m.play.act = func(in runfile.Intent) act {
			if in.Attempt == 1 {
				return failing(1)(in)
			}
			return act{lasts: time.Hour}
		}
		m.until("12:01:12")
		m.sleep(500 * time.Millisecond)
		if err := StopRetry(m.dir, run, ReasonByHand); err != nil {
			t.Fatal(err)
		}
		m.until("12:10:00")
		m.same("starts", m.starts(), "flaky 12:00:00 12:00:02", "flaky 12:00:00 .2 12:01:12")
		m.same("ledger", m.ledger(), "retrying flaky 12:00:00", "failed flaky 12:00:00 .2: "+ReasonByHand)
		if StopAsked(m.dir, run) != "" {
			t.Error("the wish is still there")
		}
	})
}

// A wish that no shift can understand is put aside, and one about nothing goes.
func TestOddStops(t *testing.T) {
	virtually(t, nil, func(m *machine) {
		const run = "gone-20261123T120000Z"
		if err := StopRetry(m.dir, run, ReasonByHand); err != nil {
			t.Fatal(err)
		}
		odd := stopPath(m.dir, "odd-20261123T120000Z")
		if err := os.WriteFile(odd, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		m.call()
		for _, path := range []string{odd, stopPath(m.dir, run)} {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%s is still there", path)
			}
		}
		if m.countLogged("odd-20261123T120000Z is not stopped") != 1 {
			t.Errorf("%q", m.logged)
		}
	})
}
