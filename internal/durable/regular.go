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

// ErrOdd is what errors of OpenRegular and ReadFile are, beside fs.ErrNotExist,
// where something was put aside.
var ErrOdd = errors.New("it is no file, and was put aside")

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
		err = fmt.Errorf("%w: %w", ErrOdd, syscall.ENOENT)
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

// ErrTooLarge is what ReadFile gives for a file that nobody of us wrote.
var ErrTooLarge = errors.New("it is larger than anything that is written there")

// mostRead bounds ReadFile, in bytes: many times what any of our files holds.
const mostRead = 64 << 20

// ReadFile reads a whole file, as OpenRegular opens it.
func ReadFile(path string) ([]byte, error) {
	fd, err := OpenRegular(path, syscall.O_RDONLY)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mostRead+1))
	if err == nil && len(data) > mostRead {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrTooLarge}
	}
	return data, err
}
