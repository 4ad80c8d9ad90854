//go:build linux

package runfile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for what must happen; nothing takes that
// long where all is well.
const patience = 20 * time.Second

// TestMain lets the test binary be other processes too, see crash_test.go.
func TestMain(m *testing.M) {
	if role := os.Getenv("RUNFILE_TEST_ROLE"); role != "" {
		playRole(role)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testIntent is of another run each time.
func testIntent() Intent {
	return Intent{
		ID: fmt.Sprintf("job-20270131T040000-%d-%d", os.Getpid(), runs.Add(1)), Job: "job", Attempt: 1, Token: "token",
		KillGrace: time.Second, KeepOutput: 1 << 20, MaxBacklog: 1 << 30,
	}
}

var runs atomic.Int64

// shell is the launch of a shell command as a shift would.
func shell(command string) Launch {
	return Launch{Shell: command, Env: os.Environ(), Umask: -1}
}

// create makes a run that is not started.
func create(t testing.TB) *Run {
	t.Helper()
	r, err := Create(t.TempDir(), testIntent(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bury(t, r) })
	return r
}

// bury ends what a test left running.
func bury(t testing.TB, r *Run) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if r.child.pid == 0 || r.child.gone { // never started, or over
		_ = r.Close()
		return
	}
	if err := r.End(ctx, 0); err != nil {
		t.Errorf("cannot clean up: %v", err)
	}
	if err := r.Wait(ctx); err != nil {
		t.Errorf("cannot clean up: %v", err)
	}
	_ = r.Close()
}

// start starts a run.
func start(t testing.TB, l Launch) *Run {
	t.Helper()
	r := create(t)
	if err := r.Start(l); err != nil {
		t.Fatal(err)
	}
	return r
}

// finish starts a run and waits for its end.
func finish(t testing.TB, l Launch) (*Run, Look) {
	t.Helper()
	r := start(t, l)
	return r, wait(t, r)
}

func wait(t testing.TB, r *Run) Look {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Wait(ctx); err != nil {
		t.Fatalf("the run did not end: %v", err)
	}
	return look(t, r)
}

func look(t testing.TB, r *Run) Look {
	t.Helper()
	l, err := r.Look()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// until waits for a condition that other processes bring about.
func until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func untilOutput(t testing.TB, r *Run, text string) {
	t.Helper()
	until(t, "output "+text, func() bool { return strings.Contains(content(t, r, Stdout), text) })
}

func content(t testing.TB, r *Run, s Stream) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.Dir(), s.String()))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wantOutput checks a run's end: its exit status and its whole stdout.
func wantOutput(t testing.TB, l Launch, exit int, stdout string) {
	t.Helper()
	r, look := finish(t, l)
	if !look.Exited || look.Exit != exit || look.Held {
		t.Errorf("look = %+v, want exit %d", look, exit)
	}
	if got := content(t, r, Stdout); got != stdout {
		t.Errorf("stdout = %q, want %q (stderr %q)", got, stdout, content(t, r, Stderr))
	}
}

func end(t testing.TB, r *Run, grace time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request := Stop{Reason: "test", At: time.Now(), Boot: Boottime(), World: CurrentWorld()}
	if err := r.RequestStop(request); err != nil {
		t.Fatal(err)
	}
	if err := r.End(ctx, grace); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Alive(); n != 0 || err != nil {
		t.Fatalf("%d processes left, %v", n, err)
	}
}

// adopt opens a run a second time, as a later shift would.
func adopt(t testing.TB, dir string) *Run {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may do this")
	}
}

func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("there is no %s here", name)
	}
}

func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}
