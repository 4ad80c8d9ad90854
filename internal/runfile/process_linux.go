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

// signal sends a signal to each living process of the run but the wrapper (0:
// to none) and says how many there are. A process is signalled through its
// pidfd alone, and checked after that was opened: whatever the number means
// later, the signal goes to the process that was checked. An error does not
// keep it from the others.
func (r *Run) signal(sig syscall.Signal) (int, error) {
	if r.Intent.World != CurrentWorld() {
		return 0, nil
	}
	look, err := r.Look()
	if err != nil || look.Held && look.PID == 0 { // a wrapper that has not said which it is
		return 0, err
	}
	pids, err := allPIDs()
	if err != nil {
		return 0, fmt.Errorf("cannot find the processes of run %s: %w", r.Intent.ID, err)
	}
	s := search{run: r, mark: []byte("\x00" + RunIDVar + "=" + r.Intent.ID + "\x00")}
	if look.Held {
		s.wrapper = look.PID
	}
	n := 0
	for _, pid := range pids {
		found, failed := s.signal(pid, sig)
		if found {
			n++
		}
		if failed != nil {
			err = fmt.Errorf("cannot signal process %d of run %s: %w", pid, r.Intent.ID, failed)
		}
	}
	return n, err
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

// search looks for the processes of one run.
type search struct {
	run     *Run
	wrapper int    // its pid, the session's too, while it lives; else 0
	mark    []byte // the run's id as it stands in an environment, between zeros
}

// signal says whether pid is a living process of the run other than the
// wrapper, and signals it.
func (s *search) signal(pid int, sig syscall.Signal) (bool, error) {
	if !s.belongs(pid) {
		return false, nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = unix.Close(fd) }()
	if !s.belongs(pid) || !s.hasUser(pid) {
		return false, nil
	}
	if pid == s.wrapper {
		return false, wake(fd, sig)
	}
	err = send(fd, sig)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	return true, err
}

// send signals a process; one that was stopped has to go on to notice.
func send(fd int, sig syscall.Signal) error {
	err := unix.PidfdSendSignal(fd, sig, nil, 0)
	if err == nil && sig == syscall.SIGTERM {
		err = unix.PidfdSendSignal(fd, syscall.SIGCONT, nil, 0)
	}
	return err
}

// wake lets a wrapper go on that somebody stopped; nothing else is ever sent
// to it.
func wake(fd int, sig syscall.Signal) error {
	if sig == 0 {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, syscall.SIGCONT, nil, 0); !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// belongs says whether pid lives and is in the wrapper's session, or carries
// the run's id in its environment.
func (s *search) belongs(pid int) bool {
	stat, err := readStat(pid)
	if err != nil || stat.dead {
		return false
	}
	if s.wrapper != 0 && stat.session == s.wrapper && s.stillHeld() {
		return true
	}
	environ, err := os.ReadFile(procPath(pid, "environ"))
	return err == nil && bytes.Contains(slices.Concat([]byte{0}, environ, []byte{0}), s.mark)
}

// stillHeld proves that the session's number still is the wrapper's: asked
// after the session was read.
func (s *search) stillHeld() bool {
	look, err := s.run.Look()
	return err == nil && look.Held && look.PID == s.wrapper
}

// hasUser keeps a job that has a user of its own, and so can forge its status,
// from having anybody else's processes ended. Root's jobs may change to any
// user, and whoever names a run of root's in its environment harms itself.
func (s *search) hasUser(pid int) bool {
	want := s.run.Intent.UID
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
	_, after, _ := strings.Cut(string(status), "\nUid:")
	line, _, _ := strings.Cut(after, "\n")
	return slices.Contains(strings.Fields(line), strconv.Itoa(want))
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	dead    bool // a zombie
	session int
	started string // in clock ticks since the boot
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
	session, err := strconv.Atoi(fields[3])
	return stat{
		dead:    fields[0] == "Z" || fields[0] == "X",
		session: session, started: fields[19],
	}, err
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}
