package outbox

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

// clock is the bubble's.
type clock struct{}

func (clock) Now() time.Time      { return time.Now() }
func (clock) Boot() time.Duration { return 0 }

// world is a network and a log that a test makes up.
type world struct {
	mu    sync.Mutex
	fail  map[string]error // by server
	hang  map[string]bool
	tried []string // ids
	sent  map[string]string
	atNow int
	most  int
	log   []string
}

func newWorld() *world {
	return &world{fail: map[string]error{}, hang: map[string]bool{}, sent: map[string]string{}}
}

func (w *world) deliver(ctx context.Context, l *Letter) error {
	w.mu.Lock()
	w.tried = append(w.tried, l.ID)
	w.atNow++
	w.most = max(w.most, w.atNow)
	err, hang := w.fail[l.To], w.hang[l.To]
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.atNow--
		w.mu.Unlock()
	}()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(10 * time.Millisecond)
	if err == nil {
		w.mu.Lock()
		w.sent[l.ID] = string(l.Content)
		w.mu.Unlock()
	}
	return err
}

// with lets a test look at what the sender's goroutines change.
func (w *world) with(look func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	look()
}

func (w *world) sentNow() (n int) {
	w.with(func() { n = len(w.sent) })
	return n
}

func (w *world) triedNow() (ids []string) {
	w.with(func() { ids = slices.Sorted(slices.Values(w.tried)) })
	return ids
}

func (w *world) Log(level engine.Level, message string, _ map[string]any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, string(level)+" "+message)
}

func (w *world) said(t *testing.T, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	ok := len(w.log) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = strings.Contains(w.log[i], want[i])
	}
	if !ok {
		t.Errorf("it said %q, not %q", w.log, want)
	}
	w.log = nil
}

func (w *world) box(dir string) *Box {
	return New(dir, Options{Clock: clock{}, Deliver: w.deliver, Log: w})
}

// shift is one that has nothing else to do: it stays until the outbox is idle.
func shift(t *testing.T, b *Box, prepare func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	idle := make(chan struct{}, 1)
	b.Start(ctx, func() {
		select {
		case idle <- struct{}{}:
		default:
		}
	})
	if prepare != nil {
		prepare()
	}
	for !b.Idle() {
		<-idle
	}
	b.Finish()
}

func letter(id, to string) Letter {
	return Letter{ID: id, Kind: "test", To: to, About: "letter " + id, Content: []byte("content of " + id + "\nsecond line")}
}

func put(t *testing.T, b *Box, letters ...Letter) {
	t.Helper()
	for _, l := range letters {
		if err := b.Put(l); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() != "lock" {
			all = append(all, entry.Name())
		}
	}
	return all
}

func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "outbox") }
