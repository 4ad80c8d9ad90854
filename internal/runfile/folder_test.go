//go:build linux

package runfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStartFailsWithoutAProcess(t *testing.T) {
	r := create(t)
	for _, l := range []Launch{{}, {Shell: "x", Args: []string{"x"}}, {Args: []string{"-x"}}} {
		if err := r.Start(l); err == nil {
			t.Errorf("%+v was started", l)
		}
	}
	if err := r.Start(shell(": " + strings.Repeat("x", 1<<20))); !errors.Is(err, syscall.E2BIG) {
		t.Errorf("a command of 1 MiB: %v", err)
	}
	if got := look(t, r); !got.Held || got.PID != 0 {
		t.Errorf("after a failed start: %+v", got)
	}
	if err := r.Start(shell("echo x")); err != nil {
		t.Fatal(err)
	}
	if wait(t, r); content(t, r, Stdout) != "x\n" {
		t.Error("the second try did not run")
	}
	if err := r.Start(shell("echo x")); err == nil {
		t.Error("it was started twice")
	}
}

func TestCreateLeavesNothingOnError(t *testing.T) {
	active := t.TempDir()
	in := testIntent()
	first, err := Create(active, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := Create(active, in, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the same run again: %v", err)
	}
	if entries := wholeIn(active); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	in.ID = "../x"
	if _, err := Create(active, in, nil); err == nil {
		t.Error("a run outside of its folder")
	}
}

func TestSweepMoveRemove(t *testing.T) {
	r, _ := finish(t, shell("echo x"))
	active := filepath.Dir(r.Dir())
	leftover := filepath.Join(active, hidden+"old")
	if err := os.Mkdir(leftover, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Sweep(active); err != nil {
		t.Fatal(err)
	}
	if entries := wholeIn(active); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
	base := t.TempDir()
	if err := r.MoveTo(filepath.Join(base, "ended", "job")); err != nil {
		t.Fatal(err)
	}
	if content(t, r, Stdout) != "x\n" || look(t, r).Exit != 0 {
		t.Error("the run did not move whole")
	}
	for range 2 {
		if err := Remove(r.Dir(), filepath.Join(base, "trash")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(r.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if entries, _ := os.ReadDir(filepath.Join(base, "trash")); len(entries) != 0 {
		t.Errorf("%v", entries)
	}
}

func BenchmarkStartWait(b *testing.B) {
	active := b.TempDir()
	in := testIntent()
	for i := range b.N {
		in.ID = fmt.Sprint("job-", i)
		r, err := Create(active, in, nil)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Start(shell("true")); err != nil {
			b.Fatal(err)
		}
		if look := wait(b, r); !look.Exited || look.Exit != 0 {
			b.Fatalf("%+v", look)
		}
		_ = r.Close()
	}
	reportCPU(b)
}

// BenchmarkPlainShell is what there is to compare with.
func BenchmarkPlainShell(b *testing.B) {
	for range b.N {
		pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "true"}, &syscall.ProcAttr{Env: os.Environ()})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := syscall.Wait4(pid, nil, 0, nil); err != nil {
			b.Fatal(err)
		}
	}
	reportCPU(b)
}

func reportCPU(b *testing.B) {
	b.StopTimer()
	var own, children syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &own)
	_ = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children)
	var total int64
	for _, t := range []syscall.Timeval{own.Utime, own.Stime, children.Utime, children.Stime} {
		total += t.Nano()
	}
	b.ReportMetric(float64(total-cpuBefore)/float64(b.N)/1e3, "cpu-µs/op")
	cpuBefore = total
}

var cpuBefore int64
