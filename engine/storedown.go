package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// storeClock is what the store's clock showed with these answers; zero: it did
// not say so.
func storeClock(grants []Grant) time.Time {
	for _, g := range grants {
		if !g.Now.IsZero() {
			return g.Now
		}
	}
	return time.Time{}
}

// unreachedOf is why a part of the store gave no answers; nil: all are there.
func unreachedOf(grants []Grant) error {
	for _, g := range grants {
		if g.Answer == Unreached {
			return g.Why
		}
	}
	return nil
}

// storeAnswered notes when the store stops answering and when it answers again, so
// that each is told once, by whichever shift. One of which a part was not reached
// is down too; and a call that was answered says nothing of what it did not ask.
func (d *duty) storeAnswered(err, part error) {
	if d.ctx.Err() != nil {
		return
	}
	if errors.Is(err, ErrRefused) { // it can be reached
		err = nil
	}
	d.leases.tried, d.leases.answered, d.leases.doubted = true, err == nil, false
	down := !d.agenda.StoreDownSince.IsZero()
	_, parted := d.Store.(Whole)
	switch {
	case err != nil && !down:
		d.storeDown("the lock store", err)
	case err == nil && part != nil && !down:
		d.storeDown("a part of the lock store", part)
	case err == nil && part == nil && down:
		if d.leases.doubted = parted; !parted {
			d.storeUp()
		}
	}
}

// askWhole asks whether all of a store that was down answers, after all that starts
// wait for: while a part hangs, so does this question. A shift that ends before it
// was answered leaves it to the next.
func (d *duty) askWhole() {
	if !d.leases.doubted || !d.leases.idle() || d.startsUnderWay() {
		return
	}
	d.leases.doubted = false
	store, met := d.Store.(Whole), d.storeMet()
	d.leases.put(func(ctx context.Context) (time.Time, error) {
		return time.Time{}, store.Whole(ctx, met)
	}, func(err error) {
		if err == nil {
			d.storeUp()
		}
	})
}

func (d *duty) storeDown(what string, err error) {
	d.agenda.StoreDownSince = d.now()
	d.Log.Log(Error, fmt.Sprintf("%s cannot be reached: %v", what, err), nil)
	d.notify(EventStoreError, "", fmt.Sprintf("lockstore/%d/error", d.now().Unix()), map[string]any{"error": err.Error()})
	d.dirty = true
}

func (d *duty) storeUp() {
	since := d.agenda.StoreDownSince
	d.agenda.StoreDownSince = time.Time{}
	d.Log.Log(Notice, "the lock store can be reached again", nil)
	d.notify(EventStoreRecovered, "", fmt.Sprintf("lockstore/%d/recovered", since.Unix()), map[string]any{"since": since.Unix()})
	d.dirty = true
}
