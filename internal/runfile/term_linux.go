package runfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// terms is what a hunt knows of the SIGTERMs that it sent. A process that is
// forked between the look and the signal gets none, though its parent does; a
// later look owes it one. What a job starts because of SIGTERM, to clean up,
// must get none: it is owed to nobody who may be that.
type terms struct {
	since  int64 // the clock tick in which the first was about to be sent; 0: none was
	sent   map[process]bool
	heeded bool // somebody got one who need not die of it, and may start others because of it
}

// process is a process for as long as the machine is up: a number is not used
// twice within a tick.
type process struct {
	pid     int
	started int64 // in clock ticks since the boot
}

// missed is who of the living (all that a look found, the wrapper aside) is
// owed a SIGTERM because it was not found when the others got theirs.
//
// Who was started in an earlier tick than the first was sent in is, whoever
// its parent is. Else a start does not tell: a handler forks within the tick,
// and its children may be orphans too (trap 'cleanup & exit' TERM). But if all
// who got one had to die of it, and have, nobody is left who could have
// started anything because of it, so all who live are owed one.
//
// So this remains: where one process of a run handles, ignores or waits
// for SIGTERM, or does not die of it, one forked in the very tick of the signal
// (10 ms) gets none and lives until the grace is over; so does one that was
// missed by a shift which then died. And what is started because of SIGTERM
// gets one after all if that was done by somebody who is none of the run's to
// signal, or by somebody whom outlivesTerm took for another and who ended.
func (t *terms) missed(living []process) map[process]bool {
	missed := map[process]bool{}
	if t.since == 0 {
		return missed
	}
	allDied := !t.heeded && !slices.ContainsFunc(living, func(p process) bool { return t.sent[p] })
	for _, p := range living {
		if !t.sent[p] && (allDied || p.started < t.since) {
			missed[p] = true
		}
	}
	return missed
}

// begin is called before the first SIGTERM is sent, and again where nobody was
// there to get one.
func (t *terms) begin() {
	*t = terms{since: tick(Boottime()), sent: map[process]bool{}}
}

// note says that p was sent one; one that failed is tried again if it is
// certain to be owed.
func (t *terms) note(p process, survivor bool, failed error) {
	t.sent[p] = failed == nil
	t.heeded = t.heeded || survivor || failed != nil
}

// tick is a time since the boot as it stands in /proc/PID/stat, which counts
// the hundredth of a second that has begun on every machine that Go runs on.
func tick(boot time.Duration) int64 { return int64(boot / (10 * time.Millisecond)) }

// mostThreads is how many threads of a process are asked: more than that would
// keep the others waiting for their signal.
const mostThreads = 64

// outlivesTerm says whether a process handles, ignores or waits for SIGTERM, or
// cannot be asked. The threads of one share what they handle and ignore, and each
// blocks and waits for itself.
func (f *procFiles) outlivesTerm(pid int) bool {
	threads, err := threadsOf(pid)
	if err != nil || len(threads) == 0 || len(threads) > mostThreads {
		return true
	}
	alone := len(threads) == 1
	for _, thread := range threads {
		status, err := f.read(pid, "task/"+thread+"/status")
		if errors.Is(err, unix.ENOENT) && !alone || errors.Is(err, unix.ESRCH) && !alone { // a thread that has ended
			continue
		}
		if err != nil || outlives(status, alone) {
			return true
		}
		if where, err := f.read(pid, "task/"+thread+"/wchan"); err == nil && bytes.Contains(where, []byte("sigtimedwait")) {
			return true
		}
	}
	return false
}

// threadsOf is the ids of a process's threads, one more than mostThreads at the most.
func threadsOf(pid int) ([]string, error) {
	dir, err := os.Open(procPath(pid, "task"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(mostThreads + 1)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return names, err
}

// outlives judges by /proc/PID/task/TID/status of a thread, which may be alone in
// its process. Who blocks SIGTERM and sleeps waits for it (signalfd; one in sigwait
// does not show that it blocks it). Who runs, or cannot be woken, is most likely
// about to fork, for which shells and libraries block all signals, and dies right
// after; but where there are several threads, one may wait for it while the others
// block it.
func outlives(status []byte, alone bool) bool {
	has := func(name string) bool {
		mask, err := strconv.ParseUint(statusLine(status, name), 16, 64)
		return err != nil || mask&(1<<(syscall.SIGTERM-1)) != 0
	}
	state := statusLine(status, "State")
	forks := alone && (strings.HasPrefix(state, "R") || strings.HasPrefix(state, "D"))
	return has("SigIgn") || has("SigCgt") || has("SigBlk") && !forks
}
