package luaapi

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/schedule"
)

// optionCase is one value of an option: as it is written, as it is read back,
// and where the engine finds it.
type optionCase struct {
	option, value string
	back          string // as show() of the script writes it; "" : like value
	got           func(*engine.Job) any
	want          any
}

var optionCases = []optionCase{
	{"name", `"A job"`, "", func(j *engine.Job) any { return j.Name }, "A job"},
	{"command", `"echo $HOME"`, "", func(j *engine.Job) any { return j.Command }, engine.Command{Shell: "echo $HOME"}},
	{"command", `{ "echo", "a b" }`, "", func(j *engine.Job) any { return j.Command }, engine.Command{Args: []string{"echo", "a b"}}},
	{"schedule", `"30 2 * * *"`, "", func(j *engine.Job) any { return j.ScheduleText }, []string{"30 2 * * *"}},
	{"schedule", `{ "30 2 * * *", "@hourly" }`, "", func(j *engine.Job) any { return j.ScheduleText }, []string{"30 2 * * *", "@hourly"}},
	{"schedule", `always`, "always", func(j *engine.Job) any { return j.ScheduleFunc && j.Schedule == nil }, true},
	{"runAtDateTime", `1800000000`, "", func(j *engine.Job) any { return j.Schedule.Next(time.Unix(0, 0)).Unix() }, int64(1800000000)},
	{"runAtDateTime", `"2027-01-31 04:00"`, fmt.Sprint(localTime(2027, 1, 31, 4, 0).Unix()),
		func(j *engine.Job) any { return j.Schedule.Next(time.Unix(0, 0)).Equal(localTime(2027, 1, 31, 4, 0)) }, true},
	{"enabled", `false`, "", func(j *engine.Job) any { return j.Enabled }, false},
	{"slaves", `{ "db1", "web*" }`, "", func(j *engine.Job) any { return j.Slaves }, []string{"db1", "web*"}},
	{"timeout", `14`, "", func(j *engine.Job) any { return j.Timeout }, 14 * time.Second},
	{"timeout", `"1h30m"`, "5400", func(j *engine.Job) any { return j.Timeout }, 90 * time.Minute},
	{"timeout", `"1.5s"`, "1.5", func(j *engine.Job) any { return j.Timeout }, 1500 * time.Millisecond},
	{"timeout", `"7d"`, "604800", func(j *engine.Job) any { return j.Timeout }, 7 * 24 * time.Hour},
	{"warnIfNotFinishedAfterSeconds", `11`, "", func(j *engine.Job) any { return j.WarnAfter }, 11 * time.Second},
	{"onOverlap", `"replace"`, "", func(j *engine.Job) any { return j.OnOverlap }, engine.OverlapReplace},
	{"allowRunningIfPreviousStillRunning", `true`, "", func(j *engine.Job) any { return j.OnOverlap }, engine.OverlapAllow},
	{"runOn", `"one"`, "", func(j *engine.Job) any { return j.RunOn }, engine.RunOnOne},
	{"onLockStoreError", `"run"`, "", func(j *engine.Job) any { return j.OnNoStore }, engine.StoreErrorRun},
	{"onLeaseLost", `"stop"`, "", func(j *engine.Job) any { return j.OnLeaseLost }, engine.LeaseLostStop},
	{"timezone", `"Europe/London"`, "", func(j *engine.Job) any { return j.Timezone + "=" + j.Location.String() }, "Europe/London=Europe/London"},
	{"jitter", `"5m"`, "300", func(j *engine.Job) any { return j.Jitter }, 5 * time.Minute},
	{"condition", `always`, "always", func(j *engine.Job) any { return j.Condition }, true},
	{"retries", `3`, "", func(j *engine.Job) any { return j.Retries }, 3},
	{"retryDelay", `"90s"`, "90", func(j *engine.Job) any { return j.RetryDelay }, 90 * time.Second},
	{"retryBackoff", `1.5`, "", func(j *engine.Job) any { return j.RetryBackoff }, 1.5},
	{"catchUp", `"10m"`, "600", func(j *engine.Job) any { return j.CatchUp }, 10 * time.Minute},
	{"catchUp", `0`, "", func(j *engine.Job) any { return j.CatchUp }, time.Duration(0)},
	{"killGrace", `3`, "", func(j *engine.Job) any { return j.KillGrace }, 3 * time.Second},
	{"successCodes", `{ 0, 3 }`, "", func(j *engine.Job) any { return j.SuccessCodes }, []int{0, 3}},
	{"workingDirectory", `"/srv/shop"`, "", func(j *engine.Job) any { return j.WorkingDirectory }, "/srv/shop"},
	{"env", `{ A = "b" }`, "", func(j *engine.Job) any { return j.Env }, map[string]string{"A": "b"}},
	{"shell", `"/bin/bash"`, "", func(j *engine.Job) any { return j.Shell }, "/bin/bash"},
	{"umask", `"027"`, "", func(j *engine.Job) any { return j.Umask }, 0o27},
	{"nice", `10`, "", func(j *engine.Job) any { return j.Nice }, 10},
	{"user", `"www-data"`, "", func(j *engine.Job) any { return j.User }, "www-data"},
	{"group", `"adm"`, "", func(j *engine.Job) any { return j.Group }, "adm"},
	{"limits", `{ openFiles = 1024 }`, "", func(j *engine.Job) any { return j.Limits }, engine.Limits{OpenFiles: 1024}},
	{"limits", `{ addressSpace = "2G" }`, "", func(j *engine.Job) any { return j.Limits.AddressSpace }, int64(2 << 30)},
	{"limits", `{ cpuTime = "1h" }`, "", func(j *engine.Job) any { return j.Limits.CPUTime }, time.Hour},
	{"keepRuns", `5`, "", func(j *engine.Job) any { return j.KeepRuns }, 5},
	{"keepOutput", `"64K"`, "65536", func(j *engine.Job) any { return j.KeepOutput }, int64(64 << 10)},
	{"maxBacklog", `1000`, "", func(j *engine.Job) any { return j.MaxBacklog }, int64(1000)},
	{"description", `"What it does"`, "", func(j *engine.Job) any { return j.Description }, "What it does"},
	{"tags", `{ "shop" }`, "", func(j *engine.Job) any { return j.Tags }, []string{"shop"}},
	{"customData", `{ critical = true }`, "", func(j *engine.Job) any { return string(j.CustomData) }, `{"critical":true}`},
	{"customData", `false`, "", func(j *engine.Job) any { return string(j.CustomData) }, `false`},
}

// What cannot be kept for the time after the entry file is refused, but for
// functions and objects, which are left out.
func TestCustomDataThatCannotBeKept(t *testing.T) {
	for value, want := range map[string]string{
		`0/0`:                 "must not hold NaN: it is kept as JSON, which has no such number",
		`{ a = { 1, -1/0 } }`: "must not hold -Inf: it is kept as JSON, which has no such number",
		`(function() local t = {} t.t = { t } return t end)()`:                       "holds itself",
		`(function() local t = {} for i = 1, 1001 do t = { t } end return t end)()`:  "is nested more than 1000 deep",
		`(function() local t = {} for i = 1, 3e5 do t = { t } end return t end)()`:   "is nested more than 1000 deep",
		`(function() local t = {} for i = 1, 100001 do t[i] = i end return t end)()`: "is too large: it holds more than 100000 values",
	} {
		err := loadError(t, `slavedriver:addJob({ name = "x", command = "true", schedule = "@daily", customData = `+value+` })`)
		equal(t, value, err.Error(), "slavedriver.lua:1: job `x`: `customData` "+want)
	}
	s, _ := mustLoad(t, `local job = slavedriver:addJob({ name = "x", command = "true", schedule = "@daily", customData = { f = print, deep = {} } })
		local t = job.customData.deep
		for i = 1, 998 do t.t = {} t = t.t end`)
	if got := string(s.Plan().Jobs[0].CustomData); !strings.HasPrefix(got, `{"deep":{"t":{`) {
		t.Error(got)
	}
}

func localTime(year int, month time.Month, day, hour, minute int) time.Time {
	return time.Date(year, month, day, hour, minute, 0, 0, time.Local)
}

// prelude defines show, which writes a value as the cases do, and a job that
// is complete but for the option of the case.
const prelude = `
function always() return true end
function show(v)
  if type(v) == "string" then return '"' .. v .. '"' end
  if v == always then return "always" end
  if type(v) ~= "table" then return tostring(v) end
  local out = {}
  for i, item in ipairs(v) do out[i] = show(item) end
  if #out == 0 then for k, item in pairs(v) do out[1] = k .. " = " .. show(item) end end
  return "{ " .. table.concat(out, ", ") .. " }"
end
local job = slavedriver.Job("A job")
slavedriver:setLockStore("redis://localhost"):setNamespace("x")
local function complete(option)
  if option ~= "command" then job.command = "true" end
  if option == "runOn" then job.timezone = "UTC" end
  if option ~= "schedule" and option ~= "runAtDateTime" then job.schedule = "@daily" end
  slavedriver:addJob(job)
end
`

// forms are the ways in which an option is set; OPTION, Option and VALUE are
// replaced.
var forms = map[string]string{
	"setter":   `job:setOption(VALUE) complete("OPTION")`,
	"property": `job.OPTION = VALUE complete("OPTION")`,
	"table":    `local t = { name = "A job" } if "OPTION" == "runOn" then t.timezone = "UTC" end t.OPTION = VALUE job = slavedriver.Job(t) complete("OPTION")`,
	"addJob": `local t = { name = "A job", command = "true", schedule = "@daily" }
		if "OPTION" == "runOn" then t.timezone = "UTC" end
		if "OPTION" == "runAtDateTime" then t.schedule = nil end
		t.OPTION = VALUE job = slavedriver:addJob(t)`,
	"setDefaults":    `slavedriver:setDefaults({ OPTION = VALUE }) complete("OPTION")`,
	"after addJob":   `complete() if "OPTION" == "runOn" then job.timezone = "UTC" end job.schedule = nil if "OPTION" ~= "runAtDateTime" then job.schedule = "@daily" end job.OPTION = VALUE`,
	"over a default": `slavedriver:setDefaults({ description = "x", tags = { "y", "z" }, timeout = 5, enabled = true }) job.OPTION = VALUE complete("OPTION")`,
}

func TestEachOptionInEachForm(t *testing.T) {
	tested := map[string]bool{"nameSlug": true, "removed": true} // can only be read
	for _, c := range optionCases {
		tested[c.option] = true
		for form, template := range forms {
			if c.option == "name" && form != "table" && form != "addJob" {
				continue // the job has its name from the start
			}
			t.Run(c.option+" "+c.value+" by "+form, func(t *testing.T) { testOption(t, c, template) })
		}
	}
	for _, f := range jobOptions().fields {
		if !tested[f.name] {
			t.Errorf("option %s is not tested", f.name)
		}
		if f.doc == "" || f.typ == "" {
			t.Errorf("option %s has no doc or type", f.name)
		}
	}
}

func testOption(t *testing.T, c optionCase, template string) {
	source := prelude + strings.NewReplacer("OPTION", c.option, "Option", capital(c.option), "VALUE", c.value).Replace(template) +
		"\nprint(show(job." + c.option + ")) print(show(job:get" + capital(c.option) + "()))"
	s, out := mustLoad(t, source, func(o *Options) { o.Root = true })
	back := c.back
	if back == "" {
		back = c.value
	}
	equal(t, "read back", out.String(), back+"\n"+back+"\n")
	if got := c.got(s.Plan().Jobs[0]); !reflect.DeepEqual(got, c.want) {
		t.Errorf("the engine gets %v, not %v", got, c.want)
	}
}

func TestDefaultsOfOptions(t *testing.T) {
	s, _ := mustLoad(t, `slavedriver:addJob({ name = "Sleep for a bit!", command = "sleep 10", schedule = "* * * * *" })`)
	j := *s.Plan().Jobs[0]
	j.Schedule = nil
	want := engine.Job{
		Name: "Sleep for a bit!", Slug: "sleep-for-a-bit", Source: "slavedriver.lua:1",
		Command: engine.Command{Shell: "sleep 10"}, ScheduleText: []string{"* * * * *"}, Location: time.Local, Enabled: true,
		CatchUp: -1, RunOn: engine.RunOnEvery, OnOverlap: engine.OverlapSkip, OnNoStore: engine.StoreErrorRetry, OnLeaseLost: engine.LeaseLostContinue,
		RetryDelay: time.Minute, RetryBackoff: 2, KillGrace: 10 * time.Second, SuccessCodes: []int{0}, WorkingDirectory: s.o.WorkingDirectory, Umask: -1,
		KeepRuns: 20, KeepOutput: 1 << 20, MaxBacklog: 1 << 30,
	}
	if !reflect.DeepEqual(j, want) {
		t.Errorf("got  %+v\nwant %+v", j, want)
	}
}

func TestGettersOfAnEmptyJob(t *testing.T) {
	_, out := mustLoad(t, `
		local job = slavedriver.Job("Å")
		print(job.timeout, job.schedule, job.runAtDateTime, job.command, next(job.customData), job.umask, job.catchUp)
		print(job.enabled, job.killGrace, job.keepOutput, job.onOverlap, job.allowRunningIfPreviousStillRunning, job.removed)
		print(job:getNameSlug() == job.nameSlug, #job.tags, #job.slaves, tostring(job))
		job.customData.seen = true
		print(job.customData.seen)`)
	equal(t, "getters", out.String(), "nil\tnil\tnil\tnil\tnil\tnil\tnil\ntrue\t10\t1048576\tskip\tfalse\tfalse\ntrue\t0\t0\tjob: Å\ntrue\n")
}

func TestNilAndFalseUnset(t *testing.T) {
	s, _ := mustLoad(t, `
		local t = { command = "true", schedule = "@daily" }
		local function job(name) t.name = name return slavedriver.Job(t) end
		slavedriver:setDefaults({ timeout = 5, env = { A = "a", B = "b" } })
		slavedriver:addJob(job("default"))
		slavedriver:addJob(job("nil"):setTimeout(9):setTimeout(nil))
		slavedriver:addJob(job("false"):setTimeout(false))
		slavedriver:addJob(job("map"):setEnv({ B = false, C = "c" }))
		slavedriver:addJob(job("other"):setSchedule(nil):setRunAtDateTime(1800000000))
		slavedriver:setDefaults({ timeout = false, env = { C = "c" } })
		slavedriver:addJob(job("unset"))`)
	jobs := s.Plan().Jobs
	for i, want := range []time.Duration{5 * time.Second, 5 * time.Second, 0, 5 * time.Second, 5 * time.Second, 0} {
		equal(t, jobs[i].Name, jobs[i].Timeout, want)
	}
	for i, want := range map[int]map[string]string{
		0: {"A": "a", "B": "b"}, 3: {"A": "a", "C": "c"}, 5: {"A": "a", "B": "b", "C": "c"},
	} {
		if !reflect.DeepEqual(jobs[i].Env, want) {
			t.Errorf("%s: env is %v, not %v", jobs[i].Name, jobs[i].Env, want)
		}
	}
}

func TestDefaultsGiveWayToTheOtherForm(t *testing.T) {
	s, _ := mustLoad(t, `
		slavedriver:setDefaults({ schedule = "@daily", onOverlap = "replace" })
		slavedriver:addJob({ name = "a", command = "true", runAtDateTime = 1800000000 })
		slavedriver:addJob({ name = "b", command = "true", allowRunningIfPreviousStillRunning = false })
		slavedriver:addJob({ name = "c", command = "true" })`)
	jobs := s.Plan().Jobs
	equal(t, "a", jobs[0].ScheduleText[0] == "@daily", false)
	equal(t, "b", jobs[1].OnOverlap, engine.OverlapSkip)
	equal(t, "c", jobs[2].OnOverlap, engine.OverlapReplace)
}

func TestTablesOfJobsAreTheirOwn(t *testing.T) {
	s, out := mustLoad(t, `
		slavedriver:setDefaults({ customData = { level = 1, quiet = true }, tags = { "x" } })
		local a = slavedriver:addJob({ name = "a", command = "true", schedule = "@daily" })
		local own = { quiet = false }
		local b = slavedriver:addJob({ name = "b", command = "true", schedule = "@daily", customData = own })
		a.customData.level = 2
		table.insert(a.tags, "y")
		print(b.customData.level, b.customData.quiet, own.level, #b.tags, a.customData == a:getCustomData())`)
	equal(t, "customData", out.String(), "1\tfalse\tnil\t1\ttrue\n")
	a := s.Plan().Jobs[0]
	if string(a.CustomData) != `{"level":2,"quiet":true}` || !reflect.DeepEqual(a.Tags, []string{"x", "y"}) {
		t.Errorf("what was changed in the tables is lost: %s %v", a.CustomData, a.Tags)
	}
}

func TestCustomDataLeavesOutWhatJSONCannotHold(t *testing.T) {
	for lua, want := range map[string]string{
		`{ f = print, s = "x" }`: `{"s":"x"}`, `{ 1, 2, { 3 } }`: `[1,2,[3]]`, `{ 1, x = 2 }`: `{"1":1,"x":2}`,
		`print`: ``, `(function() local t = {} return { a = t, b = t } end)()`: `{"a":{},"b":{}}`,
	} {
		s, _ := mustLoad(t, `slavedriver:addJob({ name = "a", command = "true", schedule = "@daily", customData = `+lua+` })`)
		equal(t, lua, string(s.Plan().Jobs[0].CustomData), want)
	}
}

func TestSchedules(t *testing.T) {
	s, _ := mustLoad(t, `slavedriver:addJob({ name = "a", command = "true", schedule = { "30 2 * * *", "0 5 * * *" } })`)
	from := localTime(2027, 1, 1, 0, 0)
	instants, _ := schedule.Between(s.Plan().Jobs[0].Schedule, from, from.Add(24*time.Hour), 10)
	if len(instants) != 2 || instants[0].Hour() != 2 || instants[1].Hour() != 5 {
		t.Errorf("a list of expressions is not their union: %v", instants)
	}
}
