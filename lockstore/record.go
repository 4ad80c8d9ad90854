package lockstore

import (
	"slices"
	"time"

	"slavedriver/engine"
)

// record is all that the file store knows of one key, and the decisions on it:
// the same as those of lease.lua. Times are Unix milliseconds.
type record struct {
	Key   string // for people: the file's name is a hash of it
	Born  int64  // when its memory begins
	Lost  bool   `json:",omitempty"` // there was one before
	Seen  int64  // when it was last written
	Fence int64  // the highest that was handed out
	// Released is the token that gave the last lease up: a renewal that was
	// under way for long and comes after that takes nothing.
	Released string `json:",omitempty"`
	// Settled is the time whose instants were started, left out or told as missed;
	// Parts are what tokens settled of it, where that is to be asked for.
	Settled stretches `json:",omitempty"`
	Parts   []part    `json:",omitempty"`
	Lease   *lease    `json:",omitempty"`
	Used    []use     `json:",omitempty"`
}

type lease struct {
	Token, Holder string
	Confirmed     bool
	Since, Until  int64
}

// use remembers that an instant was started, and by whom. Without a token, which is
// what earlier versions wrote, it was not started.
type use struct {
	Instant       int64 // Unix seconds
	Token, Holder string
	Until         int64
}

// trustedStep is the longest step back of the clock after which a record is
// still to be trusted. A clock that was ahead by more may have let it forget
// instants that are to be remembered: a shift wants at least an hour.
const trustedStep = int64(time.Hour / time.Millisecond)

// rebase undoes a step back of the wall clock: what was to last for two more
// minutes lasts for two more minutes.
func (r *record) rebase(now int64) {
	back := r.Seen - now
	if back <= 0 {
		return
	}
	if back > trustedStep {
		r.Born, r.Lost = now, true
	}
	if r.Lease != nil {
		r.Lease.Since -= back
		r.Lease.Until -= back
	}
	for i := range r.Used {
		r.Used[i].Until -= back
	}
	r.Seen = now
}

func (r *record) acquire(c engine.Claim, now int64, t terms) engine.Grant {
	if no, refused := r.refuse(c, now); refused {
		return no
	}
	l := r.take(c, now)
	if !l.Confirmed {
		l.Until = now + t.claim.Milliseconds()
	}
	return engine.Grant{Answer: engine.Granted, Fence: r.Fence}
}

func (r *record) confirm(c engine.Claim, now int64, t terms) engine.Grant {
	if no, refused := r.refuse(c, now); refused {
		return no
	}
	return r.hold(c, now, t)
}

// renew asks neither for the instant nor for the birth: what is renewed was
// started already, and marks its instant again in a memory that was lost.
func (r *record) renew(c engine.Claim, now int64, t terms) engine.Grant {
	if no, refused := r.heldByOther(c.Token, now); refused {
		return no
	}
	if r.Released == c.Token && !r.alive(now) {
		return engine.Grant{Answer: engine.Used, Holder: c.Holder}
	}
	return r.hold(c, now, t)
}

// release answers Used where the store forgot that the token had used the
// instant, and another one did so then.
func (r *record) release(c engine.Claim, now int64, _ terms) engine.Grant {
	if r.Lease != nil && r.Lease.Token == c.Token {
		r.Lease, r.Released = nil, c.Token
	}
	if u := r.usedBy(c.Instant.Unix(), now); u != nil && u.Token != c.Token && !c.ByHand {
		return engine.Grant{Answer: engine.Used, Holder: u.Holder}
	}
	return engine.Grant{}
}

// miss lets one token tell of what nobody settled, or settles it with nothing to
// tell.
func (r *record) miss(c engine.Claim, now int64, _ terms) engine.Grant {
	if c.Decided {
		r.settle(c, now)
		return engine.Grant{}
	}
	untold := r.untold(c, now)
	if len(untold) == 0 {
		return engine.Grant{Answer: engine.Used}
	}
	r.note(c.Token, untold)
	r.settle(c, now)
	return engine.Grant{Untold: untold.forCaller()}
}

// untold is what a token may tell: what it settled itself, and what of the claim's
// stretch nobody did. An instant may be used although its stretch is not settled,
// where that was forgotten, or an earlier version started it.
func (r *record) untold(c engine.Claim, now int64) stretches {
	asked, u := stretchOf(c), r.usedBy(c.Instant.Unix(), now)
	mine, noted := r.partOf(c.Token)
	left := stretches{asked}.without(r.Settled)
	switch {
	case u == nil:
	case u.Token != c.Token:
		left = left.without(stretches{{asked[1] - 1, asked[1]}})
	case !noted:
		mine = stretches{asked}
	}
	for _, one := range mine {
		left = left.with(one)
	}
	return left
}

func (r *record) refuse(c engine.Claim, now int64) (engine.Grant, bool) {
	instant := c.Instant.Unix()
	if met := millis(c.Met); met > 0 && met < r.Born {
		r.Lost = true
	}
	if c.ByHand {
		if r.Lost && now < r.vouchesFrom() { // a run that goes on may not have come back for its lease yet
			return engine.Grant{Answer: engine.Forgotten}, true
		}
		return r.heldByOther(c.Token, now)
	}
	switch u := r.usedBy(instant, now); {
	case u == nil && instant*1000 < r.vouchesFrom():
		return engine.Grant{Answer: engine.Forgotten}, true
	case u != nil && u.Token != c.Token:
		return engine.Grant{Answer: engine.Used, Holder: u.Holder}, true
	}
	return r.heldByOther(c.Token, now)
}

// vouchesFrom is the first instant that the store vouches for. If its memory was
// lost, which it is once somebody came who had met it before, then a slave whose
// clock is ahead may have asked for what comes next; if it was new, for the
// whole minute of its birth.
func (r *record) vouchesFrom() int64 {
	if r.Lost {
		return r.Born + aheadAtMost.Milliseconds()
	}
	return r.Born - r.Born%time.Minute.Milliseconds()
}

func (r *record) alive(now int64) bool { return r.Lease != nil && r.Lease.Until > now }

func (r *record) heldByOther(token string, now int64) (engine.Grant, bool) {
	l := r.Lease
	switch {
	case l == nil || l.Until <= now || l.Token == token:
		return engine.Grant{}, false
	case l.Confirmed:
		return engine.Grant{Answer: engine.Held, Holder: l.Holder, Since: time.UnixMilli(l.Since)}, true
	}
	return engine.Grant{Answer: engine.Claimed, Holder: l.Holder}, true
}

// take gives the lease to the claim's token, which has it already or may have
// it. A new lease has a fence above all that this store, its clock or the
// caller knows of, so that it grows even after the memory was lost.
func (r *record) take(c engine.Claim, now int64) *lease {
	if !r.alive(now) || r.Lease.Token != c.Token {
		r.Lease = &lease{Token: c.Token, Holder: c.Holder}
		r.Fence, r.Released = max(r.Fence+1, now, c.Fence+1), ""
	}
	return r.Lease
}

// since is from when on a lease that is taken with the claim is had.
func since(c engine.Claim, now int64) int64 {
	if started := millis(c.Started); started > 0 {
		return min(started, now)
	}
	return now
}

func (r *record) hold(c engine.Claim, now int64, t terms) engine.Grant {
	l := r.take(c, now)
	if !l.Confirmed {
		l.Confirmed, l.Since = true, since(c, now)
	}
	l.Until = now + t.lease.Milliseconds()
	r.use(c, now)
	return engine.Grant{Answer: engine.Granted, Fence: r.Fence}
}

// use marks the claim's instant, and drops what need not be remembered longer.
func (r *record) use(c engine.Claim, now int64) {
	if c.ByHand {
		return
	}
	instant := c.Instant.Unix()
	if r.usedBy(instant, now) != nil {
		return
	}
	asked := stretches{}.with(stretchOf(c))
	if mine := asked.without(r.Settled); !slices.Equal(mine, asked) {
		r.note(c.Token, mine)
	}
	r.settle(c, now)
	r.Used = slices.DeleteFunc(r.Used, func(u use) bool { return u.Until <= now || u.Instant == instant })
	r.Used = append(r.Used, use{Instant: instant, Token: c.Token, Holder: c.Holder, Until: now + c.Remember.Milliseconds()})
}

// usedBy is who started an instant.
func (r *record) usedBy(instant, now int64) *use {
	for i, u := range r.Used {
		if u.Instant == instant && u.Token != "" && u.Until > now {
			return &r.Used[i]
		}
	}
	return nil
}

// spent says that nothing would be answered otherwise if the record were gone,
// in a folder of that birth.
func (r *record) spent(now, born int64) bool {
	for _, u := range r.Used {
		if u.Until > now {
			return false
		}
	}
	told := len(r.Settled) > 0 && r.Seen+lastsFor(r.Key).Milliseconds() > now
	return !told && !r.alive(now) && r.Fence < now && r.Born <= born && r.Seen <= now
}
