package lastgood

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// disk is the file system, without further questions.
type disk struct{}

func (disk) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (disk) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (disk) IsFile(path string) bool                    { _, err := os.Stat(path); return err == nil }

var noon = time.Date(2026, 11, 23, 12, 0, 2, 500, time.UTC)

// project writes files into a new folder.
func project(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keep makes a copy of some files and folders.
func keep(t testing.TB, to, entry string, now time.Time, paths ...string) {
	t.Helper()
	r := Record(disk{})
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			_, _ = r.ReadDir(path)
		} else {
			_, _ = r.ReadFile(path)
		}
	}
	if err := r.Keep(to, entry, now); err != nil {
		t.Fatal(err)
	}
}

func TestACopyIsWhatWasRead(t *testing.T) {
	odd := "an odd \xff\n\"name\".lua"
	dir := project(t, map[string]string{
		"a.lua": "a\n\nwith empty lines\n", "jobs/b.lua": "", "jobs/deep/c.lua": "\x00\xff", odd: "odd", "never.lua": "never read",
	})
	in := func(name string) string { return filepath.Join(dir, name) }
	to := filepath.Join(t.TempDir(), FileName)
	keep(t, to, in("a.lua"), noon, in("a.lua"), in("jobs"), in("jobs/deep"), in("jobs/b.lua"), in("jobs/deep/c.lua"), in(odd), in("not there"))

	// Whatever becomes of the files.
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	c, err := Open(to, in("a.lua"))
	if err != nil {
		t.Fatal(err)
	}
	if !c.Of().Equal(noon.Truncate(time.Second)) {
		t.Errorf("it is of %v", c.Of())
	}
	for name, want := range map[string]string{"a.lua": "a\n\nwith empty lines\n", "jobs/b.lua": "", "jobs/deep/c.lua": "\x00\xff", odd: "odd"} {
		if got, err := c.ReadFile(in(name)); err != nil || string(got) != want || !c.IsFile(in(name)) {
			t.Errorf("%q holds %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"never.lua", "not there", "jobs"} {
		if _, err := c.ReadFile(in(name)); !errors.Is(err, fs.ErrNotExist) || c.IsFile(in(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	entries, err := c.ReadDir(in("jobs"))
	if err != nil || len(entries) != 2 || entries[0].Name() != "b.lua" || entries[0].IsDir() || !entries[1].IsDir() || entries[1].Type() != fs.ModeDir {
		t.Errorf("jobs holds %v, %v", entries, err)
	}
	if _, err := c.ReadDir(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that was not listed: %v", err)
	}
}

func TestAfterLoadingTheRestIsLive(t *testing.T) {
	dir := project(t, map[string]string{"a.lua": "old"})
	path, late := filepath.Join(dir, "a.lua"), filepath.Join(dir, "late.lua")
	to := filepath.Join(t.TempDir(), FileName)
	keep(t, to, path, noon, path)
	write(t, path, "new")
	write(t, late, "late")
	c, err := Open(to, path)
	if err != nil {
		t.Fatal(err)
	}
	if c.IsFile(late) {
		t.Error("what is not in the copy is there before it is loaded")
	}
	c.Loaded(disk{})
	if got, _ := c.ReadFile(path); string(got) != "old" {
		t.Errorf("what is in the copy is %q", got)
	}
	if got, err := c.ReadFile(late); string(got) != "late" || err != nil || !c.IsFile(late) {
		t.Errorf("what is not in it is %q, %v", got, err)
	}
	if entries, err := c.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestKeepWritesOnlyWhatChanged(t *testing.T) {
	dir := project(t, map[string]string{"a.lua": "one"})
	path := filepath.Join(dir, "a.lua")
	to := filepath.Join(t.TempDir(), FileName)
	keep(t, to, path, noon, path)
	first, _ := os.ReadFile(to)
	keep(t, to, path, noon.Add(time.Hour), path)
	if again, _ := os.ReadFile(to); !bytes.Equal(first, again) {
		t.Error("the same files made another copy")
	}
	if info, err := os.Stat(to); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	write(t, path, "two")
	keep(t, to, path, noon.Add(time.Hour), path)
	if c, err := Open(to, path); err != nil || !c.Of().Equal(noon.Add(time.Hour).Truncate(time.Second)) {
		t.Errorf("another content made no other copy: %v", err)
	}
	if left, _ := filepath.Glob(to + "?*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}

	// What is read later is not part of it, and Keep is done once.
	r := Record(disk{})
	_, _ = r.ReadFile(path)
	for range 2 {
		if err := r.Keep(to, path, noon); err != nil {
			t.Fatal(err)
		}
		_, _ = r.ReadFile(to)
	}
	if c, err := Open(to, path); err != nil || c.IsFile(to) {
		t.Errorf("%v", err)
	}
}

func TestOpenIsSureOfEveryByte(t *testing.T) {
	dir := project(t, map[string]string{"a.lua": "return {}"})
	path := filepath.Join(dir, "a.lua")
	to := filepath.Join(t.TempDir(), FileName)
	if _, err := Open(to, path); !errors.Is(err, ErrNone) {
		t.Errorf("no copy: %v", err)
	}
	keep(t, to, path, noon, path, dir)
	good, _ := os.ReadFile(to)
	check := func(what string, data []byte) {
		write(t, to, string(data))
		if c, err := Open(to, path); err == nil || errors.Is(err, ErrNone) || c != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		check(fmt.Sprintf("byte %d changed", i), bad)
		check(fmt.Sprintf("cut at %d", i), good[:i])
	}
	check("longer", append(bytes.Clone(good), '\n'))
	for _, body := range []string{
		"", "\n\n", "entry x\n\n", "file 5 \"a\"\n\nabcd", "file -1 \"a\"\n\nabcd\n", "file x \"a\"\n\n", "what \"a\"\n\n",
	} {
		check(body, []byte(header([]byte(body), noon)+body))
	}
	write(t, to, string(good))
	if _, err := Open(to, path); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if _, err := Open(to, "/other.lua"); err == nil || !strings.Contains(err.Error(), "another entry file, "+path) {
		t.Errorf("another entry file: %v", err)
	}
}

// BenchmarkKeepUnchanged is what a tick with nothing new pays for 100 job files.
func BenchmarkKeepUnchanged(b *testing.B) {
	files := map[string]string{}
	for i := range 100 {
		files[fmt.Sprintf("jobs/%03d.lua", i)] = strings.Repeat("-- a line of a job file that somebody wrote\n", 20)
	}
	dir := project(b, files)
	to := filepath.Join(b.TempDir(), FileName)
	contents := map[string][]byte{}
	for name := range files {
		contents[filepath.Join(dir, name)], _ = os.ReadFile(filepath.Join(dir, name))
	}
	for b.Loop() {
		r := Record(disk{})
		for path, data := range contents { // the files are read anyway
			r.remember(func(g *generation) { g.files[path] = data })
		}
		if err := r.Keep(to, dir, noon); err != nil {
			b.Fatal(err)
		}
	}
}
