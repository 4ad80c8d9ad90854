package runfile

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// waitPidfd waits until the wrapper is gone, in the Go poller, so that a run
// costs no thread. It returns at once where there is no pidfd to trust; over
// has the last word in any case.
func (r *Run) waitPidfd(ctx context.Context) error {
	f := r.ownPidfd()
	if f == nil {
		if f = r.adoptedPidfd(); f == nil {
			return nil
		}
		defer f.Close()
	}
	return waitReadable(ctx, f)
}

func (r *Run) ownPidfd() *os.File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.child.watch
}

// adoptedPidfd opens the wrapper's pidfd by the number in the status. That
// number means the wrapper only if the lock is still held afterwards; and even
// then it may be forged.
func (r *Run) adoptedPidfd() *os.File {
	look, err := r.Look()
	if err != nil || !look.Held || look.PID == 0 || !look.SameWorld {
		return nil
	}
	fd, err := unix.PidfdOpen(look.PID, 0)
	if err != nil {
		return nil
	}
	f := watchable(fd)
	if again, err := r.Look(); err != nil || !again.Held || again.PID != look.PID {
		_ = f.Close()
		return nil
	}
	return f
}

// waitReadable waits for the process of a pidfd to end; an error is ctx's. A
// pidfd that the poller does not take is as good as none.
func waitReadable(ctx context.Context, f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil //nolint:nilerr // the caller polls then
	}
	for {
		_ = f.SetReadDeadline(time.Time{})
		stop := context.AfterFunc(ctx, func() { _ = f.SetReadDeadline(time.Unix(1, 0)) })
		err = conn.Read(hasEnded)
		stop()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		} // else it was the deadline of an earlier call
	}
}

func hasEnded(pidfd uintptr) bool {
	polled := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := unix.Poll(polled, 0)
	return n > 0 && err == nil
}
