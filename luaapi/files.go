package luaapi

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// absolute is the path of a file whose name the user sees.
func (s *Script) absolute(shown string) string {
	if filepath.IsAbs(shown) {
		return filepath.Clean(shown)
	}
	return filepath.Join(s.o.WorkingDirectory, shown)
}

// display is a path as the user sees it: as the entry file was given, absolute
// or relative to the working directory.
func (s *Script) display(path string) string {
	if filepath.IsAbs(s.shown) {
		return path
	}
	if shown, err := filepath.Rel(s.o.WorkingDirectory, path); err == nil {
		return shown
	}
	return path
}

// loadFile reads and compiles a file of Lua. Its errors are placed.
func (s *Script) loadFile(path string) (*lua.LFunction, error) {
	shown := s.display(path)
	source, err := s.read(path)
	if err != nil {
		return nil, &Error{File: shown, Message: unread(err), Err: err}
	}
	s.sources[shown] = true
	if line, err := checkSource(source); err != nil {
		return nil, place(position{shown, line}, about("the file", err))
	}
	fn, err := s.compile(source, shown)
	if err != nil {
		return nil, syntaxError(shown, source, err)
	}
	// Chunks see the globals, wherever they were loaded from.
	fn.Env = s.L.Env
	return fn, nil
}

// runFile runs what loadFile made of another file than the entry file, and leaves
// its results on the stack.
func (at site) runFile(fn *lua.LFunction, nret int) {
	at.s.nested++
	defer func() { at.s.nested-- }()
	at.L.Push(fn)
	at.L.Call(0, nret)
}

// unread says why a file was not read.
func unread(err error) string {
	var refused *untrustedError
	if errors.As(err, &refused) {
		return err.Error()
	}
	return "cannot be read: " + reason(err)
}

// untrustedError is the error about a file that could be read and may not be run.
type untrustedError struct{ error }

func (e *untrustedError) Unwrap() error { return e.error }

// compile makes a function of a chunk; of one that was compiled before, where
// that is remembered, without doing it again.
func (s *Script) compile(source []byte, shown string) (*lua.LFunction, error) {
	if s.o.compiled == nil {
		return s.L.Load(bytes.NewReader(source), shown)
	}
	key := shown + "\n" + string(source)
	if proto, ok := s.o.compiled.Load(key); ok {
		return s.L.NewFunctionFromProto(proto.(*lua.FunctionProto)), nil
	}
	fn, err := s.L.Load(bytes.NewReader(source), shown)
	if err == nil {
		s.o.compiled.Store(key, fn.Proto)
	}
	return fn, err
}

// read returns a file without a byte order mark and with its #! line empty,
// and notes that it was read.
func (s *Script) read(path string) ([]byte, error) {
	source, err := s.source(path)
	if err == nil {
		s.files = append(s.files, path)
	}
	return source, err
}

// source is read without noting it.
func (s *Script) source(path string) ([]byte, error) {
	source, err := s.o.Files.ReadFile(path)
	if err != nil {
		return nil, err
	}
	source = bytes.TrimPrefix(source, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(source, []byte("#")) {
		end := bytes.IndexByte(source, '\n')
		if end < 0 {
			end = len(source)
		}
		source = source[end:] // the newline stays
	}
	return source, nil
}

// Files is where Load finds files of Lua. Paths are absolute and clean; errors
// are those of package os, or sentences.
type Files interface {
	// ReadFile returns the content of a regular file, which is only to be read.
	ReadFile(path string) ([]byte, error)
	// ReadDir lists a folder in the order of the names.
	ReadDir(path string) ([]fs.DirEntry, error)
	// IsFile says whether there is something that can be read as a module.
	IsFile(path string) bool
}

// Disk is the Files of the file system. check is asked before a file is read,
// and its error refuses the file; nil: all may be read.
func Disk(check func(path string) error) Files { return disk{check} }

type disk struct{ check func(path string) error }

func (d disk) ReadFile(path string) ([]byte, error) {
	if d.check != nil {
		var missing *fs.PathError
		if err := d.check(path); errors.As(err, &missing) {
			return nil, err
		} else if err != nil {
			return nil, &untrustedError{err}
		}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("it is a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > longestSource:
		return nil, fmt.Errorf("it is larger than %d MiB, the most that is read as Lua", longestSource>>20)
	}
	return os.ReadFile(path)
}

func (disk) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

func (disk) IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// warn keeps a sentence about what is valid and probably not meant, once.
func (s *Script) warn(format string, args ...any) {
	if sentence := strings.TrimSpace(wrong(format, args...).message); !slices.Contains(s.warnings, sentence) {
		s.warnings = append(s.warnings, sentence)
	}
}
