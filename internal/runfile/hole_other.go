//go:build !linux

package runfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// punch is not done here.
func punch(string, int64) error { return ErrNoHoles }

// nextData is mark: there are no holes to be found.
func nextData(_ *os.File, _, mark int64) (int64, error) { return mark, nil }

// syncData waits until what was written to a file is on the disk.
func syncData(fd int) error { return unix.Fsync(fd) }
