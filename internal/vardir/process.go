package vardir

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// process is another process that was seen to hold a lock. Where the system has
// pidfds it is that very process for ever; elsewhere its pid counts only as
// long as the lock names it.
type process struct {
	pid    int
	pidfd  int // -1 where there is none
	locked *recordLock
}

// errGone: the process no longer holds the lock, or is no more.
var errGone = errors.New("the process has given the lock up")

// openHolder opens the holder of a lock. The lock is asked again after the
// process was opened: had the pid been given to another process in between,
// the lock would not name it.
func openHolder(lock *recordLock, pid int) (*process, error) {
	fd, err := openPidfd(pid)
	if errors.Is(err, unix.ESRCH) {
		return nil, errGone
	}
	if err != nil {
		fd = -1 // an old kernel, another system, a sandbox without the call
	}
	p := &process{pid: pid, pidfd: fd, locked: lock}
	if !lock.isHeldBy(pid) {
		p.close()
		return nil, errGone
	}
	return p, nil
}

// signal sends a signal to the process. Without a pidfd only a process that
// still holds its lock gets it.
func (p *process) signal(sig unix.Signal) error {
	var err error
	switch {
	case p.pidfd >= 0:
		err = signalPidfd(p.pidfd, sig)
	case p.locked.isHeldBy(p.pid):
		err = unix.Kill(p.pid, sig)
	}
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return os.NewSyscallError("kill", err)
}

// isGone says whether the process has ended.
func (p *process) isGone() bool {
	if p.pidfd < 0 {
		return errors.Is(unix.Kill(p.pid, 0), unix.ESRCH)
	}
	// A pidfd becomes readable when its process ends.
	fds := []unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}

func (p *process) close() {
	if p.pidfd >= 0 {
		_ = unix.Close(p.pidfd)
		p.pidfd = -1
	}
}
