package vardir

import (
	"context"
	"time"
)

// backoff is the pause between two looks at a lock: short at first, because
// locks are mostly given up at once, and at most 20 ms, which costs nothing.
type backoff struct{ pause time.Duration }

func newBackoff() *backoff { return &backoff{pause: time.Millisecond} }

// wait makes the next pause; it is false when ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	timer := time.NewTimer(b.pause)
	defer timer.Stop()
	b.pause = min(2*b.pause, 20*time.Millisecond)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
