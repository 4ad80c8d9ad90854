package vardir

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTrusted(t *testing.T) {
	for _, c := range []struct {
		name    string
		arrange func(t *testing.T, top string) // top/jobs/a.lua is there
		says    string                         // "": trusted
	}{
		{"all ours", func(*testing.T, string) {}, ""},
		{"a file for the group", mode("jobs/a.lua", 0o660), "chmod go-w TOP/jobs/a.lua"},
		{"a file for all", mode("jobs/a.lua", 0o602), "chmod go-w TOP/jobs/a.lua"},
		{"a readable file", mode("jobs/a.lua", 0o644), ""},
		{"its folder", mode("jobs", 0o775), "chmod go-w TOP/jobs"},
		{"a folder above", mode(".", 0o757), "chmod go-w TOP"},
		{"a sticky folder", mode("jobs", os.ModeSticky|0o777), ""},
		{"a sticky file", mode("jobs/a.lua", os.ModeSticky|0o666), "chmod go-w"},
		{"somebody else's file", theirs("jobs/a.lua"), "chown root TOP/jobs/a.lua"},
		{"somebody else's folder", theirs("jobs"), "chown root TOP/jobs"},
		{"a link into an open folder", func(t *testing.T, top string) {
			must(t, os.MkdirAll(top+"/open/x", 0o700))
			move(t, top+"/jobs/a.lua", top+"/open/x/a.lua")
			must(t, os.Symlink("../open/x/a.lua", top+"/jobs/a.lua"))
			must(t, os.Chmod(top+"/open", 0o777))
		}, "chmod go-w TOP/open"},
		{"a link that passes through an open folder", func(t *testing.T, top string) {
			must(t, os.Mkdir(top+"/open", 0o700))
			move(t, top+"/jobs/a.lua", top+"/real.lua")
			must(t, os.Symlink("../real.lua", top+"/open/link.lua"))
			must(t, os.Symlink(top+"/open/link.lua", top+"/jobs/a.lua"))
			must(t, os.Chmod(top+"/open", 0o777))
		}, "chmod go-w TOP/open"},
		{"a link between folders of ours", func(t *testing.T, top string) {
			must(t, os.Mkdir(top+"/release", 0o755))
			move(t, top+"/jobs/a.lua", top+"/release/a.lua")
			must(t, os.Remove(top+"/jobs"))
			must(t, os.Symlink("./release/../release", top+"/jobs"))
		}, ""},
		{"a loop", func(t *testing.T, top string) {
			must(t, os.Remove(top+"/jobs/a.lua"))
			must(t, os.Symlink("a.lua", top+"/jobs/a.lua"))
		}, "symbolic links"},
		{"nothing", func(t *testing.T, top string) { must(t, os.Remove(top+"/jobs/a.lua")) }, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top, err := filepath.EvalSymlinks(t.TempDir())
			must(t, err)
			must(t, os.Mkdir(top+"/jobs", 0o755))
			must(t, os.WriteFile(top+"/jobs/a.lua", nil, 0o600))
			c.arrange(t, top)
			err = Trusted(true)(top + "/jobs/a.lua")
			want := strings.ReplaceAll(c.says, "TOP", top)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("it says: %v", err)
			}
			if err := Trusted(false)(top + "/jobs/a.lua"); err != nil {
				t.Errorf("not as root: %v", err)
			}
		})
	}
}

func TestTrustedTakesRelativePaths(t *testing.T) {
	top := t.TempDir()
	must(t, os.WriteFile(filepath.Join(top, "a.lua"), nil, 0o666))
	must(t, os.Chmod(filepath.Join(top, "a.lua"), 0o666))
	t.Chdir(top)
	if err := Trusted(true)("a.lua"); err == nil || !strings.Contains(err.Error(), "a.lua can be written") {
		t.Error(err)
	}
}

func mode(path string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, top string) { must(t, os.Chmod(filepath.Join(top, path), mode)) }
}

func theirs(path string) func(*testing.T, string) {
	return func(t *testing.T, top string) { giveAway(t, filepath.Join(top, path)) }
}

func move(t *testing.T, from, to string) {
	t.Helper()
	must(t, os.Rename(from, to))
}
