package lastgood

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"slavedriver/internal/durable"
)

// Recorder reads as its Files do, and remembers what it read until Keep. It may
// be used from any goroutine.
type Recorder struct {
	Files
	mu   sync.Mutex
	read *generation // nil: nothing is remembered any more
}

// Record makes a Recorder for the load of one entry file.
func Record(files Files) *Recorder {
	return &Recorder{Files: files, read: &generation{files: map[string][]byte{}, folders: map[string]bool{}}}
}

// ReadFile reads a file. What is remembered is what the caller gets, not what
// the file may become; the caller must leave it as it is.
func (r *Recorder) ReadFile(path string) ([]byte, error) {
	data, err := r.Files.ReadFile(path)
	if err == nil {
		r.remember(func(g *generation) { g.files[path] = data })
	}
	return data, err
}

// ReadDir lists a folder.
func (r *Recorder) ReadDir(path string) ([]fs.DirEntry, error) {
	entries, err := r.Files.ReadDir(path)
	if err == nil {
		r.remember(func(g *generation) { g.folders[path] = true })
	}
	return entries, err
}

func (r *Recorder) remember(note func(*generation)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read != nil {
		note(r.read)
	}
}

// Keep makes what was read since Record the last good copy of that entry file,
// at path. A copy that is the same already is left alone: nothing is written, so
// that a tick costs no more than reading it. With an error the old copy is still
// there, whole. What is read afterwards is not remembered.
func (r *Recorder) Keep(path, entry string, now time.Time) error {
	r.mu.Lock()
	g := r.read
	r.read = nil
	r.mu.Unlock()
	if g == nil {
		return nil
	}
	g.entry, g.at = entry, now
	if old, err := durable.ReadFile(path); err == nil && g.isIn(old) {
		return nil
	}
	return durable.WriteFile(path, g.encode(), "lastgood")
}

// ErrNone is the error of Open where no copy was ever made.
var ErrNone = errors.New("there is no last good copy")

// Open reads the last good copy of an entry file. One that is damaged, or of
// another entry file, is an error that says so.
func Open(path, entry string) (*Copy, error) {
	data, err := durable.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, fmt.Errorf("the last good copy cannot be read: %w", err)
	}
	g, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("the last good copy %s is damaged (%w) and counts as none", path, err)
	}
	if g.entry != entry {
		return nil, fmt.Errorf("the last good copy %s is that of another entry file, %s", path, g.entry)
	}
	return &Copy{generation: *g}, nil
}

// EntryOf is the entry file whose copy is at path, "" where there is none that is
// whole. It changes nothing.
func EntryOf(path string) string {
	data, err := durable.PeekAll(path)
	if err != nil {
		return ""
	}
	g, err := decode(data)
	if err != nil {
		return ""
	}
	return g.entry
}
