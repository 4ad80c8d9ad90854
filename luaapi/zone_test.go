package luaapi

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

// instantAt is a moment given with its offset.
func instantAt(t *testing.T, rfc3339 string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// The zone of a job may be said before the schedule, after it, or by a default:
// it is the one in which the schedule is meant.
func TestSchedulesAreMeantInTheJobsZone(t *testing.T) {
	const command = ` job.command = "true" slavedriver:addJob(job) `
	for name, source := range map[string]string{
		"before":         `local job = slavedriver.Job("a"):setTimezone("America/New_York"):setSchedule("30 2 * * *")` + command,
		"after":          `local job = slavedriver.Job("a"):setSchedule("30 2 * * *"):setTimezone("America/New_York")` + command,
		"after addJob":   `local job = slavedriver.Job("a"):setSchedule("30 2 * * *")` + command + `job.timezone = "America/New_York"`,
		"table":          `slavedriver:addJob({ name = "a", command = "true", schedule = "30 2 * * *", timezone = "America/New_York" })`,
		"a list":         `slavedriver:addJob({ name = "a", command = "true", schedule = { "30 2 * * *" }, timezone = "America/New_York" })`,
		"default":        `slavedriver:setDefaults({ timezone = "America/New_York" }) local job = slavedriver.Job("a"):setSchedule("30 2 * * *")` + command,
		"all defaults":   `slavedriver:setDefaults({ schedule = "30 2 * * *", timezone = "America/New_York" }) local job = slavedriver.Job("a")` + command,
		"changed":        `local job = slavedriver.Job("a"):setTimezone("UTC"):setSchedule("30 2 * * *")` + command + `job.timezone = "America/New_York"`,
		"runAtDateTime":  `slavedriver:addJob({ name = "a", command = "true", runAtDateTime = "2026-07-02 02:30", timezone = "America/New_York" })`,
		"a default date": `slavedriver:setDefaults({ runAtDateTime = "2026-07-02 02:30", timezone = "UTC" }) local job = slavedriver.Job("a"):setTimezone("America/New_York")` + command,
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := mustLoad(t, source)
			want := instantAt(t, "2026-07-02T02:30:00-04:00")
			if got := s.Plan().Jobs[0].Schedule.Next(instantAt(t, "2026-07-01T12:00:00Z")); !got.Equal(want) {
				t.Errorf("due at %v, not %v", got, want)
			}
		})
	}
}

// Going back to the host's zone takes the schedule along.
func TestTheZoneCanBeUnset(t *testing.T) {
	s, out := mustLoad(t, `
		slavedriver:setDefaults({ timezone = "Asia/Tokyo" })
		local job = slavedriver:addJob({ name = "a", command = "true", schedule = "30 2 * * *" })
		print(job.timezone)
		job.timezone = false
		print(job.timezone)`)
	equal(t, "the zone", out.String(), "Asia/Tokyo\nnil\n")
	next := s.Plan().Jobs[0].Schedule.Next(instantAt(t, "2026-07-01T12:00:00Z")).In(time.Local)
	if s.Plan().Jobs[0].Location != time.Local || next.Format(time.TimeOnly) != "02:30:00" {
		t.Errorf("due at %v", next)
	}
}

// What functions get as `now` is os.date("*t") in the job's zone, with epoch.
func TestNowIsInTheJobsZone(t *testing.T) {
	s, out := mustLoad(t, `
		local function show(now)
			print(now.year, now.month, now.day, now.hour, now.min, now.sec, now.wday, now.yday, now.isdst, now.epoch)
		end
		slavedriver:addJob({ name = "a", command = "true", timezone = "America/New_York",
			schedule = function(now) show(now) return true end,
			condition = function(job, now) print(job.name) show(now) return true end,
		})`)
	job, now := s.Plan().Jobs[0], instantAt(t, "2026-07-01T02:03:04Z")
	if due, err := s.Due(context.Background(), job, now); err != nil || !due {
		t.Fatal(due, err)
	}
	if ok, _, err := s.Condition(context.Background(), job, now); err != nil || !ok {
		t.Fatal(ok, err)
	}
	const want = "2026\t6\t30\t22\t3\t4\t3\t181\ttrue\t1782871384\n"
	equal(t, "now", out.String(), want+"a\n"+want)
}

func TestCondition(t *testing.T) {
	for _, c := range []struct {
		body   string
		ok     bool
		reason string
		err    string
	}{
		{`return true`, true, "", ""},
		{`return true, "fine"`, true, "", ""},
		{`return false, "a holiday"`, false, "a holiday", ""},
		{`return nil, "a holiday"`, false, "a holiday", ""},
		{`return false, 5`, false, "5", ""},
		{`return false`, false, "its condition does not hold", ""},
		{`return false, {}`, false, "its condition does not hold", ""},
		{``, false, "its condition returned nothing", ""},
		{`return 1`, false, "", "what the condition returns must be true or false, not 1"},
		{`error("no idea")`, false, "", "no idea"},
		{`while true do end`, false, "", "deadline"},
	} {
		t.Run(c.body, func(t *testing.T) {
			s, _ := mustLoad(t, fmt.Sprintf(`slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", condition = function() %s end })`, c.body))
			ctx := context.Background()
			if c.err == "deadline" {
				late, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				ctx = late
			}
			ok, reason, err := s.Condition(ctx, s.Plan().Jobs[0], time.Now())
			if ok != c.ok || !ok && reason != c.reason || (err == nil) != (c.err == "") {
				t.Errorf("Condition = %v, %q, %v", ok, reason, err)
			}
			if err != nil && c.err != "deadline" && !strings.Contains(err.Error(), c.err) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
