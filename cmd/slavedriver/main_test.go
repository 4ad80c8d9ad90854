package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain is also what the tests below start as a process of its own, in the
// role that SLAVEDRIVER_ROLE names.
func TestMain(m *testing.M) {
	switch os.Getenv("SLAVEDRIVER_ROLE") {
	case "":
		os.Exit(m.Run())
	case "inherited":
		hideInherited()
		flags, err := unix.FcntlInt(3, unix.F_GETFD, 0)
		fmt.Println(flags&unix.FD_CLOEXEC != 0, err)
	case "inherited, one by one":
		hideEach()
		flags, err := unix.FcntlInt(3, unix.F_GETFD, 0)
		fmt.Println(flags&unix.FD_CLOEXEC != 0, err)
	case "closed":
		f, err := os.Open("/")
		fmt.Fprintln(os.Stderr, err == nil && f.Fd() > 2)
	}
}

const valid = `
local slavedriver = require("slavedriver")
slavedriver:setSlaveName("test1")
slavedriver:addJob({ name = "Backup", command = "true", schedule = "0 0 * * *" })
slavedriver:addJob({ name = "Elsewhere", command = "true", schedule = "* * * * *", slaves = { "web*" } })
`

// here makes a folder with these files the current one.
func here(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func call(args ...string) (status int, stdout, stderr string) {
	var out, err bytes.Buffer
	c := &command{stdout: &out, stderr: &err, clock: clock{}}
	status = c.run(args)
	return status, out.String(), err.String()
}

func TestStatusAndWords(t *testing.T) {
	here(t, map[string]string{
		"slavedriver.lua": valid, "broken.lua": "local = 1", "check.lua.txt": "", "crontab": "local = 1",
	})
	for _, c := range []struct {
		args           string
		status         int
		stdout, stderr string // what must be in there; "" is nothing at all
	}{
		{"", 2, "", "error: no entry file is given\n"},
		{"chek slavedriver.lua", 2, "", "hint: did you mean slavedriver check?\n"},
		{"nonsense", 2, "", "error: nonsense is neither a file nor a command\n"},
		{"missing.lua", 2, "", "error: missing.lua"},
		{"slavedriver.lua more", 2, "", "what is more?"},
		{"check slavedriver.lua more", 2, "", "what is more?"},
		{"--slav x slavedriver.lua", 2, "", "hint: did you mean --slave?\n"},
		{"list --jsn slavedriver.lua", 2, "", "hint: did you mean --json?\n"},
		{"list --at noon slavedriver.lua", 2, "", "error: --at belongs to the shift alone (slavedriver FILE), not to slavedriver list\n"},
		{"-x", 2, "", "error: unknown flag -x\n"},
		{"slavedriver.lua --at noon", 2, "", `error: --at "noon" is not a time`},
		{"slavedriver.lua --at", 2, "", "error: flag needs an argument: --at\n"},
		{"broken.lua", 2, "", "error: broken.lua:1: "},
		{"check broken.lua", 2, "", "error: broken.lua:1: "},
		{"crontab", 2, "", "error: crontab:1: "},
		{"slavedriver.lua --var-dir /dev/null/x", 3, "", "error: the var dir /dev/null/x cannot be used: /dev/null is not a folder"},
		{"check slavedriver.lua", 0, "slavedriver.lua is valid: 2 jobs, 1 of them on slave test1\n" +
			"not on slave test1: Elsewhere (only on web*)\n", ""},
		{"check --slave web1 slavedriver.lua", 0, "2 jobs, all of them on slave web1\n", ""},
		{"check --json slavedriver.lua", 0, `"jobs":2,"onSlave":1,"slave":"test1","valid":true`, ""},
		{"list slavedriver.lua --var-dir nowhere", 0, "Backup", "warning: no shift has run by a crontab yet with the var dir "},
		{"list --json slavedriver.lua --var-dir nowhere", 0, `{"name":"Backup",`, "warning: no shift has run by a crontab yet with the var dir "},
		{"check --json broken.lua", 2, `"valid":false`, ""},
		{"simulate slavedriver.lua", 2, "", "error: simulate needs --from and --to\n"},
		{"simulate slavedriver.lua --from 2026-03-28 --to noon", 2, "", `error: --to "noon" is not a time`},
		{"simulate slavedriver.lua --from 2026-03-28 --to 2026-03-29 --json", 0, `{"time":"2026-03-28T00:00:00`, ""},
		{"why slavedriver.lua", 2, "", "error: no job is given\n"},
		{"why slavedriver.lua Backup --var-dir nowhere", 0, `"Backup" was not started for `, ""},
		{"why slavedriver.lua Backup now", 2, "", `error: TIME "now" is not a time`},
		{"why slavedriver.lua Nightly backup", 2, "", "a JOB of several words needs quotes\n"},
		{"why slavedriver.lua Bakcup 2026-03-28", 2, "", "hint: did you mean \"Backup\"?\n"},
		{"why slavedriver.lua backup 2199-03-28 11:59 --var-dir nowhere", 0, `"Backup" is not due at 2199-03-28 11:59`, ""},
		{"version", 0, "slavedriver ", ""},
		{"version --json", 0, `"version":"`, ""},
		{"version 2", 2, "", "what is 2?"},
		{"--version", 0, "slavedriver ", ""},
		{"--help", 0, "Exit status:", ""},
		{"help", 0, "Exit status:", ""},
		{"help list", 0, "slavedriver list FILE", ""},
		{"help lst", 2, "", "hint: did you mean slavedriver help list?\n"},
		{"help init", 0, "slavedriver init [DIR]", ""},
		{"help types", 0, "--output FILE", ""},
		{"types", 0, "---@meta slavedriver\n", ""},
		{"type", 2, "", "hint: did you mean slavedriver types?\n"},
		{"check --strict slavedriver.lua", 2, "", "error: --strict belongs to the shift alone (slavedriver FILE), not to slavedriver check\n"},
		{"completion bash", 0, "__start_slavedriver", ""},
		{"completion zsh", 0, "#compdef slavedriver", ""},
		{"completion fish", 0, "complete -c slavedriver", ""},
		{"completion tcsh", 2, "", "hint: one of bash, zsh, fish\n"},
		{"completion", 2, "", "error: completion needs the name of one shell\n"},
		{"__complete list ''", 0, ":8\n", "ShellCompDirectiveFilterFileExt"},
		{"__complete init ''", 0, ":16\n", "ShellCompDirectiveFilterDirs"},
		{"__complete types ''", 0, ":4\n", "ShellCompDirectiveNoFileComp"},
	} {
		status, stdout, stderr := call(strings.Fields(c.args)...)
		if status != c.status || !says(stdout, c.stdout) || !says(stderr, c.stderr) {
			t.Errorf("slavedriver %s: status %d\nstdout: %s\nstderr: %s", c.args, status, stdout, stderr)
		}
		if strings.Contains(c.args, "__complete") {
			continue // cobra's own debugging line
		}
		for line := range strings.Lines(stderr) {
			if !regexp.MustCompile("^slavedriver: (error|warning|hint): ").MatchString(line) {
				t.Errorf("slavedriver %s complains in its own way: %q", c.args, line)
			}
		}
	}
}

func says(text, want string) bool {
	return want == "" && text == "" || want != "" && strings.Contains(text, want)
}

func TestInheritedDescriptorsDoNotReachJobs(t *testing.T) {
	for _, role := range []string{"inherited", "inherited, one by one"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "SLAVEDRIVER_ROLE="+role)
		cmd.ExtraFiles = []*os.File{os.Stderr}
		if out, err := cmd.Output(); err != nil || string(out) != "true <nil>\n" {
			t.Errorf("%s: %q, %v", role, out, err)
		}
	}
}

// Otherwise the first file that is opened would get what jobs print.
func TestClosedDescriptorsAreTaken(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", `exec "$0" <&- >&-`, os.Args[0])
	cmd.Env = append(os.Environ(), "SLAVEDRIVER_ROLE=closed")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.String() != "true\n" {
		t.Errorf("%q, %v", stderr.String(), err)
	}
}

func TestAShiftGoesOnUntilItIsRelieved(t *testing.T) {
	ctx := untilRelieved(t.Context())
	_ = syscall.Kill(os.Getpid(), syscall.SIGPIPE)
	if ctx.Err() != nil {
		t.Fatal("it was over before it began")
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("SIGTERM is not heard")
	}
}
