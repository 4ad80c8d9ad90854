package engine

import (
	"context"
	"time"
)

// Store keeps leases: expiring, exclusive holds on a key under a token. Every
// call is a batch and is idempotent under its tokens: made again, because the
// reply was lost, it gives the same answer and never "held by somebody else".
// An error means that nothing is known about any of the batch; the answers are
// in the order of the questions. A store that has parts, each of which keeps some
// of the keys, may answer for those that it reached: a claim of another one is
// Unreached, and as little is known of it. Calls may come from several goroutines and
// processes at once. All times are the store's own clock's.
type Store interface {
	// Acquire claims key and instant for ClaimFor. It is refused while another
	// token has the lease, and when the instant was used up.
	Acquire(ctx context.Context, claims []Claim) ([]Grant, error)
	// Confirm uses the instant up (it is remembered for Claim.Remember), settles
	// the claim's stretch (see Miss) and makes the lease LeaseFor. It is granted to
	// the token that has the claim, or that could have it now: a claim that ran out
	// and that nobody else took is taken again.
	Confirm(ctx context.Context, claims []Claim) ([]Grant, error)
	// Renew makes leases LeaseFor again. One that vanished and that nobody
	// else has is taken again, with a new fence; but not one that its own token
	// released (Used): that call was under way for too long.
	Renew(ctx context.Context, holds []Claim) ([]Grant, error)
	// Release gives leases up, those that the tokens still have; a claimed
	// instant that was not confirmed is free again. It is always done, so the
	// answer says only whether the instant is another token's (Used): the store
	// had lost its memory, and the instant was started twice. Else it is Granted.
	Release(ctx context.Context, holds []Claim) ([]Grant, error)
	// Miss settles which token tells that instants of a key were not started by
	// anybody: all those of the claim's stretch. Each part of it that was not settled
	// before is settled with this, and answered as Grant.Untold with Granted: it is
	// for this token alone to tell. A stretch is settled by Confirm, and by a Miss.
	// Used says that nothing of it is left: it was started, left out, or is told by
	// others. What this token itself had used up it may tell. What is not known, or
	// not any more, counts as not settled. It takes no lease.
	Miss(ctx context.Context, missed []Claim) ([]Grant, error)
	// Close gives up connections and files, no lease.
	Close() error
}

// How long leases are, in the store's clock.
const (
	// ClaimFor is how long a claim holds that is not confirmed.
	ClaimFor = 15 * time.Second
	// LeaseFor is three ticks, so that the next shift but one still comes in
	// time to renew the lease of a run whose shift crashed.
	LeaseFor = 180 * time.Second
	// StartWithin is the latest start after its Confirm was sent: with the
	// rest of the lease a shift finds out that it has to stop.
	StartWithin = 150 * time.Second
)

// Claim is one question to a Store.
type Claim struct {
	Key     string    // what is leased: the job's slug, with the slave's name for runOn = "every"
	Instant time.Time // whole seconds; which start it is for
	// After is where the stretch begins that the claim is about, which ends with
	// Instant: the instant of the schedule before the oldest for which the start
	// is made. Zero: it is about Instant alone; Instant itself: about none, as a
	// start that is no instant of the schedule settles nothing.
	After    time.Time
	Token    string        // random, the same for all attempts of an instant
	Fence    int64         // the highest fencing number that the caller has seen, or 0
	Remember time.Duration // how long the instant stays used after Confirm; see ByHand
	Holder   string        // the slave's name, for people
	// ByHand is a claim for a start that somebody asked for (--at): it takes and
	// needs the lease, but neither asks whether the instant was used nor uses it
	// up, as the schedule's own start of that instant is another.
	ByHand bool
	// Decided, in a Miss: the stretch is settled by what this slave did. Nobody is to
	// tell it; it may still be started by others.
	Decided bool
	// Started is when the run of a lease that is renewed was started: what others
	// are told as Grant.Since where the lease is taken anew. Zero: now.
	Started time.Time
	// Met is when this slave first got an answer from the store, by the
	// store's clock (Grant.Now of then); zero: never. A store that is younger
	// than that has lost its memory, and vouches for nothing that is due within
	// 90 s after its birth. To all others it was new, and vouches for
	// the whole minute in which its memory began: so the first tick of a first
	// deployment starts its jobs.
	Met time.Time
}

// Stretch is the time after After, up to and including To, both in whole seconds.
type Stretch struct{ After, To time.Time }

// Stretch is the time that the claim is about.
func (c Claim) Stretch() Stretch {
	if c.After.IsZero() {
		return Stretch{After: c.Instant.Add(-time.Second), To: c.Instant}
	}
	return Stretch{After: c.After, To: c.Instant}
}

// Grant is a Store's answer to one Claim.
type Grant struct {
	Answer Answer
	Fence  int64     // the lease's fencing number, when Granted
	Holder string    // who has it, when Claimed or Held; who used it, when Used
	Since  time.Time // since when, when Held
	Untold []Stretch // what nobody settled before, in order, when Granted by Miss
	Now    time.Time // the store's clock; zero when Unreached
	Why    error     // what kept the answer away, when Unreached; nil else
}

// Answer says whether a lease was had and if not, why.
type Answer int

// The answers.
const (
	// Granted: the token has the lease.
	Granted Answer = iota
	// Claimed: another token has a claim that is not confirmed; ask again.
	Claimed
	// Held: another token has a confirmed lease, so a run of it is going on.
	Held
	// Used: the instant was started by another token.
	Used
	// Forgotten: the store's memory is younger than the instant (it is new, or
	// lost its memory), so that it cannot know whether the instant was used; it
	// is not to be started.
	Forgotten
	// Unreached: the part of the store that keeps this key did not answer, while
	// others did; nothing is known of this claim. A call of which no claim was
	// answered gives an error instead.
	Unreached
)

// Whole is a Store whose parts may be away one by one.
type Whole interface {
	// Whole says by nil that all parts of the store answer, whether or not they
	// have been asked anything; met is the caller's Claim.Met. An error is that
	// of a part that does not.
	Whole(ctx context.Context, met time.Time) error
}
