package runfile

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// However many ask, and whenever they do: one walk serves all who asked before
// it began, and nobody who asked after that.
func TestWalkServesWhoAskedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const askers = 100
		gate := make(chan struct{})
		table := &table{scan: func(w *walk) {
			<-gate
			for session := range w.inSession {
				w.inSession[session] = []int{session}
			}
		}}
		var all sync.WaitGroup
		got := make([]*walk, askers+1)
		ask := func(session int) {
			all.Go(func() { got[session] = table.find(session, "mark") })
			synctest.Wait()
		}
		for session := 1; session <= askers; session++ {
			ask(session)
		}
		close(gate)
		all.Wait()
		time.Sleep(time.Minute) // the last rest
		for session := 2; session <= askers; session++ {
			if got[session] != got[2] || !slices.Equal(got[session].inSession[session], []int{session}) {
				t.Fatalf("asker %d has another walk than asker 2, or is not in it", session)
			}
		}
		if table.walks != 2 || got[1] == got[2] {
			t.Errorf("%d walks, and the first may have served who came later", table.walks)
		}
	})
}

// A walk rests for as long as it took, and then comes at once.
func TestWalksRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = 40 * time.Millisecond
		table := &table{scan: func(*walk) { time.Sleep(long) }}
		begun := time.Now()
		for range 3 {
			table.find(0)
		}
		if d := time.Since(begun); d != 3*long+2*long {
			t.Errorf("three took %v", d)
		}
		time.Sleep(time.Minute)
		begun = time.Now()
		table.find(0)
		if d := time.Since(begun); d != long {
			t.Errorf("after a while one took %v", d)
		}
		time.Sleep(time.Minute)
	})
}

// To end many runs takes about as many walks as to end one: were there some for
// each run, the cost would be the square of the number.
func TestEndingManySharesWalks(t *testing.T) {
	const many = 100
	runs := make([]*Run, many)
	for i := range runs {
		runs[i] = start(t, shell("sleep 1000"))
	}
	before := allProcesses.begunWalks()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all sync.WaitGroup
	for _, r := range runs {
		all.Go(func() {
			if err := r.End(ctx, patience); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if walks := allProcesses.begunWalks() - before; walks > many {
		t.Errorf("%d walks through all processes for the end of %d runs, which look three times each at least", walks, many)
	} else {
		t.Logf("%d walks", walks)
	}
}

func (t *table) begunWalks() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.walks
}

// A shared walk finds a run's process by its mark also where it is in the
// session of another run that is being looked for.
func TestSharedWalkLooksForMarksInEachSession(t *testing.T) {
	guest := testIntent().ID
	host := start(t, shell(RunMarkVar+"="+guest+" sh -c 'echo go; exec sleep 1000'; :"))
	untilOutput(t, host, "go")
	session := look(t, host).PID
	w := &walk{askers: 2, inSession: map[int][]int{session: nil}, marked: map[string][]int{guest: nil}}
	if w.scan(); w.err != nil || len(w.marked[guest]) != 1 || len(w.inSession[session]) < 2 {
		t.Errorf("%+v", w)
	}
}

func TestParseStat(t *testing.T) {
	const after = " 1 2 77 4 5 4194560 7 8 9 10 11 12 13 14 15 16 17 18 4711 20 21\n"
	for text, want := range map[string]stat{
		"12 (sh) S" + after:                         {session: 77, tick: 4711},
		"12 (a) Z 1 (\n) R" + after:                 {session: 77, tick: 4711},
		"12 (sh) Z" + after:                         {dead: true, session: 77, tick: 4711},
		"12 (x) X" + strings.TrimRight(after, "\n"): {dead: true, session: 77, tick: 4711},
		"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 22 0\n": {kernel: true, tick: 22},
	} {
		if got, err := parseStat([]byte(text)); got != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "12 (sh)", "12 (sh) S 1 2", "12 (sh) S 1 2 x" + after} {
		if got, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// What one walk costs, beside as many processes as there are.
func BenchmarkWalk(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		w := &walk{askers: 2, marked: map[string][]int{}}
		if w.scan(); w.err != nil {
			b.Fatal(w.err)
		}
	}
}
