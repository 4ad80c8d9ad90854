package runfile

import (
	"bytes"
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
	mark    []byte // the run's mark as it stands in an environment, between zeros
	wrapper int    // its pid, and its session; 0: not known
	members []member
	terms   terms
}

// member is a process of the run, by a pidfd that was opened before it was
// checked: whatever the number means later, a signal goes to what was checked.
type member struct {
	process
	fd int
}

func (r *Run) newHunt() *hunt {
	return &hunt{run: r, mark: []byte("\x00" + RunMarkVar + "=" + r.Intent.Mark + "\x00")}
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
	pids, err := allPIDs()
	if err != nil {
		return err
	}
	var found []member
	for _, pid := range pids {
		if _, ok := h.belongs(pid); !ok {
			continue
		}
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

// Living is which of the marks are carried by processes that live. One walk
// through all processes serves for all of them.
func Living(marks map[string]bool) (map[string]bool, error) {
	pids, err := allPIDs()
	if err != nil {
		return nil, fmt.Errorf("cannot look for the processes of runs: %w", err)
	}
	living := map[string]bool{}
	for _, pid := range pids {
		environ, err := os.ReadFile(procPath(pid, "environ"))
		if err != nil { // it ended, or is somebody else's
			continue
		}
		for pair := range bytes.SplitSeq(environ, []byte{0}) {
			if mark, ok := strings.CutPrefix(string(pair), RunMarkVar+"="); ok && marks[mark] {
				living[mark] = true
			}
		}
	}
	return living, nil
}

func allPIDs() ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && pid > 1 && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids, nil
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
	survivor := sig == syscall.SIGTERM && outlivesTerm(m.pid) // asked before, as it may be gone after
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
	stat, err := readStat(pid)
	if err != nil || stat.dead {
		return process{}, false
	}
	p := process{pid, stat.tick}
	if h.wrapper != 0 && stat.session == h.wrapper && h.sessionStands() {
		return p, true
	}
	environ, err := os.ReadFile(procPath(pid, "environ"))
	return p, err == nil && bytes.Contains(slices.Concat([]byte{0}, environ, []byte{0}), h.mark)
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
		stat, err := readStat(m.pid)
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
	status, err := os.ReadFile(procPath(pid, "status"))
	if err != nil {
		return false
	}
	return slices.Contains(strings.Fields(statusLine(status, "Uid")), strconv.Itoa(want))
}

// statusLine is a value in /proc/PID/status, "" if there is none of that name.
func statusLine(status []byte, name string) string {
	_, after, _ := strings.Cut(string(status), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	dead    bool // a zombie
	session int
	started string // in clock ticks since the boot, as it stands there
	tick    int64  // the same
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return stat{}, err
	}
	// The second field is the program's name, which may hold anything.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 20 {
		return stat{}, fmt.Errorf("%s is not as expected", procPath(pid, "stat"))
	}
	session, noSession := strconv.Atoi(fields[3])
	started, noStart := strconv.ParseInt(fields[19], 10, 64)
	return stat{
		dead:    fields[0] == "Z" || fields[0] == "X",
		session: session, started: fields[19], tick: started,
	}, errors.Join(noSession, noStart)
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}
