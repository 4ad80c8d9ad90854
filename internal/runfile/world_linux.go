package runfile

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// hostWorld says also whether it could read all that there is.
func hostWorld() (w World, complete bool) {
	boot, errBoot := os.ReadFile("/proc/sys/kernel/random/boot_id")
	namespace, errNamespace := os.Readlink("/proc/self/ns/pid")
	init, errInit := new(procFiles).stat(1)
	w = World{BootID: strings.TrimSpace(string(boot)), PIDNamespace: namespace + " since " + strconv.FormatInt(init.tick, 10)}
	return w, errors.Join(errBoot, errNamespace, errInit) == nil
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
