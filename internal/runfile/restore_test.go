//go:build linux

package runfile

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A job takes its folder away while it runs. What is made anew tells the next
// shift of the run, never that it was not started, and its processes can be
// found and ended.
func TestRestoreWhileTheJobRuns(t *testing.T) {
	for name, harm := range map[string]func(dir string) error{
		"folder removed": os.RemoveAll,
		"folder renamed": func(dir string) error { return os.Rename(dir, filepath.Join(filepath.Dir(dir), "elsewhere")) },
		"status removed": func(dir string) error { return os.Remove(filepath.Join(dir, "status")) },
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, shell("echo up; while :; do sleep 0.01; done"))
			untilOutput(t, r, "up")
			if err := r.NoteTold(told(7)); err != nil {
				t.Fatal(err)
			}
			if r.Lost() {
				t.Fatal("nothing is lost yet")
			}
			if err := harm(r.Dir()); err != nil {
				t.Fatal(err)
			}
			if !r.Lost() {
				t.Fatal("it was not noticed")
			}
			if err := r.Restore(Look{}); err != nil || r.Lost() {
				t.Fatal(err)
			}
			next := adopt(t, r.Dir())
			if l := look(t, next); !l.Damaged || l.Held || l.PID != 0 {
				t.Errorf("%+v", l)
			}
			if got, err := next.ReadTold(); err != nil || got != told(7) {
				t.Errorf("what was told is lost: %+v, %v", got, err)
			}
			if n, err := next.Alive(); n == 0 || err != nil {
				t.Errorf("its processes are not found: %v", err)
			}
			end(t, next, 0)
			wait(t, r)
		})
	}
}

func TestRestoreOfARunWhoseEndIsKnown(t *testing.T) {
	r, l := finish(t, shell("exit 3"))
	if err := os.RemoveAll(r.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := r.Restore(l); err != nil {
		t.Fatal(err)
	}
	if got := look(t, adopt(t, r.Dir())); !got.Exited || got.Exit != 3 || got.PID != l.PID {
		t.Errorf("%+v", got)
	}
}

// What stands in the way, and is no folder, is kept beside it.
func TestRestoreWhereSomethingElseIs(t *testing.T) {
	r := start(t, shell("true"))
	wait(t, r)
	if err := os.RemoveAll(r.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Dir(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !r.Lost() {
		t.Error("it was not noticed")
	}
	if err := r.Restore(Look{}); err != nil || r.Lost() {
		t.Error(err)
	}
	if aside, _ := filepath.Glob(r.Dir() + ".odd-*"); len(aside) != 1 {
		t.Errorf("beside it: %v", aside)
	}
}

func TestMissingCursor(t *testing.T) {
	r, _ := finish(t, shell("echo out"))
	_ = os.Remove(filepath.Join(r.Dir(), "cursor"))
	next := adopt(t, r.Dir())
	for range 2 { // until something is noted
		if _, err := next.ReadTold(); err == nil || !strings.Contains(err.Error(), ErrCorrupt.Error()) {
			t.Errorf("the loss was not said: %v", err)
		}
	}
	if err := next.NoteTold(told(1)); err != nil {
		t.Fatal(err)
	}
	if got, err := adopt(t, r.Dir()).ReadTold(); err != nil || got != told(1) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMissingOutput(t *testing.T) {
	r, _ := finish(t, shell("echo out"))
	_ = os.Remove(filepath.Join(r.Dir(), "stdout"))
	p, err := adopt(t, r.Dir()).Read(Stdout, 4, All, nil)
	if err != nil || !p.Truncated || len(p.Data) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	if text, err := adopt(t, r.Dir()).Tail(Stdout, 0, 0); err != nil || text != "" {
		t.Errorf("%q, %v", text, err)
	}
}

// A piece is the same when it is read again, however much came after it.
func TestReadAgain(t *testing.T) {
	r := create(t)
	appendTo(t, r, "whole\nunfinished")
	first := read(t, r, 0, Partial)
	appendTo(t, r, " line\n"+strings.Repeat("more\n", MaxPiece))
	p, err := r.ReadAgain(Stdout, 0, first.Next, nil)
	if err != nil || string(p.Data) != "whole\nunfinished" || p.Next != first.Next || !p.Partial {
		t.Errorf("%q, %+v, %v", p.Data, p, err)
	}
	if err := os.Truncate(filepath.Join(r.Dir(), "stdout"), 0); err != nil {
		t.Fatal(err)
	}
	if p, err = r.ReadAgain(Stdout, 5, first.Next, nil); err != nil || len(p.Data) != 0 || p.Next != 0 {
		t.Errorf("truncated: %q, %+v, %v", p.Data, p, err)
	}
}

// Where neither stop.json nor a note can be written, the request lives on in
// this process.
func TestStopThatCannotBeWritten(t *testing.T) {
	needRoot(t)
	r := start(t, shell("while :; do sleep 0.01; done"))
	r.cursor.close()
	if err := os.RemoveAll(r.Dir()); err != nil {
		t.Fatal(err)
	}
	if err := r.RequestStop(Stop{Reason: "timeout", Boot: Boottime(), World: CurrentWorld()}); err == nil {
		t.Error("it was written nowhere")
	}
	if s, err := r.Stopping(); err != nil || s == nil || s.Reason != "timeout" {
		t.Errorf("%+v, %v", s, err)
	}
	kill(t, r.child.pid, syscall.SIGKILL)
	if err := r.Restore(Look{}); err != nil {
		t.Fatal(err)
	}
}
