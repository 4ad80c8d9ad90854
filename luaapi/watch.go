package luaapi

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// graceOfCut is how long a call may go on after it was cut off: the VM
	// notices between two instructions, a builtin of Lua does not notice at all.
	graceOfCut = 2 * time.Second
	// memoryOfCall is how much memory one call may take, in bytes.
	memoryOfCall = 512 << 20
	// lookAtMemory is how often calls that last are looked at.
	lookAtMemory = 20 * time.Millisecond
)

// greedy is why a call that took too much memory was cut off.
type greedy struct{ most uint64 }

func (g *greedy) Error() string {
	return fmt.Sprintf("took more than %d MiB of memory", g.most>>20)
}

// watched is a call that is going on. All but d and hung belongs to the judge's
// look.
type watched struct {
	d    *deadline
	hung func() // nil: nobody wants to know

	start uint64   // bytes of the heap, when it was first looked at; 0: it was not
	found evidence // in trials
	// shared says that another call ran during it: what the heap grew by since
	// its start may be the other's.
	shared bool
	cut    time.Time // when it was seen to be cut off
}

// judge looks after all calls of a process, in whichever VM: it cuts off one
// that takes too much memory, and reports one that does not come back after it
// was cut off. Go tells how much memory the process takes, not who takes it, so
// calls that run beside each other are tried; see trial.
type judge struct {
	most uint64 // bytes that one call may add to the heap; 0: mostMemory

	mu      sync.Mutex
	calls   []*watched
	looking bool // a look is due, or under way
	trying  bool // a trial is under way: a call that begins waits for its end

	// Of the look alone.
	before  uint64        // heap at the last look
	next    uint64        // heap from which on a closer look is worth a collection
	tried   time.Time     // when the last trial ended
	took    time.Duration // how long it took
	convict *watched      // was cut off last; its memory is free once it has ended
}

// ofProcess is the judge of all calls of this process.
var ofProcess judge

// watch looks after the call under d until it is forgotten.
func (j *judge) watch(d *deadline, hung func()) *watched {
	w := &watched{d: d, hung: hung}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = append(j.calls, w)
	if j.trying {
		d.pause.hold()
	}
	if !j.looking {
		j.looking = true
		time.AfterFunc(lookAtMemory, j.look)
	}
	return w
}

func (j *judge) forget(w *watched) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls = slices.DeleteFunc(j.calls, func(other *watched) bool { return other == w })
}

// look looks at all calls, and comes again as long as there are any.
func (j *judge) look() {
	j.mu.Lock()
	calls := slices.Clone(j.calls)
	if j.looking = len(calls) > 0; !j.looking {
		j.convict = nil
	}
	j.mu.Unlock()
	if len(calls) == 0 {
		return
	}
	for _, w := range calls {
		j.lookAfterCut(w)
	}
	if j.convict != nil && !slices.Contains(calls, j.convict) {
		j.convict = nil
		runtime.GC() // what it took would count as there before calls that begin now
	}
	j.lookAtHeap(calls)
	time.AfterFunc(lookAtMemory, j.look)
}

// lookAfterCut waits for the end of a call that was cut off, but not for ever.
func (j *judge) lookAfterCut(w *watched) {
	switch {
	case w.d.Context.Err() == nil:
	case w.cut.IsZero():
		w.cut = time.Now()
	case time.Since(w.cut) >= graceOfCut:
		j.forget(w)
		if w.hung != nil {
			go w.hung()
		}
	}
}

// lookAtHeap finds out whether a call takes too much. Where the heap grew by half
// of what one may take, those that run beside each other are tried, and again
// each quarter: what one took before the limit tells who it was.
func (j *judge) lookAtHeap(calls []*watched) {
	now := heap()
	jump := grown(j.before, now)
	j.before = now
	markShared(calls)
	suspicious := false
	for _, w := range calls {
		if w.start == 0 {
			w.start = now
		}
		if now < w.start+j.limit()/2 {
			w.found = evidence{}
			continue
		}
		suspicious = true
	}
	switch {
	case !suspicious:
		j.next = 0
		return
	case j.convict != nil:
		return
	case now < j.next && (j.took == 0 || time.Since(j.tried) < j.took):
		return
	}
	j.lookCloser(calls, jump)
}

// markShared notes who was not the only one that ran.
func markShared(calls []*watched) {
	var awake []*watched
	for _, w := range calls {
		if !w.d.rest.now().resting {
			awake = append(awake, w)
		}
	}
	for _, w := range calls {
		w.shared = w.shared || len(awake) > 1 || len(awake) == 1 && awake[0] != w
	}
}

// lookCloser counts what is not garbage, and has those tried that run beside each
// other. Who ran alone since it began needs no trial. jump is what the heap grew
// by since the last look. All are paused before the collection: by its end a
// builtin may be over that took it all.
func (j *judge) lookCloser(calls []*watched, jump uint64) {
	began := time.Now()
	tries := j.suspects(calls, heap())
	var stuck []*watched
	if tries {
		j.pause(true)
		defer j.pause(false)
		stuck = settle(calls, pauseWithin)
	}
	live := collected()
	j.took = 0
	if tries && j.suspects(calls, live) {
		live = j.try(calls, stuck, live, jump)
	}
	j.before, j.next = live, live+j.limit()/4
	guilty := j.guilty(calls, live)
	if len(guilty) == 0 && j.over(calls, live) {
		// Until it shows who it was they run together half of the time.
		j.tried, j.took = time.Now(), time.Since(began)
	}
	for _, w := range guilty {
		j.convict = w
		w.d.cause(&greedy{j.limit()})
	}
}

// suspects says whether one of those that ran beside others may be who took the
// size of the heap.
func (j *judge) suspects(calls []*watched, size uint64) bool {
	return slices.ContainsFunc(calls, func(w *watched) bool { return w.shared && size >= w.start+j.limit()/2 })
}

// over says whether there is more than one of them may have taken.
func (j *judge) over(calls []*watched, live uint64) bool {
	return slices.ContainsFunc(calls, func(w *watched) bool { return live >= w.start+j.limit() })
}

// guilty are those that are to be cut off, now that live bytes are in use.
func (j *judge) guilty(calls []*watched, live uint64) []*watched {
	charges := make([]charge, len(calls))
	for i, w := range calls {
		charges[i] = charge{since: grown(w.start, live), evidence: w.found, shared: w.shared, out: w.d.Context.Err() != nil}
	}
	var guilty []*watched
	for _, i := range verdict(charges, j.limit()) {
		guilty = append(guilty, calls[i])
	}
	return guilty
}

func (j *judge) limit() uint64 {
	if j.most != 0 {
		return j.most
	}
	return mostMemory()
}

// heap is the memory that objects take, in bytes, garbage included. It does not
// stop the program.
func heap() uint64 { return metric("/memory/classes/heap/objects:bytes") }

// allocated is how much was ever allocated, in bytes.
func allocated() uint64 { return metric("/gc/heap/allocs:bytes") }

// collected is the memory that objects take which are in use, in bytes.
func collected() uint64 {
	runtime.GC()
	return heap()
}

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// grown is how much more after is than before.
func grown(before, after uint64) uint64 { return max(after, before) - before }

// mostMemory is memoryOfCall, or less where this process may not have much
// (ulimit -v): beyond it the process would end, with all handlers.
var mostMemory = sync.OnceValue(func() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) == nil && uint64(limit.Cur) < 8*memoryOfCall { //nolint:unconvert // signed on some systems
		return uint64(limit.Cur) / 8 //nolint:unconvert // as above
	}
	return memoryOfCall
})
