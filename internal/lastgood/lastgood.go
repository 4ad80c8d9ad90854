// Package lastgood keeps a copy of an entry file and of all that was read with
// it when it last loaded, for the day on which it does not load any more.
//
// The copy is one file, replaced as a whole: it is of one good load, or it is not
// there. It holds the bytes that were compiled, under the paths at which they
// were found, so what is loaded from it means what it meant there.
package lastgood

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// FileName is the copy's name in a var dir.
const FileName = "last-good"

// Files is where Lua is read from. Paths are absolute and clean.
type Files interface {
	// ReadFile returns the content of a file, which is only to be read.
	ReadFile(path string) ([]byte, error)
	// ReadDir lists a folder in the order of the names.
	ReadDir(path string) ([]fs.DirEntry, error)
	// IsFile says whether there is something that can be read.
	IsFile(path string) bool
}

// generation is what one load read.
type generation struct {
	entry   string            // the entry file's path
	at      time.Time         // when it was written, to the second
	files   map[string][]byte // by path
	folders map[string]bool   // that were listed
}

// Copy is the Files of a last good copy.
type Copy struct {
	generation
	live Files // nil while the entry file loads
}

// Of is the time at which the copy was made: when the files first were what
// they are in it.
func (c *Copy) Of() time.Time { return c.at }

// Loaded says that the entry file loaded from this copy. From now on what is not
// in it is looked for in live: modules that only a handler requires. Before, the
// copy is all there is, so that a file that came later does not get in between.
func (c *Copy) Loaded(live Files) { c.live = live }

// ReadFile returns the content that a file had.
func (c *Copy) ReadFile(path string) ([]byte, error) {
	if data, ok := c.files[path]; ok {
		return data, nil
	}
	if c.live != nil {
		return c.live.ReadFile(path)
	}
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

// ReadDir lists what was read of a folder: it may have held more.
func (c *Copy) ReadDir(path string) ([]fs.DirEntry, error) {
	if !c.folders[path] {
		if c.live != nil {
			return c.live.ReadDir(path)
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	var entries []fs.DirEntry
	for _, folder := range slices.Sorted(maps.Keys(c.folders)) {
		if filepath.Dir(folder) == path && folder != path {
			entries = append(entries, entry{filepath.Base(folder), true})
		}
	}
	for _, file := range slices.Sorted(maps.Keys(c.files)) {
		if filepath.Dir(file) == path {
			entries = append(entries, entry{filepath.Base(file), false})
		}
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// IsFile says whether the file was read.
func (c *Copy) IsFile(path string) bool {
	_, ok := c.files[path]
	return ok || c.live != nil && c.live.IsFile(path)
}

// entry is a name in a folder of a copy.
type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string { return e.name }
func (e entry) IsDir() bool  { return e.folder }

func (e entry) Type() fs.FileMode {
	if e.folder {
		return fs.ModeDir
	}
	return 0
}

// Info is not known of a copy.
func (e entry) Info() (fs.FileInfo, error) {
	return nil, &fs.PathError{Op: "stat", Path: e.name, Err: fs.ErrNotExist}
}
