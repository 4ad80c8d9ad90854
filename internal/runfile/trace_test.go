//go:build linux

package runfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestTraceLastsAsLongAsTheFolder: it comes with the process and goes when the
// run is put away or removed.
func TestTraceLastsAsLongAsTheFolder(t *testing.T) {
	active := t.TempDir()
	in := testIntent()
	r, err := Create(active, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTrace(active, in.ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the start: %v", err)
	}
	if err := r.Start(shell("true")); err != nil {
		t.Fatal(err)
	}
	wait(t, r)
	kept, err := ReadTrace(active, in.ID)
	if err != nil || kept.Mark != r.Intent.Mark || kept.ID != in.ID {
		t.Errorf("%+v, %v", kept, err)
	}
	if err := r.MoveTo(filepath.Join(t.TempDir(), "ended")); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(active); len(entries) != 0 {
		t.Errorf("left over: %v", entries)
	}
}

// TestRemakeAfterItsFolderWasRemoved: the run is lost, and never one that was not
// started; its processes are found as long as they live.
func TestRemakeAfterItsFolderWasRemoved(t *testing.T) {
	r := start(t, shell("sleep 60"))
	active, in := filepath.Dir(r.Dir()), r.Intent
	if err := os.RemoveAll(r.Dir()); err != nil {
		t.Fatal(err)
	}
	kept, err := ReadTrace(active, in.ID)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Remake(active, kept)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Intent.Mark != in.Mark || again.Intent.StartedBoot != in.StartedBoot || !look(t, again).Damaged {
		t.Errorf("%+v %+v", again.Intent, look(t, again))
	}
	if mine, err := again.Claim(); mine || err != nil {
		t.Errorf("it may be started: %v", err)
	}
	if n, err := again.Alive(); n == 0 || err != nil {
		t.Errorf("%d processes, %v", n, err)
	}
	living, err := Living(map[string]bool{in.Mark: true, "another": true})
	if err != nil || !living[in.Mark] || living["another"] {
		t.Errorf("%v, %v", living, err)
	}
	end(t, again, 0)
	wait(t, r)
}

// TestUselessTraces are none.
func TestUselessTraces(t *testing.T) {
	active := t.TempDir()
	for name, content := range map[string]string{
		"torn": `{"ID":"torn"`, "of another": `{"ID":"run"}`, "of another world": `{"ID":"of another world","World":{"BootID":"x"}}`,
	} {
		if err := os.WriteFile(tracePath(active, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTrace(active, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Symlink("/dev/zero", tracePath(active, "endless")); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadTrace(active, "endless"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	Forget(active, "endless")
	if _, err := os.Lstat(tracePath(active, "endless")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
