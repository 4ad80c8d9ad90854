package engine

import (
	"errors"
	"strings"
	"testing"
	"time"

	"slavedriver/schedule"
)

// TestWhy is the table of answers. Now is 12:40:02 where nothing else is said,
// and the last shift came in the minute of 12:30.
func TestWhy(t *testing.T) {
	when := func(text string) time.Time { return at(t, "2026-11-23T"+text+"Z") }
	// On test1 the jitter of Spread is 21 s.
	five := func(name string) *Job {
		job := zoned(t, name, "*/5 * * * *", "UTC")
		job.CatchUp = -1
		return job
	}
	plain := five("Import")
	off, elsewhere, patient := five("Off"), five("Web"), five("Patient")
	off.Enabled = false
	elsewhere.Slaves = []string{"web*", "db1"}
	york := zoned(t, "York", "30 2 * * *", "America/New_York")
	patient.CatchUp = time.Hour
	spread := five("Spread")
	spread.Jitter = 5 * time.Minute
	one := five("One")
	one.RunOn = RunOnOne
	asked := &Job{Name: "Asked", Slug: "asked", ScheduleFunc: true, ScheduleText: []string{"function"}, Location: time.UTC, Enabled: true, CatchUp: -1}
	moment := &Job{Name: "Moment", Slug: "moment", Schedule: schedule.At(when("12:00:00")), Location: time.UTC, Enabled: true, CatchUp: -1}

	seconds, guarded := zoned(t, "Seconds", "30 * * * * * *", "UTC"), five("Guarded")
	guarded.Condition = true
	tried := func(outcome string, attempt int, started string, code int) Outcome {
		return Outcome{Time: when(started).Add(2 * time.Second), Job: "Import", Run: "import-20261123T122000Z", Instant: when("12:20:00"), Outcome: outcome,
			Started: when(started), Duration: 2, Exit: &code, Attempt: attempt, Slave: "test1"}
	}

	exit := func(code int) *int { return &code }
	ran := func(outcome, run, instant, started string, seconds float64, code int) Outcome {
		begun := when(started)
		return Outcome{Time: begun.Add(time.Duration(seconds * 1e9)), Job: "Import", Run: run, Instant: when(instant), Outcome: outcome,
			Started: begun, Duration: seconds, Exit: exit(code), Attempt: 1, Slave: "test1"}
	}
	seen := Records{Evaluated: when("12:30:59"), Since: when("08:00:00")}
	with := func(change func(*Records)) Records {
		r := seen
		change(&r)
		return r
	}
	decided := func(outcomes ...Outcome) Records { return with(func(r *Records) { r.Outcomes = outcomes }) }
	active := func(runs ...ActiveRun) Records {
		return with(func(r *Records) { r.Runs, r.Active = runs, len(runs) })
	}
	running := ActiveRun{ID: "import-20261123T123000Z", Instant: when("12:30:00"), Started: when("12:30:02"), Attempt: 1, Slave: "test1", PID: 4711, State: RunRunning}
	in := func(state RunState) ActiveRun {
		r := running
		r.State, r.Exit = state, 3
		if state == RunEnding {
			r.Reason = "timeout"
		}
		return r
	}
	waiting := WaitingStart{Run: "import-20261123T124000Z", Instant: when("12:40:00"), Until: when("12:42:30")}

	merged := func(instant, into string) Outcome {
		return Outcome{Time: when(instant).Add(time.Minute), Job: "Import", Run: "import-20261123T" + strings.ReplaceAll(instant, ":", "") + "Z", Instant: when(instant),
			Outcome: OutcomeMerged, Reason: mergedWith("import-20261123T" + strings.ReplaceAll(into, ":", "") + "Z")}
	}
	missedAt := func(instant string) Outcome {
		return Outcome{Time: when("12:31:02"), Job: "Import", Run: "import-20261123T" + strings.ReplaceAll(instant, ":", "") + "Z", Instant: when(instant), First: when(instant), Count: 1,
			Outcome: OutcomeMissed, Reason: "the lock store cannot be reached: no route"}
	}
	// Here the last shift came in the minute of 12:39.
	lately := func(change func(*Records)) Records {
		return with(func(r *Records) {
			r.Evaluated = when("12:39:59")
			change(r)
		})
	}
	replacing, overlapping := five("Replacing"), five("Overlapping")
	replacing.OnOverlap, overlapping.OnOverlap = OverlapReplace, OverlapAllow
	again := WaitingStart{Run: "import-20261123T123500Z", Attempt: 2, Instant: when("12:35:00"), NotBefore: when("12:41:04"),
		Until: when("12:43:34"), Failure: "exit code 3", Since: when("12:35:02")}

	for _, c := range []struct {
		name    string
		job     *Job
		minute  string
		records Records
		verdict Verdict
		want    string
		change  func(*Why)
	}{
		{"not due", plain, "12:32:00", seen, VerdictNotDue,
			`"Import" was not due at 2026-11-23 12:32 UTC; the time before is 2026-11-23 12:30 UTC, the next 2026-11-23 12:35 UTC`, nil},
		{"not due, in the future", plain, "13:01:00", seen, VerdictNotDue,
			`"Import" is not due at 2026-11-23 13:01 UTC; the time before is 2026-11-23 13:00 UTC, the next 2026-11-23 13:05 UTC`, nil},
		{"not due, when it may have had another schedule", plain, "07:52:00", seen, VerdictNotDue,
			`"Import" was not due at 2026-11-23 07:52 UTC by the schedule that it has since 2026-11-23 08:00 UTC; the time before is 2026-11-23 07:50 UTC, the next 2026-11-23 07:55 UTC`, nil},
		{"not due, by a schedule that is new", plain, "12:32:00", with(func(r *Records) { r.Since = time.Time{} }), VerdictNotDue,
			`"Import" was not due at 2026-11-23 12:32 UTC by the schedule that it has now, and which no shift has seen yet; the time before is 2026-11-23 12:30 UTC, the next 2026-11-23 12:35 UTC`, nil},
		{"never again", moment, "12:01:00", seen, VerdictNotDue,
			`"Moment" was not due at 2026-11-23 12:01 UTC, nor ever again: the last time was 2026-11-23 12:00 UTC`, nil},
		{"not before", moment, "11:59:00", seen, VerdictNotDue,
			`"Moment" was not due at 2026-11-23 11:59 UTC; the next time is 2026-11-23 12:00 UTC`, nil},
		{"a function says no", asked, "12:00:00", seen, VerdictNotDue,
			`"Asked" was not due at 2026-11-23 12:00 UTC: its schedule function, asked again about that minute, says no`, nil},
		{"a function fails", asked, "12:00:00", seen, VerdictUnknown,
			`whether "Asked" was due at 2026-11-23 12:00 UTC is not known: its schedule function fails: a.lua:3: no table`,
			func(q *Why) { q.FunctionErr = errors.New("a.lua:3: no table") }},
		{"a function says yes", asked, "12:00:00", seen, VerdictNoRecord,
			`"Asked" was not started for 2026-11-23 12:00 UTC: its schedule function says yes now, but no shift noted that it did then: none asked it in time, or it said no`,
			func(q *Why) { q.FunctionDue = []time.Time{q.From} }},

		{"disabled", off, "12:30:00", with(func(r *Records) { r.Off = true }), VerdictDisabled,
			`"Off" does not start: it is disabled (enabled = false) since 2026-11-23 08:00 UTC`, nil},
		{"disabled since then", off, "07:55:00", with(func(r *Records) { r.Off = true }), VerdictDisabled,
			`"Off" does not start: it is disabled (enabled = false) since 2026-11-23 08:00 UTC, and nothing is recorded of 2026-11-23 07:55 UTC`, nil},
		{"disabled, and no shift has seen that", off, "12:31:00", Records{}, VerdictDisabled,
			`"Off" does not start: it is disabled (enabled = false)`, nil},
		{"another slave's", elsewhere, "12:30:00", seen, VerdictElsewhere,
			`"Web" does not start on slave test1: it is for web*, db1`, nil},
		{"disabled, but it ran", off, "12:30:00", decided(Outcome{Time: when("12:30:03"), Run: "off-20261123T123000Z", Instant: when("12:30:00"),
			Outcome: OutcomeSucceeded, Started: when("12:30:02"), Duration: 1}), OutcomeSucceeded,
			`"Off" was started for 2026-11-23 12:30 UTC as run off-20261123T123000Z at 12:30:02 UTC and succeeded after 1 s`, nil},

		{"due, in the future", plain, "13:00:00", seen, VerdictDue,
			`"Import" is due at 2026-11-23 13:00 UTC, which is in 19 minutes, 58 seconds`, nil},
		{"due now, and the last shift came a minute ago", plain, "12:40:00", lately(func(*Records) {}), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC, and the shift of this minute starts it`, nil},
		{"due now, and none ever came", plain, "12:40:00", Records{}, VerdictNoShift,
			`"Import" is due at 2026-11-23 12:40 UTC, but no shift has run by a crontab yet with this var dir`, nil},
		{"due now, and cron is dead", plain, "12:40:00", seen, VerdictNoShift,
			`"Import" is due at 2026-11-23 12:40 UTC, but no shift has run since 12:30 UTC: does cron run? One that comes by 12:42:30 UTC still starts it`, nil},
		{"due now, and none came in this minute", plain, "12:40:00", lately(func(*Records) {}), VerdictNoShift,
			`"Import" is due at 2026-11-23 12:40 UTC, but no shift has run since 12:39 UTC: does cron run? One that comes by 12:42:30 UTC still starts it`,
			func(q *Why) { q.Now = when("12:40:21") }},
		{"due now, with a jitter, and none came", spread, "12:40:00", seen, VerdictNoShift,
			`"Spread" is due at 2026-11-23 12:40 UTC, but no shift has run since 12:30 UTC: does cron run? One that comes by 12:42:51 UTC still starts it`, nil},
		{"due now, and the last run hangs", plain, "12:40:00", lately(func(r *Records) { r.Runs = []ActiveRun{running} }), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC; run import-20261123T123000Z still runs (process 4711, for 10m), so that it is skipped unless that ends first (onOverlap = "skip")`, nil},
		{"due now, and replaces the last run", replacing, "12:40:00", lately(func(r *Records) { r.Runs = []ActiveRun{running} }), VerdictDue,
			`"Replacing" is due at 2026-11-23 12:40 UTC; run import-20261123T123000Z still runs (process 4711, for 10m), and the shift of this minute ends that first (onOverlap = "replace")`, nil},
		{"due now, whatever runs", overlapping, "12:40:00", lately(func(r *Records) { r.Runs = []ActiveRun{running} }), VerdictDue,
			`"Overlapping" is due at 2026-11-23 12:40 UTC, and the shift of this minute starts it`, nil},
		{"due now, and the last run has ended", plain, "12:40:00", lately(func(r *Records) { r.Runs = []ActiveRun{in(RunEnded)} }), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC, and the shift of this minute starts it`, nil},
		{"due now, and the last run waits for its next attempt", plain, "12:40:00", lately(func(r *Records) { r.Waiting = []WaitingStart{again} }), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC; run import-20261123T123500Z failed and waits for attempt 2, at 12:41:04 UTC, so that it is skipped (onOverlap = "skip")`, nil},
		{"due now, and the next attempt is given up for it", replacing, "12:40:00", lately(func(r *Records) { r.Waiting = []WaitingStart{again} }), VerdictDue,
			`"Replacing" is due at 2026-11-23 12:40 UTC; run import-20261123T123500Z failed and waits for attempt 2, at 12:41:04 UTC, which the shift of this minute gives up for it (onOverlap = "replace")`, nil},
		{"due now, and the next attempt has no time left", plain, "12:40:00", lately(func(r *Records) {
			late := again
			late.Until = when("12:40:01")
			r.Waiting = []WaitingStart{late}
		}), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC, and the shift of this minute starts it`, nil},
		{"due now, without a store", one, "12:40:00", lately(func(r *Records) { r.StoreDownSince = when("12:10:00") }), VerdictDue,
			`"One" is due at 2026-11-23 12:40 UTC, but the lock store cannot be reached since 12:10 UTC, and the start waits for that`, nil},
		{"due now, without a store that it needs", plain, "12:40:00", lately(func(r *Records) { r.StoreDownSince = when("12:10:00") }), VerdictDue,
			`"Import" is due at 2026-11-23 12:40 UTC, and the shift of this minute starts it`, nil},
		{"due, with a jitter", spread, "13:00:00", seen, VerdictDue,
			`"Spread" is due at 2026-11-23 13:00 UTC, and started at 13:00:21 UTC because of its jitter`, nil},
		{"due after a gap", york, "2027-03-14T03:00:00-04:00", seen, VerdictDue,
			`"York" is due at 2027-03-14 03:00 EDT (02:30 was skipped by the clock change; the first instant after the gap), which is in 110 days, 18 hours, 19 minutes, 58 seconds`, nil},

		{"no shift ever", plain, "12:30:00", Records{}, VerdictNoShift,
			`"Import" was not started for 2026-11-23 12:30 UTC: no shift has run by a crontab yet with this var dir`, nil},
		{"no shift since, and it will start", patient, "12:35:00", seen, VerdictNoShift,
			`"Patient" was not started for 2026-11-23 12:35 UTC: no shift has run since 12:30 UTC; one that runs by 13:35 UTC starts it`, nil},
		{"no shift since, and it will not", plain, "12:35:00", seen, VerdictNoShift,
			`"Import" was not started for 2026-11-23 12:35 UTC: no shift has run since 12:30 UTC, and the next one will report it missed`, nil},
		{"the job is new", plain, "07:55:00", seen, VerdictNew,
			`"Import" was not started for 2026-11-23 07:55 UTC: a shift first saw it with this schedule at 2026-11-23 08:00 UTC, and it begins with that minute`, nil},
		{"no shift has seen the job", plain, "12:25:00", with(func(r *Records) { r.Since = time.Time{} }), VerdictNew,
			`"Import" was not started for 2026-11-23 12:25 UTC: no shift has seen it with this schedule yet, and it begins with the one that does`, nil},
		{"the ledger is gone", plain, "12:25:00", seen, VerdictNoRecord,
			`"Import" was due at 2026-11-23 12:25 UTC and a shift decided about it, but the ledger has nothing of it: was a file of it removed?`, nil},

		{"succeeded", plain, "12:25:00", decided(ran(OutcomeSucceeded, "import-20261123T122500Z", "12:25:00", "12:25:02", 0.3, 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 12:25 UTC as run import-20261123T122500Z at 12:25:02 UTC and succeeded after 0.3 s`, nil},
		{"failed", plain, "12:25:00", decided(ran(OutcomeFailed, "import-20261123T122500Z", "12:25:00", "12:25:02", 90, 3)), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:25 UTC as run import-20261123T122500Z at 12:25:02 UTC and failed with exit code 3 after 1m30s`, nil},
		{"failed by a signal", plain, "12:25:00", decided(ran(OutcomeFailed, "import-20261123T122500Z", "12:25:00", "12:25:02", 90, 137)), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:25 UTC as run import-20261123T122500Z at 12:25:02 UTC and failed with exit code 137 (signal 9, killed) after 1m30s`, nil},
		{"could not be started", plain, "12:25:00", decided(Outcome{Time: when("12:25:02"), Job: "Import", Run: "import-20261123T122500Z", Instant: when("12:25:00"),
			Outcome: OutcomeFailed, Reason: "could not be started: no user nobody2"}), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:25 UTC as run import-20261123T122500Z and failed (could not be started: no user nobody2)`, nil},
		{"started late", plain, "12:05:00", decided(ran(OutcomeSucceeded, "import-20261123T120500Z", "12:05:00", "12:17:02", 2, 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 12:05 UTC as run import-20261123T120500Z at 12:17:02 UTC, 12 minutes late, and succeeded after 2 s`, nil},
		{"asked for the time at which it was started late", plain, "12:17:00", decided(ran(OutcomeSucceeded, "import-20261123T120500Z", "12:05:00", "12:17:02", 2, 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 12:05 UTC as run import-20261123T120500Z at 12:17:02 UTC, 12 minutes late, and succeeded after 2 s`, nil},
		{"by hand", plain, "12:32:00", decided(ran(OutcomeSucceeded, "import-20261123T080000Z-at-ABCDEF", "08:00:00", "12:32:02", 2, 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 08:00 UTC as run import-20261123T080000Z-at-ABCDEF (asked for with --at) at 12:32:02 UTC and succeeded after 2 s`, nil},

		{"overlap with a run that ended", plain, "12:25:00", decided(
			Outcome{Time: when("12:25:02"), Job: "Import", Run: "import-20261123T122500Z", Instant: when("12:25:00"), Outcome: OutcomeSkipped,
				Reason: "the last run still runs, since 2026-11-23 12:20:02 UTC on test1"},
			ran(OutcomeSucceeded, "import-20261123T122000Z", "12:20:00", "12:20:02", 400, 0)), OutcomeSkipped,
			`"Import" was not started for 2026-11-23 12:25 UTC: skipped, because run import-20261123T122000Z was still going since 12:20:02 UTC`, nil},
		{"overlap with a run that goes on", plain, "12:35:00", with(func(r *Records) {
			r.Runs = []ActiveRun{running}
			r.Outcomes = []Outcome{{Time: when("12:35:02"), Job: "Import", Run: "import-20261123T123500Z", Instant: when("12:35:00"),
				Outcome: OutcomeSkipped, Reason: "the last run still runs, since 2026-11-23 12:30:02 UTC on test1"}}
		}), OutcomeSkipped,
			`"Import" was not started for 2026-11-23 12:35 UTC: skipped, because run import-20261123T123000Z was still going since 12:30:02 UTC`, nil},
		{"overlap with another slave's run", plain, "12:25:00", decided(Outcome{Time: when("12:25:02"), Job: "Import", Run: "import-20261123T122500Z",
			Instant: when("12:25:00"), Outcome: OutcomeSkipped, Reason: "the last run still runs, since 2026-11-23 12:20:02 UTC on db2"}), OutcomeSkipped,
			`"Import" was not started for 2026-11-23 12:25 UTC: skipped, because the last run still runs, since 2026-11-23 12:20:02 UTC on db2`, nil},
		{"skipped on purpose", plain, "12:25:00", decided(Outcome{Time: when("12:25:02"), Job: "Import", Run: "import-20261123T122500Z",
			Instant: when("12:25:00"), Outcome: OutcomeSkipped, Reason: "the feed is empty"}), OutcomeSkipped,
			`"Import" was not started for 2026-11-23 12:25 UTC: skipped, because the feed is empty`, nil},

		{"missed", plain, "12:05:00", decided(Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T121500Z", First: when("12:05:00"),
			Instant: when("12:15:00"), Count: 3, Outcome: OutcomeMissed, Reason: "no shift ran in time"}), OutcomeMissed,
			`"Import" was not started for 2026-11-23 12:05 UTC: missed, because no shift ran from 2026-11-23 12:05 UTC to 12:30:02 UTC (one of 3 missed starts, the last is that of 12:15 UTC)`, nil},
		{"missed, the last of them", plain, "12:15:00", decided(Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T121500Z", First: when("12:15:00"),
			Instant: when("12:15:00"), Count: 1, Outcome: OutcomeMissed, Reason: "no shift ran in time"}), OutcomeMissed,
			`"Import" was not started for 2026-11-23 12:15 UTC: missed, because no shift ran from 2026-11-23 12:15 UTC to 12:30:02 UTC`, nil},
		{"a span that is around it, but not due", plain, "12:06:00", decided(Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T121500Z", First: when("12:05:00"),
			Instant: when("12:15:00"), Count: 3, Outcome: OutcomeMissed, Reason: "no shift ran in time"}), VerdictNotDue,
			`"Import" was not due at 2026-11-23 12:06 UTC; the time before is 2026-11-23 12:05 UTC, the next 2026-11-23 12:10 UTC`, nil},
		{"missed for another reason", plain, "12:15:00", decided(Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T121500Z", First: when("12:15:00"),
			Instant: when("12:15:00"), Count: 1, Outcome: OutcomeMissed, Reason: "another slave had claimed it: db2"}), OutcomeMissed,
			`"Import" was not started for 2026-11-23 12:15 UTC: missed, because another slave had claimed it: db2`, nil},

		{"merged", plain, "12:20:00", decided(
			Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T122500Z", First: when("12:20:00"), Instant: when("12:25:00"), Count: 2,
				Outcome: OutcomeMerged, Reason: "one start for several missed instants: import-20261123T123000Z"},
			ran(OutcomeSucceeded, "import-20261123T123000Z", "12:30:00", "12:30:02", 2, 0)), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:20 UTC by itself: one start was made for it and a later one, run import-20261123T123000Z, which succeeded after 2 s`, nil},
		{"merged into a run that goes on", plain, "12:25:00", with(func(r *Records) {
			r.Runs = []ActiveRun{running}
			r.Outcomes = []Outcome{{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T122500Z", Instant: when("12:25:00"),
				Outcome: OutcomeMerged, Reason: "one start for several missed instants: import-20261123T123000Z"}}
		}), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:25 UTC by itself: one start was made for it and a later one, run import-20261123T123000Z, which still runs (process 4711, for 10m)`, nil},
		{"merged into one that was missed", plain, "12:20:00", decided(merged("12:20:00", "12:25:00"), missedAt("12:25:00")), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:20 UTC: it was merged into a later start, run import-20261123T122500Z, which was missed: the lock store cannot be reached: no route`, nil},
		{"merged into one that was merged, and so on", plain, "12:15:00", decided(merged("12:15:00", "12:20:00"), merged("12:20:00", "12:25:00"), missedAt("12:25:00")), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:15 UTC: it was merged into a later start, run import-20261123T122500Z, which was missed: the lock store cannot be reached: no route`, nil},
		{"merged twice, and that was started", plain, "12:15:00", decided(merged("12:15:00", "12:20:00"), merged("12:20:00", "12:25:00"),
			ran(OutcomeSucceeded, "import-20261123T122500Z", "12:25:00", "12:25:02", 2, 0)), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:15 UTC by itself: one start was made for it and a later one, run import-20261123T122500Z, which succeeded after 2 s`, nil},
		{"merged into one that was skipped", plain, "12:20:00", decided(merged("12:20:00", "12:25:00"), Outcome{Time: when("12:31:02"), Job: "Import", Run: "import-20261123T122500Z",
			Instant: when("12:25:00"), Outcome: OutcomeSkipped, Reason: "the feed is empty"}), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:20 UTC: it was merged into a later start, run import-20261123T122500Z, which was skipped: the feed is empty`, nil},
		{"merged into one that waits", one, "12:35:00", with(func(r *Records) {
			m := merged("12:35:00", "12:40:00")
			r.Outcomes, r.Waiting, r.StoreDownSince = []Outcome{m}, []WaitingStart{waiting}, when("12:10:00")
		}), OutcomeMerged,
			`"One" was not started for 2026-11-23 12:35 UTC by itself: one start is to be made for it and a later one, run import-20261123T124000Z: the lock store cannot be reached since 2026-11-23 12:10 UTC; it is missed after 12:42:30 UTC`, nil},
		{"merged into one of which nothing is known", plain, "12:20:00", decided(merged("12:20:00", "12:25:00")), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:20 UTC by itself: it was merged into a later start, run import-20261123T122500Z`, nil},
		{"merged in a circle", plain, "12:20:00", decided(merged("12:20:00", "12:25:00"), merged("12:25:00", "12:20:00")), OutcomeMerged,
			`"Import" was not started for 2026-11-23 12:20 UTC by itself: it was merged into a later start, run import-20261123T122500Z`, nil},

		{"waiting, until the next takes its place", plain, "12:40:00", with(func(r *Records) {
			w := waiting
			w.Until = when("12:50:00")
			r.Waiting = []WaitingStart{w}
		}), VerdictWaiting,
			`"Import" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: a shift is about to start it; if not by 12:45 UTC, that of 12:45 UTC is one start for both`, nil},
		{"waiting, and overlapping", overlapping, "12:40:00", with(func(r *Records) {
			w := waiting
			w.Until = when("12:50:00")
			r.Waiting = []WaitingStart{w}
		}), VerdictWaiting,
			`"Overlapping" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: a shift is about to start it; it is missed after 12:50 UTC`, nil},

		{"elsewhere", one, "12:25:00", decided(Outcome{Time: when("12:25:02"), Job: "One", Run: "one-20261123T122500Z", Instant: when("12:25:00"),
			Outcome: OutcomeElsewhere, Reason: "db2 started it"}), OutcomeElsewhere,
			`"One" was not started for 2026-11-23 12:25 UTC on test1: db2 started it`, nil},
		{"unknown", plain, "12:25:00", decided(Outcome{Time: when("12:30:02"), Job: "Import", Run: "import-20261123T122500Z", Instant: when("12:25:00"),
			Outcome: OutcomeUnknown, Reason: "the machine or container stopped while it was being started; it may have run"}), OutcomeUnknown,
			`whether "Import" was started for 2026-11-23 12:25 UTC is not known: the machine or container stopped while it was being started; it may have run`, nil},

		{"running", plain, "12:30:00", active(running), Verdict(RunRunning),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and still runs (process 4711, for 10m)`, nil},
		{"starting", plain, "12:30:00", active(in(RunStarting)), Verdict(RunStarting),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and is just coming up`, nil},
		{"being ended", plain, "12:30:00", active(in(RunEnding)), Verdict(RunEnding),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and is being ended: timeout`, nil},
		{"ended just now", plain, "12:30:00", active(in(RunEnded)), Verdict(RunEnded),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and ended with exit code 3, which a shift is still to record`, nil},
		{"ended by hand", plain, "12:30:00", active(func() ActiveRun {
			r := in(RunEnded)
			r.Exit, r.Reason = 137, "stopped by hand (root)"
			return r
		}()), Verdict(RunEnded),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and was ended (stopped by hand (root)), which a shift is still to record`, nil},
		{"without its folder", plain, "12:30:00", active(in(RunStray)), Verdict(RunStray),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and still runs, though its folder was removed or renamed; the next shift makes that anew`, nil},
		{"orphaned", plain, "12:30:00", active(in(RunOrphaned)), Verdict(RunOrphaned),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and lost its supervisor, but processes of it still run`, nil},
		{"lost", plain, "12:30:00", active(in(RunLost)), Verdict(RunLost),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and is gone without an exit status, which a shift is still to record`, nil},
		{"lost while it was ended", plain, "12:30:00", active(func() ActiveRun {
			r := in(RunLost)
			r.Reason = "timeout"
			return r
		}()), Verdict(RunLost),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and was ended (timeout), which a shift is still to record`, nil},
		{"a folder that cannot be understood", plain, "12:30:00", active(in(RunUnclear)), Verdict(RunUnclear),
			`run import-20261123T123000Z cannot be understood, and a shift is to report it`, nil},
		{"ended, recorded and still to be told", plain, "12:30:00", with(func(r *Records) {
			r.Runs = []ActiveRun{in(RunEnded)}
			r.Outcomes = []Outcome{ran(OutcomeFailed, running.ID, "12:30:00", "12:30:02", 2, 3)}
		}), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and failed with exit code 3 after 2 s`, nil},

		{"waiting, to be started", plain, "12:40:00", with(func(r *Records) { r.Waiting = []WaitingStart{waiting} }), VerdictWaiting,
			`"Import" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: a shift is about to start it; it is missed after 12:42:30 UTC`, nil},
		{"waiting for a place", plain, "12:40:00", with(func(r *Records) { r.Waiting, r.Active = []WaitingStart{waiting}, 4 }), VerdictWaiting,
			`"Import" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: it waits for one of 4 places (setMaxConcurrentJobs); it is missed after 12:42:30 UTC`,
			func(q *Why) { q.MaxConcurrent = 4 }},
		{"waiting for the run that it replaces", plain, "12:40:00", with(func(r *Records) { r.Waiting, r.Runs = []WaitingStart{waiting}, []ActiveRun{in(RunEnding)} }), VerdictWaiting,
			`"Import" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: it waits for run import-20261123T123000Z to end; it is missed after 12:42:30 UTC`, nil},
		{"waiting for the store", one, "12:40:00", with(func(r *Records) { r.Waiting, r.StoreDownSince = []WaitingStart{waiting}, when("12:10:00") }), VerdictWaiting,
			`"One" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: the lock store cannot be reached since 2026-11-23 12:10 UTC; it is missed after 12:42:30 UTC`, nil},
		{"waiting, and nobody came", plain, "12:40:00", with(func(r *Records) { r.Waiting = []WaitingStart{waiting} }), VerdictWaiting,
			`"Import" is to be started for 2026-11-23 12:40 UTC as run import-20261123T124000Z: a shift is about to start it; its time ended at 12:42:30 UTC, and the next shift reports it missed`,
			func(q *Why) { q.Now = when("12:50:00") }},
		{"succeeded at the third attempt", plain, "12:20:00", decided(tried(OutcomeRetrying, 1, "12:20:02", 3), tried(OutcomeRetrying, 2, "12:21:04", 4), tried(OutcomeSucceeded, 3, "12:23:06", 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 12:20 UTC as run import-20261123T122000Z at 12:20:02 UTC and succeeded at attempt 3, after 2 s`, nil},
		{"failed for good", plain, "12:20:00", decided(tried(OutcomeRetrying, 1, "12:20:02", 3), tried(OutcomeFailed, 2, "12:21:04", 4)), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:20 UTC as run import-20261123T122000Z at 12:20:02 UTC and failed with exit code 4 at attempt 2, after 2 s`, nil},
		{"asked for the time of the second attempt", plain, "12:21:00", decided(tried(OutcomeRetrying, 1, "12:20:02", 3), tried(OutcomeFailed, 2, "12:21:04", 4)), OutcomeFailed,
			`"Import" was started for 2026-11-23 12:20 UTC as run import-20261123T122000Z at 12:20:02 UTC and failed with exit code 4 at attempt 2, after 2 s`, nil},
		{"the second attempt runs", plain, "12:30:00", with(func(r *Records) {
			first, second := in(RunEnded), running
			second.Attempt, second.Started = 2, when("12:31:04")
			r.Runs = []ActiveRun{second, first}
			r.Outcomes = []Outcome{ran(OutcomeRetrying, running.ID, "12:30:00", "12:30:02", 2, 3)}
		}), Verdict(RunRunning),
			`"Import" was started for 2026-11-23 12:30 UTC as run import-20261123T123000Z at 12:30:02 UTC and still runs (process 4711, for 8m58s, attempt 2)`, nil},
		{"the second attempt waits", plain, "12:35:00", with(func(r *Records) {
			r.Outcomes = []Outcome{ran(OutcomeRetrying, "import-20261123T123500Z", "12:35:00", "12:35:02", 2, 3)}
			r.Waiting = []WaitingStart{{Run: "import-20261123T123500Z", Attempt: 2, Instant: when("12:35:00"), NotBefore: when("12:41:04"),
				Until: when("12:43:34"), Failure: "exit code 3", Since: when("12:35:02")}}
		}), Verdict(OutcomeRetrying),
			`"Import" was started for 2026-11-23 12:35 UTC as run import-20261123T123500Z at 12:35:02 UTC and failed at attempt 1 (exit code 3); attempt 2 is to follow: it starts at 12:41:04 UTC; attempt 2 is given up if it has not started by 12:43:34 UTC`, nil},
		{"the first attempt failed just now", plain, "12:35:00", decided(ran(OutcomeRetrying, "import-20261123T123500Z", "12:35:00", "12:35:02", 2, 3)), Verdict(OutcomeRetrying),
			`"Import" was started for 2026-11-23 12:35 UTC as run import-20261123T123500Z at 12:35:02 UTC and failed with exit code 3 after 2 s; it is to be tried again`, nil},
		{"overlap with a run that waits for its second attempt", plain, "12:35:00", with(func(r *Records) {
			r.Outcomes = []Outcome{ran(OutcomeRetrying, "import-20261123T123000Z", "12:30:00", "12:30:02", 2, 3),
				{Time: when("12:35:02"), Job: "Import", Run: "import-20261123T123500Z", Instant: when("12:35:00"), Outcome: OutcomeSkipped,
					Reason: "the last run still runs, since 2026-11-23 12:30:02 UTC on test1"}}
			r.Waiting = []WaitingStart{{Run: "import-20261123T123000Z", Attempt: 2, Instant: when("12:30:00"), NotBefore: when("12:41:04"),
				Until: when("12:43:34"), Failure: "exit code 3", Since: when("12:30:02")}}
		}), OutcomeSkipped,
			`"Import" was not started for 2026-11-23 12:35 UTC: skipped, because run import-20261123T123000Z was still going since 12:30:02 UTC`, nil},
		{"waiting for its second", seconds, "12:40:00", with(func(r *Records) {
			r.Waiting = []WaitingStart{{Run: "seconds-20261123T124030Z", Attempt: 1, Instant: when("12:40:30"), NotBefore: when("12:40:30"), Until: when("12:42:30")}}
		}), VerdictWaiting,
			`"Seconds" is to be started for 2026-11-23 12:40:30 UTC as run seconds-20261123T124030Z: it starts at 12:40:30 UTC; if not by 12:41:30 UTC, that of 12:41:30 UTC is one start for both`, nil},
		{"waiting for its jitter", spread, "12:40:00", with(func(r *Records) {
			r.Waiting = []WaitingStart{{Run: "spread-20261123T124000Z", Attempt: 1, Instant: when("12:40:00"), NotBefore: when("12:40:21"), Until: when("12:42:51")}}
		}), VerdictWaiting,
			`"Spread" is to be started for 2026-11-23 12:40 UTC as run spread-20261123T124000Z: its jitter puts that off until 12:40:21 UTC; it is missed after 12:42:51 UTC`, nil},
		{"its condition is to be asked", guarded, "12:40:00", with(func(r *Records) {
			r.Waiting = []WaitingStart{{Run: "guarded-20261123T124000Z", Attempt: 1, Instant: when("12:40:00"), Until: when("12:42:51")}}
		}), VerdictWaiting,
			`"Guarded" is to be started for 2026-11-23 12:40 UTC as run guarded-20261123T124000Z: a shift asks its condition first; it is missed after 12:42:51 UTC`, nil},
		{"a job that is no longer in the file", Unlisted("Import"), "12:25:00", decided(ran(OutcomeSucceeded, "import-20261123T122500Z", "12:25:00", "12:25:02", 2, 0)), OutcomeSucceeded,
			`"Import" was started for 2026-11-23 12:25 UTC as run import-20261123T122500Z at 12:25:02 UTC and succeeded after 2 s`, nil},
	} {
		if !strings.Contains(c.minute, "-") {
			c.minute = "2026-11-23T" + c.minute + "Z"
		}
		from := at(t, c.minute)
		q := Why{Job: c.job, Slave: "test1", From: from, To: from.Add(time.Minute), Now: when("12:40:02"), Records: c.records}
		if c.job.Removed {
			c.job.Location = time.UTC
		}
		if c.change != nil {
			c.change(&q)
		}
		got := q.Explain()
		if len(got) != 1 || got[0].Sentence != c.want || got[0].Verdict != c.verdict {
			t.Errorf("%s: got %d answers, %s:\n%s\nnot %s:\n%s", c.name, len(got), got[0].Verdict, got[0].Sentence, c.verdict, c.want)
		}
	}
}
