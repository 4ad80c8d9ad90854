package lockstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Waiting for another process that has the lock.
const (
	lockPatience = 10 * time.Second
	lockPoll     = 2 * time.Millisecond
)

// lock waits until this process has the folder to itself; closing what it
// returns gives it up, and so does the end of the process.
func (s *folderStore) lock(ctx context.Context) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for {
		f, err := s.tryLock()
		if f != nil || err != nil {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot lock %s, another process has it: %w", filepath.Join(s.dir, "lock"), ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

// tryLock returns nil when somebody else has the lock, or the file that was
// locked is not the folder's any more.
func (s *folderStore) tryLock() (*os.File, error) {
	path := filepath.Join(s.dir, "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.MkdirAll(s.dir, 0o700)
	}
	if err != nil {
		return nil, err
	}
	if err = checkOwn(s.dir); err == nil {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil && sameFile(f, path) {
		return f, nil
	}
	_ = f.Close()
	if err == nil || errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return nil, nil
	}
	return nil, fmt.Errorf("cannot lock %s: %w", path, err)
}

func sameFile(f *os.File, path string) bool {
	ours, err := f.Stat()
	if err != nil {
		return false
	}
	theirs, err := os.Stat(path)
	return err == nil && os.SameFile(ours, theirs)
}

// checkOwn refuses a folder in which somebody else could forge leases.
func checkOwn(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others may write to folder %s; chmod 0700 it", dir)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("folder %s belongs to another user (uid %d); chown it to the user that runs slavedriver", dir, st.Uid)
	}
	return nil
}
