//go:build !linux

package runfile

import (
	"time"

	"golang.org/x/sys/unix"
)

// hostWorld says also whether it could read all that there is.
func hostWorld() (w World, complete bool) {
	for _, name := range []string{"kern.bootsessionuuid", "kern.boot_id"} {
		if id, err := unix.Sysctl(name); err == nil {
			return World{BootID: id}, true
		}
	}
	return World{}, true
}

// Boottime is the time since the machine was started, as the best monotonic
// clock has it. It means nothing in another boot.
func Boottime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
