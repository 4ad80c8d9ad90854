package durable

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What a job left under the name of the temporary file neither keeps a file
// from being written, nor hangs the writer, nor leads it elsewhere.
func TestWriteFilePutsAsideWhatIsInItsWay(t *testing.T) {
	t.Run("WriteFile", func(t *testing.T) {
		putsAside(t, func(path string, data []byte) error { return WriteFile(path, data, "test") })
	})
	t.Run("Replace", func(t *testing.T) { putsAside(t, Replace) })
}

func putsAside(t *testing.T, write func(path string, data []byte) error) {
	data := bytes.Repeat([]byte("data"), 1<<20) // more than any FIFO takes
	for name, odd := range map[string]func(path string) error{
		"a FIFO":                 func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a FIFO that is read":    readFIFO,
		"an empty folder":        func(path string) error { return os.Mkdir(path, 0o700) },
		"a folder":               func(path string) error { return os.MkdirAll(path+"/x", 0o700) },
		"a link":                 func(path string) error { return os.Symlink("other", path) },
		"a link to nothing":      func(path string) error { return os.Symlink("nowhere", path) },
		"a link to no end":       func(path string) error { return os.Symlink("/dev/zero", path) },
		"a link to another file": func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "other"), path) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "file")
			if err := errors.Join(os.WriteFile(filepath.Join(dir, "other"), []byte("kept"), 0o600), odd(path+".new")); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(write(path, data), write(path, data)); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "other")); string(got) != "kept" || err != nil {
				t.Errorf("another file was written: %d bytes, %v", len(got), err)
			}
			wantNames(t, dir, "file", "file.new.odd-", "other")
		})
	}
}

// readFIFO makes a FIFO that somebody has open, who reads nothing.
func readFIFO(path string) error {
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		return err
	}
	_, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0) // until the tests end
	return err
}

func TestWriteFileTakesOverWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path+".new", []byte("longer than what is written"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("data"), "test"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "data" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	wantNames(t, dir, "file")
}

func TestWriteFileThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.MkdirAll(path+"/x", 0o700); err != nil { // its own name is put aside by who reads it
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("data"), "test"); err == nil {
		t.Error("it replaced a folder")
	}
	wantNames(t, dir, "file")
}

// wantNames checks what is in a folder; a name that ends in a dash may go on.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(want) {
		t.Fatalf("%v, %v; want %q", entries, err, want)
	}
	for i, entry := range entries {
		goesOn := strings.HasSuffix(want[i], "-") && strings.HasPrefix(entry.Name(), want[i])
		if entry.Name() != want[i] && !goesOn {
			t.Errorf("%s, want %s", entry.Name(), want[i])
		}
	}
}
