package runfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procFiles reads files of /proc into one buffer, again and again: what it
// returned is gone with the next call. It is not for several goroutines.
type procFiles struct{ buf []byte }

// read reads the whole of /proc/PID/name.
func (f *procFiles) read(pid int, name string) ([]byte, error) {
	path := procPath(pid, name)
	fd, err := retried(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if f.buf == nil {
		f.buf = make([]byte, 8<<10)
	}
	for n := 0; ; {
		if n == len(f.buf) {
			f.buf = append(f.buf, make([]byte, n)...)
		}
		got, err := retried(func() (int, error) { return unix.Read(fd, f.buf[n:]) })
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: path, Err: err}
		}
		if n += got; got == 0 {
			return f.buf[:n], nil
		}
	}
}

// retried does what a signal may interrupt.
func retried(do func() (int, error)) (n int, err error) {
	for {
		if n, err = do(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	dead    bool // a zombie
	kernel  bool // a thread of the kernel's
	session int
	tick    int64 // when it was started, in clock ticks since the boot
}

// kernelThread is PF_KTHREAD of the kernel's flags of a task.
const kernelThread = 0x00200000

func (f *procFiles) stat(pid int) (stat, error) {
	data, err := f.read(pid, "stat")
	if err != nil {
		return stat{}, err
	}
	s, err := parseStat(data)
	if err != nil {
		return stat{}, fmt.Errorf("%s is not as expected: %w", procPath(pid, "stat"), err)
	}
	return s, nil
}

// parseStat reads the fields by their places behind the program's name, which
// may hold anything, parentheses and newlines too.
func parseStat(data []byte) (s stat, err error) {
	rest := bytes.TrimLeft(data[bytes.LastIndexByte(data, ')')+1:], " ")
	for place := range 20 {
		var field []byte
		if len(rest) == 0 {
			return stat{}, io.ErrUnexpectedEOF
		}
		field, rest, _ = bytes.Cut(rest, []byte{' '})
		var flags int64
		switch place {
		case 0:
			s.dead = field[0] == 'Z' || field[0] == 'X'
		case 3:
			s.session, err = strconv.Atoi(string(field))
		case 6:
			flags, err = strconv.ParseInt(string(field), 10, 64)
			s.kernel = flags&kernelThread != 0
		case 19:
			s.tick, err = strconv.ParseInt(string(bytes.TrimSpace(field)), 10, 64)
		}
		if err != nil {
			return stat{}, err
		}
	}
	return s, nil
}

// marksIn is the marks of runs in an environment: those of a process that set
// another for itself may be several.
func marksIn(environ []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for pair := range bytes.SplitSeq(environ, []byte{0}) {
			if mark, ok := bytes.CutPrefix(pair, markAssignment); ok && !yield(mark) {
				return
			}
		}
	}
}

var markAssignment = []byte(RunMarkVar + "=")

// statusLine is a value in /proc/PID/status, "" if there is none of that name.
func statusLine(status []byte, name string) string {
	_, after, _ := strings.Cut(string(status), "\n"+name+":")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(line)
}

func procPath(pid int, name string) string {
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}
