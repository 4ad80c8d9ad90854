package vardir

import (
	"context"
	"fmt"
	"time"
)

// Voice is the hold on voice.lock: its holder alone calls handlers and moves
// cursors.
type Voice struct{ lock *recordLock }

// Voice waits until this process may speak. The one before finishes its handler
// first; deadline is the longest that this may take. One that needs five
// seconds more hangs, and is killed.
func (d *Dir) Voice(ctx context.Context, deadline time.Duration) (*Voice, error) {
	lock, err := openRecordLock(d.Path("voice.lock"))
	if err != nil {
		return nil, err
	}
	for {
		speaker, _, err := lock.holder()
		if err != nil {
			return nil, err
		}
		ok, err := lock.within(ctx, deadline+reapAfter)
		if err != nil {
			return nil, err
		}
		if ok {
			return &Voice{lock: lock}, nil
		}
		if err := silence(lock, speaker); err != nil {
			return nil, err
		}
	}
}

// silence kills the one that has held the lock since speaker was asked for. It
// does nothing when that is another one by now.
func silence(lock *recordLock, speaker int) error {
	if speaker <= 0 && lock.isHeldBy(speaker) {
		return fmt.Errorf("%w: the one that calls handlers runs in another PID namespace", ErrStuck)
	}
	if !killHolder(lock, speaker) && lock.isHeldBy(speaker) {
		return fmt.Errorf("%w: process %d hangs in a handler and cannot be killed", ErrStuck, speaker)
	}
	return nil
}

// Release lets the next one speak; a second call does nothing.
func (v *Voice) Release() { v.lock.unlock() }
