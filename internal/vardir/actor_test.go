package vardir

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Record locks never keep two users of one process apart, so the others in
// these tests are real processes: this test binary again, in the role that
// VARDIR_ROLE names. An actor says on stdout what happens to it.
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv("VARDIR_ROLE"); ok {
		os.Exit(act(role))
	}
	os.Exit(m.Run())
}

// patience bounds every wait of these tests; none of them takes that long.
const patience = 30 * time.Second

func act(role string) int {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	if uid := os.Getenv("VARDIR_UID"); uid == "65534" {
		if err := syscall.Setuid(65534); err != nil {
			panic(err)
		}
	}
	if err := play(role, term); err != nil {
		fmt.Println("error:", err)
		return 3
	}
	return 0
}

func play(role string, term chan os.Signal) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, err := Open(os.Getenv("VARDIR_BASE"), "ns", "/srv/shop/slavedriver.lua")
	if err != nil {
		return err
	}
	switch role {
	case "open":
		return nil
	case "voice":
		voice, err := dir.Voice(ctx, time.Minute)
		if err != nil {
			return err
		}
		say("speaking")
		<-term
		voice.Release()
		say("silent")
		<-ctx.Done()
	case "relief":
		lock, err := openRecordLock(dir.Path("relief.lock"))
		if err != nil {
			return err
		}
		if _, err := lock.try(); err != nil {
			return err
		}
		say("waiting")
		<-ctx.Done()
	default:
		return beOnDuty(ctx, dir, role, term)
	}
	return nil
}

func beOnDuty(ctx context.Context, dir *Dir, role string, term chan os.Signal) error {
	deadline, _ := time.ParseDuration(os.Getenv("VARDIR_DEADLINE"))
	duty, err := dir.GoOnDuty(ctx, shiftOf("/srv/shop/slavedriver.lua", "s1", deadline))
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir.Path("busy"), 0o700); err != nil && role == "alone" {
		return fmt.Errorf("two are on duty: %w", err)
	}
	if role == "garbage" {
		_, _ = unix.Pwrite(duty.lock.fd, []byte("\x00garbage"), 0)
	}
	say("on duty")
	if role == "deaf" {
		signal.Ignore(syscall.SIGTERM)
		<-ctx.Done()
	}
	<-term
	_ = os.Remove(dir.Path("busy"))
	duty.Release()
	say("relieved")
	if role == "lingering" {
		<-ctx.Done()
	}
	return nil
}

func say(line string) { fmt.Println(line) }

func shiftOf(entryFile, slave string, deadline time.Duration) Holder {
	return Holder{PID: os.Getpid(), EntryFile: entryFile, Slave: slave, Since: time.Now(), Deadline: deadline}
}

// actor is another process of a test.
type actor struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Reader
	ended chan struct{}
}

// start starts an actor; it is killed when the test ends.
func start(t *testing.T, base, role string, env ...string) *actor {
	t.Helper()
	return startWith(t, nil, base, role, env...)
}

func startWith(t *testing.T, attr *syscall.SysProcAttr, base, role string, env ...string) *actor {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.SysProcAttr = attr
	cmd.Env = append(append(os.Environ(), "VARDIR_ROLE="+role, "VARDIR_BASE="+base), env...)
	cmd.Stderr = os.Stderr
	r, w, err := os.Pipe()
	must(t, err)
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start an actor: %v", err)
	}
	_ = w.Close()
	a := &actor{t: t, cmd: cmd, lines: bufio.NewReader(r), ended: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(a.ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-a.ended
		_ = r.Close()
	})
	return a
}

// says waits for the actor's next line.
func (a *actor) says(want string) {
	a.t.Helper()
	if line := a.line(); line != want {
		a.t.Fatalf("the actor says %q, not %q", line, want)
	}
}

func (a *actor) line() string {
	line, err := a.lines.ReadString('\n')
	if err != nil && err != io.EOF {
		a.t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (a *actor) signal(sig syscall.Signal) {
	a.t.Helper()
	must(a.t, a.cmd.Process.Signal(sig))
}

// endsBy waits for the actor's end by that signal, or by exiting for 0.
func (a *actor) endsBy(want syscall.Signal) {
	a.t.Helper()
	select {
	case <-a.ended:
	case <-time.After(patience):
		a.t.Fatal("the actor does not end")
	}
	status := a.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if want == 0 && status.ExitStatus() != 0 || want != 0 && (!status.Signaled() || status.Signal() != want) {
		a.t.Errorf("the actor ended with %v", a.cmd.ProcessState)
	}
}

func (a *actor) isAlive() bool {
	select {
	case <-a.ended:
		return false
	default:
		return true
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens the var dir that the actors have too.
func open(t *testing.T, base string) *Dir {
	t.Helper()
	dir, err := Open(base, "ns", "/srv/shop/slavedriver.lua")
	must(t, err)
	return dir
}
