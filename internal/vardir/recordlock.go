package vardir

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"golang.org/x/sys/unix"
)

// recordLock is a file with an fcntl record lock over the whole of it. Such a
// lock belongs to the process, ends with it however it ends, and its holder's
// pid can be asked for. The price: closing any descriptor of the file in the
// process drops the lock. So the descriptor is raw (no *os.File, whose garbage
// collection would close it), opened once, kept in a registry for the life of
// the process, and everything that reads or writes the file goes through it.
type recordLock struct {
	path string
	fd   int
}

var (
	recordLocksMu sync.Mutex
	recordLocks   = map[string]*recordLock{} // by path; never shrinks
)

// openRecordLock opens the file that is at path now, creating it if need be;
// the same file is never opened a second time.
func openRecordLock(path string) (*recordLock, error) {
	recordLocksMu.Lock()
	defer recordLocksMu.Unlock()
	if l, ok := recordLocks[path]; ok && l.isAtPath() {
		return l, nil
	}
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock %s: %w", path, err)
	}
	l := &recordLock{path: path, fd: fd}
	recordLocks[path] = l
	return l, nil
}

// isAtPath says whether the open file is still the one that path names: a lock
// on a file that was removed or exchanged keeps nobody out.
func (l *recordLock) isAtPath() bool {
	var open, named unix.Stat_t
	if unix.Fstat(l.fd, &open) != nil || unix.Lstat(l.path, &named) != nil {
		return false
	}
	return open.Dev == named.Dev && open.Ino == named.Ino
}

// try takes the lock if nobody else has it. Within one process it always
// succeeds.
func (l *recordLock) try() (bool, error) {
	err := l.fcntl(unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
		return false, nil
	}
	return false, fmt.Errorf("cannot lock %s: %w", l.path, err)
}

// unlock gives the lock up; nothing happens when this process has it not.
func (l *recordLock) unlock() {
	_ = l.fcntl(unix.F_SETLK, &unix.Flock_t{Type: unix.F_UNLCK})
}

// holder is the pid of the other process that has the lock, 0 for one in a PID
// namespace that cannot be seen from here; held is false when nobody has it.
func (l *recordLock) holder() (pid int, held bool, err error) {
	ask := unix.Flock_t{Type: unix.F_WRLCK}
	if err := l.fcntl(unix.F_GETLK, &ask); err != nil {
		return 0, false, fmt.Errorf("cannot ask who holds %s: %w", l.path, err)
	}
	return int(ask.Pid), ask.Type != unix.F_UNLCK, nil
}

// isHeldBy says whether that process has the lock at this moment.
func (l *recordLock) isHeldBy(pid int) bool {
	now, held, err := l.holder()
	return err == nil && held && now == pid
}

func (l *recordLock) fcntl(cmd int, lock *unix.Flock_t) error {
	for {
		err := unix.FcntlFlock(uintptr(l.fd), cmd, lock)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// write puts the record at the start of the file, in place: a rename would
// exchange the file that is locked.
func (l *recordLock) write(record []byte) error {
	n, err := unix.Pwrite(l.fd, record, 0)
	if err == nil && n < len(record) {
		err = unix.ENOSPC
	}
	if err != nil {
		return &fs.PathError{Op: "write", Path: l.path, Err: err}
	}
	return nil
}

// read fills the record from the start of the file, and returns how much there
// was.
func (l *recordLock) read(record []byte) (int, error) {
	n, err := unix.Pread(l.fd, record, 0)
	if err != nil {
		return 0, &fs.PathError{Op: "read", Path: l.path, Err: err}
	}
	return n, nil
}
