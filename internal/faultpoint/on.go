//go:build faultpoints

package faultpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// The environment variable SLAVEDRIVER_FAULT holds "NAME[:N]=EFFECT", several
// of them with commas in between. At the Nth time (default: each time) that
// Hit(NAME) is called the effect happens; a NAME of "*" counts every point.
// Effects: kill (SIGKILL to ourselves), stop (SIGSTOP), ENOSPC, EMFILE,
// EAGAIN, EIO, EACCES. With SLAVEDRIVER_FAULT_LOG each name is appended to that file.
type fault struct {
	name   string
	nth    int
	effect string
}

var (
	mu     sync.Mutex
	seen   = map[string]int{}
	faults = parse(os.Getenv("SLAVEDRIVER_FAULT"))
	trace  = openTrace(os.Getenv("SLAVEDRIVER_FAULT_LOG"))
)

// Hit is called just before the step of that name. It returns the error that
// the step is to fail with, or does not return at all.
func Hit(name string) error {
	mu.Lock()
	defer mu.Unlock()
	seen[name]++
	seen["*"]++
	if trace != nil {
		fmt.Fprintln(trace, name)
	}
	for _, f := range faults {
		if f.name != name && f.name != "*" {
			continue
		}
		if f.nth != 0 && f.nth != seen[f.name] {
			continue
		}
		if err := happen(f.effect); err != nil {
			return err
		}
	}
	return nil
}

func happen(effect string) error {
	switch effect {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		return nil
	case "ENOSPC":
		return syscall.ENOSPC
	case "EMFILE":
		return syscall.EMFILE
	case "EAGAIN":
		return syscall.EAGAIN
	case "EACCES":
		return syscall.EACCES
	default:
		return syscall.EIO
	}
}

func parse(text string) []fault {
	var out []fault
	for _, part := range strings.Split(text, ",") {
		where, effect, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		f := fault{name: where, effect: effect}
		if name, n, counted := strings.Cut(where, ":"); counted {
			f.name = name
			f.nth, _ = strconv.Atoi(n)
		}
		out = append(out, f)
	}
	return out
}

func openTrace(path string) *os.File {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil
	}
	return f
}
