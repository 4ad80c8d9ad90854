//go:build !linux

package runfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// hunt finds the processes of a run. Here these are the descendants of the
// wrapper, while it lives; one whose parents have ended is not found.
type hunt struct{ run *Run }

func (r *Run) newHunt() *hunt { return &hunt{r} }

func (h *hunt) close() {}

// signal sends a signal to each living process of the run but the wrapper (0:
// to none) and says how many there are.
func (h *hunt) signal(sig syscall.Signal) (int, error) {
	if h.run.Intent.World != CurrentWorld() {
		return 0, nil
	}
	look, err := h.run.Look()
	if err != nil || !look.Held || look.PID == 0 {
		return 0, err
	}
	listing, err := exec.Command("ps", "-axo", "pid=,ppid=,uid=,stat=").Output()
	if err != nil {
		return 0, fmt.Errorf("cannot find the processes of run %s: %w", h.run.Intent.ID, err)
	}
	n := 0
	for _, pid := range h.run.descendants(string(listing), look.PID) {
		if sig != 0 && errors.Is(syscall.Kill(pid, sig), syscall.ESRCH) {
			continue
		}
		n++
	}
	return n, nil
}

// Living is which of the marks are carried by processes that live: none, as
// nobody's environment can be read here.
func Living(map[string]bool) (map[string]bool, error) { return map[string]bool{}, nil }

// descendants picks from a listing what lives below the wrapper and has the
// run's user.
func (r *Run) descendants(listing string, wrapper int) []int {
	user := r.Intent.UID
	if user < 0 {
		user = os.Geteuid()
	}
	children := map[int][]int{}
	for line := range strings.Lines(listing) {
		f := strings.Fields(line)
		if len(f) < 4 || strings.HasPrefix(f[3], "Z") || user != 0 && f[2] != strconv.Itoa(user) {
			continue
		}
		pid, _ := strconv.Atoi(f[0])
		parent, _ := strconv.Atoi(f[1])
		if pid > 1 && pid != os.Getpid() {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for next := []int{wrapper}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found
}
