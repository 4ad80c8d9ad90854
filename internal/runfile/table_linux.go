package runfile

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// table lets all who look for processes at the same time share one walk
// through all of them: many runs may be ended in one moment, and one walk for
// each would take the square of their number.
type table struct {
	scan func(*walk) // fills a walk in

	mu      sync.Mutex
	next    *walk // has not begun; nil: nobody waits for one
	walking bool
	walks   int // so many have begun
}

var allProcesses = &table{scan: (*walk).scan}

// leastRest is the least time between two walks. They rest as long as they take,
// too, so that half a core is left to those who start jobs.
const leastRest = firstPause

// walk is one walk through all processes. Nobody changes it once it is done.
type walk struct {
	askers    int
	inSession map[int][]int    // who lives in the sessions that were asked for
	marked    map[string][]int // who lives and carries a mark that was asked for
	err       error
	done      chan struct{}
}

// find returns a walk that began after the call: a process that hid from one
// must not hide from the next. Session 0 is none's.
func (t *table) find(session int, marks ...string) *walk {
	w := t.ask(session, marks)
	<-w.done
	return w
}

func (t *table) ask(session int, marks []string) *walk {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == nil {
		t.next = &walk{inSession: map[int][]int{}, marked: map[string][]int{}, done: make(chan struct{})}
	}
	t.next.askers++
	if session != 0 {
		t.next.inSession[session] = nil
	}
	for _, mark := range marks {
		t.next.marked[mark] = nil
	}
	if !t.walking {
		t.walking = true
		go t.walkOn()
	}
	return t.next
}

// walkOn walks for as long as somebody asks, and once more rests after that.
func (t *table) walkOn() {
	for w := t.begin(); w != nil; w = t.begin() {
		begun := time.Now()
		t.scan(w)
		close(w.done)
		time.Sleep(max(leastRest, time.Since(begun)))
	}
}

// begin takes the walk that is next; who asks from now on gets another.
func (t *table) begin() *walk {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.next
	t.next, t.walking = nil, w != nil
	if w != nil {
		t.walks++
	}
	return w
}

func (w *walk) scan() {
	pids, err := allPIDs()
	if err != nil {
		w.err = err
		return
	}
	var files procFiles
	for _, pid := range pids {
		stat, err := files.stat(pid)
		if err != nil || stat.dead || stat.kernel {
			continue
		}
		found, asked := w.inSession[stat.session]
		if asked {
			w.inSession[stat.session] = append(found, pid)
		}
		if asked && w.askers == 1 { // another's mark would have to be looked for
			continue
		}
		if environ, err := files.read(pid, "environ"); err == nil { // else it ended, or is somebody else's
			w.noteMarks(environ, pid)
		}
	}
}

func (w *walk) noteMarks(environ []byte, pid int) {
	for mark := range marksIn(environ) {
		if found, asked := w.marked[string(mark)]; asked {
			w.marked[string(mark)] = append(found, pid)
		}
	}
}

// allPIDs is each process but the first and ourselves.
func allPIDs() ([]int, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(names))
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		if pid, err := strconv.Atoi(name); err == nil && pid > 1 && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// Living is which of the marks are carried by processes that live. One walk
// through all processes serves for all of them.
func Living(marks map[string]bool) (map[string]bool, error) {
	var wanted []string
	for mark, want := range marks {
		if want {
			wanted = append(wanted, mark)
		}
	}
	w := allProcesses.find(0, wanted...)
	if w.err != nil {
		return nil, fmt.Errorf("cannot look for the processes of runs: %w", w.err)
	}
	living := map[string]bool{}
	for mark, found := range w.marked {
		if marks[mark] && len(found) > 0 {
			living[mark] = true
		}
	}
	return living, nil
}
