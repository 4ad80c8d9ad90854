package luaapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

const oneJob = `
local slavedriver = require("slavedriver")
local job = slavedriver:addJob({ name = "Backup", command = "true", schedule = "@daily", tags = { "db", "night" }, customData = { critical = true } })
`

func TestHandlersAreCalledInOrder(t *testing.T) {
	s, out := mustLoad(t, oneJob+`
		local function say(word) return function() io.write(word, " ") end end
		slavedriver:attach("slavedriver.job.started", say("first"))
		slavedriver:attach("slavedriver.*", say("second"))
		slavedriver:attach("*started", say("low"), -1)
		slavedriver:attach(slavedriver.EVENT_JOB_STARTED, say("high"), { priority = 10 })
		slavedriver:attach("slavedriver.job.finished.*", say("other"))
		slavedriver:attach("*", say("name"), { job = "Back*" })
		slavedriver:attach("*", say("not"), { job = "Restore" })
		slavedriver:attach("*", say("tag"), { tags = { "x", "db" } })
		slavedriver:attach("*", say("not"), { tags = { "x" } })
		local id = slavedriver:attach("*", say("detached"))
		slavedriver:detach(id)`)
	fire(t, s, started(s))
	equal(t, "called", out.String(), "high first second name tag low ")
	out.Reset()
	fire(t, s, &engine.Event{Name: engine.EventStarted})
	equal(t, "without a job", out.String(), "second low ")
}

func TestWants(t *testing.T) {
	s, _ := mustLoad(t, oneJob+`
		slavedriver:attach("slavedriver.job.output.*", print, { tags = { "db" } })
		slavedriver:attach("slavedriver.started", print)`)
	job := s.Plan().Jobs[0]
	equal(t, "output", s.Wants(engine.EventJobStdout, job), true)
	equal(t, "output of another", s.Wants(engine.EventJobStdout, &engine.Job{Name: "x"}), false)
	equal(t, "started", s.Wants(engine.EventStarted, nil), true)
	equal(t, "finished", s.Wants(engine.EventFinished, nil), false)
}

func TestWantsWhileHandlersAttach(t *testing.T) {
	s, _ := mustLoad(t, oneJob+`slavedriver:attach("*", function() slavedriver:detach(slavedriver:attach("*", print, { job = "x" })) end)`)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 1000 {
			s.Wants(engine.EventJobStarted, s.Plan().Jobs[0])
			s.LongestDeadline()
		}
	})
	for range 100 {
		fire(t, s, started(s))
	}
	wg.Wait()
}

func TestAHandlerSeesEverything(t *testing.T) {
	s, out := mustLoad(t, oneJob+`
		slavedriver:attach("*", function(j, params, event)
			local run = event.run
			print(j == job, j == event.job, j == event:getTarget(), j.customData == job.customData, j.removed)
			print(event.name, event:getName(), event.id, event.time, params == event.params)
			print(params.exitCode, event:getParam("exitCode"), params.signal, params.timedOut, params.reason)
			print(run.id, run.attempt, run.scheduledAt, run.startedAt, run.pid, run.slave, run.fence)
			print(run:output(), run:output({ stream = "stderr", lastLines = 20, maxBytes = "1K" }))
		end)`)
	fire(t, s, &engine.Event{
		Name: engine.EventJobError, ID: "r1/finished", Time: time.Unix(100, 5e8), Job: s.Plan().Jobs[0],
		Params: map[string]any{"exitCode": 5, "timedOut": false, "reason": "why"},
		Run: &engine.RunInfo{ID: "r1", Attempt: 2, ScheduledAt: time.Unix(60, 0), PID: 77, Slave: "db1", Fence: 9,
			Output: func(stream string, lines int, bytes int64) (string, error) {
				return fmt.Sprintf("<%s %d %d>", stream, lines, bytes), nil
			}},
	})
	equal(t, "seen", out.String(), `true	true	true	true	false
slavedriver.job.finished.error	slavedriver.job.finished.error	r1/finished	100	true
5	5	nil	false	why
r1	2	60	nil	77	db1	9
<both 0 65536>	<stderr 20 1024>
`)
}

func TestAJobThatIsGoneIsRebuilt(t *testing.T) {
	s, out := mustLoad(t, oneJob+`slavedriver:attach("*", function(j)
		print(j.name, j.removed, j.customData.critical, j.customData.list[2], j:getCommand()[1], j.schedule, j.timeout, j.runAtDateTime)
		print(pcall(j.setTimeout, j, 5))
	end)`)
	old := &engine.Job{Name: "Old", Slug: "old", Command: engine.Command{Args: []string{"echo"}}, ScheduleText: []string{"@daily"},
		Timeout: time.Minute, CustomData: json.RawMessage(`{"critical":true,"list":[1,2]}`)}
	fire(t, s, &engine.Event{Name: engine.EventJobStarted, Job: old})
	want := "Old\ttrue\ttrue\t2\techo\t@daily\t60\tnil\nfalse\tslavedriver.lua:6: job `Old`: `timeout` cannot be changed any more: the plan is complete\n"
	equal(t, "rebuilt", out.String(), want)
	if old.Removed {
		t.Error("the engine's job was changed")
	}
	out.Reset()
	fire(t, s, &engine.Event{Name: engine.EventJobStarted, Job: &engine.Job{Name: "Once", Slug: "once",
		Command: engine.Command{Args: []string{"x"}}, CustomData: json.RawMessage(`{"list":[]}`), ScheduleText: []string{"2027-01-31T04:00:00Z"}}})
	equal(t, "runAtDateTime", strings.Split(out.String(), "\t")[7], fmt.Sprintln(time.Date(2027, 1, 31, 4, 0, 0, 0, time.UTC).Unix())[:10]+"\nfalse")
}

func TestStopPropagation(t *testing.T) {
	s, out := mustLoad(t, oneJob+`
		slavedriver:attach("*", function(_, _, event) print("one") event:stopPropagation() end)
		slavedriver:attach("*", function() print("two") end)`)
	fire(t, s, started(s))
	equal(t, "called", out.String(), "one\n")
}

func TestFailingHandlers(t *testing.T) {
	for source, want := range map[string]string{
		`error("no such luck")`:                       "slavedriver.lua:5: no such luck",
		`error("no such luck", 0)`:                    "slavedriver.lua:5: no such luck",
		`error({ code = 1 })`:                         "slavedriver.lua:5: threw a table value instead of a message",
		`error({ message = "in a table" })`:           "slavedriver.lua:5: in a table",
		`error()`:                                     "slavedriver.lua:5: bad argument #1 to error (value expected)",
		`local x = nil; x()`:                          "slavedriver.lua:5: attempt to call a non-function object",
		`coroutine.wrap(function() error("c") end)()`: "slavedriver.lua:5: c",
		`event.nmae()`:                                "slavedriver.lua:5: event: unknown field or method `nmae`, did you mean `name`?",
		`event.run:output({ stream = "stdin" })`:      "slavedriver.lua:5: output: the options: `stream` must be \"stdout\", \"stderr\" or \"both\", not \"stdin\"",
		`event.run:output({ lastLines = 1 })`:         "slavedriver.lua:5: the output cannot be read: gone",
		`job.timeout = 5`:                             "slavedriver.lua:5: job `Backup`: `timeout` cannot be changed any more: the plan is complete",
		`slavedriver:addJob({})`:                      "slavedriver.lua:5: `addJob` can only be called while the entry file loads",
		`slavedriver:setNamespace("x")`:               "slavedriver.lua:5: `setNamespace` can only be called while the entry file loads",
		`slavedriver:run()`:                           "slavedriver.lua:5: `run` can only be called while the entry file loads",
		`slavedriver.state:set("x", print)`:           "slavedriver.lua:5: state:set: the value can only be made of strings, finite numbers, booleans and tables",
		`string.rep("xx", 1e9)`:                       "slavedriver.lua:5: string.rep would make a string of 2000000000 bytes; the most is 268435456",
		`os.exit(3)`:                                  "slavedriver.lua:5: os.exit would end slavedriver itself",
		`local function f() return f() + 1 end f()`:   "slavedriver.lua:5: stack overflow",
	} {
		t.Run(source, func(t *testing.T) {
			s, out := mustLoad(t, oneJob+"slavedriver:attach('*', function(job, params, event)\n"+source+"\nend)\nslavedriver:attach('*', function() print('next') end)")
			s.UseState(memory{})
			event := started(s)
			event.Run = &engine.RunInfo{Output: func(string, int, int64) (string, error) { return "", errors.New("gone") }}
			failures := s.Call(context.Background(), event)
			if len(failures) != 1 {
				t.Fatalf("got %v", failures)
			}
			equal(t, "error", failures[0].Err.Error(), want)
			equal(t, "handler", failures[0].Handler, "slavedriver.lua:4")
			equal(t, "overran", failures[0].Overran, false)
			equal(t, "the next handler", out.String(), "next\n")
		})
	}
}

func TestAHandlerIsCutOffAtItsDeadline(t *testing.T) {
	for name, source := range map[string]string{
		"a loop":                      `while true do end`,
		"pcall in a loop":             `while true do pcall(function() while true do end end) end`,
		"an error handler":            `while true do xpcall(function() while true do end end, function() while true do end end) end`,
		"a coroutine of the load":     `while true do coroutine.resume(forever) end`,
		"a coroutine of another call": `forever2 = forever2 or coroutine.wrap(function() coroutine.yield() while true do end end) forever2() forever2()`,
		"a comparison":                `table.sort({ 3, 2, 1 }, function() while true do end end)`,
		"a command":                   `while true do os.execute("sleep 60") end`,
		"a command in the background": `os.execute("sleep 60 & wait")`,
		"a process":                   `io.popen("echo x; sleep 60"):read("*a")`,
		"a process that is written":   `local p = io.popen("sleep 60", "w") while true do p:write(("x"):rep(1000)) end`,
		"the end of a process":        `io.popen("sleep 60", "w"):close()`,
	} {
		t.Run(name, func(t *testing.T) {
			s, out := mustLoad(t, oneJob+`forever = coroutine.create(function() while true do coroutine.yield() end end)
				slavedriver:attach("*", function() `+source+` end, { timeout = 0.05 })
				slavedriver:attach("*", function() print("next") end)`)
			began := time.Now()
			failures := s.Call(context.Background(), started(s))
			if len(failures) != 1 || !failures[0].Overran || failures[0].Err.Error() != "slavedriver.lua:5: did not finish within 0.05 s" {
				t.Errorf("got %v", failures)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			equal(t, "the next handler", out.String(), "next\n")
		})
	}
}

func TestACoroutineLivesOnAfterTheCallThatMadeIt(t *testing.T) {
	s, out := mustLoad(t, oneJob+`
		local co = coroutine.wrap(function(x) while true do x = coroutine.yield(x + 1) end end)
		print(co(1))
		slavedriver:attach("*", function() print(co(5)) end)`)
	fire(t, s, started(s))
	fire(t, s, started(s))
	equal(t, "printed", out.String(), "2\n6\n6\n")
}

func TestHandlersLeftWhenTheShiftEnds(t *testing.T) {
	s, out := mustLoad(t, oneJob+`slavedriver:attach("*", print) slavedriver:attach("*", print)`)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	failures := s.Call(ctx, started(s))
	if len(failures) != 2 || !errors.Is(failures[1].Err, context.Canceled) || failures[0].Overran || out.String() != "" {
		t.Errorf("got %v, printed %q", failures, out)
	}
}

func TestLongestDeadline(t *testing.T) {
	s, _ := mustLoad(t, `slavedriver:attach("*", print, { timeout = 2 })`)
	equal(t, "default", s.LongestDeadline(), 10*time.Second)
	s, _ = mustLoad(t, `slavedriver:attach("*", print, { timeout = "2m" })`)
	equal(t, "longer", s.LongestDeadline(), 2*time.Minute)
	s, _ = mustLoad(t, `
		slavedriver:attach("*", print, { timeout = 20 })
		slavedriver:attach("slavedriver.started", print, { timeout = 30 })
		slavedriver:attach("slavedriver.finished", print, { timeout = 40 })`)
	equal(t, "all of one event", s.LongestDeadline(), time.Minute)
}

func TestConstants(t *testing.T) {
	for _, e := range engine.EventDocs {
		_, out := mustLoad(t, "print(slavedriver."+e.Constant+", slavedriver.EVENT_SLAVEDRIVER_ALL)")
		equal(t, e.Constant, out.String(), e.Name+"\tslavedriver.*\n")
	}
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 3, 29, 14, 5, 0, 0, time.Local)
	for body, want := range map[string]string{
		`return now.hour == 14 and now.min == 5 and now.epoch == ` + fmt.Sprint(now.Unix()): "true <nil>",
		`return now.wday ~= 1 or now.yday ~= 88`:                                            "false <nil>",
		`return nil`:                                                                        "false <nil>",
		`return "yes"`:                                                                      "false slavedriver.lua:1: job `a`: what the schedule function returns must be true or false, not \"yes\"",
		`error("oops")`:                                                                     "false slavedriver.lua:1: oops",
	} {
		s, _ := mustLoad(t, `slavedriver:addJob({ name = "a", command = "true", schedule = function(now) `+body+` end })`)
		due, err := s.Due(context.Background(), s.Plan().Jobs[0], now)
		equal(t, body, fmt.Sprint(due, " ", err), want)
	}
	s, _ := mustLoad(t, oneJob)
	if _, err := s.Due(context.Background(), s.Plan().Jobs[0], now); err == nil {
		t.Error("a job without a schedule function is due")
	}
}

func TestLoggerFunctions(t *testing.T) {
	s, out := mustLoad(t, `slavedriver:setLogger({
		function(level, message, context) print(level, message, context.job, context.exitCode) end,
		function() error("disk full") end })`)
	fields := map[string]any{"job": "Backup", "exitCode": 5}
	s.Log(0, engine.Error, "it failed", fields)
	s.Log(1, engine.Error, "it failed", fields)
	s.Log(1, engine.Error, "it failed", fields)
	s.Log(7, engine.Error, "nobody", fields)
	equal(t, "logged", out.String(), "error\tit failed\tBackup\t5\n"+
		"slavedriver: warning: the logger set at slavedriver.lua:1 failed: slavedriver.lua:3: disk full; its errors go to stderr\n"+
		"slavedriver: error: it failed\nslavedriver: error: it failed\n")
}

func TestJobsThatAreMadeAndForgotten(t *testing.T) {
	s, _ := mustLoad(t, oneJob+"local old = slavedriver.Job(\"Old one\")\nold:setCommand(\"true\"):setSchedule(\"@daily\")")
	if got := strings.Join(s.Plan().Warnings, ";"); !strings.Contains(got, "slavedriver.lua:4: job `Old one` is made here and never added") {
		t.Errorf("warnings: %q", got)
	}
}
