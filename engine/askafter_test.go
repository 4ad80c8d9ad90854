package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/runfile"
)

// byFunction is a job whose schedule is a function.
func byFunction(t *testing.T, change ...func(*Job)) *Job {
	function := func(j *Job) { j.Schedule, j.ScheduleFunc, j.ScheduleText = nil, true, []string{"function"} }
	return newJob(t, "asked", "* * * * *", append(change, function)...)
}

func always(*Job, time.Time) (bool, error) { return true, nil }

// What is asked for with --at is started although a later minute was.
func TestAnEarlierMinuteIsStartedByHand(t *testing.T) {
	virtually(t, []*Job{byFunction(t)}, func(m *machine) {
		m.due = always
		m.until("12:05:00")
		n := len(m.starts())
		m.startAt(bubbleNoon.Add(time.Minute))
		if got := m.starts()[n:]; len(got) != 1 || !strings.HasPrefix(got[0], "asked 12:01:00 ") {
			t.Errorf("started are %v", got)
		}
	})
}

// A minute that nobody could be asked about is no start that was missed.
func TestAnUnansweredQuestionIsNoMissedStart(t *testing.T) {
	for name, change := range map[string]func(m *machine, job *Job){
		"not due": func(m *machine, _ *Job) {
			m.due = func(*Job, time.Time) (bool, error) { return false, nil }
		},
		"disabled": func(_ *machine, job *Job) { job.Enabled = false },
		"removed":  func(m *machine, _ *Job) { m.plan.Jobs = nil },
	} {
		t.Run(name, func(t *testing.T) {
			job := byFunction(t)
			virtually(t, []*Job{job}, func(m *machine) {
				m.due = func(*Job, time.Time) (bool, error) { time.Sleep(5 * time.Second); return true, nil }
				m.call() // which dies before it has an answer
				m.off(10 * time.Minute)
				other := *job
				m.plan.Jobs = []*Job{&other}
				change(m, &other)
				m.cron(2 * time.Minute)
				m.same("ledger", m.ledger())
				m.same("events", m.told("gap", "config.changed"))
			})
		})
	}
}

// Starts that are given up together are one alert: those of a function that were found
// too late, those that waited for their time when the machine went away, or when the
// job was switched off, or the clock went back.
func TestWhatIsGivenUpTogetherIsOneAlert(t *testing.T) {
	jittered := func(j *Job) { j.CatchUp, j.Jitter = 2*time.Minute, time.Hour }
	gaps := func(m *machine) {
		m.off(2 * time.Hour)
		m.cron(time.Minute) // one shift
		m.off(3 * time.Hour)
	}
	for name, happens := range map[string]func(m *machine){
		"a gap":    func(m *machine) { m.off(4 * time.Hour) },
		"two gaps": gaps,
		"disabled": func(m *machine) {
			job := *m.plan.Jobs[0]
			job.Enabled = false
			m.plan.Jobs = []*Job{&job}
		},
		"removed": func(m *machine) { m.plan.Jobs = nil },
		"back":    func(m *machine) { m.running(); m.set(-5 * time.Hour) },
	} {
		for _, job := range []*Job{byFunction(t, jittered), newJob(t, "asked", "* * * * *", jittered)} {
			t.Run(name, func(t *testing.T) {
				if lag := JitterOf(job, "s"); lag < 10*time.Minute {
					t.Fatalf("the jitter is %s", lag)
				}
				virtually(t, []*Job{job}, func(m *machine) {
					m.due = always
					m.until("12:08:00") // nothing of it has started
					happens(m)
					m.cron(2 * time.Minute)
					missed := 0
					for _, e := range m.told() {
						if strings.HasPrefix(e, "missed ") {
							missed++
						}
					}
					// After each gap: what waited, and what nobody came for.
					if most := 2 + 2*strings.Count(name, "two"); missed < 1 || missed > most {
						t.Errorf("%d alerts: %v", missed, m.told())
					}
				})
			})
		}
	}
}

// A start whose time is still to come makes no way for one that came earlier, when the
// jitter was lowered.
func TestAFunctionWhoseJitterIsLowered(t *testing.T) {
	job := byFunction(t, func(j *Job) { j.Jitter, j.CatchUp = time.Hour, time.Hour })
	virtually(t, []*Job{job}, func(m *machine) {
		m.due = func(_ *Job, at time.Time) (bool, error) { return at.Minute()%10 == 0, nil }
		m.until("12:10:10") // when two starts wait
		sooner := *job
		sooner.Jitter = 0
		m.plan.Jobs = []*Job{&sooner}
		m.until("12:29:00")
		lag := JitterOf(job, "s")
		if lag < 11*time.Minute || lag > 18*time.Minute {
			t.Fatalf("the jitter is %s", lag)
		}
		at := func(minutes int) string {
			return bubbleNoon.Add(time.Duration(minutes)*time.Minute + lag).Format("15:04:05")
		}
		m.same("starts", m.starts(), "asked 12:00:00 "+at(0), "asked 12:20:00 12:20:02", "asked 12:10:00 "+at(10))
	})
}

// A function that gave way to an expression is asked no more: the job is due by that in
// this minute.
func TestAFunctionThatBecomesAnExpression(t *testing.T) {
	virtually(t, []*Job{byFunction(t)}, func(m *machine) {
		m.due = func(*Job, time.Time) (bool, error) { time.Sleep(5 * time.Second); return true, nil }
		m.call()
		m.sleep(time.Second)
		m.plan.Jobs = []*Job{newJob(t, "asked", "* * * * *")}
		m.call()
		m.sleep(time.Second)
		m.same("ledger", m.ledger(), "succeeded asked 12:00:00")
	})
}

// After a gap there is one start, wherever what is known of its run has gone: into no
// folder that is kept, or nowhere, as it was left out.
func TestAMinuteThatIsAnsweredLaterIsMadeGood(t *testing.T) {
	long := func(j *Job) { j.CatchUp = time.Hour }
	for name, c := range map[string]struct {
		job  *Job
		runs int
	}{
		"of which nothing is kept": {byFunction(t, long, func(j *Job) { j.KeepRuns = 0 }), 1},
		"by its condition":         {byFunction(t, long, func(j *Job) { j.Condition = true }), 0},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, []*Job{c.job}, func(m *machine) {
				m.condition = func(*Job, time.Time) (bool, string, error) { return false, "not now", nil }
				m.due = func(*Job, time.Time) (bool, error) { return false, nil }
				m.call()
				m.off(30 * time.Minute)
				m.due = func(*Job, time.Time) (bool, error) { time.Sleep(2 * time.Second); return true, nil }
				m.call()
				m.sleep(50 * time.Second) // when some are still not answered
				if got := m.starts(); len(got) != c.runs {
					t.Errorf("starts: %v", got)
				}
				m.due = always
				m.call()
				m.sleep(time.Second)
				if got := m.starts(); len(got) != c.runs {
					t.Errorf("starts: %v", got)
				}
				if got := m.ledger(); len(got) != 30 {
					t.Errorf("of 30 minutes the ledger knows %d: %v", len(got), got)
				}
			})
		})
	}
}

// Of a function that throws for an earlier minute only, it is said; for what is asked
// for with --at, as for this minute.
func TestAFunctionThatThrowsForAnEarlierMinute(t *testing.T) {
	virtually(t, []*Job{byFunction(t, func(j *Job) { j.CatchUp = time.Hour })}, func(m *machine) {
		m.due = func(_ *Job, at time.Time) (bool, error) {
			if at.Minute() > 0 && at.Minute() < 10 {
				return false, errors.New("no such table")
			}
			return false, nil
		}
		m.call()
		m.off(20 * time.Minute)
		m.call()
		m.sleep(time.Second)
		failed := func(line string) bool { return strings.Contains(line, "its schedule function failed: no such table") }
		m.mu.Lock()
		n := len(slices.DeleteFunc(slices.Clone(m.logged), func(line string) bool { return !failed(line) }))
		m.mu.Unlock()
		if n != 1 {
			t.Errorf("said %d times", n)
		}
		m.startAt(bubbleNoon.Add(5 * time.Minute))
		if got := m.ledger(); len(got) != 1 || !failed(got[0]) {
			t.Errorf("the ledger is %v", got)
		}
	})
}

// Runs that may overlap are as many as their times after a handover, and one after a gap.
func TestOverlappingStartsAfterAGap(t *testing.T) {
	allow := func(j *Job) { j.CatchUp, j.OnOverlap = 2*time.Hour, OverlapAllow }
	for name, job := range map[string]*Job{
		"seconds": newJob(t, "many", "@every 5s", allow),
		"jitter":  newJob(t, "many", "* * * * *", allow, func(j *Job) { j.Jitter = time.Hour }),
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, []*Job{job}, func(m *machine) {
				m.play.act = lasting(time.Second)
				m.until("12:25:02")
				m.off(70 * time.Minute)
				n := len(m.starts())
				m.call()
				m.sleep(time.Second)
				if got := m.starts()[n:]; len(got) != 1 {
					t.Errorf("started together: %v", got)
				}
			})
		})
	}
	virtually(t, []*Job{newJob(t, "long", "@every 20s", allow)}, func(m *machine) {
		m.plan.MaxConcurrent = 1
		m.play.act = lasting(25 * time.Second)
		m.until("12:05:00") // starts wait for the slot, from shift to shift
		for i, start := range m.starts()[:8] {
			if instant := bubbleNoon.Add(time.Duration(i) * 20 * time.Second).Format("15:04:05"); !strings.HasPrefix(start, "long "+instant) {
				t.Errorf("start %d is %s and not that of %s", i, start, instant)
			}
		}
	})
}

// A start that is asked for takes no other's place: where both wait for a slot, the job's
// overlap decides when it is free.
func TestTwoStartsByHandThatWait(t *testing.T) {
	job := newJob(t, "never", "0 0 1 1 *", func(j *Job) { j.CatchUp = time.Hour })
	virtually(t, []*Job{job, newJob(t, "hog", "0 12 * * *")}, func(m *machine) {
		m.plan.MaxConcurrent = 1
		m.play.act = func(in runfile.Intent) act {
			if in.Job == "hog" {
				return act{lasts: 3 * time.Minute}
			}
			return act{lasts: 5 * time.Second}
		}
		m.call()
		for year := range 2 {
			m.at = time.Date(2025+year, 1, 1, 0, 0, 0, 0, time.UTC)
			m.sleep(5 * time.Second)
			m.call()
		}
		m.at = time.Time{}
		m.until("12:05:00")
		m.same("ledger", m.ledger(), "succeeded hog 12:00:00",
			"skipped never 00:00:00: the last run still runs, since 2026-11-23 12:03 UTC on s", "succeeded never 00:00:00")
	})
}
