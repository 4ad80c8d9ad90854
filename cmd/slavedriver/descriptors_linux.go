package main

import (
	"math"

	"golang.org/x/sys/unix"
)

// hideInherited keeps the descriptors that this process was given from its jobs.
func hideInherited() {
	if unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		hideEach()
	}
}
