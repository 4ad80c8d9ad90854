package vardir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func ours() Holder { return shiftOf("/srv/shop/slavedriver.lua", "s1", 10*time.Second) }

func TestFirstShiftGoesOnDutyAndSaysWho(t *testing.T) {
	t.Parallel()
	dir := open(t, t.TempDir())
	duty, err := dir.GoOnDuty(t.Context(), ours())
	must(t, err)
	duty.Reap(t.Context()) // nobody was relieved: returns at once
	them, err := readHolder(duty.lock)
	must(t, err)
	if them.EntryFile != "/srv/shop/slavedriver.lua" || them.Slave != "s1" || them.PID != os.Getpid() || them.Deadline != 10*time.Second {
		t.Errorf("duty.lock says %+v", them)
	}
}

func TestNextShiftRelievesTheOneBefore(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "obedient")
	before.says("on duty")
	_, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	before.says("relieved")
	before.endsBy(0)
}

func TestCrashedShiftLeavesTheDutyFree(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "deaf")
	before.says("on duty")
	before.signal(syscall.SIGKILL)
	before.endsBy(syscall.SIGKILL)
	duty, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	if duty.relieved != nil {
		t.Error("somebody was relieved")
	}
}

func TestShiftThatDoesNotGiveUpIsKilled(t *testing.T) {
	t.Parallel()
	for role, signal := range map[string]syscall.Signal{"deaf": 0, "obedient": syscall.SIGSTOP} {
		base := t.TempDir()
		before := start(t, base, role)
		before.says("on duty")
		if signal != 0 {
			before.signal(signal)
		}
		_, err := open(t, base).GoOnDuty(t.Context(), ours())
		must(t, err)
		before.endsBy(syscall.SIGKILL)
	}
}

func TestDamagedRecordDoesNotHinderRelief(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "garbage")
	before.says("on duty")
	_, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	before.says("relieved")
}

func TestOnlyOwnShiftsAreRelieved(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "obedient")
	before.says("on duty")
	dir := open(t, base)
	for _, other := range []Holder{shiftOf("/srv/other.lua", "s1", 0), shiftOf("/srv/shop/slavedriver.lua", "s2", 0)} {
		_, err := dir.GoOnDuty(t.Context(), other)
		if !errors.Is(err, ErrOther) {
			t.Fatalf("%s as %s: %v", other.EntryFile, other.Slave, err)
		}
		for _, name := range []string{"/srv/shop/slavedriver.lua as slave s1", other.EntryFile + " as slave " + other.Slave} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q is not named: %v", name, err)
			}
		}
	}
	if lock, err := openRecordLock(dir.Path("duty.lock")); err != nil || !lock.isHeldBy(before.cmd.Process.Pid) || !before.isAlive() {
		t.Errorf("the other one lost its duty: %v", err)
	}
}

func TestOverrunningHandlerOfRelievedShiftIsReaped(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "lingering", "VARDIR_DEADLINE=-4800ms") // with reapAfter: 200 ms
	before.says("on duty")
	duty, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	before.says("relieved")
	duty.Reap(t.Context())
	before.endsBy(syscall.SIGKILL)
}

func TestReapLeavesTheRestToTheSuccessor(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "lingering", "VARDIR_DEADLINE=1h")
	before.says("on duty")
	duty, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	duty.Reap(ctx)
	if !before.isAlive() {
		t.Error("it was killed long before its deadline")
	}
}

func TestHungRelieverIsKilled(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	hung := start(t, base, "relief")
	hung.says("waiting")
	_, err := open(t, base).GoOnDuty(t.Context(), ours())
	must(t, err)
	hung.endsBy(syscall.SIGKILL)
}

// Each relieves the one before, and a folder that each makes and removes while
// on duty shows that no two ever are at a time.
func TestManyShiftsAtOnceAreOnDutyOneByOne(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	const shifts = 6
	ended := make(chan *actor, shifts)
	for range shifts {
		a := start(t, base, "alone")
		go func() { <-a.ended; ended <- a }()
	}
	for range shifts - 1 {
		select {
		case a := <-ended:
			a.endsBy(0)
			if said := a.line(); said != "on duty" {
				t.Errorf("a shift says %q", said)
			}
		case <-time.After(patience):
			t.Fatal("a shift was not relieved")
		}
	}
}

func TestLockOnAnExchangedFileCountsForNothing(t *testing.T) {
	t.Parallel()
	dir := open(t, t.TempDir())
	old, err := openRecordLock(dir.Path("duty.lock"))
	must(t, err)
	if again, err := openRecordLock(dir.Path("duty.lock")); err != nil || again != old {
		t.Error("the same file was opened twice")
	}
	must(t, os.Remove(dir.Path("duty.lock")))
	duty, err := dir.GoOnDuty(t.Context(), ours())
	must(t, err)
	if duty.lock == old || !duty.lock.isAtPath() || old.isAtPath() {
		t.Error("the duty is on a file that is not there any more")
	}
}

func TestLockFileThatIsALinkIsRefused(t *testing.T) {
	t.Parallel()
	dir := open(t, t.TempDir())
	must(t, os.Symlink(filepath.Join(t.TempDir(), "x"), dir.Path("duty.lock")))
	if _, err := dir.GoOnDuty(t.Context(), ours()); err == nil {
		t.Error("a symbolic link was followed")
	}
}

func TestVoicePassesOn(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "voice")
	before.says("speaking")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	dir := open(t, base)
	if _, err := dir.Voice(ctx, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("two speak at a time, or: %v", err)
	}
	before.signal(syscall.SIGTERM)
	voice, err := dir.Voice(t.Context(), time.Minute)
	must(t, err)
	before.says("silent")
	voice.Release()
	next := start(t, base, "voice")
	next.says("speaking")
}

func TestSpeakerThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	before := start(t, base, "voice")
	before.says("speaking")
	_, err := open(t, base).Voice(t.Context(), 200*time.Millisecond-reapAfter)
	must(t, err)
	before.endsBy(syscall.SIGKILL)
}
