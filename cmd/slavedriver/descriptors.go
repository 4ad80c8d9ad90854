package main

import (
	"math"

	"golang.org/x/sys/unix"
)

// mostOpen is how many files this process may have open, 0 where that cannot be
// told. The Go runtime has raised it as far as it may be raised.
func mostOpen() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return int(min(limit.Cur, math.MaxInt32)) //nolint:gosec // signed on some systems, and it fits
}

// mostInherited bounds the loop where the kernel has no call for all at once.
const mostInherited = 65536

// hideEach marks the descriptors above 2 as close-on-exec, one by one.
func hideEach() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil || limit.Cur > mostInherited {
		limit.Cur = mostInherited
	}
	for fd := 3; fd < int(limit.Cur); fd++ {
		unix.CloseOnExec(fd)
	}
}
