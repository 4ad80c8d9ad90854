package spec

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestExamples runs the examples as the README says, and their jobs with the
// programs that they call made up, each at its time.
func TestExamples(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	fake(t, filepath.Join(dir, "bin", "pg_dump"), "echo dumping; echo no room >&2; exit 3")
	if err := os.Mkdir(filepath.Join(dir, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	out := example(t, dir, "2026-11-23T00:05:02Z")
	wants(t, out, `Got event "slavedriver.started"`, `stdOut > good night`, `stdErr > the disk is full`,
		`"slavedriver.job.finished.error" on job "Say what failed"`, `"slavedriver.job.finished.success" on job "Rotate logs"`)
	out = example(t, dir, "2026-11-23T01:30:02Z") // half past two in Berlin
	wants(t, out, `stdOut > dumping`, "ALERT: Backup failed: exit code 3\nno room\n", `on job "Check the disk"`)
}

// TestExamplesTests runs the tests that the examples have, and says of them that
// they would notice a handler that is gone.
func TestExamplesTests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(binary, "slavedriver"), "test", dir).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wants(t, string(out), "ok  \t"+dir+"/slavedriver_test.lua\t")
	entry := filepath.Join(dir, "slavedriver.lua")
	source, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	without := strings.Replace(string(source), "    alert.wake(job, params, event)\n", "", 1)
	if err := os.WriteFile(entry, []byte(without), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(filepath.Join(binary, "slavedriver"), "test", dir, "--run", "once$").CombinedOutput()
	if err == nil {
		t.Error("the tests pass although nobody is woken")
	}
	wants(t, string(out), "--- FAIL: a failing backup wakes somebody once", "slavedriver_test.lua:26: got 0, want 1", `slavedriver.job.finished.error "Backup"`)
}

// TestExamplesAreAllUsed fails for an example that is not loaded by the others.
func TestExamplesAreAllUsed(t *testing.T) {
	cmd := exec.Command(filepath.Join(binary, "slavedriver"), "list", "--json", "../examples/slavedriver.lua")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"slavedriver.lua": true, "alert.lua": true, "slavedriver_test.lua": true}
	for _, sender := range []string{"slack", "pagerduty", "mail", "healthchecks", "options"} { // TestSenders
		used["senders/"+sender+".lua"] = true
	}
	for line := range strings.Lines(string(out)) {
		var job struct{ Source string }
		if err := json.Unmarshal([]byte(line), &job); err != nil {
			t.Fatal(err)
		}
		_, file, _ := strings.Cut(job.Source, "examples/")
		file, _, _ = strings.Cut(file, ":")
		used[file] = true
	}
	_ = fs.WalkDir(os.DirFS("../examples"), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !used[path] {
			t.Errorf("examples/%s is loaded by no test", path)
		}
		return err
	})
}

func example(t *testing.T, dir, now string) string {
	t.Helper()
	cmd := exec.Command(filepath.Join(binary, "slavedriver"), filepath.Join(dir, "slavedriver.lua"))
	cmd.Env = append(os.Environ(), "SLAVEDRIVER_VAR_DIR="+filepath.Join(dir, "var"), "SLAVEDRIVER_TEST_NOW="+now,
		"SLAVEDRIVER_SLAVE_NAME=test1", "TZ=UTC", "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func wants(t *testing.T, out string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(out, part) {
			t.Errorf("the example did not say %q:\n%s", part, out)
		}
	}
}

// fake makes a program out of a line of shell.
func fake(t *testing.T, path, script string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
