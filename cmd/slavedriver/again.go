package main

import (
	"os"
	"strings"
	"syscall"

	"slavedriver/internal/logging"
)

// envResumed tells a shift that it is the same minute's, begun anew.
const envResumed = "SLAVEDRIVER_RESUMED"

// again ends this process in the middle of whatever it does: its script hangs
// and cannot be interrupted. Unless the shift was over, it begins anew in the
// same process, with nothing of the old one but what is on the disk; that gives
// up all locks, as they belong to descriptors that are closed by it. What --at
// asked for is in the agenda, and is not asked for again.
func (c *command) again(log *logging.Log, over bool) {
	log.Close()
	program, err := os.Executable()
	if over || err != nil {
		os.Exit(exitDone) //nolint:forbidigo // main itself hangs in the script, perhaps; what is left to do, the next call does
	}
	_ = os.Chdir(c.calledFrom)
	_ = syscall.Exec(program, withoutAt(os.Args), append(os.Environ(), envResumed+"=1"))
	os.Exit(exitDone) //nolint:forbidigo // as above
}

// withoutAt are the arguments of a call without --at TIME.
func withoutAt(args []string) []string {
	var rest []string
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--at":
			i++
		case !strings.HasPrefix(args[i], "--at="):
			rest = append(rest, args[i])
		}
	}
	return rest
}
