//go:build !linux

package runfile

import (
	"errors"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock on an open file. The lock is the open file's: every
// process that inherits the descriptor keeps it alive.
func tryLock(fd int) (bool, error) {
	err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// isLocked asks whether another open file has the lock. There is no asking
// with flock: it is taken and given back at once.
func isLocked(fd int) (bool, error) {
	free, err := tryLock(fd)
	if err != nil || !free {
		return err == nil, err
	}
	return false, unix.Flock(fd, unix.LOCK_UN)
}

// reserve does nothing here: a full disk shows when it is full.
func reserve(int, int64) error { return nil }
