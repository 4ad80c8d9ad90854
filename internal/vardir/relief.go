package vardir

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// giveUpWithin is what a shift gets to give up duty.lock after SIGTERM. A
	// healthy one needs milliseconds.
	giveUpWithin = time.Second
	// dieWithin is what the kernel gets to take its locks away after SIGKILL,
	// with much memory or many files to let go.
	dieWithin = 2 * time.Second
	// turnWithin is more than one relief can take (the two above): who has
	// relief.lock longer than that hangs.
	turnWithin = 5 * time.Second
)

// waitForTurn takes relief.lock: one shift at a time goes on duty. One that is
// stuck in there is killed; it has started nothing yet.
func (d *Dir) waitForTurn(ctx context.Context) (*recordLock, error) {
	lock, err := openRecordLock(d.Path("relief.lock"))
	if err != nil {
		return nil, err
	}
	first, _, err := lock.holder()
	if err != nil {
		return nil, err
	}
	if ok, err := lock.within(ctx, turnWithin); ok || err != nil {
		return lock, err
	}
	// The same one all the time? Then it is not a queue that moves.
	if killHolder(lock, first) {
		if ok, err := lock.within(ctx, dieWithin); ok || err != nil {
			return lock, err
		}
	}
	return nil, fmt.Errorf("%w; this one has waited for %s", ErrWaiting, turnWithin)
}

// takeDuty locks duty.lock, and relieves whoever holds it.
func takeDuty(ctx context.Context, lock *recordLock, me Holder) (*relieved, error) {
	for {
		ok, err := lock.try()
		if ok || err != nil {
			return nil, err
		}
		pid, held, err := lock.holder()
		if err != nil {
			return nil, err
		}
		if !held {
			continue // it has just gone of itself
		}
		was, err := relieve(ctx, lock, pid, me)
		if !errors.Is(err, errGone) {
			return was, err
		}
	}
}

// relieve ends the holder's duty and takes its lock. errGone: it was not the
// holder any more.
func relieve(ctx context.Context, lock *recordLock, pid int, me Holder) (*relieved, error) {
	if pid <= 0 {
		return nil, outlast(ctx, lock)
	}
	process, err := openHolder(lock, pid)
	if err != nil {
		return nil, err
	}
	told := time.Now()
	them, err := readHolder(lock)
	if err == nil {
		err = sameShift(them, me, pid)
	}
	if err == nil {
		err = end(ctx, lock, process)
	}
	if err != nil {
		process.close()
		return nil, err
	}
	return &relieved{process: process, toldAt: told, deadline: them.Deadline}, nil
}

// outlast waits for a holder that cannot be signalled, as it lives in another
// PID namespace.
func outlast(ctx context.Context, lock *recordLock) error {
	ok, err := lock.within(ctx, giveUpWithin)
	if ok || err != nil {
		return err
	}
	return fmt.Errorf("%w: it runs in another PID namespace (another container with the same var dir?)", ErrStuck)
}

// sameShift refuses to relieve anything but an earlier shift of ours. A record
// that cannot be understood is no reason to leave the jobs alone: the lock
// proves that its holder is a shift of this namespace.
func sameShift(them, me Holder, pid int) error {
	if them.EntryFile == "" || them.EntryFile == me.EntryFile && them.Slave == me.Slave {
		return nil
	}
	return fmt.Errorf("%w: %s as slave %s (process %d), and this is %s as slave %s; "+
		"give one of them a namespace of its own with setNamespace, or another --var-dir",
		ErrOther, them.EntryFile, them.Slave, pid, me.EntryFile, me.Slave)
}

// end tells the holder to go, kills it if it does not, and takes its lock.
func end(ctx context.Context, lock *recordLock, holder *process) error {
	for _, step := range []struct {
		signal unix.Signal
		within time.Duration
	}{{unix.SIGTERM, giveUpWithin}, {unix.SIGKILL, dieWithin}} {
		if err := holder.signal(step.signal); err != nil {
			return fmt.Errorf("%w: process %d: %w", ErrStuck, holder.pid, err)
		}
		ok, err := lock.within(ctx, step.within)
		if ok || err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: process %d holds %s even after SIGKILL", ErrStuck, holder.pid, lock.path)
}

// killHolder ends the process if it holds the lock now, and says whether it
// could.
func killHolder(lock *recordLock, pid int) bool {
	if pid <= 0 {
		return false
	}
	process, err := openHolder(lock, pid)
	if err != nil {
		return false
	}
	defer process.close()
	return process.signal(unix.SIGKILL) == nil
}

// within tries to take the lock for that long. It is false when time is up;
// when ctx ends, that is the error.
func (l *recordLock) within(ctx context.Context, limit time.Duration) (bool, error) {
	deadline := time.Now().Add(limit)
	for pause := newBackoff(); ; {
		ok, err := l.try()
		if ok || err != nil {
			return ok, err
		}
		if time.Now().After(deadline) {
			return false, nil
		}
		if !pause.wait(ctx) {
			return false, fmt.Errorf("stopped while waiting for %s: %w", l.path, ctx.Err())
		}
	}
}
