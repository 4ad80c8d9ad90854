package main

import (
	"golang.org/x/sys/unix"
)

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
