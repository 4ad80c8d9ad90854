package runfile

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func hostWorld() World {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	if init, err := readStat(1); err == nil {
		namespace += " since " + init.started
	}
	return World{BootID: strings.TrimSpace(string(boot)), PIDNamespace: namespace}
}

// Boottime is the time since the machine was started, suspend included. It
// means nothing in another boot.
func Boottime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0 // it exists since Linux 2.6.39
	}
	return time.Duration(t.Nano())
}
