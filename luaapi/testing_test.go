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
