package runfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"
)

// pollInterval is how often a run is looked at that cannot be waited for.
const pollInterval = 250 * time.Millisecond

// child is the wrapper that this process started. The zero value is none.
type child struct {
	pid   int
	watch *os.File // its pidfd; nil where there are none
	gone  bool
	usage *usage // nil: somebody else reaped it
}

// usage is what the system says of a child that ended.
type usage struct {
	user, system time.Duration
	maxRSS       int64 // bytes; 0: not known
}

func (c *child) close() {
	if c.watch != nil {
		_ = c.watch.Close()
		c.watch = nil
	}
}

// Wait returns when the run has nobody any more who could run it or write its
// status: the wrapper is gone, or an adopted run's lock is free or its exit
// recorded. Look says what that means. An error is ctx's. Only a run that was
// started ends; Wait may be called again, but not by two at a time.
func (r *Run) Wait(ctx context.Context) error {
	if err := r.waitPidfd(ctx); err != nil {
		return err
	}
	timer := time.NewTimer(pollInterval)
	defer timer.Stop()
	for !r.over() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			timer.Reset(pollInterval)
		}
	}
	return nil
}

// over says whether Wait is; what cannot be told now is looked at again.
func (r *Run) over() bool {
	r.mu.Lock()
	mine := r.child.pid != 0
	if mine {
		r.child.reap()
	}
	gone := r.child.gone
	r.mu.Unlock()
	if mine {
		return gone
	}
	look, err := r.Look()
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // nothing will ever be seen there
	}
	return !look.Held || look.Exited
}

// reap takes the child's end from the system, when it has ended.
func (c *child) reap() {
	if c.gone {
		return
	}
	var u syscall.Rusage
	pid, err := syscall.Wait4(c.pid, nil, syscall.WNOHANG, &u)
	switch {
	case pid == c.pid:
		c.gone, c.usage = true, newUsage(&u)
	case err == syscall.ECHILD: // an init that reaps whatever ends was faster
		c.gone = true
	}
}

// newUsage is what can be believed of a child's usage. The memory that it
// inherited from us at its fork counts as the child's, so only more than ours
// is known to be the job's.
func newUsage(u *syscall.Rusage) *usage {
	out := &usage{user: time.Duration(u.Utime.Nano()), system: time.Duration(u.Stime.Nano())}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err == nil && u.Maxrss > own.Maxrss {
		out.maxRSS = int64(u.Maxrss) * rssUnit() //nolint:unconvert // 32 bits on some systems
	}
	return out
}

// rssUnit is what Rusage counts memory in, in bytes.
func rssUnit() int64 {
	if runtime.GOOS == "darwin" {
		return 1
	}
	return 1024
}
