// Package spec is the executable specification: each .txtar script runs the
// real binary as an operator would, and reads as documentation of one behaviour.
package spec

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is the folder with the slavedriver that the scripts run: the product,
// plus the fault points that a test may ask for in the environment.
var binary string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "slavedriver-spec-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-tags", "faultpoints", "-o", filepath.Join(dir, "slavedriver")}
	if raceEnabled {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "slavedriver/cmd/slavedriver")...)
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build slavedriver: %v\n%s", err, out)
		return 1
	}
	// Jobs of other users must get at what their jobs name.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	binary = dir
	// The race detector's own wait at the end of each process is a second long.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// Scripts wait more than they work.
	flag.Parse()
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func TestSpec(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 ".",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setup,
		Cmds:                commands,
		Condition:           condition,
	})
}

// setup gives each script a machine of its own, as far as slavedriver can
// tell: a home, a var dir, a slave name and a clock that begins at noon.
func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	env.Setenv("PATH", binary+string(os.PathListSeparator)+os.Getenv("PATH"))
	env.Setenv("HOME", home)
	examples, err := filepath.Abs("../examples")
	if err != nil {
		return err
	}
	env.Setenv("EXAMPLES", examples)
	env.Setenv("VAR", filepath.Join(env.WorkDir, "var"))
	env.Setenv("SLAVEDRIVER_VAR_DIR", filepath.Join(env.WorkDir, "var"))
	env.Setenv("SLAVEDRIVER_SLAVE_NAME", "test1")
	env.Setenv("SLAVEDRIVER_TEST_NOW", noon)
	env.Setenv("TZ", "UTC")
	env.Setenv("PWD", env.WorkDir)
	env.Setenv("LANG", "C.UTF-8")
	env.Setenv("GORACE", os.Getenv("GORACE"))
	env.Values["servers"] = newServers()
	env.Defer(func() { endJobsOf(env.WorkDir) })
	return nil
}

// endJobsOf ends what a script, above all one that failed, left running: all
// that has its folder as $WORK.
func endJobsOf(work string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range environs {
		data, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(data, []byte("\x00WORK="+work+"\x00")) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil && pid > 1 && pid != os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// noon is the time at which each process of a script begins, unless the script
// sets SLAVEDRIVER_TEST_NOW: so that no script runs across a minute's end.
const noon = "2026-11-23T12:00:02Z"
