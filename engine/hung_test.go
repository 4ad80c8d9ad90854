package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type silent struct{}

func (silent) Log(Level, string, map[string]any) {}

// Several calls hang at a time: all are noted and given up, and the shift begins
// anew once.
func TestCallsThatHangTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var noted, began atomic.Int32
		given := 0
		d := &duty{ctx: ctx, inbox: make(chan func())}
		d.Shift = &Shift{Log: silent{}, Again: func(bool) { began.Add(1); <-ctx.Done() }}
		go func() {
			for {
				select {
				case act := <-d.inbox:
					act()
				case <-ctx.Done():
					return
				}
			}
		}()
		for i := range 5 {
			go func() {
				time.Sleep(time.Duration(i) * 10 * time.Millisecond)
				d.hangs(calling{what: "a question", note: func() { noted.Add(1) }, give: func() { given++ }}, false)
			}()
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if noted.Load() != 5 || given != 5 || began.Load() != 1 {
			t.Errorf("%d noted, %d given up, %d beginnings", noted.Load(), given, began.Load())
		}
		cancel()
	})
}
