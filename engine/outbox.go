package engine

import "context"

// Outbox sends what handlers left to be sent, beside the work of the shift.
type Outbox interface {
	// Start begins to send, until ctx is done. It calls idle, from any
	// goroutine, when there is nothing more to send for now.
	Start(ctx context.Context, idle func())
	// Idle says that a shift need not stay for it: what is left is due later.
	Idle() bool
	// Finish returns once all that is due was tried, or, after the ctx of Start
	// is done, once nothing is being sent.
	Finish()
}

// startOutbox lets the outbox wake the shift, which may be at its end. A full
// inbox wakes it as well.
func (d *duty) startOutbox() {
	if d.Outbox == nil {
		return
	}
	d.Outbox.Start(d.ctx, func() {
		select {
		case d.inbox <- func() {}:
		default:
		}
	})
}

func (d *duty) outboxIdle() bool { return d.Outbox == nil || d.Outbox.Idle() }

func (d *duty) finishOutbox() {
	if d.Outbox != nil {
		d.Outbox.Finish()
	}
}
