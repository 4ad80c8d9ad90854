//go:build linux

package runfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseStatus(t *testing.T) {
	for _, test := range []struct {
		name, status string
		want         Look
	}{
		{"nothing", "", Look{}},
		{"half a line", "pid 12", Look{}},
		{"pid", "pid 123\n", Look{PID: 123}},
		{"begun", "pid 123\nrun\n", Look{PID: 123, Began: true}},
		{"ended", "pid 123\nrun\n\nexit 5\n", Look{PID: 123, Began: true, Exited: true, Exit: 5}},
		{"half an exit", "pid 123\n\nexit 1", Look{PID: 123}},
		{"tried again", "pid 123\n\nexi\nexit 5\n", Look{PID: 123, Exited: true, Exit: 5}},
		{
			"times", "pid 123\n\nexit 0\n0m0.01s 0m0.02s\n1m2.50s 0m0,25s\n",
			Look{PID: 123, Exited: true, UserCPU: 62500 * time.Millisecond, SystemCPU: 250 * time.Millisecond, CPUKnown: true},
		},
		{"half the times", "pid 123\n\nexit 0\n0m0.01s 0m0.02s\n1m2.5", Look{PID: 123, Exited: true}},
		{"wrong times", "pid 123\n\nexit 0\nx y\n-1s 0s\n", Look{PID: 123, Exited: true}},
		{"why", "pid 123\nwhy no such folder\n\nexit 125\n", Look{PID: 123, Why: "no such folder", Exited: true, Exit: 125}},
		{"exit without pid", "exit 0\n", Look{Damaged: true}},
		{"pid 1", "pid 1\nexit 0\n", Look{Damaged: true}},
		{"negative", "pid -5\npid +7\n", Look{Damaged: true}},
		{"too big", "pid 99999999999999999999\n", Look{Damaged: true}},
		{"no exit status", "pid 5\nexit 256\n", Look{PID: 5}},
		{"the first counts", "pid 5\npid 6\nexit 1\nexit 2\n", Look{PID: 5, Exited: true, Exit: 1}},
		{"rubbish", "\x00\xff\n\n\npid 5\n\x00 exit 1\n", Look{PID: 5}},
	} {
		if got := parseStatus([]byte(test.status)); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

func FuzzParseStatus(f *testing.F) {
	for _, seed := range []string{"", "pid 12\n", "pid 12\nrun\n\nexit 0\n", "pid 12\nwhy x\n\nexit 125\n0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n", "pid 1\nexit 999\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		look := parseStatus(data)
		if look.PID < 0 || look.PID == 1 || look.Exit < 0 || look.Exit > 255 {
			t.Errorf("%+v", look)
		}
		if look.Exited && look.PID == 0 || look.CPUKnown && !look.Exited || look.UserCPU < 0 || look.SystemCPU < 0 {
			t.Errorf("%+v", look)
		}
		if more := parseStatus(slices.Concat(data, []byte("pid 77"))); more != look {
			t.Errorf("a line without an end counts: %+v, %+v", look, more)
		}
	})
}

// The rows of the table of lock and status, each as another shift sees it.

func TestHeldWithoutPidIsBeingStarted(t *testing.T) {
	r := create(t)
	other := adopt(t, r.Dir())
	if got := look(t, other); got != (Look{Held: true, SameWorld: true}) {
		t.Errorf("%+v", got)
	}
	if mine, err := other.Claim(); mine || err != nil {
		t.Errorf("Claim = %v, %v of a run that is being started", mine, err)
	}
}

func TestHeldWithPidRuns(t *testing.T) {
	r := start(t, shell("echo go; sleep 1000"))
	untilOutput(t, r, "go")
	got := look(t, adopt(t, r.Dir()))
	if !got.Held || got.PID != r.child.pid || got.Exited {
		t.Errorf("%+v", got)
	}
}

func TestFreeWithoutPidWasNeverStarted(t *testing.T) {
	r := create(t)
	created := r.Intent.StartedBoot
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	other := adopt(t, r.Dir())
	if got := look(t, other); got != (Look{SameWorld: true}) {
		t.Fatalf("%+v", got)
	}
	if mine, err := other.Claim(); !mine || err != nil {
		t.Fatalf("Claim = %v, %v", mine, err)
	}
	if mine, _ := adopt(t, r.Dir()).Claim(); mine {
		t.Fatal("two have claimed the run")
	}
	other.Intent.Fence = 77
	if err := other.Start(shell("echo once")); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, other); !got.Exited || got.Held || content(t, other, Stdout) != "once\n" {
		t.Errorf("%+v", got)
	}
	in := adopt(t, r.Dir()).Intent
	if in.Fence != 77 || in.StartedBoot <= created || in.World != CurrentWorld() {
		t.Errorf("the intent was not written again: %+v", in)
	}
}

func TestClaimWipesHalfALine(t *testing.T) {
	r := create(t)
	_ = r.Close()
	if err := os.WriteFile(filepath.Join(r.Dir(), "status"), []byte("pid 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := adopt(t, r.Dir())
	if mine, err := other.Claim(); !mine || err != nil {
		t.Fatalf("Claim = %v, %v", mine, err)
	}
	if err := other.Start(shell("exit 3")); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, other); got.Exit != 3 {
		t.Errorf("%+v", got)
	}
}

func TestAnotherWorldIsNotClaimed(t *testing.T) {
	in := testIntent()
	in.World = World{BootID: "another", PIDNamespace: CurrentWorld().PIDNamespace}
	r, err := Create(t.TempDir(), in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	other := adopt(t, r.Dir())
	if got := look(t, other); got != (Look{}) {
		t.Errorf("%+v", got)
	}
	if mine, err := other.Claim(); mine || err != nil {
		t.Errorf("Claim = %v, %v in another world", mine, err)
	}
}

func TestEndedIsNotClaimed(t *testing.T) {
	r, _ := finish(t, shell("exit 7"))
	other := adopt(t, r.Dir())
	if got := look(t, other); !got.Exited || got.Exit != 7 || got.Held || !got.CPUKnown {
		t.Errorf("%+v", got)
	}
	if mine, err := other.Claim(); mine || err != nil {
		t.Errorf("Claim = %v, %v", mine, err)
	}
}

func TestLostWrapperLeavesItsJob(t *testing.T) {
	r := start(t, shell("echo go; exec sleep 1000"))
	untilOutput(t, r, "go")
	other := adopt(t, r.Dir())
	kill(t, r.child.pid, 9)
	wait(t, r)
	got := look(t, other)
	if got.Held || got.PID != r.child.pid || got.Exited {
		t.Errorf("%+v", got)
	}
	if n, err := other.Alive(); n != 1 || err != nil {
		t.Errorf("Alive = %d, %v", n, err)
	}
	end(t, other, 0)
}

func TestLookSaysWhatAnAdoptedRunUsed(t *testing.T) {
	r, mine := finish(t, shell("i=0; while [ $i -lt 80000 ]; do i=$((i+1)); done"))
	other := look(t, adopt(t, r.Dir()))
	if !mine.CPUKnown || mine.UserCPU <= 0 || !other.CPUKnown || other.UserCPU <= 0 {
		t.Errorf("%+v, %+v", mine, other)
	}
	if diff := mine.UserCPU - other.UserCPU; diff.Abs() > mine.UserCPU/2+50*time.Millisecond {
		t.Errorf("the shell says %v, the system %v", other.UserCPU, mine.UserCPU)
	}
}

func TestOpenTellsDamageFromAbsence(t *testing.T) {
	r := create(t)
	_ = r.Close()
	for name, text := range map[string]string{
		"torn": `{"ID":"job-2027`, "empty": "", "another's": `{"ID":"x"}`, "null": "null", "a number": `{"ID":7}`,
	} {
		if err := os.WriteFile(filepath.Join(r.Dir(), "intent.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(r.Dir()); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_ = os.Remove(filepath.Join(r.Dir(), "intent.json"))
	if _, err := Open(r.Dir()); !errors.Is(err, ErrCorrupt) {
		t.Errorf("missing: %v", err)
	}
	_, err := Open(filepath.Join(t.TempDir(), "nothing"))
	if !errors.Is(err, os.ErrNotExist) || errors.Is(err, ErrCorrupt) {
		t.Errorf("no folder: %v", err)
	}
}

func TestForgedPidGivesNoWrongEnd(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate")
	l := shell(`echo go; until [ -e "$GATE" ]; do sleep 0.02; done; exit 4`)
	l.Env = append(l.Env, "GATE="+gate)
	r := start(t, l)
	untilOutput(t, r, "go")
	innocent := start(t, shell("exec sleep 1000"))
	forged := fmt.Sprintf("pid %d\n", innocent.child.pid)
	if err := os.WriteFile(filepath.Join(r.Dir(), "status"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	other := adopt(t, r.Dir())
	done := make(chan error, 1)
	go func() { done <- other.Wait(t.Context()) }()
	end(t, innocent, 0)
	wait(t, innocent)
	select {
	case err := <-done:
		t.Fatalf("Wait = %v while the wrapper lives", err)
	case <-time.After(pollInterval + 50*time.Millisecond):
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := look(t, other); got.Exit != 4 {
		t.Errorf("%+v", got)
	}
}

func TestForgedPidHarmsNobodyElse(t *testing.T) {
	needRoot(t)
	innocent := start(t, shell("echo go; exec sleep 1000"))
	untilOutput(t, innocent, "go")
	nobody := &Credential{UID: 65534, GID: 65534}
	r, err := Create(t.TempDir(), testIntent(), nobody)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bury(t, r) })
	l := shell("echo go; sleep 1000")
	l.Credential = nobody
	if err := r.Start(l); err != nil {
		t.Fatal(err)
	}
	untilOutput(t, r, "go")
	forged := fmt.Sprintf("pid %d\n", innocent.child.pid)
	if err := os.WriteFile(filepath.Join(r.Dir(), "status"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	other := adopt(t, r.Dir())
	end(t, other, 0)
	wait(t, r)
	if n, _ := innocent.Alive(); n != 1 {
		t.Error("an innocent was killed")
	}
}
