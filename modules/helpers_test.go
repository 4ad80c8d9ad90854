package modules

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/outbox"
	"slavedriver/internal/redact"
	"slavedriver/internal/testserver"
)

// world is one with the real network and nothing else.
func world() *World {
	return &World{Getenv: os.Getenv, Sender: &Network{}, Secrets: &redact.Secrets{},
		LetterID: func([]byte) string { return "the-id" }}
}

// call calls a function by its full name, as the binding does.
func call(t *testing.T, w *World, name string, args Args) ([]any, error) {
	t.Helper()
	return callIn(t, t.Context(), w, name, args)
}

func callIn(t *testing.T, ctx context.Context, w *World, name string, args Args) ([]any, error) { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	module, function, _ := strings.Cut(name, ".")
	for i := range ByName(module).Functions {
		if f := &ByName(module).Functions[i]; f.Name == function {
			return f.Run(&Call{Context: ctx, World: w, Args: args})
		}
	}
	t.Fatalf("there is no %s", name)
	return nil, nil
}

// fails says that err is there, and says each of the words.
func fails(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("it did not fail with %q", words)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
}

// soon fails a test whose call does not return, though the server hangs.
func soon(t *testing.T, began time.Time) {
	t.Helper()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func hanging(t *testing.T) string {
	t.Helper()
	address, closeAll, err := testserver.Hang()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeAll)
	return address
}

// box is an outbox that keeps letters in memory.
type box struct {
	letters []outbox.Letter
	err     error
}

func (b *box) Put(l outbox.Letter) error {
	b.letters = append(b.letters, l)
	return b.err
}

// TestEverythingIsDeclared: nothing that documentation is made of is missing.
func TestEverythingIsDeclared(t *testing.T) {
	names := map[string]bool{}
	for _, m := range All() {
		sentence(t, m.Name, m.Doc)
		for _, c := range m.Constants {
			sentence(t, m.Name+"."+c.Name, c.Doc)
		}
		for _, f := range m.Functions {
			name := m.Name + "." + f.Name
			if names[name] || f.call == nil {
				t.Errorf("%s: declared twice, or without what it does", name)
			}
			names[name] = true
			sentence(t, name, f.Doc)
			hasOptions := false
			for i, p := range f.Params {
				hasOptions = hasOptions || p.Type == TypeOptions
				if p.Type == TypeOptions && (i != len(f.Params)-1 || len(f.Options) == 0) {
					t.Errorf("%s: its options are not the last parameter, or none are declared", name)
				}
			}
			if hasOptions != (len(f.Options) > 0) {
				t.Errorf("%s: options without a parameter for them", name)
			}
			for _, all := range [][]Param{f.Params, f.Options, f.Returns} {
				for _, p := range all {
					complete(t, name, p)
				}
			}
		}
	}
}

func sentence(t *testing.T, name, doc string) {
	t.Helper()
	if name == "" || doc == "" || !strings.HasSuffix(doc, ".") {
		t.Errorf("%s: its documentation is no sentence: %q", name, doc)
	}
}

func complete(t *testing.T, of string, p Param) {
	t.Helper()
	if p.Name == "" || p.Type == "" || p.Doc == "" && p.Type != TypeOptions {
		t.Errorf("%s: a parameter is declared in part: %+v", of, p)
	}
	if (p.Type == TypeChoice) != (len(p.Choices) > 0) || (p.Type == TypeRecords) != (len(p.Keys) > 0) {
		t.Errorf("%s: %s has choices or keys that do not fit its type", of, p.Name)
	}
	for _, key := range p.Keys {
		complete(t, of, key)
	}
}
