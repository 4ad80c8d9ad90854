//go:build !linux

package vardir

import "golang.org/x/sys/unix"

// Elsewhere the pid is used, guarded by asking the lock again.
func openPidfd(int) (int, error) { return -1, unix.ENOSYS }

func signalPidfd(int, unix.Signal) error { return unix.ENOSYS }
