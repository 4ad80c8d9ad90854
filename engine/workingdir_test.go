package engine

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"slavedriver/internal/runfile"
)

func TestWhoMayEnterAFolder(t *testing.T) {
	joe := &runfile.Credential{UID: 1000, GID: 100, Groups: []uint32{4}}
	for _, c := range []struct {
		name string
		mode fs.FileMode
		of   owners
		who  *runfile.Credential
		want bool
	}{
		{"root", 0, owners{1000, 100}, &runfile.Credential{}, false},
		{"its user", 0o700, owners{1000, 0}, joe, false},
		{"its user, whom it is closed to alone", 0o077, owners{1000, 0}, joe, true},
		{"its group", 0o710, owners{0, 100}, joe, false},
		{"a supplementary group", 0o710, owners{0, 4}, joe, false},
		{"its group, which it is closed to alone", 0o707, owners{0, 100}, joe, true},
		{"others", 0o711, owners{0, 0}, joe, false},
		{"others, who may not", 0o750, owners{0, 0}, joe, true},
		{"others, who may list alone", 0o744, owners{0, 0}, joe, true},
	} {
		if got := isClosed(c.mode, c.of, c.who); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if got, want := foldersTo("/srv/shop"), []string{"/", "/srv", "/srv/shop"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestWhyAWorkingDirectoryIsNotEntered(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:              "",
		file:             ": it is not a folder; set another workingDirectory",
		dir + "/nowhere": ": there is no such folder; make it, or set another workingDirectory",
		file + "/x":      ": not a directory",
	} {
		if got := unentered(&Job{WorkingDirectory: path}); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("the rest needs root")
	}
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(closed+"/below", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{dir, filepath.Dir(dir)} { // else these are closed too
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := unentered(&Job{WorkingDirectory: closed + "/below", User: "65534"})
	if !strings.HasPrefix(got, ": permission denied as user ") || !strings.HasSuffix(got, ": "+closed+" has mode 0700; open it to that user (chmod or chown), or set another workingDirectory") {
		t.Errorf("%q", got)
	}
}
