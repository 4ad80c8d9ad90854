package runfile

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"slavedriver/internal/durable"
)

// Look is what can be said of a run at a moment. The status may be forged by
// a job that has the wrapper's user: it is evidence about that job alone.
type Look struct {
	Held bool // somebody lives who is about to start it, or its wrapper does
	PID  int  // the wrapper's, and its session; 0: not known

	Began  bool // the command was reached
	Exited bool
	Exit   int // 0 to 255; 128 + n for one that signal n ended

	UserCPU, SystemCPU time.Duration // of the job and its children
	CPUKnown           bool
	MaxRSS             int64 // bytes, the largest process; 0: not known

	Damaged   bool   // the status holds what no wrapper writes first
	Why       string // why the wrapper could not run the command
	SameWorld bool   // pids of the run mean something here
}

// Look asks the lock first and reads the status then: the other way round the
// wrapper could write and end in between, and the run look unfinished.
func (r *Run) Look() (Look, error) {
	path := r.path("status")
	fd, err := durable.OpenRegular(path, os.O_RDONLY)
	if err != nil {
		return Look{}, fmt.Errorf("cannot look at run %s: %w", r.Intent.ID, err)
	}
	defer func() { _ = syscall.Close(fd) }()
	held, err := isLocked(fd)
	if err != nil {
		return Look{}, fmt.Errorf("cannot ask for the lock of run %s: %w", r.Intent.ID, err)
	}
	data, err := readStatus(fd)
	if err != nil {
		return Look{}, fmt.Errorf("cannot read the status of run %s: %w", r.Intent.ID, err)
	}
	look := parseStatus(data)
	look.Held = held
	look.SameWorld = r.Intent.World == CurrentWorld()
	return r.witness(look), nil
}

// witness adds what we know of a wrapper that is our own child.
func (r *Run) witness(look Look) Look {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.child.pid == 0 {
		return look
	}
	look.PID = r.child.pid
	if r.child.gone {
		// A descriptor that is just being inherited by some other child of
		// ours can keep the lock a moment longer than the wrapper lived.
		look.Held = false
	}
	if u := r.child.usage; u != nil {
		look.UserCPU, look.SystemCPU, look.CPUKnown = u.user, u.system, true
		look.MaxRSS = u.maxRSS
	}
	return look
}

func readStatus(fd int) ([]byte, error) {
	data := make([]byte, statusSize)
	n, err := syscall.Pread(fd, data, 0)
	if err != nil {
		return nil, err
	}
	return data[:n], nil
}

// parseStatus reads what the wrapper writes: "pid N", then "run" or
// "why TEXT", then "exit S", then the two lines of the shell's times. Only lines that end
// in a newline count, of each kind the first, and nothing else is an error.
func parseStatus(data []byte) Look {
	look, all := Look{}, data
	afterExit := 0
	for {
		line, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			look.Damaged = look.PID == 0 && isDamaged(all)
			return look
		}
		data = rest
		key, value, _ := strings.Cut(string(line), " ")
		switch {
		case look.Exited:
			if afterExit++; afterExit == 2 {
				look.UserCPU, look.SystemCPU, look.CPUKnown = parseTimes(key, value)
			}
		case key == "pid" && look.PID == 0:
			if pid, ok := parseNumber(value, math.MaxInt32); ok && pid > 1 {
				look.PID = pid
			}
		case look.PID == 0: // nothing else comes first
		case key == "run":
			look.Began = true
		case key == "why" && look.Why == "":
			look.Why = strings.ToValidUTF8(value, "?")
		case key == "exit":
			look.Exit, look.Exited = parseNumber(value, 255)
		}
	}
}

// isDamaged says whether a status begins with what cannot be a pid's line, nor
// the beginning of one. Zeros alone are room that was never written.
func isDamaged(data []byte) bool {
	if len(bytes.Trim(data, "\x00")) == 0 {
		return false
	}
	line, _, whole := bytes.Cut(data, []byte{'\n'})
	number, named := bytes.CutPrefix(line, []byte("pid "))
	if !whole {
		return !named && !strings.HasPrefix("pid ", string(line)) //nolint:gocritic // line may be its beginning
	}
	pid, ok := parseNumber(string(number), math.MaxInt32)
	return !named || !ok || pid <= 1
}

// parseNumber reads decimal digits; more than most is no number.
func parseNumber(text string, most uint64) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n > most {
		return 0, false
	}
	return int(n), true
}

// parseTimes reads "0m1.50s" "0m0.02s": user and system.
func parseTimes(user, system string) (time.Duration, time.Duration, bool) {
	u, okUser := parseTime(user)
	s, okSystem := parseTime(system)
	if !okUser || !okSystem {
		return 0, 0, false
	}
	return u, s, true
}

func parseTime(text string) (time.Duration, bool) {
	text = strings.Replace(text, ",", ".", 1) // a shell may use the locale's
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}
