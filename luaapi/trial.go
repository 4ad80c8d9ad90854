package luaapi

import "time"

const (
	// turnOfTrial is how long a call runs alone.
	turnOfTrial = 20 * time.Millisecond
	// pauseWithin is how long calls take at the most to come to rest between two
	// instructions, but for those in a builtin: long enough for one to get its turn
	// on a busy machine.
	pauseWithin = 60 * time.Millisecond
	// settleWithin is how long one in a builtin is waited for. Longer than
	// string.rep takes for the longest string.
	settleWithin = 150 * time.Millisecond
	// noise is what is allocated in a turn, in bytes, without a closer look.
	noise = 64 << 10
)

// turn is a part of a trial: how much the heap grew while some calls ran.
type turn struct {
	grew uint64 // bytes
	// ran are those that ran, by their number: the one whose turn it was, or -1,
	// then those that could not be paused.
	ran []int
}

// evidence is what trials found about one call.
type evidence struct {
	own    uint64 // bytes that the heap grew by in its turns
	weight int    // how sure that is: 4 for a turn in which it was alone, 1 for others
}

// enough is the weight from which on a call may be cut off: more than one trial,
// as on a busy machine one that was thought to wait may come to its turn late.
const enough = 8

// shares says how much of what the heap grew by is each one's. The first of the
// turns is that of nobody: what it grew by is of those that could not be paused,
// who went on in all other turns too. If they took anything, a turn in which they
// ran says nothing of the one whose turn it was. Two of them cannot be told apart.
func shares(calls int, turns []turn) []evidence {
	found := make([]evidence, calls)
	idle := turns[0]
	for _, i := range idle.ran[1:] {
		found[i] = found[i].and(idle.grew, 4)
	}
	for _, t := range turns[1:] {
		switch i := t.ran[0]; {
		case len(t.ran) == 1:
			found[i] = found[i].and(t.grew, 4)
		case idle.grew == 0:
			found[i] = found[i].and(t.grew, 1)
		}
	}
	return found
}

func (e evidence) and(grew uint64, weight int) evidence {
	if grew == 0 {
		return e
	}
	return evidence{e.own + grew, e.weight + weight}
}

// charge is what is known of a call.
type charge struct {
	since uint64 // bytes that the heap grew by since it began
	evidence
	shared bool // it ran beside others
	out    bool // it was cut off already
}

// verdict says who is to be cut off, by number: who was alone when the heap grew
// by most bytes, else who took the most in trials. Nobody, while what was found is
// too little to tell.
func verdict(charges []charge, most uint64) []int {
	var guilty []int
	worst := most / 64
	for i, a := range charges {
		switch {
		case a.out || a.since < most:
		case !a.shared:
			return []int{i}
		case a.weight < enough:
		case a.own > worst:
			worst, guilty = a.own, []int{i}
		case a.own == worst:
			guilty = append(guilty, i)
		}
	}
	return guilty
}

// try lets each of the calls, which are paused, run alone for a moment; then it
// adds to each one's own what the heap grew by, and returns how large that is
// now. stuck are those that could not be paused, live is how large the heap is,
// and jump what it grew by since the last look. A trial lasts some 20 ms and a
// collection for each call that computes, and always ends: nothing in it waits
// without a limit.
func (j *judge) try(calls, stuck []*watched, live, jump uint64) uint64 {
	turns := []turn{{ran: []int{-1}}}
	if len(stuck) == 1 && jump >= j.limit()/4 {
		// No instructions take as much between two looks: it was a builtin, and
		// this one alone is in any.
		stuck[0].found = stuck[0].found.and(jump, enough)
	}
	if len(stuck) > 0 {
		turns[0], live = j.turn(calls, -1, live)
	}
	for i, w := range calls {
		if !w.d.pause.waiting() {
			continue
		}
		var t turn
		t, live = j.turn(calls, i, live)
		turns = append(turns, t)
	}
	for i, more := range shares(len(calls), turns) {
		calls[i].found = calls[i].found.and(more.own, more.weight)
	}
	return live
}

// pause pauses all calls, those too that begin while it lasts, or lets them go on.
func (j *judge) pause(on bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.trying = on
	for _, w := range j.calls {
		if on {
			w.d.pause.hold()
		} else {
			w.d.pause.release()
		}
	}
}

// settle waits until all calls rest, or for that long. It returns those that do not.
func settle(calls []*watched, within time.Duration) (stuck []*watched) {
	for until := time.Now().Add(within); ; time.Sleep(200 * time.Microsecond) {
		stuck = nil
		for _, w := range calls {
			if !w.d.rest.now().resting {
				stuck = append(stuck, w)
			}
		}
		if len(stuck) == 0 || !time.Now().Before(until) {
			return stuck
		}
	}
}

// turn lets calls[i] run for turnOfTrial, or until it took much; with -1 it waits
// for those that could not be paused. live is how large the heap is; it returns
// how large it is then.
func (j *judge) turn(calls []*watched, i int, live uint64) (turn, uint64) {
	before, marks := allocated(), make([]mark, len(calls))
	for k, w := range calls {
		marks[k] = w.d.rest.now()
	}
	waitFor := calls
	if i >= 0 {
		waitFor = calls[i : i+1]
		j.release(calls[i], before)
	}
	settle(waitFor, settleWithin)
	t := turn{ran: []int{i}}
	for k, w := range calls {
		if k != i && (!marks[k].resting || w.d.rest.now() != marks[k]) {
			t.ran = append(t.ran, k)
		}
	}
	if i < 0 || allocated()-before >= noise {
		after := collected()
		t.grew, live = grown(live, after), after
	}
	return t, live
}

// release lets a call run for turnOfTrial, or until it took much.
func (j *judge) release(w *watched, before uint64) {
	w.d.pause.release()
	defer w.d.pause.hold()
	for began := time.Now(); time.Since(began) < turnOfTrial && allocated()-before < j.limit()/8; {
		time.Sleep(time.Millisecond)
	}
}
