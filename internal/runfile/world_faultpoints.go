//go:build faultpoints

package runfile

import (
	"cmp"
	"os"
)

// overridden lets a test pretend that the machine or the container was
// restarted.
func overridden(w World) World {
	return World{
		BootID:       cmp.Or(os.Getenv("SLAVEDRIVER_TEST_BOOT_ID"), w.BootID),
		PIDNamespace: cmp.Or(os.Getenv("SLAVEDRIVER_TEST_PID_NAMESPACE"), w.PIDNamespace),
	}
}
