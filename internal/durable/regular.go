package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// ErrOdd is what errors are where something else than a file of ours was found;
// those of OpenRegular and ReadFile, which put it aside, are fs.ErrNotExist too.
var ErrOdd = errors.New("it is no file of ours")

// putAsideError is ErrOdd and fs.ErrNotExist.
type putAsideError struct{}

func (putAsideError) Error() string        { return ErrOdd.Error() }
func (putAsideError) Is(target error) bool { return target == ErrOdd || target == fs.ErrNotExist }

// OpenRegular opens a file that is there, close-on-exec, and never waits.
// Anything else under its name (a FIFO, a folder, a link: a job's doing) would
// hang or mislead the reader; it is moved out of the way, where people can look
// at it, and the error is fs.ErrNotExist.
func OpenRegular(path string, flags int) (int, error) {
	fd, err := open(path, flags)
	if err == nil {
		var st syscall.Stat_t
		err = syscall.Fstat(fd, &st)
		if err == nil && st.Mode&syscall.S_IFMT == syscall.S_IFREG {
			return fd, syscall.SetNonblock(fd, false)
		}
		_ = syscall.Close(fd)
	}
	if info, missing := os.Lstat(path); missing == nil && !info.Mode().IsRegular() {
		if err := PutAside(path); err != nil {
			return -1, err
		}
		err = putAsideError{}
	}
	return -1, &fs.PathError{Op: "open", Path: path, Err: err}
}

func open(path string, flags int) (int, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// PutAside gives what is under a name another one, that nobody uses.
func PutAside(path string) error {
	aside := fmt.Sprintf("%s.odd-%s", path, time.Now().UTC().Format("20060102T150405.000000000Z"))
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("cannot put aside what is no file: %w", err)
	}
	return nil
}

// mostRead bounds ReadFile and Peek, in bytes: many times what any of our files
// holds.
const mostRead = 64 << 20

// ReadFile reads a whole file, as OpenRegular opens it. One that is larger than
// anything that is written there is put aside too.
func ReadFile(path string) ([]byte, error) {
	fd, err := OpenRegular(path, syscall.O_RDONLY)
	if err != nil {
		return nil, err
	}
	data, err := readAll(os.NewFile(uintptr(fd), path))
	if errors.Is(err, ErrOdd) {
		if err := PutAside(path); err != nil {
			return nil, err
		}
		err = &fs.PathError{Op: "read", Path: path, Err: putAsideError{}}
	}
	return data, err
}

// readAll reads and closes a file; ErrOdd where there is no end to it.
func readAll(f *os.File) ([]byte, error) {
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostRead+1))
	if err == nil && len(data) > mostRead {
		return nil, ErrOdd
	}
	return data, err
}

// Peek opens a file for an onlooker, who changes nothing: what is no file gives
// ErrOdd, and stays where it is.
func Peek(path string) (*os.File, error) {
	fd, err := open(path, syscall.O_RDONLY)
	if err != nil {
		if info, missing := os.Lstat(path); missing == nil && !info.Mode().IsRegular() {
			err = ErrOdd
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	f := os.NewFile(uintptr(fd), path)
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: errors.Join(err, ErrOdd)}
	}
	return f, nil
}

// PeekAll reads a whole file for an onlooker; see Peek.
func PeekAll(path string) ([]byte, error) {
	f, err := Peek(path)
	if err != nil {
		return nil, err
	}
	return readAll(f)
}

// MakeFolder makes a folder that is not there. Anything else under its name that
// leads to no folder is put aside, which gives ErrOdd once the folder is made.
func MakeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	odd := AsideUnless(path, fs.ModeDir)
	if errors.Is(odd, ErrOdd) {
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
	}
	return odd
}

// AsideUnless puts aside what is under a name, unless it is of that type (0: a
// file), or for a folder a link to one. ErrOdd says that it did; nothing there
// is no error.
func AsideUnless(path string, want fs.FileMode) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && want == fs.ModeDir && info.Mode()&fs.ModeSymlink != 0 {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil
		}
	}
	if err != nil || info.Mode().Type() == want {
		return err
	}
	if err := PutAside(path); err != nil {
		return err
	}
	return fmt.Errorf("%s was put aside: %w", path, ErrOdd)
}
