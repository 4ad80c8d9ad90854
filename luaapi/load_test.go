package luaapi

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
)

func TestRunEndsTheEntryFile(t *testing.T) {
	for name, source := range map[string]string{
		"plainly":               `slavedriver:run() print("after")`,
		"inside pcall":          `pcall(slavedriver.run, slavedriver) print("after")`,
		"inside pcall in pcall": `pcall(function() pcall(function() slavedriver:run() end) print("after") end) print("after")`,
		"inside xpcall":         `xpcall(function() slavedriver:run() end, function(e) print("after") end) print("after")`,
		"in a function":         `local function f() slavedriver:run() end f() print("after")`,
		"in a coroutine":        `coroutine.resume(coroutine.create(function() slavedriver:run() end)) print("after")`,
		"in a comparison":       `table.sort({ 2, 1, 3 }, function() slavedriver:run() end) print("after")`,
		"not at all":            `local x = 1`,
		"return":                `do return 5 end print("after")`,
	} {
		t.Run(name, func(t *testing.T) {
			_, out := mustLoad(t, source)
			equal(t, "printed", out.String(), "")
		})
	}
}

// Elsewhere it would drop what the entry file has left to do.
func TestRunInAnotherFileIsAnError(t *testing.T) {
	other := "local job = { name = 'B', command = 'true', schedule = '@daily' }\nslavedriver:addJob(job)\nslavedriver:run()"
	deeper := "local function f() coroutine.wrap(function()\n\nslavedriver:run() end)() end\nf()"
	tail := "local function f()\n\nslavedriver:run() end\nreturn f()"
	for name, source := range map[string]string{
		"addAllJobsInDirectory": `slavedriver:addAllJobsInDirectory("jobs")`,
		"require":               `require("jobs.b")`,
		"dofile":                `dofile("jobs/b.lua")`,
		"loadfile":              `loadfile("jobs/b.lua")()`,
	} {
		for kind, content := range map[string]string{"plainly": other, "deeper": deeper, "in a tail call": tail} {
			if kind == "in a tail call" && (name == "require" || name == "loadfile") {
				continue // the file is not on the stack any more
			}
			_, _, err := loadIn(t, files(t, map[string]string{"slavedriver.lua": "\n" + source, "jobs/b.lua": content}))
			var e *Error
			if !errors.As(err, &e) || e.Error() != "jobs/b.lua:3: run() ends the entry file, and can only be called there" || !strings.Contains(e.Hint, "`return job`") {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
	}
	_, out := mustLoad(t, `loadstring("local function f() slavedriver:run() end f()")() print("after")`)
	equal(t, "printed after a chunk of the entry file's own", out.String(), "")
	s, _, err := loadIn(t, files(t, map[string]string{"slavedriver.lua": `require("lib").finish() print("after")`, "lib.lua": `return { finish = function() slavedriver:run() end }`}))
	if err != nil || s == nil {
		t.Errorf("a module's function that the entry file calls: %v", err)
	}
}

func TestAnEntryFileThatNeverReturnsIsCutOff(t *testing.T) {
	for name, source := range map[string]string{
		"a loop":             "local x\nwhile true do end",
		"pcall in a loop":    "local x\nwhile true do pcall(error, 'x') end",
		"a pcall nest":       "local x\nlocal function f() while true do pcall(f) end end while true do pcall(f) end",
		"a coroutine":        "local x\ncoroutine.wrap(function() while true do end end)()",
		"an endless command": "local x\nos.execute('sleep 60')",
		"the slave's name":   "slavedriver:setSlaveName(function()\nwhile true do end end)",
		"an endless popen":   "local x\nio.popen('sleep 60'):read('*a')",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			e := loadError(t, source, func(o *Options) { o.LoadTimeout = 50 * time.Millisecond })
			if e.Line != 2 || e.Message != "did not finish within 0.05 s" {
				t.Errorf("got %v", e)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestAnEntryFileThatCannotBeInterruptedIsLeftBehind(t *testing.T) {
	stuck := make(chan struct{})
	defer close(stuck)
	dir := files(t, map[string]string{"slavedriver.lua": `dofile("stuck.lua")`})
	_, _, err := loadIn(t, dir, func(o *Options) {
		o.LoadTimeout = time.Second // long enough to get there
		o.CheckFile = func(path string) error {
			if filepath.Base(path) == "stuck.lua" {
				<-stuck
			}
			return nil
		}
	})
	equal(t, "error", fmt.Sprint(err), "slavedriver.lua: did not finish within 1 s, inside a function of Lua that cannot be interrupted")
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := files(t, map[string]string{"slavedriver.lua": "while true do end"})
	_, err := Load(ctx, "slavedriver.lua", testOptions(dir, &strings.Builder{}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestThePlanIsWhatTheFileSays(t *testing.T) {
	s, _ := mustLoad(t, `
		slavedriver:setSlaveName("db1"):setNamespace("shop"):setLockStore({ url = "redis://localhost" })
		slavedriver:setMonitoringSleepInterval("5s"):setMaxConcurrentJobs(3):setForwardOutput(true)
		slavedriver:setLogger({ slavedriver.FileLogger{ path = "log/x.log", level = "info" }, slavedriver:StderrLogger{},
			slavedriver.SyslogLogger(), print }, { errorExitCode = "alert" })`)
	p := *s.Plan()
	levels := engine.DefaultLogLevels()
	levels.ErrorExitCode = engine.Alert
	want := engine.Plan{
		EntryFile: filepath.Join(s.o.WorkingDirectory, "slavedriver.lua"), Namespace: "shop", Slave: "db1", Jobs: []*engine.Job{},
		LockStore: engine.LockStore{URL: "redis://localhost"}, LockStoreSource: "slavedriver.lua:2", MonitorInterval: 5 * time.Second, MaxConcurrent: 3, ForwardOutput: true,
		Loggers: []engine.LoggerConfig{
			{Kind: "file", Path: filepath.Join(s.o.WorkingDirectory, "log/x.log"), Format: "text", Level: "info", Source: "slavedriver.lua:4"},
			{Kind: "stderr", Source: "slavedriver.lua:4"}, {Kind: "syslog", Source: "slavedriver.lua:5"}, {Kind: "function"},
		},
		Levels: levels, Files: []string{filepath.Join(s.o.WorkingDirectory, "slavedriver.lua")},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
}

func TestThePlanOfAFileWithoutWords(t *testing.T) {
	s, _ := mustLoad(t, "return")
	p := s.Plan()
	equal(t, "slave", p.Slave, "host")
	equal(t, "interval", p.MonitorInterval, time.Second)
	equal(t, "loggers", fmt.Sprint(p.Loggers), fmt.Sprint([]engine.LoggerConfig{{Kind: "stderr", Level: "error"}}))
	equal(t, "levels", p.Levels, engine.DefaultLogLevels())
}

func TestSlaveName(t *testing.T) {
	env := func(o *Options) {
		o.Getenv = func(name string) string { return map[string]string{"SLAVEDRIVER_SLAVE_NAME": "from-env"}[name] }
	}
	flag := func(o *Options) { o.Slave = "from-flag" }
	for _, c := range []struct {
		source, want string
		change       []func(*Options)
	}{
		{`slavedriver:setSlaveName("file")`, "file", []func(*Options){env}},
		{`slavedriver:setSlaveName(function() return "func" end)`, "func", []func(*Options){env}},
		{`slavedriver:setSlaveName("file") print(slavedriver:getSlaveName())`, "from-flag", []func(*Options){env, flag}},
		{`return`, "from-env", []func(*Options){env}},
		{`return`, "host", nil},
	} {
		s, _ := mustLoad(t, c.source, c.change...)
		equal(t, c.source, s.Plan().Slave, c.want)
	}
}

func TestNoSlaveNameStillTellsWhereToLog(t *testing.T) {
	dir := files(t, map[string]string{"slavedriver.lua": `slavedriver:setLogger(print)`})
	s, _, err := loadIn(t, dir, func(o *Options) { o.Hostname = func() (string, error) { return "", errors.New("none") } })
	var e *Error
	if !errors.Is(err, ErrNoSlaveName) || !errors.As(err, &e) || e.File != "slavedriver.lua" || e.Hint == "" {
		t.Fatalf("got %v", err)
	}
	if s == nil || len(s.Plan().Loggers) != 1 || s.Plan().Loggers[0].Kind != "function" {
		t.Error("the loggers of the file are not known")
	}
}

func TestLockStoreOfTheEnvironment(t *testing.T) {
	env := func(url string) func(*Options) {
		return func(o *Options) {
			o.Getenv = func(name string) string { return map[string]string{"SLAVEDRIVER_LOCK_STORE": url}[name] }
		}
	}
	s, _ := mustLoad(t, `slavedriver:setNamespace("x")`, env("redis://env"))
	equal(t, "from the environment", s.Plan().LockStore.URL, "redis://env")
	s, _ = mustLoad(t, `slavedriver:setLockStore("file")`, env("redis://env"))
	equal(t, "from the file", s.Plan().LockStore.URL, "file")
	e := loadError(t, `return`, env("gopher://env"))
	equal(t, "error", e.Error(), "slavedriver.lua: $SLAVEDRIVER_LOCK_STORE: has a scheme that is not known")
	e = loadError(t, `return`, env("redis://env"))
	if !strings.Contains(e.Message, "needs a namespace") {
		t.Errorf("got %v", e)
	}
}

func TestLockStoreAsATable(t *testing.T) {
	s, _ := mustLoad(t, `slavedriver:setNamespace("x")
slavedriver:setLockStore({
  hosts = { "s1", "s2:26380" }, master = "shop", db = 2, user = "joe", password = "geheim",
  sentinelUser = "ann", sentinelPassword = "auch",
  tls = true, ca = "tls/ca.pem", cert = "/tls/cert.pem", key = "key.pem", serverName = "redis.example.com",
})`)
	dir := filepath.Dir(s.Plan().EntryFile)
	want := engine.LockStore{
		Hosts: []string{"s1", "s2:26380"}, Master: "shop", DB: 2, User: "joe", Password: "geheim",
		SentinelUser: "ann", SentinelPassword: "auch",
		TLS: true, CA: dir + "/tls/ca.pem", Cert: "/tls/cert.pem", Key: dir + "/key.pem", ServerName: "redis.example.com",
	}
	if got := s.Plan().LockStore; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	for source, want := range map[string]engine.LockStore{
		`{ hosts = "db1", cluster = true }`:        {Hosts: []string{"db1"}, Cluster: true},
		`{ socket = "redis.sock" }`:                {Socket: dir + "/redis.sock"},
		`{ folder = "leases" }`:                    {Folder: dir + "/leases"},
		`{ url = "redis://db1", password = "pw" }`: {URL: "redis://db1", Password: "pw"},
	} {
		s, _ := mustLoad(t, `slavedriver:setNamespace("x"); slavedriver:setLockStore(`+source+`)`)
		here := filepath.Dir(s.Plan().EntryFile)
		got := s.Plan().LockStore
		got.Socket, got.Folder = strings.Replace(got.Socket, here, dir, 1), strings.Replace(got.Folder, here, dir, 1)
		if !reflect.DeepEqual(got, want) || !got.Shared() {
			t.Errorf("%s: got %+v", source, got)
		}
	}
}

func TestByteOrderMarkAndInterpreterLine(t *testing.T) {
	for name, start := range map[string]string{"BOM": "\xef\xbb\xbf", "#!": "#!/usr/bin/env slavedriver\n", "both": "\xef\xbb\xbf#!/bin/x\n", "only": "#!/bin/x"} {
		source := start
		if name != "only" {
			source += "slavedriver:setTypo()"
		}
		dir := files(t, map[string]string{"slavedriver.lua": source})
		_, _, err := loadIn(t, dir)
		want := fmt.Sprintf("slavedriver.lua:%d: slavedriver: unknown method `setTypo`", 1+strings.Count(start, "\n"))
		if name == "only" {
			want = "slavedriver.lua: there is nothing in it"
		}
		equal(t, name, fmt.Sprint(err), want)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := files(t, map[string]string{"folder.lua/x": "", "bad.lua": `require("folder")`})
	for path, want := range map[string]string{
		"nowhere.lua": "nowhere.lua: cannot be read: no such file or directory",
		"folder.lua":  "folder.lua: cannot be read: it is a folder",
		"/dev/null":   "/dev/null: cannot be read: it is not a regular file",
	} {
		_, err := Load(context.Background(), path, testOptions(dir, &strings.Builder{}))
		equal(t, path, fmt.Sprint(err), want)
	}
}

func TestEveryFileIsAskedForAndListed(t *testing.T) {
	dir := files(t, map[string]string{
		"slavedriver.lua": `require("lib.x") dofile("lib/y.lua") slavedriver:addAllJobsInDirectory("jobs")`,
		"lib/x.lua":       `return dofile("y.lua")`, "lib/y.lua": "return {}",
		"jobs/a.lua": `return { name = "a", command = "true", schedule = "@daily" }`,
	})
	var asked []string
	s, _, err := loadIn(t, dir, func(o *Options) {
		o.CheckFile = func(path string) error { asked = append(asked, path); return nil }
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"slavedriver.lua", "lib/x.lua", "lib/y.lua", "lib/y.lua", "jobs/a.lua"}
	for i := range want {
		want[i] = filepath.Join(dir, want[i])
	}
	if !reflect.DeepEqual(asked, want) || !reflect.DeepEqual(s.Plan().Files, want) {
		t.Errorf("asked for %v, listed %v, read %v", asked, s.Plan().Files, want)
	}
	_, _, err = loadIn(t, dir, func(o *Options) {
		o.CheckFile = func(path string) error {
			if strings.HasSuffix(path, "a.lua") {
				return errors.New("others can write it")
			}
			return nil
		}
	})
	equal(t, "refused", fmt.Sprint(err), "jobs/a.lua: others can write it")
}

func TestTheEntryFileKeepsItsPath(t *testing.T) {
	dir := files(t, map[string]string{"v1/slavedriver.lua": `require("lib")`, "v1/lib.lua": ""})
	if err := os.Symlink("v1", filepath.Join(dir, "current")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"current/slavedriver.lua", "./current/../current/slavedriver.lua", filepath.Join(dir, "current/slavedriver.lua")} {
		s, err := Load(context.Background(), path, testOptions(dir, &strings.Builder{}))
		if err != nil {
			t.Fatal(err)
		}
		equal(t, path, s.Plan().EntryFile, filepath.Join(dir, "current/slavedriver.lua"))
		s.Close()
	}
}

func TestJobsOfADirectory(t *testing.T) {
	job := func(name string) string {
		return fmt.Sprintf(`{ name = %q, command = "true", schedule = "@daily", workingDirectory = "work" }`, name)
	}
	dir := files(t, map[string]string{
		"slavedriver.lua": `
			slavedriver:setDefaults({ timeout = 5, tags = { "all" } })
			slavedriver:addAllJobsInDirectory("jobs", { tags = { "shop" }, killGrace = 3 })
			slavedriver:addJob(` + job("last") + `)`,
		"jobs/b.lua":           "return " + job("b"),
		"jobs/a/z.lua":         `local Job = require("slavedriver").Job return Job(` + job("a/z") + `)`,
		"jobs/c.lua":           "return { " + job("c1") + ", slavedriver.Job(" + job("c2") + ") }",
		"jobs/_helper.lua":     `error("not a job")`,
		"jobs/_lib/x.lua":      `error("not a job")`,
		"jobs/.#b.lua":         `error("not a job")`,
		"jobs/backup_test.lua": `error("not a job")`,
		"jobs/readme.txt":      `not a job`,
	})
	s, _, err := loadIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, j := range s.Plan().Jobs {
		rel, _ := filepath.Rel(dir, j.WorkingDirectory)
		got = append(got, fmt.Sprintf("%s %s %s %v %v %v", j.Name, j.Source, rel, j.Tags, j.Timeout, j.KillGrace))
	}
	want := []string{
		"a/z jobs/a/z.lua:1 jobs/a/work [shop] 5s 3s", "b jobs/b.lua:1 jobs/work [shop] 5s 3s",
		"c1 jobs/c.lua:1 jobs/work [shop] 5s 3s", "c2 jobs/c.lua:1 jobs/work [shop] 5s 3s",
		"last slavedriver.lua:4 work [all] 5s 10s",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestErrorsInJobFiles(t *testing.T) {
	for source, want := range map[string]string{
		"local x = 1":                     "jobs/a.lua:1: the file returns nothing",
		"return 5":                        "jobs/a.lua:1: what the file returns must be a job, a table of options, or a list of these, not 5",
		"\nreturn {\n  nmae = \"a\" }":    "jobs/a.lua:2: unknown option `nmae`, did you mean `name`?",
		"\nreturn {\n  name = \"a\" }":    "jobs/a.lua:2: job `a` has no command",
		"return { {}, x = 1 }":            "jobs/a.lua:1: what the file returns must be a list of jobs without gaps and names",
		"\nlocal x = nil + 1":             "jobs/a.lua:2: cannot perform add operation between nil and number",
		"x = = 1":                         "jobs/a.lua:1: syntax error near `=`",
		"\nslavedriver.Job('a').timout=1": "jobs/a.lua:2: job: unknown option or method `timout`, did you mean `timeout`?",
		"return {}":                       "jobs/a.lua:1: a job needs a name",
	} {
		dir := files(t, map[string]string{"slavedriver.lua": `slavedriver:addAllJobsInDirectory("jobs")`, "jobs/a.lua": source})
		_, _, err := loadIn(t, dir)
		equal(t, source, fmt.Sprint(err), want)
	}
}

func TestErrorsOfAnAbsoluteEntryFileAreAbsolute(t *testing.T) {
	dir := files(t, map[string]string{"slavedriver.lua": `slavedriver:addAllJobsInDirectory("jobs")`, "jobs/a.lua": "return 5"})
	_, err := Load(context.Background(), filepath.Join(dir, "slavedriver.lua"), testOptions("/", &strings.Builder{}))
	equal(t, "error", strings.HasPrefix(fmt.Sprint(err), filepath.Join(dir, "jobs/a.lua")+":1: what the file"), true)
}

func TestWarnings(t *testing.T) {
	dir := files(t, map[string]string{
		"slavedriver.lua": `slavedriver:addAllJobsInDirectory("jobs") slavedriver:attach("*", print, { job = "Bakcup" })`,
		"jobs/a.lua":      `return { name = "Backup", command = "true", schedule = "@daily" }`, "elsewhere/b.lua": "",
	})
	if err := os.Symlink("../elsewhere", filepath.Join(dir, "jobs/link")); err != nil {
		t.Fatal(err)
	}
	s, _, err := loadIn(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"the link jobs/link is not followed: jobs below it are not found",
		"slavedriver.lua:1: no job matches the filter `Bakcup` of this handler, did you mean `Backup`?",
	}
	if !reflect.DeepEqual(s.Plan().Warnings, want) {
		t.Errorf("got %q", s.Plan().Warnings)
	}
}
