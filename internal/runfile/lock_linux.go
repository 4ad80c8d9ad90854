package runfile

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock on an open file. The lock is the open file
// description's: every process that inherits the descriptor keeps it alive.
func tryLock(fd int) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &lock)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	return err == nil, err
}

// isLocked asks whether another open file description has the lock, without
// taking it: a taken lock would make a dead run look alive to others.
func isLocked(fd int) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &lock); err != nil {
		return false, err
	}
	return lock.Type != unix.F_UNLCK, nil
}

// reserve sets room aside for a file without changing its length, so that a
// full disk shows now. A file system that cannot is left to its luck.
func reserve(fd int, size int64) error {
	err := unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return err
}
