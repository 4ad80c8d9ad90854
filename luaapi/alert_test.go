package luaapi

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
)

// mapState is a state in memory; with broken, one on a full disk.
type mapState struct {
	values map[string]any
	broken error
}

func (m mapState) Get(key string) (any, bool, error) {
	v, ok := m.values[key]
	return v, ok, m.broken
}

func (m mapState) Set(key string, value any) error {
	if m.broken == nil && m.values != nil {
		m.values[key] = value
	}
	return m.broken
}

func (m mapState) Increment(string, float64) (float64, error) { return 0, m.broken }

func TestWhenAnAlertIsDue(t *testing.T) {
	began, before := noonOfDocs, noonOfDocs.Add(-time.Hour)
	hourly, once := &alertOptions{after: 3, every: time.Hour}, &alertOptions{after: 3}
	for _, c := range []struct {
		name     string
		o        *alertOptions
		last     lastAlert
		failures int
		minutes  int // since it began
		want     bool
	}{
		{"not often enough", hourly, lastAlert{}, 2, 2, false},
		{"often enough", hourly, lastAlert{}, 3, 3, true},
		{"more often, and nothing was sent", hourly, lastAlert{}, 9, 9, true},
		{"sent a while ago", hourly, lastAlert{since: began, sent: began.Add(3 * time.Minute)}, 60, 62, false},
		{"sent an hour ago", hourly, lastAlert{since: began, sent: began.Add(3 * time.Minute)}, 61, 63, true},
		{"sent less than an hour ago, but for seconds", hourly, lastAlert{since: began, sent: began.Add(3*time.Minute + 50*time.Second)}, 61, 63, true},
		{"sent about earlier failures", hourly, lastAlert{since: before, sent: began.Add(-time.Minute)}, 3, 3, true},
		{"sent about earlier failures, and not often enough now", hourly, lastAlert{since: before, sent: before}, 2, 2, false},
		{"to be sent once", once, lastAlert{since: began, sent: began.Add(3 * time.Minute)}, 9000, 9000, false},
	} {
		if got := c.o.due(c.last, c.failures, began, began.Add(time.Duration(c.minutes)*time.Minute)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// failure is the nth failure in a row of a job, a minute after the one before.
func failure(job *engine.Job, n int) *engine.Event {
	return &engine.Event{
		Name: engine.EventJobError, Job: job, Run: &engine.RunInfo{ID: "r"}, Since: noonOfDocs, Time: noonOfDocs.Add(time.Duration(n) * time.Minute),
		Params: map[string]any{"exitCode": n, "consecutiveFailures": n},
	}
}

// TestAnAlertThatThrowsIsTriedAgain: what was not sent is not noted, and the error
// has its line.
func TestAnAlertThatThrowsIsTriedAgain(t *testing.T) {
	s, out := mustLoad(t, `
tries = 0
slavedriver.alert({ send = function(alert)
  tries = tries + 1
  if tries == 1 then error("no network") end
  print(alert.text)
end })`)
	s.UseState(mapState{values: map[string]any{}})
	job := &engine.Job{Name: "Backup", Slug: "backup"}
	failures := s.Call(t.Context(), failure(job, 1))
	if len(failures) != 1 || failures[0].Err.Error() != "slavedriver.lua:5: no network" || failures[0].Handler != "slavedriver.lua:3" {
		t.Fatalf("it failed as %v", failures)
	}
	fire(t, s, failure(job, 2))
	fire(t, s, failure(job, 3))
	equal(t, "sent", out.String(), "Backup failed 2 times in a row: exit code 2\n")
}

// success is the nth minute's, failed runs before it or not.
func success(job *engine.Job, n int) *engine.Event {
	e := failure(job, n)
	e.Name, e.Since, e.Params = engine.EventJobSuccess, time.Time{}, map[string]any{"exitCode": 0}
	return e
}

// recovery is that of the failures that began n minutes before noonOfDocs.
func recovery(job *engine.Job, n, failures int) *engine.Event {
	e := failure(job, n)
	e.Name, e.Params = engine.EventJobRecovered, map[string]any{"failures": failures}
	return e
}

// TestARecoveryThatIsNotSentIsTriedAgain at the next success, also where that comes
// after other failures, until it is sent: once.
func TestARecoveryThatIsNotSentIsTriedAgain(t *testing.T) {
	const source = `
broken = 2
slavedriver.alert({ after = 2, send = function(alert)
  if alert.kind == "recovered" and broken > 0 then
    broken = broken - 1
    return nil, "no network"
  end
  print(alert.text, alert.since, alert.time)
end })`
	job := &engine.Job{Name: "Backup", Slug: "backup"}
	other := failure(job, 5) // a single one, of which no alert is due
	other.Since, other.Params = other.Time, map[string]any{"exitCode": 1, "consecutiveFailures": 1}
	otherEnd := recovery(job, 6, 1)
	otherEnd.Since = other.Time
	s, out := mustLoad(t, source)
	s.UseState(mapState{values: map[string]any{}})
	for _, e := range []*engine.Event{
		failure(job, 1), failure(job, 2), success(job, 3), recovery(job, 3, 2), // not sent
		success(job, 4),                  // not sent
		other, success(job, 6), otherEnd, // sent with the success
		success(job, 7), recovery(job, 3, 2), success(job, 8), // told again, it is no other
	} {
		s.Call(t.Context(), e)
	}
	equal(t, "sent", out.String(), fmt.Sprintf("Backup failed 2 times in a row: exit code 2\t%d\t%d\nBackup recovered after 2 failures\t%d\t%d\n",
		noonOfDocs.Unix(), noonOfDocs.Unix()+120, noonOfDocs.Unix(), noonOfDocs.Unix()+180))
}

// TestASendThatDoesNotSend: what it returns is looked at, and the next failure tries again.
func TestASendThatDoesNotSend(t *testing.T) {
	for returned, want := range map[string]string{
		"function() end":       "alert: send returned a function, so nothing was sent: " + hintOfSenders,
		`nil, "no network"`:    "alert: send failed: no network",
		`false, "no network"`:  "alert: send failed: no network",
		"nil, {}":              "alert: send failed, and returned a table instead of a message",
		"false":                "alert: send returned false, so it counts as not sent",
		"":                     "",
		"nil":                  "",
		`true, "whatever"`:     "",
		`200, "no", { a = 1 }`: "",
	} {
		s, _ := mustLoad(t, "slavedriver.alert({ send = function()\nreturn "+returned+"\nend })")
		state := mapState{values: map[string]any{}}
		s.UseState(state)
		failures := s.Call(t.Context(), failure(&engine.Job{Name: "Backup", Slug: "backup"}, 1))
		got := ""
		if len(failures) == 1 {
			got = failures[0].Err.Error()
		}
		if want != "" {
			want = "slavedriver.lua:1: " + want
		}
		equal(t, returned, got, want)
		equal(t, returned+": noted", len(state.values) > 0, want == "")
	}
}

// TestASenderThatIsNotCalled is found when the file loads, where that is sure.
func TestASenderThatIsNotCalled(t *testing.T) {
	e := loadError(t, "slavedriver.alert({ send = setmetatable({}, { __call = function() end }) })")
	equal(t, "message", e.Error(), "slavedriver.lua:1: alert: `send` must be a function, not a sender that was not called")
	equal(t, "hint", e.Hint, hintOfSenders)
	equal(t, "a table", loadError(t, "slavedriver.alert({ send = {} })").Message, "alert: `send` must be a function, not a table")
}

// TestHowLongAnAlertIsQuiet: in whole minutes, as the shifts that tell it come.
func TestHowLongAnAlertIsQuiet(t *testing.T) {
	for _, every := range []string{`"10s"`, "1", `"90s"`, `"1m1s"`, "60.5"} {
		e := loadError(t, "slavedriver.alert({ send = print, every = "+every+" })")
		equal(t, every, e.Message, "alert: `every` must be a whole number of minutes, not "+every)
		equal(t, every, e.Hint, `it is counted in minutes, as in "1m" or "1h30m"; to be told of each failure leave slavedriver.alert out, and attach a handler of slavedriver.job.finished.error`)
	}
	for _, every := range []string{`"1m"`, "120", `"1h"`, `"60s"`} {
		mustLoad(t, "slavedriver.alert({ send = print, every = "+every+" })")
	}
}

// TestAnAlertDoesNotNeedTheState: on a full disk it is sent, and that it cannot
// be noted is said.
func TestAnAlertDoesNotNeedTheState(t *testing.T) {
	s, out := mustLoad(t, `slavedriver.alert({ send = function(alert) print(alert.text) end })`)
	s.UseState(mapState{broken: errors.New("no room")})
	failures := s.Call(t.Context(), failure(&engine.Job{Name: "Backup", Slug: "backup"}, 1))
	equal(t, "sent", out.String(), "Backup failed: exit code 1\n")
	if len(failures) != 1 || !strings.Contains(failures[0].Err.Error(), "no room") {
		t.Errorf("it failed as %v", failures)
	}
}

// TestAlertsKeepApart: two about the same jobs, and filters.
func TestAlertsKeepApart(t *testing.T) {
	s, out := mustLoad(t, `
slavedriver.alert({ send = function(alert) print("first " .. alert.text) end })
local id = slavedriver.alert({ after = 2, send = function(alert) print("second " .. alert.text) end })
slavedriver.alert({ job = "Other", send = function() print("other") end })
slavedriver.alert({ tags = { "shop" }, recovered = false, send = function(alert) print("shop " .. alert.kind) end })
slavedriver:attach("slavedriver.finished", function() slavedriver:detach(id) end)
slavedriver:addJob({ name = "Other", command = "true", schedule = "@daily" })`)
	s.UseState(mapState{values: map[string]any{}})
	job := &engine.Job{Name: "Backup", Slug: "backup", Tags: []string{"shop"}}
	fire(t, s, failure(job, 1))
	fire(t, s, failure(job, 2))
	recovered := failure(job, 3)
	recovered.Name, recovered.Params = engine.EventJobRecovered, map[string]any{"failures": 2}
	fire(t, s, recovered)
	fire(t, s, recovered) // told again, after a crash: nothing is left to recover from
	fire(t, s, &engine.Event{Name: engine.EventFinished})
	equal(t, "sent", out.String(), `first Backup failed: exit code 1
shop failing
second Backup failed 2 times in a row: exit code 2
first Backup recovered after 2 failures
second Backup recovered after 2 failures
`)
}
