package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// storePatience bounds one call to the lock store.
const storePatience = 10 * time.Second

// leaseWorker talks to the lock store, one call after the other, so that the
// shift never waits for it and a release always comes before the next claim.
type leaseWorker struct {
	d        *duty
	queue    chan func()   // one call at a time: the next is put in when its answer came
	waiting  []func()      // the shift's: calls in order
	calling  bool          // the shift's: a call is under way
	releases []hold        // the shift's: leases that are to be given up with the next call
	again    []hold        // the shift's: those for which that failed
	renewed  time.Duration // Clock.Boot of the last renewal
	tried    bool          // the shift's: there was a call
	answered bool          // the shift's: the last one was answered, at least in part
	doubted  bool          // the shift's: the store answered, and whether all of it does is to be asked
	noted    bool          // the shift's: this slave is noted, or was tried to
}

func newLeaseWorker(d *duty) *leaseWorker {
	w := &leaseWorker{d: d, queue: make(chan func(), 1), renewed: d.Clock.Boot()}
	if d.Store != nil {
		go w.work()
	}
	return w
}

func (w *leaseWorker) work() {
	for {
		select {
		case call := <-w.queue:
			call()
		case <-w.d.ctx.Done():
			return
		}
	}
}

func (w *leaseWorker) idle() bool {
	return !w.calling && len(w.waiting) == 0 && len(w.releases) == 0
}

// next puts the next call in, if none is under way.
func (w *leaseWorker) next() {
	if w.calling || len(w.waiting) == 0 {
		return
	}
	w.calling = true
	w.queue <- w.waiting[0]
	w.waiting = w.waiting[1:]
}

// call makes one call to the store about claims and hands its answers to the shift.
func (w *leaseWorker) call(what string, claims []Claim,
	do func(context.Context, []Claim) ([]Grant, error), then func([]Grant, error)) {
	var grants []Grant
	w.put(func(ctx context.Context) (now time.Time, err error) {
		grants, err = do(ctx, claims)
		if err == nil && len(grants) != len(claims) {
			err = fmt.Errorf("the lock store gave %d answers to %d questions (%s)", len(grants), len(claims), what)
		}
		return storeClock(grants), err
	}, func(err error) {
		w.d.storeAnswered(err, unreachedOf(grants))
		w.d.meetStore(grants)
		then(grants, err)
	})
}

// ask makes one call to the store, which returns what the store's clock shows if
// it said so, and lets the shift go on with what came of it.
func (w *leaseWorker) ask(do func(context.Context) (now time.Time, err error), then func(error)) {
	w.put(do, func(err error) {
		w.d.storeAnswered(err, nil)
		then(err)
	})
}

// put puts one call into the queue; then belongs to the shift.
func (w *leaseWorker) put(do func(context.Context) (now time.Time, err error), then func(error)) {
	act := func() {
		ctx, cancel := context.WithTimeout(w.d.ctx, storePatience)
		defer cancel()
		sent := w.d.now()
		now, err := do(ctx)
		received := w.d.now()
		w.d.send(func() {
			w.calling = false
			if err == nil && !now.IsZero() {
				w.d.compareClocks(clockOffset(sent, received, now))
			}
			then(err)
			w.next()
		})
	}
	w.waiting = append(w.waiting, act)
	w.next()
}

// needsLease says whether starts of the job are agreed upon with others: with
// a lock store, all that may not overlap and all that start on one slave only.
func (d *duty) needsLease(job *Job) bool {
	return d.Store != nil && (job.RunOn == RunOnOne || !job.Overlaps())
}

// claimOf is the question to the store about an instant of a job.
func (d *duty) claimOf(job *Job, slave string, instant time.Time, token string, fence int64) Claim {
	key := job.Slug
	if job.RunOn != RunOnOne {
		key += "@" + slave
	}
	if job.Overlaps() {
		key += "#" + instant.UTC().Format("20060102T150405Z") // one lease an instant
	}
	return Claim{
		Key: key, Instant: instant, Token: token, Fence: fence,
		Remember: job.Jitter + catchUpOf(job, instant) + time.Hour, Holder: slave, Met: d.storeMet(), After: instant,
	}
}

// claimOfRun is the question about a run's lease, under the name that this
// slave had when it started the run.
func (d *duty) claimOfRun(r *run) Claim {
	c := d.claimOf(r.job, r.intent.Slave, r.intent.Instant, r.intent.Token, r.intent.Fence)
	c.Started = r.intent.StartedAt
	return forAt(about(c, r.job, r.intent.ID, r.intent.Instant), r.job, r.intent.ID)
}

// about is the claim of a run of the schedule: it settles all instants, from the first
// on, for which the run is started. Nobody asks about those of one slave's own jobs,
// and those of runs that may overlap are settled at the job's key (startDecided).
func about(c Claim, job *Job, id string, first time.Time) Claim {
	if job.RunOn == RunOnOne && !job.Overlaps() && !byHand(id) {
		c.After = stretchOf(job, span{First: first, Last: c.Instant}).After
	}
	return c
}

// forAt is the claim of a start that --at asked for: it leaves the instant to
// the schedule, and where runs may overlap it has a lease of its own.
func forAt(c Claim, job *Job, id string) Claim {
	_, asked, byAt := strings.Cut(id, "Z"+byCommand)
	c.ByHand = byAt
	if byAt && job.Overlaps() {
		run, _ := cutAttempt(asked)
		c.Key += byCommand + run
	}
	return c
}

// claimOfIntent is the question about the lease of a start.
func (d *duty) claimOfIntent(in *intent) Claim {
	c := d.claimOf(in.job, d.Plan.Slave, in.Instant, in.Token, in.fence)
	return forAt(c, in.job, in.Run)
}

// storeMet is when this slave met the store, zero if it has not.
func (d *duty) storeMet() time.Time {
	if d.agenda.StoreMet.URL != storeName(d.Plan.LockStore) {
		return time.Time{}
	}
	return d.agenda.StoreMet.At
}

// meetStore notes the store's first answer to this slave.
func (d *duty) meetStore(grants []Grant) {
	now := storeClock(grants)
	if now.IsZero() || !d.storeMet().IsZero() {
		return
	}
	d.agenda.StoreMet = storeMet{URL: storeName(d.Plan.LockStore), At: now}
	d.dirty = true
}

// storeName is a hash of what says where a store is; a URL may hold a password.
func storeName(s LockStore) string {
	place := append([]string{s.URL, s.Socket, s.Folder, s.Master, strconv.Itoa(s.DB)}, s.Hosts...)
	sum := sha256.Sum256([]byte(strings.Join(place, " ")))
	return hex.EncodeToString(sum[:8])
}

func (d *duty) claimsOf(intents []*intent) []Claim {
	claims := make([]Claim, len(intents))
	for i, in := range intents {
		claims[i] = d.claimOfIntent(in)
	}
	return claims
}

// claim asks for the leases of intents; those granted go on to be confirmed.
func (d *duty) claim(intents []*intent) {
	d.releaseAll() // what makes way for them may have their leases
	d.leases.call("claim", d.claimsOf(intents), d.Store.Acquire, func(grants []Grant, err error) {
		d.answered(intents, grants, err, func(in *intent) {
			in.phase = phaseClaimed
			d.markStarting(in, true)
		})
	})
}

// confirm uses the instants up, just before they are started. What is a retry
// has used its instant up: it makes sure that its run's lease is still there,
// or free.
func (d *duty) confirm(intents []*intent) {
	var first, again []*intent
	for _, in := range intents {
		if in.Retry == nil {
			first = append(first, in)
		} else {
			again = append(again, in)
		}
	}
	if len(first) > 0 {
		d.lastQuestion("confirm", first, d.Store.Confirm)
	}
	if len(again) > 0 {
		d.lastQuestion("renew", again, d.Store.Renew)
	}
}

// lastQuestion is the one after which a start is made.
func (d *duty) lastQuestion(what string, intents []*intent, ask func(context.Context, []Claim) ([]Grant, error)) {
	sent := d.Clock.Boot()
	claims := d.claimsOf(intents)
	for i, in := range intents {
		claims[i] = about(claims[i], in.job, in.Run, in.instants().First)
		in.confirmedFor = in.instants().Count
	}
	d.leases.call(what, claims, ask, func(grants []Grant, err error) {
		d.answered(intents, grants, err, func(in *intent) {
			in.phase, in.confirmed = phaseStarting, sent
		})
	})
}

// answered lets each intent go on as the store's answer says.
func (d *duty) answered(intents []*intent, grants []Grant, err error, granted func(*intent)) {
	for i, in := range intents {
		switch {
		case err != nil:
			d.storeSilent(in, err)
		case grants[i].Answer == Unreached:
			d.storeSilent(in, grants[i].Why)
		case grants[i].Answer == Granted:
			in.fence, in.Problem = grants[i].Fence, ""
			granted(in)
		default:
			d.refused(in, grants[i])
		}
	}
}

// refused is what a store's refusal means for a start.
func (d *duty) refused(in *intent, g Grant) {
	switch g.Answer {
	case Used:
		d.elsewhere(in, g.Holder)
	case Held:
		if in.Retry != nil && in.Retry.Tokenless && g.Holder == d.Plan.Slave {
			in.Problem = "its last attempt's lease is not over"
			d.waitAgain(in)
			return
		}
		d.heldBy(in, g)
	case Forgotten:
		in.Problem = "the lock store is newer than this instant (it is new, or lost its memory) and cannot say whether it was started"
		if d.knowsItself(in) {
			d.startUnleased(in)
			return
		}
		d.miss(in)
	default: // a mere claim may come to nothing
		in.Problem = "another slave had claimed it: " + g.Holder
		d.waitAgain(in)
	}
}

// storeSilent is what an unreachable store means for a start: jobs of this
// slave alone go on by their run folders; others wait, unless they say
// otherwise.
func (d *duty) storeSilent(in *intent, err error) {
	in.Problem = fmt.Sprintf("the lock store cannot be reached: %v", err)
	if in.job.RunOn == RunOnOne && in.job.OnNoStore != StoreErrorRun {
		d.waitAgain(in)
		return
	}
	d.startUnleased(in)
}

// startUnleased lets an intent start by the run folders alone; a retry keeps
// the fence of its run.
func (d *duty) startUnleased(in *intent) {
	in.phase, in.confirmed = phaseStarting, 0
	if in.Retry == nil {
		in.fence = 0
	}
	d.markStarting(in, true)
}

// knowsItself says whether this slave's own disk tells all that a store could:
// nobody else starts the instant, and the disk is no newer than it.
func (d *duty) knowsItself(in *intent) bool {
	met := d.storeMet()
	return in.job.RunOn != RunOnOne && !met.IsZero() && !in.Instant.Before(met.Truncate(time.Minute))
}

// waitAgain puts an intent back to those that wait.
func (d *duty) waitAgain(in *intent) {
	in.phase = phaseWaiting
	in.notBefore = d.Clock.Boot() + tryAgain
	d.markStarting(in, false)
}
