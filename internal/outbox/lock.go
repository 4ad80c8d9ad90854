package outbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// askAgain is how often the lock is asked for while another shift has it.
const askAgain = 50 * time.Millisecond

// acquire waits for the right to send. unlock is nil when the shift ended
// before. The lock belongs to the open file, which no job inherits, so it ends
// with the process; it is in the folder of the letters, so that a folder that
// was exchanged has one of its own.
func (b *Box) acquire(ctx context.Context) (unlock func(), err error) {
	if err := b.shelf.makeFolder(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(b.shelf.path("lock"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock: %w", err)
	}
	for waiting := time.Duration(0); ; waiting += askAgain {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			_ = f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", f.Name(), err)
		}
		if waiting == patience {
			b.barred()
		}
		if !b.pause(ctx, waiting >= patience) {
			_ = f.Close()
			return nil, nil
		}
	}
}

// pause waits a moment; it is false when there is no point in waiting more:
// the shift was relieved, or is at its end and has waited enough.
func (b *Box) pause(ctx context.Context, enough bool) bool {
	b.mu.Lock()
	finish := b.finish
	b.mu.Unlock()
	if finish && enough {
		return false
	}
	timer := time.NewTimer(askAgain)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
