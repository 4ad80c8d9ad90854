//go:build linux

package runfile

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// crashJob counts its starts in a file of its own, and ends only some time
// after its starter is gone.
const crashJob = `echo start >> "$STARTS"; for i in 1 2 3 4; do echo line $i; sleep 0.01; done; echo done; exit 5`

// playRole is what the test binary does as another process: a shift that
// creates and starts a run, and then does nothing until it is killed.
func playRole(role string) {
	switch role {
	case "later":
		laterSteps()
		return
	case "restore":
		restoreLost()
		return
	}
	in := testIntent()
	in.ID = "job-1"
	r, err := Create(os.Getenv("ACTIVE"), in, nil)
	if err == nil {
		err = r.Start(shell(crashJob))
	}
	fmt.Println(err)
	if role == "shift" {
		<-time.After(time.Minute)
	}
}

// laterSteps takes each step that comes after a start, and says for each what
// became of it.
func laterSteps() {
	active := os.Getenv("ACTIVE")
	r, err := Open(filepath.Join(active, "job-1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Intent.KeepOutput = 0
	fmt.Println("stop", r.RequestStop(Stop{Reason: "timeout"}))
	if next, err := Open(r.Dir()); err == nil { // where there was no room for a file, the cursor has it
		stop, err := next.Stopping()
		fmt.Println("stopping", stop != nil && stop.Reason == "timeout", err)
	}
	fmt.Println("told", r.NoteTold(told(1)))
	fmt.Println("kept", r.NoteKept(Kept{Recorded: true}))
	_, err = r.Trim([2]int64{trimStep, 0})
	fmt.Println("trim", err)
	fmt.Println("move", r.MoveTo(filepath.Join(active, "ended")))
	fmt.Println("remove", Remove(r.Dir(), filepath.Join(active, "trash")))
}

// restoreLost makes the status of a run anew that somebody removed.
func restoreLost() {
	r, err := Open(filepath.Join(os.Getenv("ACTIVE"), "job-1"))
	if err == nil {
		err = r.Restore(Look{})
	}
	fmt.Println(err)
}

// place is where the shifts of one crash test work.
type place struct{ active, starts string }

func newPlace(t *testing.T) place {
	t.Helper()
	return place{active: t.TempDir(), starts: filepath.Join(t.TempDir(), "starts")}
}

func (p place) env() []string {
	return append(os.Environ(), "ACTIVE="+p.active, "STARTS="+p.starts)
}

// shift is a process that plays a role.
func (p place) shift(role string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(p.env(), "RUNFILE_TEST_ROLE="+role), env...)
	return cmd
}

// reconcile is what the next shift does with whatever it finds, by the table
// of lock and status.
func (p place) reconcile(t *testing.T) *Run {
	t.Helper()
	if err := Sweep(p.active); err != nil {
		t.Fatal(err)
	}
	r, err := Open(filepath.Join(p.active, "job-1"))
	if err != nil {
		in := testIntent()
		in.ID = "job-1"
		if r, err = Create(p.active, in, nil); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = r.Close() })
	until(t, "an end", func() bool {
		got := look(t, r)
		switch {
		case got.Exited && !got.Held:
			return true
		case got.PID != 0:
			wait(t, r)
		case r.lock >= 0:
			p.start(t, r)
		case !got.Held:
			if mine, err := r.Claim(); err != nil {
				t.Fatal(err)
			} else if mine {
				p.start(t, r)
			}
		}
		return false
	})
	return r
}

func (p place) start(t *testing.T, r *Run) {
	t.Helper()
	l := shell(crashJob)
	l.Env = p.env()
	if err := r.Start(l); err != nil {
		t.Fatal(err)
	}
}

// wholeIn is what there is in a folder of active runs but for the traces of
// those that are there.
func wholeIn(active string) (names []string) {
	entries, _ := os.ReadDir(active)
	for _, e := range entries {
		id, traced := TracedRun(e.Name())
		if _, err := os.Lstat(filepath.Join(active, id)); !traced || err != nil {
			names = append(names, e.Name())
		}
	}
	return names
}

// wantOneRun checks that the job was started once and that all is there.
func (p place) wantOneRun(t *testing.T, r *Run) {
	t.Helper()
	if got, _ := os.ReadFile(p.starts); string(got) != "start\n" {
		t.Errorf("started %d times", strings.Count(string(got), "start"))
	}
	if got := look(t, r); got.Exit != 5 || got.Why != "" || !got.CPUKnown {
		t.Errorf("%+v", got)
	}
	if got := content(t, r, Stdout); got != "line 1\nline 2\nline 3\nline 4\ndone\n" {
		t.Errorf("output %q", got)
	}
	if entries := wholeIn(p.active); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
}

func TestJobOutlivesItsShift(t *testing.T) {
	p := newPlace(t)
	cmd := p.shift("shift")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "a start", func() bool { _, err := os.Stat(p.starts); return err == nil })
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	other := adopt(t, filepath.Join(p.active, "job-1"))
	if got := look(t, other); !got.Held || got.PID == 0 || got.Exited {
		t.Errorf("right after the kill: %+v", got)
	}
	p.wantOneRun(t, p.reconcile(t))
}

func TestKilledAtRandomMomentsStartsOnce(t *testing.T) {
	for range 15 {
		p := newPlace(t)
		cmd := p.shift("shift")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "a beginning", func() bool { entries, _ := os.ReadDir(p.active); return len(entries) > 0 })
		time.Sleep(time.Duration(rand.IntN(5_000)) * time.Microsecond) // the kill's moment is the point
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		p.wantOneRun(t, p.reconcile(t))
	}
}

func TestFullDisk(t *testing.T) {
	needRoot(t)
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	active := filepath.Join(disk, "active")
	if err := os.Mkdir(active, 0o700); err != nil {
		t.Fatal(err)
	}
	in := testIntent()
	r, err := Create(active, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bury(t, r) })
	l := shell("trap 'exit 3' TERM; head -c 1000000 /dev/zero; echo full >&2; while :; do sleep 0.01; done")
	if err := r.Start(l); err != nil {
		t.Fatal(err)
	}
	until(t, "a full disk", func() bool {
		var s unix.Statfs_t
		return unix.Statfs(disk, &s) == nil && s.Bavail == 0
	})

	in.ID += "-more"
	if _, err := Create(active, in, nil); err == nil {
		t.Error("a run was created on a full disk")
	}
	if entries := wholeIn(active); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
	if err := r.NoteTold(told(1)); err != nil {
		t.Error(err)
	}
	if err := r.NoteKept(Kept{Recorded: true}); err != nil {
		t.Error(err)
	}
	if err := r.RequestStop(Stop{Reason: "timeout", Boot: Boottime(), World: CurrentWorld()}); err != nil {
		t.Error(err)
	}
	if err := r.NoteKept(Kept{Flags: 1}); err != nil { // which leaves the stop alone
		t.Error(err)
	}
	next, err := Open(r.Dir()) // as the next shift does
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if s, err := next.Stopping(); s == nil || s.Reason != "timeout" || s.Boot == 0 || err != nil {
		t.Errorf("the next shift does not know of the stop: %+v, %v", s, err)
	}
	if err := r.End(t.Context(), patience); err != nil {
		t.Error(err)
	}
	if got := wait(t, r); !got.Exited || got.Exit != 3 {
		t.Errorf("the exit status was lost: %+v", got)
	}
}
