//go:build linux

package runfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestEndLetsTheJobSayGoodbye(t *testing.T) {
	r := start(t, shell("trap 'echo bye; exit 9' TERM; echo go; while :; do sleep 0.01; done"))
	untilOutput(t, r, "go")
	end(t, r, patience)
	if got := wait(t, r); got.Exit != 9 || content(t, r, Stdout) != "go\nbye\n" {
		t.Errorf("%+v, %q", got, content(t, r, Stdout))
	}
}

func TestEndKillsWhatIgnoresSIGTERM(t *testing.T) {
	r := start(t, shell("trap '' TERM; sleep 1000 & echo go; while :; do sleep 1000; done"))
	untilOutput(t, r, "go")
	begun := time.Now()
	end(t, r, 200*time.Millisecond)
	if d := time.Since(begun); d < 200*time.Millisecond {
		t.Errorf("killed after %v", d)
	}
	if got := wait(t, r); got.Exit != 128+9 {
		t.Errorf("%+v", got)
	}
}

// Each of these leaves the wrapper's reach in a way of its own.
func TestEndFindsEveryProcess(t *testing.T) {
	needProgram(t, "setsid")
	for name, command := range map[string]string{
		"grandchild":           "sh -c 'trap \"\" TERM; sh -c \"echo go; sleep 1000\"; :'",
		"own session":          "setsid sh -c 'trap \"\" TERM; echo go; sleep 1000' & sleep 1000",
		"without environment":  "env -i TEST=$TEST /bin/sh -c 'echo go; /bin/sleep 1000' & sleep 1000",
		"deaf and without it":  "env -i TEST=$TEST /bin/sh -c 'trap \"\" TERM; echo go; while :; do /bin/sleep 0.01; done' & sleep 1000",
		"background":           "(sleep 1000; :) & (sleep 1000; :) & echo go; wait",
		"stopped":              "echo go; sh -c 'kill -STOP $$; sleep 1000'",
		"stops its wrapper":    "kill -STOP $PPID; echo go; sleep 1000",
		"kills its wrapper":    "kill -9 $PPID; echo go; sleep 1000",
		"forks all the time":   "echo go; while :; do sleep 0.001 & done",
		"job is over, not all": "setsid sleep 1000 & echo go; exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := create(t)
			l := shell(command)
			l.Env = append(l.Env, "TEST="+r.Intent.ID) // so that the test finds all of them
			if err := r.Start(l); err != nil {
				t.Fatal(err)
			}
			untilOutput(t, r, "go")
			other := adopt(t, r.Dir()) // as the next shift would do it
			end(t, other, 50*time.Millisecond)
			got := wait(t, r)
			if lost := name == "kills its wrapper"; got.Exited == lost {
				t.Errorf("%+v", got)
			}
			if n := marked(t, r); n != 0 {
				t.Errorf("%d processes are left", n)
			}
		})
	}
}

// marked counts the processes of a run by other means than the product does.
func marked(t *testing.T, r *Run) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		data, _ := os.ReadFile(f)
		if strings.Contains(string(data), r.Intent.ID) {
			n++
		}
	}
	return n
}

func TestEndRightAfterTheStart(t *testing.T) {
	for range 10 {
		r := start(t, shell("sleep 1000"))
		end(t, adopt(t, r.Dir()), patience)
		if got := wait(t, r); got.Exited && got.Exit == 0 {
			t.Fatalf("%+v", got)
		}
	}
}

func TestWrapperOutlivesEverySignal(t *testing.T) {
	command := ""
	for sig := 1; sig <= 64; sig++ {
		switch sig {
		case 9, 19, 32, 33: // cannot be trapped; those of the C library
		default:
			command += fmt.Sprintf("kill -%d $PPID || exit 1\n", sig)
		}
	}
	_, got := finish(t, shell(command+"exit 42"))
	if got.Exit != 42 || !got.Exited {
		t.Errorf("%+v", got)
	}
}

func TestJobHasDefaultSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGALRM, 64} {
		if signal.Ignored(sig) {
			t.Logf("signal %d is not tried: the tests were started with it ignored (nohup, or in the background), as the job is", sig)
			continue
		}
		_, got := finish(t, shell(fmt.Sprintf("sh -c 'kill -%d $$; sleep 1000'", sig)))
		if got.Exit != 128+int(sig) {
			t.Errorf("signal %d: %+v", sig, got)
		}
	}
}

func TestJobMayIgnoreEverySignal(t *testing.T) {
	r := start(t, shell("trap '' HUP INT QUIT PIPE TERM USR1 USR2 ALRM; echo go; while :; do sleep 1000; done"))
	untilOutput(t, r, "go")
	end(t, r, 0)
	if got := wait(t, r); got.Exit != 137 {
		t.Errorf("%+v", got)
	}
}

func TestGraceGoesOnAcrossShifts(t *testing.T) {
	r := start(t, shell("trap 'echo term' TERM; echo go; while :; do sleep 0.02; done"))
	untilOutput(t, r, "go")
	ctx, cancel := context.WithCancel(t.Context())
	const longAgo, left = time.Minute, 600 * time.Millisecond // a grace that begins anew outlasts the test
	begun := Boottime()
	if err := r.RequestStop(Stop{Reason: "timeout", Boot: begun - longAgo, World: CurrentWorld()}); err != nil {
		t.Fatal(err)
	}
	first := make(chan error)
	go func() { first <- r.End(ctx, longAgo+left) }()
	untilOutput(t, r, "term")
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("End = %v", err)
	}
	other := adopt(t, r.Dir())
	end(t, other, longAgo+left) // asks again, for another reason
	if d := Boottime() - begun; d < left {
		t.Errorf("killed after %v", d)
	}
	if got := strings.Count(content(t, r, Stdout), "term"); got != 1 {
		t.Errorf("%d times SIGTERM", got)
	}
	if s, err := other.Stopping(); err != nil || s == nil || s.Reason != "timeout" {
		t.Errorf("%+v, %v: the first request is to stay", s, err)
	}
}

func TestStopping(t *testing.T) {
	r := create(t)
	if s, err := r.Stopping(); s != nil || err != nil {
		t.Errorf("%+v, %v", s, err)
	}
	path := filepath.Join(r.Dir(), "stop.json")
	if err := os.WriteFile(path, []byte(`{"Reas`), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := r.Stopping(); s == nil || s.Reason != "unknown" || err != nil {
		t.Errorf("torn: %+v, %v", s, err)
	}
}

func TestAnotherWorldsProcessesAreNotOurs(t *testing.T) {
	r := start(t, shell("echo go; exec sleep 1000"))
	untilOutput(t, r, "go")
	other := adopt(t, r.Dir())
	other.Intent.World.PIDNamespace = "another"
	end(t, other, 0)
	if n, err := r.Alive(); n != 1 || err != nil {
		t.Errorf("Alive = %d, %v", n, err)
	}
}

func TestWaitObeysItsContext(t *testing.T) {
	r := start(t, shell("echo go; exec sleep 1000"))
	untilOutput(t, r, "go")
	for _, run := range []*Run{r, adopt(t, r.Dir())} {
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			if err := run.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Wait = %v", err)
			}
			cancel()
		}
	}
}

func TestAdoptedWaitIsWokenByTheEnd(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	l := shell("echo go; read x < \"$GATE\"; exit 3")
	l.Env = append(l.Env, "GATE="+gate)
	r := start(t, l)
	untilOutput(t, r, "go")
	other := adopt(t, r.Dir())
	if f := other.adoptedPidfd(); f == nil {
		t.Fatal("no pidfd")
	} else {
		_ = f.Close()
	}
	done := make(chan error, 1)
	go func() { done <- other.Wait(t.Context()) }()
	if err := os.WriteFile(gate, []byte("x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wait(t, r)
	begun := time.Now()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d > pollInterval/2 {
		t.Errorf("woken %v later: by polling", d)
	}
	if got := look(t, other); got.Exit != 3 {
		t.Errorf("%+v", got)
	}
}

func TestWaitPollsWithoutPidfd(t *testing.T) {
	r := start(t, shell("exit 3"))
	r.child.close()
	if got := wait(t, r); got.Exit != 3 || got.Held {
		t.Errorf("%+v", got)
	}
}
