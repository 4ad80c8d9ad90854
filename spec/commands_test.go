package spec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something that must come.
const patience = 20 * time.Second

// commands are what the scripts can say besides testscript's own words.
var commands = map[string]func(*testscript.TestScript, bool, []string){
	"waitfor": waitFor,
	"count":   count,
	"none":    none,
	"gone":    gone,
	"signal":  signal,
	"at":      at,
	"damage":  damage,
	"serve":   serve,
	"unserve": unserve,
}

// waitfor REGEXP FILE: waits until a line of the file matches.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitfor REGEXP FILE")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if data, err := os.ReadFile(ts.MkAbs(args[1])); err == nil && re.Match(data) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	data, _ := os.ReadFile(ts.MkAbs(args[1]))
	ts.Fatalf("%s did not come in %s; the file holds:\n%s", args[0], args[1], data)
}

// count N REGEXP FILE: so many lines of the file match, stdout and stderr too.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: count N REGEXP FILE")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	if got := len(re.FindAllString(ts.ReadFile(args[2]), -1)); got != want {
		ts.Fatalf("%d lines match %s, not %d:\n%s", got, args[1], want, ts.ReadFile(args[2]))
	}
}

// none GLOB...: no such file exists.
func none(ts *testscript.TestScript, neg bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) > 0 != neg {
			ts.Fatalf("%s: found %v", pattern, found)
		}
	}
}

// gone FILE: the process whose number is in the file ends, or has ended.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	pid := pidIn(ts, args)
	deadline := time.Now().Add(patience)
	for alive(pid) != neg {
		if neg || time.Now().After(deadline) {
			ts.Fatalf("process %d: alive is %v", pid, !neg)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func pidIn(ts *testscript.TestScript, args []string) int {
	if len(args) == 0 {
		ts.Fatalf("usage: FILE")
	}
	pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[len(args)-1])))
	ts.Check(err)
	if pid <= 1 {
		ts.Fatalf("%d is no process of ours", pid)
	}
	return pid
}

// alive says whether a process is there and no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return runtime.GOOS != "linux"
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// signal NAME FILE: sends a signal to the process whose number is in the file.
func signal(ts *testscript.TestScript, neg bool, args []string) {
	number := map[string]syscall.Signal{
		"KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM, "STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT,
	}[args[0]]
	ts.Check(syscall.Kill(pidIn(ts, args), number))
}

// at TIME: the clock of the processes that are started from now on begins
// there, as "12:01:02" of the day of the test.
func at(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv("SLAVEDRIVER_TEST_NOW", noon[:11]+args[0]+"Z")
}

// damage FILE: overwrites a file with noise, keeping its length.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	for _, pattern := range args {
		found, err := filepath.Glob(ts.MkAbs(pattern))
		ts.Check(err)
		if len(found) == 0 {
			ts.Fatalf("there is no %s", pattern)
		}
		for _, name := range found {
			info, err := os.Stat(name)
			ts.Check(err)
			noise := []byte(strings.Repeat("\xa5", int(max(8, info.Size()))))
			ts.Check(os.WriteFile(name, noise, 0o600))
		}
	}
}

// condition answers [root], [race] (built with the race detector, and slow) and [has:PROGRAM].
func condition(cond string) (bool, error) {
	switch {
	case cond == "root":
		return os.Geteuid() == 0, nil
	case cond == "race":
		return raceEnabled, nil
	case strings.HasPrefix(cond, "has:"):
		_, err := exec.LookPath(strings.TrimPrefix(cond, "has:"))
		return err == nil, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}
