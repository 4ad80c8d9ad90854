package durable

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestMakeFolder(t *testing.T) {
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	if err := errors.Join(
		os.Mkdir(at("folder"), 0o700), os.Symlink(at("folder"), at("link")), os.Symlink(at("nowhere"), at("dangling")),
		os.Symlink("/dev/zero", at("endless")), syscall.Mkfifo(at("fifo"), 0o600), os.WriteFile(at("file"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for name, odd := range map[string]bool{
		"missing": false, "folder": false, "link": false, "dangling": true, "endless": true, "fifo": true, "file": true,
	} {
		if err := MakeFolder(at(name)); errors.Is(err, ErrOdd) != odd || !odd && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := os.Stat(at(name)); err != nil || !info.IsDir() {
			t.Errorf("%s is no folder: %v", name, err)
		}
		if err := MakeFolder(at(name)); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}

func TestAsideUnlessFile(t *testing.T) {
	base := t.TempDir()
	if err := errors.Join(
		os.WriteFile(base+"/file", nil, 0o600), os.Symlink(base+"/file", base+"/link"), os.Mkdir(base+"/folder", 0o700),
	); err != nil {
		t.Fatal(err)
	}
	for name, odd := range map[string]bool{"file": false, "missing": false, "link": true, "folder": true} {
		if err := AsideUnless(base+"/"+name, 0); errors.Is(err, ErrOdd) != odd || !odd && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
