//go:build linux && faultpoints

package runfile

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var startSteps = []string{
	"runfile.create.mkdir", "runfile.create.intent", "runfile.create.status", "runfile.create.output",
	"runfile.create.cursor", "runfile.create.rename", "runfile.start.fork",
}

func TestKilledAtEachStepStartsOnce(t *testing.T) {
	for _, step := range append(startSteps, "runfile.created", "runfile.started") {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			err := p.shift("shift", "SLAVEDRIVER_FAULT="+step+"=kill").Run()
			if _, killed := err.(*exec.ExitError); !killed {
				t.Fatalf("it was not killed: %v", err)
			}
			p.wantOneRun(t, p.reconcile(t))
		})
	}
}

func TestEachStepMayFail(t *testing.T) {
	effects := []string{"ENOSPC", "EMFILE", "EAGAIN"}
	for i, step := range startSteps {
		fault := step + "=" + effects[i%len(effects)]
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			out, err := p.shift("one", "SLAVEDRIVER_FAULT="+fault).CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) == "<nil>" {
				t.Fatalf("%v: %s", err, out)
			}
			entries, _ := os.ReadDir(p.active)
			if created := step == "runfile.start.fork"; created != (len(entries) == 1) {
				t.Errorf("left over: %v", entries)
			}
			p.wantOneRun(t, p.reconcile(t))
		})
	}
}

// laterFaults maps each durable step behind the start to what fails with it; a
// request to stop does not, as there is room for it in the cursor.
var laterFaults = map[string]string{
	"runfile.stop.write": "", "runfile.stop.rename": "", "runfile.told.write": "told",
	"runfile.kept.write": "kept", "runfile.dropped.write": "trim", "runfile.punch": "trim",
	"runfile.move": "move", "runfile.remove": "remove",
}

// later lets another process take the steps behind a start, on a new run.
func (p place) later(t *testing.T, fault string) string {
	t.Helper()
	in := testIntent()
	in.ID = "job-1"
	r, err := Create(p.active, in, nil)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, r, strings.Repeat("0123456789abcde\n", trimStep/16))
	_ = r.Close()
	out, _ := p.shift("later", "SLAVEDRIVER_FAULT="+fault).CombinedOutput()
	return string(out)
}

func TestLaterStepsMayFail(t *testing.T) {
	for step, what := range laterFaults {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			for line := range strings.Lines(newPlace(t).later(t, step+"=ENOSPC")) {
				name, result, _ := strings.Cut(strings.TrimSpace(line), " ")
				if failed := !strings.HasSuffix(result, "<nil>"); failed != (name == what) || strings.HasPrefix(result, "false") {
					t.Errorf("%s: %s", name, result)
				}
			}
		})
	}
}

func TestKilledAtLaterSteps(t *testing.T) {
	for step := range laterFaults {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.later(t, step+"=kill")
			dir := filepath.Join(p.active, "job-1")
			if step == "runfile.remove" {
				dir = filepath.Join(p.active, "ended", "job-1")
			}
			r := adopt(t, dir)
			if _, err := r.ReadTold(); err != nil {
				t.Error(err)
			}
			if k, err := r.ReadKept(); err != nil || step == "runfile.punch" && k.Dropped[Stdout] != trimStep {
				t.Errorf("%+v, %v", k, err)
			}
			if _, err := r.Stopping(); err != nil {
				t.Error(err)
			}
			if piece := read(t, r, 0, WholeLines); piece.Dropped == 0 && piece.Data[0] != '0' {
				t.Error("a hole was read as output")
			}
		})
	}
}

// A shift that dies, or has no room, while it makes a lost status anew must not
// leave one that says that the run was never started.
func TestARestoreCutShortStartsNothing(t *testing.T) {
	for _, fault := range []string{"write=kill", "write=ENOSPC", "rename=kill", "rename=ENOSPC", "done=kill"} {
		t.Run(fault, func(t *testing.T) {
			p := newPlace(t)
			in := testIntent()
			in.ID = "job-1"
			r, err := Create(p.active, in, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = r.Close() })
			status := filepath.Join(r.Dir(), "status")
			if err := os.Remove(status); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/dev/zero", status); err != nil {
				t.Fatal(err)
			}
			p.shift("restore", "SLAVEDRIVER_FAULT=runfile.restore."+fault).Run()
			next := adopt(t, r.Dir())
			if !next.Lost() && !look(t, next).Damaged {
				t.Error("the next shift would start it again")
			}
			if err := next.Restore(Look{}); err != nil || !look(t, next).Damaged {
				t.Errorf("the next shift could not restore it: %v", err)
			}
		})
	}
}

func TestWorldOverride(t *testing.T) {
	r := create(t)
	t.Setenv("SLAVEDRIVER_TEST_BOOT_ID", "another")
	if look(t, r).SameWorld {
		t.Error("the boot id is not heard")
	}
	t.Setenv("SLAVEDRIVER_TEST_BOOT_ID", "")
	t.Setenv("SLAVEDRIVER_TEST_PID_NAMESPACE", "another")
	if look(t, r).SameWorld {
		t.Error("the PID namespace is not heard")
	}
}
