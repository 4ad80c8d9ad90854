package engine

import (
	"slices"
	"time"
)

// renewEvery is how often leases of running jobs are renewed: a third of a
// lease, so that two renewals may fail before it is lost.
const renewEvery = LeaseFor / 3

// hold is a lease that this slave has: of a run, or of one that waits for its
// next attempt (run is nil).
type hold struct {
	claim Claim
	run   *run
	once  bool // it may not be there: giving it up is tried once
}

// holds are the leases that this slave has and wants to keep.
func (d *duty) holds() (all []hold) {
	for _, r := range d.runs {
		mine := r.intent.Fence != 0 || d.needsLease(r.job) // it was started while the store was silent
		if mine && r.ending == nil && !r.leaseLost {
			all = append(all, hold{claim: d.claimOfRun(r), run: r})
		}
	}
	for _, in := range d.agenda.Intents {
		if in.Retry != nil && in.fence != 0 && !in.settled {
			all = append(all, hold{claim: d.claimOfRetry(in)})
		}
	}
	return all
}

// claimOfRetry is the question about the lease of a run that waits for its next
// attempt: whatever became of its job, that is the lease that it has.
func (d *duty) claimOfRetry(in *intent) Claim {
	return Claim{
		Key: in.Retry.Lease, Instant: in.Instant, Token: in.Token, Fence: in.fence,
		Remember: in.Until.Sub(in.Instant) + time.Hour, Holder: d.Plan.Slave, Met: d.storeMet(), ByHand: byAt(in.Run),
	}
}

func claimsOfHolds(holds []hold) []Claim {
	claims := make([]Claim, len(holds))
	for i, h := range holds {
		claims[i] = h.claim
	}
	return claims
}

// renew renews all leases when it is time; adopted runs' at once.
func (d *duty) renew(now bool) {
	if d.Store == nil || !now && d.Clock.Boot()-d.leases.renewed < renewEvery {
		return
	}
	d.leases.renewed = d.Clock.Boot()
	holds := d.holds()
	if len(holds) == 0 {
		return
	}
	d.leases.call("renew", claimsOfHolds(holds), d.Store.Renew, func(grants []Grant, err error) {
		for i, h := range holds {
			if err == nil && h.run != nil && grants[i].Answer != Granted && grants[i].Answer != Unreached {
				d.leaseLost(h.run, grants[i].Holder)
			}
		}
	})
}

// leaseLost says that somebody else has the lease of a run that still runs.
func (d *duty) leaseLost(r *run, holder string) {
	if r.ending != nil || r.leaseLost {
		return
	}
	if d.sayLeaseLost(r, holder, "Lost its lease while running; "+holder+" has it now") && r.job.OnLeaseLost == LeaseLostStop {
		d.stop(r, "its lease was lost")
	}
}

// sayLeaseLost tells that somebody else has, or had, what a run was to have
// alone; it says whether no shift told so before.
func (d *duty) sayLeaseLost(r *run, holder, message string) bool {
	r.leaseLost = true
	told := slices.Contains(d.agenda.LeaseLost, r.intent.ID) // by a shift that died before it could be noted
	if told || d.hasFlag(r, keptLeaseLost) {
		return false
	}
	d.log(Error, r.job, message)
	d.notify(EventJobLeaseLost, r.job.Name, r.intent.ID+"/lease_lost", map[string]any{"holder": holder})
	d.agenda.LeaseLost = append(d.agenda.LeaseLost, r.intent.ID)
	d.dirty = true
	d.afterCommit(func() { d.noteFlag(r, keptLeaseLost) })
	return true
}

// leaseLostActive are those of the attempts in the agenda that are not put away:
// of others nobody asks.
func (d *duty) leaseLostActive() (active []string) {
	for _, id := range d.agenda.LeaseLost {
		if r := d.runs[id]; r != nil && !d.hasFlag(r, keptLeaseLost) {
			active = append(active, id)
		}
	}
	return active
}

// release has the lease of an ended run given up, before the next claim is made.
// A run that was started while the store was silent may have one all the same,
// whose grant got lost: it goes too, if the store can be reached by now.
func (d *duty) release(r *run) {
	switch {
	case d.Store == nil:
	case r.intent.Fence != 0:
		r.leased = true
		d.leases.releases = append(d.leases.releases, hold{claim: d.claimOfRun(r), run: r})
	case d.needsLease(r.job):
		d.leases.releases = append(d.leases.releases, hold{claim: d.claimOfRun(r), once: true})
	}
}

// giveUpLease has the lease of a start that is not made given up, that of a shift
// that died among them: what it was granted only the store knows.
func (d *duty) giveUpLease(in *intent) {
	left := in.left && in.job != nil && d.needsLease(in.job)
	if d.Store == nil || in.fence == 0 && !left {
		return
	}
	h := hold{}
	switch {
	case in.Retry != nil:
		h.claim = d.claimOfRetry(in)
	case in.job != nil:
		h.claim = d.claimOfIntent(in)
	default:
		return
	}
	d.leases.releases = append(d.leases.releases, h)
}

// releaseAll gives up what ended since the last time, in one call. A run whose
// release failed is not put away: it is tried again, by the next shift if need be.
func (d *duty) releaseAll() {
	holds := d.leases.releases
	if len(holds) == 0 {
		return
	}
	d.leases.releases = nil
	d.leases.call("release", claimsOfHolds(holds), d.Store.Release, func(grants []Grant, err error) {
		for i, h := range holds {
			if err != nil || grants[i].Answer == Unreached {
				if !h.once {
					d.leases.again = append(d.leases.again, h)
				}
				continue
			}
			if h.run == nil {
				continue
			}
			if grants[i].Answer == Used {
				d.sayLeaseLost(h.run, grants[i].Holder, "Was started twice: "+grants[i].Holder+" started it too, because the lock store had forgotten this run")
			}
			d.afterCommit(func() {
				h.run.leased = false
				d.putAwayIfTold(h.run)
			})
		}
	})
}
