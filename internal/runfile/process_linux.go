package runfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// hunt finds the processes of a run, again and again. What it found is kept
// open until the next time: it tells which session is the run's when the
// wrapper is gone.
type hunt struct {
	run     *Run
	wrapper int // its pid, and its session; 0: not known
	members []member
	terms   terms
	files   procFiles
}

// member is a process of the run, by a pidfd that was opened before it was
// checked: whatever the number means later, a signal goes to what was checked.
type member struct {
	process
	fd int
}

func (r *Run) newHunt() *hunt {
	return &hunt{run: r}
}

func (h *hunt) close() { closeMembers(h.members) }

func closeMembers(members []member) {
	for _, m := range members {
		_ = unix.Close(m.fd)
	}
}

// signal sends a signal to each living process of the run but the wrapper (0:
// to none but those whom a SIGTERM of this hunt missed) and says how many there
// are. All are found before the first is signalled, as the wrapper, by which
// some are known, may end with that. An error does not keep it from the others.
func (h *hunt) signal(sig syscall.Signal) (int, error) {
	if h.run.Intent.World != CurrentWorld() {
		return 0, nil
	}
	look, err := h.run.Look()
	if err != nil || look.Held && look.PID == 0 { // a wrapper that has not said which it is
		return 0, err
	}
	if look.Held {
		h.wrapper = look.PID
	}
	if err := h.find(); err != nil {
		return len(h.members), fmt.Errorf("cannot find the processes of run %s: %w", h.run.Intent.ID, err)
	}
	return h.sendEach(sig)
}

// sendEach is the second half of signal: it signals those who were found.
func (h *hunt) sendEach(sig syscall.Signal) (n int, err error) {
	if sig == syscall.SIGTERM {
		h.terms.begin()
	}
	missed := h.terms.missed(h.living())
	for _, m := range h.members {
		due := sig
		if sig == 0 && missed[m.process] {
			due = syscall.SIGTERM
		}
		sent, failed := h.send(m, due)
		if sent {
			n++
		}
		if failed != nil {
			err = fmt.Errorf("cannot signal process %d of run %s: %w", m.pid, h.run.Intent.ID, failed)
		}
	}
	return n, err
}

// living is who was found, the wrapper aside.
func (h *hunt) living() []process {
	var living []process
	for _, m := range h.members {
		if m.pid != h.wrapper {
			living = append(living, m.process)
		}
	}
	return living
}

// find puts the living processes of the run in the place of those of the last
// time; with an error some may be missing.
func (h *hunt) find() error {
	w := allProcesses.find(h.wrapper, h.run.Intent.Mark)
	if w.err != nil {
		return w.err
	}
	pids := slices.Concat(w.inSession[h.wrapper], w.marked[h.run.Intent.Mark])
	slices.Sort(pids)
	var found []member
	var err error
	for _, pid := range slices.Compact(pids) {
		fd, failed := unix.PidfdOpen(pid, 0)
		if failed != nil {
			if !errors.Is(failed, unix.ESRCH) {
				err = failed
			}
			continue
		}
		if p, ok := h.belongs(pid); ok && h.hasUser(pid) {
			found = append(found, member{p, fd})
		} else {
			_ = unix.Close(fd)
		}
	}
	h.close()
	h.members = found
	return err
}

// send signals a member and says whether it was one to end, and there. One
// that was stopped has to go on to notice. The wrapper, which is to write the
// exit status, is only woken should somebody have stopped it.
func (h *hunt) send(m member, sig syscall.Signal) (bool, error) {
	if m.pid == h.wrapper {
		if sig == 0 {
			return false, nil
		}
		return false, wake(m)
	}
	survivor := sig == syscall.SIGTERM && h.files.outlivesTerm(m.pid) // asked before, as it may be gone after
	err := unix.PidfdSendSignal(m.fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	if sig == syscall.SIGTERM {
		h.terms.note(m.process, survivor, err)
	}
	if err == nil && sig == syscall.SIGTERM {
		err = wake(m)
	}
	return true, err
}

// wake lets a member go on that somebody stopped. One that has ended by now is
// no failure, nor was it not there.
func wake(m member) error {
	err := unix.PidfdSendSignal(m.fd, syscall.SIGCONT, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// belongs says which process has the number pid, and whether it lives and is in
// the wrapper's session, or carries the run's mark in its environment.
func (h *hunt) belongs(pid int) (process, bool) {
	stat, err := h.files.stat(pid)
	if err != nil || stat.dead {
		return process{}, false
	}
	p := process{pid, stat.tick}
	if h.wrapper != 0 && stat.session == h.wrapper && h.sessionStands() {
		return p, true
	}
	environ, err := h.files.read(pid, "environ")
	if err != nil {
		return p, false
	}
	for mark := range marksIn(environ) {
		if string(mark) == h.run.Intent.Mark {
			return p, true
		}
	}
	return p, false
}

// sessionStands proves that the session's number still is the wrapper's, asked
// after a session was read: the wrapper lives, or somebody who was found in it
// before. The system uses no number again that is still a session's.
func (h *hunt) sessionStands() bool {
	look, err := h.run.Look()
	if err == nil && look.Held && look.PID == h.wrapper {
		return true
	}
	return slices.ContainsFunc(h.members, func(m member) bool {
		stat, err := h.files.stat(m.pid)
		return err == nil && stat.session == h.wrapper && !hasEnded(uintptr(m.fd))
	})
}

// hasUser keeps a job that has a user of its own, and so can forge its status,
// from having anybody else's processes ended. Root's jobs may change to any
// user, and whoever names a run of root's in its environment harms itself.
func (h *hunt) hasUser(pid int) bool {
	want := h.run.Intent.UID
	if want < 0 {
		want = os.Geteuid()
	}
	if want == 0 {
		return true
	}
	status, err := h.files.read(pid, "status")
	if err != nil {
		return false
	}
	return slices.Contains(strings.Fields(statusLine(status, "Uid")), strconv.Itoa(want))
}
