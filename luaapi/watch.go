package luaapi

import (
	"fmt"
	"runtime"
	"runtime/metrics"
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
	// lookAtMemory is how often a call that lasts is looked at.
	lookAtMemory = 20 * time.Millisecond
)

// greedy is why a call that took too much memory was cut off.
type greedy struct{ most uint64 }

func (g *greedy) Error() string {
	return fmt.Sprintf("took more than %d MiB of memory", g.most>>20)
}

// callWatch looks after a call that lasts: it cuts off one that takes too much
// memory, and reports one that does not come back after it was cut off.
type callWatch struct {
	mu    sync.Mutex
	over  bool
	timer *time.Timer
	d     *deadline
	hung  func() // nil: nobody wants to know

	start, most uint64 // bytes of the heap, when the call was first looked at, and that it may add
	cut         time.Time
}

// watchCall watches the call under d until stop.
func watchCall(d *deadline, hung func()) *callWatch {
	w := &callWatch{d: d, hung: hung, most: mostMemory()}
	w.mu.Lock() // look may come before the timer is noted
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(lookAtMemory, w.look)
	return w
}

func (w *callWatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.timer.Stop()
}

func (w *callWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	if w.d.Context.Err() != nil {
		w.lookAfterCut()
		return
	}
	w.timer.Reset(lookAtMemory)
	now := heap()
	if w.start == 0 {
		w.start = now
		return
	}
	if now < w.start+w.most {
		return
	}
	runtime.GC() // what is garbage does not count
	if heap() >= w.start+w.most {
		w.d.cause(&greedy{w.most})
	}
}

// lookAfterCut waits for the end of a call that was cut off, but not for ever.
func (w *callWatch) lookAfterCut() {
	if w.cut.IsZero() {
		w.cut = time.Now()
	}
	if time.Since(w.cut) < graceOfCut {
		w.timer.Reset(lookAtMemory)
		return
	}
	if w.hung != nil {
		go w.hung()
	}
}

// heap is the memory that objects take, in bytes. It does not stop the program.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// mostMemory is memoryOfCall, or less where this process may not have much
// (ulimit -v): beyond it the process would end, with all handlers.
var mostMemory = sync.OnceValue(func() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &limit) == nil && uint64(limit.Cur) < 8*memoryOfCall { //nolint:unconvert // signed on some systems
		return uint64(limit.Cur) / 8 //nolint:unconvert // as above
	}
	return memoryOfCall
})
