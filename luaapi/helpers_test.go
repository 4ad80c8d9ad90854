package luaapi

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"slavedriver/engine"
)

// testOptions are those of a host named "host", with an entry file in dir.
func testOptions(dir string, out *strings.Builder) Options {
	return Options{
		Hostname: func() (string, error) { return "host", nil },
		Stdout:   out, Stderr: out,
		WorkingDirectory: dir,
		CheckStore: func(store engine.LockStore) error {
			if strings.HasPrefix(store.URL, "gopher") {
				return errors.New("has a scheme that is not known")
			}
			return nil
		},
	}
}

// files writes files into a new folder and returns it.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// loadIn loads slavedriver.lua of dir, and returns what it prints too.
func loadIn(t *testing.T, dir string, change ...func(*Options)) (*Script, *strings.Builder, error) {
	t.Helper()
	out := &strings.Builder{}
	o := testOptions(dir, out)
	for _, f := range change {
		f(&o)
	}
	s, err := Load(context.Background(), "slavedriver.lua", o)
	if s != nil {
		t.Cleanup(s.Close)
	}
	return s, out, err
}

// mustLoad loads an entry file that is valid.
func mustLoad(t *testing.T, source string, change ...func(*Options)) (*Script, *strings.Builder) {
	t.Helper()
	s, out, err := loadIn(t, files(t, map[string]string{"slavedriver.lua": source}), change...)
	if err != nil {
		t.Fatal(err)
	}
	return s, out
}

// loadError loads an entry file that is not valid.
func loadError(t *testing.T, source string, change ...func(*Options)) *Error {
	t.Helper()
	_, _, err := loadIn(t, files(t, map[string]string{"slavedriver.lua": source}), change...)
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("loading gave %v, not an *Error", err)
	}
	return e
}

// started is a slavedriver.job.started of the first job.
func started(s *Script) *engine.Event {
	return &engine.Event{Name: engine.EventJobStarted, ID: "r1/started", Job: s.Plan().Jobs[0], Params: map[string]any{}}
}

// fire calls the handlers of an event, none of which may fail.
func fire(t *testing.T, s *Script, event *engine.Event) {
	t.Helper()
	if failures := s.Call(context.Background(), event); len(failures) > 0 {
		t.Fatalf("handlers failed: %v", failures)
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
