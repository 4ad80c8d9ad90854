package luaapi

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// stopwatch is real also where time is virtual: that is not looked at in these
// tests, whose Lua comes to an end.
func stopwatch() time.Duration { return 0 }

// runTests runs the cases of test.lua beside an entry file, and says of each
// "name: passed" or its failures.
func runTests(t *testing.T, contents map[string]string) []string {
	t.Helper()
	dir := files(t, contents)
	f, err := LoadTests(context.Background(), "test.lua", TestOptions{
		Getenv: os.Getenv, WorkingDirectory: dir, Stopwatch: stopwatch, Room: t.TempDir(),
	})
	if err != nil {
		return []string{err.Error()}
	}
	defer f.Close()
	var lines []string
	for _, c := range f.Cases {
		r := f.Run(context.Background(), c)
		if len(r.Failures) == 0 {
			lines = append(lines, c.Name+": passed")
		}
		for _, e := range r.Failures {
			lines = append(lines, c.Name+": "+e.Error())
		}
		if testing.Verbose() {
			t.Logf("%s\n%s\n%s", c.Name, strings.Join(r.Story, "\n"), r.Printed)
		}
	}
	return lines
}

const backupFile = `
local slavedriver = require("slavedriver")
local http = require("slavedriver.http")
slavedriver:attach("slavedriver.job.finished.error", function(job, params, event)
  assert(http.post("https://events.pagerduty.com/v2/enqueue", { body = event.run:output() }))
end)
slavedriver:addJob({ name = "Backup", command = "pg_dump shop", schedule = "30 1 * * *", timezone = "Europe/London" })
`

const backupTest = `
local t = require("slavedriver.test")
t.case("a failing backup wakes somebody once", function()
  local w = t.world{ file = "slavedriver.lua", slave = "db1", now = "2026-03-29 00:55", zone = "Europe/London" }
  w:command("Backup"):exits(1):after("5m"):prints("disk full\n")
  w:http("https://events.pagerduty.com/*"):replies(202)
  w:advance("6h")
  t.equal(#w:runs("Backup"), 1)
  t.equal(#w:requests("https://events.pagerduty.com/*"), 1)
  t.match(w:requests()[1].body, "disk full")
end)
`

func TestBackup(t *testing.T) {
	began := time.Now()
	got := runTests(t, map[string]string{"slavedriver.lua": backupFile, "test.lua": backupTest})
	t.Log(time.Since(began))
	if strings.Join(got, "\n") != "a failing backup wakes somebody once: passed" {
		t.Errorf("%q", got)
	}
}

// A minute that is passed over is one in which a shift would have done nothing:
// where a handler wants each shift to work, the same happens.
func TestIdleMinutesArePassedOver(t *testing.T) {
	const entry = `
local slavedriver = require("slavedriver")
slavedriver:addJob({ name = "Nightly", command = "x", schedule = { "30 1 * * *", "10 13 * * 0" }, jitter = "20m", retries = 1 })
slavedriver:addJob({ name = "Once", command = "x", runAtDateTime = "2026-03-29 05:00" })
slavedriver:addJob({ name = "Seconds", command = "x", schedule = "30 15 4 * * * *" })
`
	const tests = `
local t = require("slavedriver.test")
t.case("days", function()
  local w = t.world{ now = "2026-03-29 00:00", zone = "Europe/London" }
  w:command("Nightly"):exits(0, 1, 0):after("3m")
  w:advance("6h")
  w:kill()
  w:advance("2h")
  w:start()
  w:advance("6h")
  print(w:story())
end)
`
	stories := map[bool]string{}
	for _, each := range []bool{false, true} {
		source := entry
		if each {
			source += `slavedriver:attach("slavedriver.started", function() end)`
		}
		dir := files(t, map[string]string{"slavedriver.lua": source, "test.lua": tests})
		f, err := LoadTests(context.Background(), "test.lua", TestOptions{WorkingDirectory: dir, Stopwatch: stopwatch, Room: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		r := f.Run(context.Background(), f.Cases[0])
		f.Close()
		if len(r.Failures) > 0 {
			t.Fatal(r.Failures)
		}
		stories[each] = r.Printed
	}
	if stories[false] != stories[true] || strings.Count(stories[false], "Nightly") < 6 || strings.Count(stories[false], "slavedriver.gap") != 1 {
		t.Errorf("passing over idle minutes:\n%s\nwith a shift in each:\n%s", stories[false], stories[true])
	}
}

// Schedule functions and conditions are asked as in production: by the minute,
// and beside a handler that waits.
func TestFunctionsInAWorld(t *testing.T) {
	got := runTests(t, map[string]string{
		"slavedriver.lua": `
local slavedriver, http = require("slavedriver"), require("slavedriver.http")
slavedriver:addJob({ name = "Quarters", command = "x", schedule = function(now) return now.min % 15 == 0 end })
slavedriver:addJob({ name = "Workdays", command = "x", schedule = "2 * * * *", condition = function(job, now)
  if now.wday == 1 then return false, "it is Sunday" end
  return true
end })
slavedriver:attach("slavedriver.job.started", function(job) http.get("https://slow.example/" .. job.nameSlug) end, { timeout = "1m" })
`,
		"test.lua": `
local t = require("slavedriver.test")
t.case("functions", function()
  local w = t.world{ now = "2026-03-28 23:00" }
  w:http("https://slow.example/*"):replies(200):after("50s")
  w:advance("2h")
  t.equal(#w:runs("Quarters"), 8)
  t.equal(#w:runs("Workdays"), 1)
  t.equal(w:events("slavedriver.job.skipped")[1].params.reason, "it is Sunday")
  t.equal(#w:requests(), 9)
end)
t.case("state and globals of one case are not those of the next", function()
  local w = t.world{ now = "2026-03-28 23:00" }
  t.equal(#w:runs(), 0)
  t.equal(w:now(), os.time({ year = 2026, month = 3, day = 28, hour = 23 }))
end)
`})
	if want := "functions: passed\nstate and globals of one case are not those of the next: passed"; strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
}
