package locktest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"slavedriver/engine"
)

// What a process that fights is told by its environment.
const (
	fightAddress = "LOCKTEST_ADDRESS" // of the store
	fightInstant = "LOCKTEST_INSTANT" // Unix seconds
	fightDir     = "LOCKTEST_DIR"     // in which it writes what it started
	fightName    = "LOCKTEST_NAME"
)

const (
	fightKeys    = 25
	fighters     = 4
	killed       = 2
	fightTimeout = 30 * time.Second
	// giveUp is how long a fighter asks on when nothing changes: a claim of a
	// fighter that was killed outlasts the test.
	giveUp = time.Second / 2
)

// fightInside lets goroutines fight; each has a client of its own.
func fightInside(t *testing.T, s Subject) {
	w := s.New(t, false)
	b := &bench{T: t, World: w}
	b.a = b.slave("first", false)
	b.begin()
	instant := b.due
	var mu sync.Mutex
	started := map[string]int{}
	var all sync.WaitGroup
	for i := range fighters {
		store := b.slave("fighter", false).store
		all.Go(func() {
			err := fight(store, fmt.Sprint("g", i), instant, func(key string) error {
				mu.Lock()
				defer mu.Unlock()
				started[key]++
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	eachOnce(t, started, true)
}

// fight tries to start one instant of each key, in batches, as slaves do: claim
// all that is open, confirm what was claimed, start that.
func fight(store engine.Store, name string, instant time.Time, start func(key string) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), fightTimeout)
	defer cancel()
	open := make([]engine.Claim, fightKeys)
	for i := range open {
		key := fmt.Sprint("fight-", i)
		open[i] = engine.Claim{Key: key, Instant: instant, Token: name + key, Remember: time.Hour, Holder: name}
	}
	progress := time.Now()
	for len(open) > 0 && time.Since(progress) < giveUp {
		claimed, waiting, err := ask(ctx, store.Acquire, open)
		if err != nil {
			return err
		}
		confirmed, again, err := ask(ctx, store.Confirm, claimed)
		if err != nil {
			return err
		}
		for _, c := range confirmed {
			if err := start(c.Key); err != nil {
				return err
			}
		}
		if _, err := store.Release(ctx, confirmed); err != nil {
			return err
		}
		waiting = append(waiting, again...)
		if len(waiting) < len(open) {
			progress = time.Now()
		}
		open = waiting
	}
	return nil
}

// ask sorts claims by their answers: those granted, and those to ask for again.
func ask(ctx context.Context, do operation, claims []engine.Claim) (granted, again []engine.Claim, err error) {
	grants, err := do(ctx, claims)
	if err != nil {
		return nil, nil, err
	}
	for i, g := range grants {
		switch g.Answer {
		case engine.Granted:
			granted = append(granted, claims[i])
		case engine.Claimed:
			again = append(again, claims[i])
		case engine.Forgotten:
			return nil, nil, fmt.Errorf("%s is forgotten", claims[i].Key)
		case engine.Unreached:
			return nil, nil, fmt.Errorf("%s: %w", claims[i].Key, g.Why)
		case engine.Held, engine.Used: // somebody else started it
		}
	}
	return granted, again, nil
}

// fightOutside lets processes fight. With kill, some are killed at work: then
// instants may be lost here (the next shift would find them), never doubled.
func fightOutside(t *testing.T, s Subject, kill bool) {
	w := s.New(t, false)
	if w.Address == "" {
		t.Skip("this store cannot be joined by another process")
	}
	b := &bench{T: t, World: w}
	b.a = b.slave("first", false)
	b.begin()
	instant, dir := b.due, t.TempDir()
	children := make([]*child, fighters)
	for i := range children {
		children[i] = startChild(t, w.Address, dir, instant, fmt.Sprint("p", i))
	}
	await(t, "all fighters to be ready", func() bool { return count(t, dir, "*.ready") == fighters })
	write(t, filepath.Join(dir, "go"))
	if kill {
		await(t, "the first start", func() bool { return count(t, dir, "*.started") > 0 })
		for _, c := range children[:killed] {
			_ = c.cmd.Process.Kill()
		}
	}
	for i, c := range children {
		if err := c.cmd.Wait(); err != nil && (!kill || i >= killed) {
			t.Errorf("fighter %d: %v\n%s", i, err, c.output.String())
		}
	}
	eachOnce(t, starts(t, dir), !kill)
}

// child is a process that fights.
type child struct {
	cmd    *exec.Cmd
	output *strings.Builder
}

// startChild starts this test binary again, for the one test that called Run.
func startChild(t *testing.T, address, dir string, instant time.Time, name string) *child {
	root, _, _ := strings.Cut(t.Name(), "/")
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^"+root+"$", "-test.count=1"), output: &strings.Builder{}}
	c.cmd.Env = append(os.Environ(), fightAddress+"="+address, fightDir+"="+dir, fightName+"="+name,
		fightInstant+"="+strconv.FormatInt(instant.Unix(), 10))
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// fightAsChild is what such a process does in place of the suite.
func fightAsChild(t *testing.T, s Subject) {
	store, err := s.Join(os.Getenv(fightAddress))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	seconds, err := strconv.ParseInt(os.Getenv(fightInstant), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	name, dir := os.Getenv(fightName), os.Getenv(fightDir)
	write(t, filepath.Join(dir, name+".ready"))
	await(t, "the signal to go", func() bool { return count(t, dir, "go") == 1 })
	err = fight(store, name, time.Unix(seconds, 0), func(key string) error {
		return os.WriteFile(filepath.Join(dir, key+"."+name+".started"), nil, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// starts counts by key what the fighters say they started.
func starts(t *testing.T, dir string) map[string]int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.started"))
	if err != nil {
		t.Fatal(err)
	}
	started := map[string]int{}
	for _, path := range paths {
		key, _, _ := strings.Cut(filepath.Base(path), ".")
		started[key]++
	}
	return started
}

// eachOnce checks that no key was started twice, and if all is set that each was.
func eachOnce(t *testing.T, started map[string]int, all bool) {
	t.Helper()
	if len(started) == 0 || all && len(started) != fightKeys {
		t.Errorf("%d of %d instants were started", len(started), fightKeys)
	}
	for key, n := range started {
		if n != 1 {
			t.Errorf("%s was started %d times", key, n)
		}
	}
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, dir, pattern string) int {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return len(paths)
}

// await waits for other processes, which have no other way to tell.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(fightTimeout); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
