package lockstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/lockstore"
	"slavedriver/lockstore/locktest"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	locktest.Run(t, locktest.Subject{New: newFolder, Join: join})
}

// clock stands still but for advance, after which then is called.
type clock struct {
	ms   atomic.Int64
	then func()
}

func newClock() *clock {
	c := &clock{}
	c.ms.Store(time.Now().UnixMilli())
	return c
}

func (c *clock) now() time.Time { return time.UnixMilli(c.ms.Load()) }

func (c *clock) advance(d time.Duration) {
	c.ms.Add(d.Milliseconds())
	if c.then != nil {
		c.then()
	}
}

func newFolder(t *testing.T, _ bool) locktest.World {
	c, url := newClock(), "file://"+filepath.Join(t.TempDir(), "leases")
	open := func() engine.Store { return openAt(t, url, c) }
	return locktest.World{
		Open: open, Now: c.now, Advance: c.advance, Virtual: true, Address: url,
		Claim: engine.ClaimFor, Lease: engine.LeaseFor,
		Forget: func() {
			if err := os.RemoveAll(lockstore.FolderOf(open())); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func openAt(t *testing.T, url string, c *clock) engine.Store {
	t.Helper()
	store, err := join(url)
	if err != nil {
		t.Fatal(err)
	}
	return lockstore.WithClock(store, c.now)
}

// tried is a file store on a folder and a clock, for one key.
type tried struct {
	*testing.T
	engine.Store
	*clock
	key      string
	due, met time.Time
}

func try(t *testing.T) tried {
	c := newClock()
	x := tried{T: t, Store: openAt(t, "file://"+t.TempDir(), c), clock: c, key: "job"}
	if err := x.Store.(lockstore.Preparer).Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	x.met, x.due = c.now(), c.now().Truncate(time.Second).Add(time.Second)
	return x
}

func (x tried) claim(token string) []engine.Claim {
	return []engine.Claim{{Key: x.key, Instant: x.due, Token: token, Holder: token, Remember: 62 * time.Minute, Met: x.met}}
}

func (x tried) wants(want engine.Answer, do func(context.Context, []engine.Claim) ([]engine.Grant, error), token string) {
	x.Helper()
	grants, err := do(context.Background(), x.claim(token))
	if err != nil {
		x.Fatal(err)
	}
	if grants[0].Answer != want {
		x.Fatalf("answered %+v, not %d", grants[0], want)
	}
}

func TestFolderCorruptRecord(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "torn": `{"Key":"job","Born"`, "null": "null", "another's": `{"Key":"jo"}`} {
		t.Run(name, func(t *testing.T) {
			x := try(t)
			x.wants(engine.Granted, x.Confirm, "t1")
			path := lockstore.FileOf(x.Store, "job")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			x.advance(5 * time.Second) // past the instant
			for range 2 {
				x.wants(engine.Forgotten, x.Acquire, "t2")
			}
			aside, err := os.ReadFile(path + ".corrupt")
			if err != nil || string(aside) != content {
				t.Errorf("set aside: %q, %v", aside, err)
			}
			x.due = x.due.Add(2 * time.Minute)
			x.wants(engine.Granted, x.Confirm, "t3")
		})
	}
}

func TestFolderCorruptBirth(t *testing.T) {
	x := try(t)
	path := filepath.Join(lockstore.FolderOf(x.Store), "folder.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	x.advance(5 * time.Second)
	x.wants(engine.Forgotten, x.Acquire, "t1")
	x.due = x.due.Add(2 * time.Minute)
	x.wants(engine.Granted, x.Acquire, "t1")
	if _, err := os.Stat(path + ".corrupt"); err != nil {
		t.Error(err)
	}
}

// What cannot be written changes nothing; a full disk is had by a limit of nothing for
// the size of files.
func TestFolderDiskFull(t *testing.T) {
	x := try(t)
	x.wants(engine.Granted, x.Acquire, "t1")
	path := lockstore.FileOf(x.Store, "job")
	before := read(t, path)
	err := withoutRoom(t, func() error {
		_, err := x.Confirm(context.Background(), x.claim("t1"))
		return err
	})
	if !errors.Is(err, syscall.EFBIG) {
		t.Errorf("the error is %v", err)
	}
	if after := read(t, path); after != before {
		t.Errorf("the record changed from %s to %s", before, after)
	}
	x.wants(engine.Claimed, x.Acquire, "t2")
	x.wants(engine.Granted, x.Confirm, "t1") // there is room again
}

// withoutRoom does something while this process can write no file.
func withoutRoom(t *testing.T, do func() error) error {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Error(err)
		}
	}()
	return do()
}

func TestFolderClockSetBack(t *testing.T) {
	x := try(t)
	x.wants(engine.Granted, x.Confirm, "t1")
	x.advance(-30 * time.Minute)
	x.wants(engine.Used, x.Acquire, "t2")
	x.due = x.due.Add(time.Minute)
	x.wants(engine.Held, x.Acquire, "t2")
	x.advance(engine.LeaseFor) // it lasts as long as it was to last
	x.wants(engine.Granted, x.Acquire, "t2")
	x.due = x.due.Add(-time.Minute)
	x.advance(58 * time.Minute)
	x.wants(engine.Used, x.Acquire, "t3")
	x.advance(2 * time.Minute) // and so does the memory
	x.wants(engine.Granted, x.Acquire, "t3")
}

// A clock that was a year ahead has let instants be forgotten before their
// time; nothing may be started again because of that.
func TestFolderClockWasFarAhead(t *testing.T) {
	const year = 365 * 24 * time.Hour
	for name, swept := range map[string]bool{"record kept": false, "record swept": true} {
		t.Run(name, func(t *testing.T) {
			x := try(t)
			x.wants(engine.Granted, x.Confirm, "t1")
			x.advance(year)
			if swept {
				ask(x, "another")
				gone(t, lockstore.FileOf(x.Store, "job"))
			} else {
				x.due = x.due.Add(year)
				x.wants(engine.Granted, x.Confirm, "t2")
				x.due = x.due.Add(-year)
			}
			x.advance(5*time.Second - year)
			x.wants(engine.Forgotten, x.Acquire, "t3")
			x.due = x.due.Add(time.Hour)
			x.advance(engine.LeaseFor)
			x.wants(engine.Granted, x.Acquire, "t4")
		})
	}
}

// ask makes any call about another key.
func ask(x tried, key string) {
	x.Helper()
	if _, err := x.Acquire(context.Background(), []engine.Claim{{Key: key, Instant: x.now(), Token: "x"}}); err != nil {
		x.Fatal(err)
	}
}

func TestFolderSweeps(t *testing.T) {
	for key, kept := range map[string]time.Duration{"job": 40 * 24 * time.Hour, "job@slave": 4 * time.Hour, "job#instant": 4 * time.Hour} {
		t.Run(strings.NewReplacer("#", " ", "@", " ").Replace(key), func(t *testing.T) {
			x := try(t)
			x.key = key
			x.wants(engine.Granted, x.Confirm, "t1")
			path := lockstore.FileOf(x.Store, key)
			x.advance(kept - time.Minute)
			ask(x, "another")
			if _, err := os.Stat(path); err != nil {
				t.Errorf("a record was swept while it is to be remembered: %v", err)
			}
			x.advance(2*time.Minute + time.Hour) // sweeps have their pauses
			ask(x, "another")
			gone(t, path)
			x.wants(engine.Granted, x.Acquire, "t2") // the memory ended, it was not lost
		})
	}
}

func TestFolderRefusalWritesNothing(t *testing.T) {
	x := try(t)
	x.due = x.due.Add(-time.Hour)
	x.wants(engine.Forgotten, x.Acquire, "t1")
	if _, err := x.Release(context.Background(), x.claim("t1")); err != nil {
		t.Fatal(err)
	}
	gone(t, lockstore.FileOf(x.Store, "job"))
}

func TestFolderLockedByAStoppedProcess(t *testing.T) {
	x := try(t)
	f, err := os.Open(filepath.Join(lockstore.FolderOf(x.Store), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = x.Acquire(ctx, x.claim("t1"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(fmt.Sprint(err), "another process has it") {
		t.Errorf("the error is %v", err)
	}
	_ = f.Close()
	x.wants(engine.Granted, x.Acquire, "t1")
}

func TestFolderIsPrivate(t *testing.T) {
	x := try(t)
	dir := lockstore.FolderOf(x.Store)
	for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Join(dir, "folder.json"): 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	_, err := x.Acquire(context.Background(), x.claim("t1"))
	if err == nil || !strings.Contains(err.Error(), "chmod 0700 it") {
		t.Errorf("the error is %v", err)
	}
}

func TestFolderNamespacesAreApart(t *testing.T) {
	url := "file://" + t.TempDir()
	a, err := lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{Namespace: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	namespacesAreApart(t, a, b)
}

// namespacesAreApart lets both have the same key and instant.
func namespacesAreApart(t *testing.T, a, b engine.Store) {
	t.Helper()
	claims := []engine.Claim{{Key: "job", Instant: time.Now().Add(time.Hour), Token: "t", Remember: time.Hour}}
	for i, store := range []engine.Store{a, b} {
		claims[0].Token += fmt.Sprint(i)
		grants, err := store.Confirm(context.Background(), claims)
		if err != nil || grants[0].Answer != engine.Granted {
			t.Errorf("%+v, %v", grants, err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func gone(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there: %v", path, err)
	}
}
