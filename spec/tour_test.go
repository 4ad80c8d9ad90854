package spec

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeTour runs the commands of the README's consoles, after one shift in
// which the backup failed, and compares all that they print.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "examples", "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	fake(t, filepath.Join(dir, "bin", "pg_dump"), "exit 3")
	console := func(now, command string) string {
		cmd := exec.Command("sh", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PWD="+dir, "SLAVEDRIVER_VAR_DIR="+filepath.Join(dir, "var"), "SLAVEDRIVER_TEST_NOW="+now,
			"SLAVEDRIVER_SLAVE_NAME=test1", "TZ=UTC", "PATH="+filepath.Join(dir, "bin")+":"+binary+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	console("2026-03-28T01:30:02Z", "slavedriver examples/slavedriver.lua")
	for _, block := range blocks(readme(t), "console") {
		for _, part := range strings.Split(block, "$ ")[1:] {
			command, want, _ := strings.Cut(part, "\n")
			if got := console("2026-03-28T12:00:02Z", command); timeless(got) != timeless(want) {
				t.Errorf("the README says that %s prints\n%sbut it prints\n%s", command, want, got)
			}
			for line := range strings.Lines(want) {
				if strings.Contains(command, " simulate ") && len(line) > len("\n")+80 {
					t.Errorf("%s: wider than 80 columns: %s", command, line)
				}
			}
		}
	}
}

// timeless leaves out how long a run took, which is not the same each time and
// unknown where the test's clock is ahead of the disk's, and where the var dir is.
func timeless(text string) string {
	text = regexp.MustCompile(` /\S+/ended/`).ReplaceAllString(text, " ended/")
	return regexp.MustCompile(` after [0-9.]+ s\b`).ReplaceAllString(text, "")
}
