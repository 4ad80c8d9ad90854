package vardir

import "golang.org/x/sys/unix"

// openPidfd opens a process; pidfds are close-on-exec of themselves.
func openPidfd(pid int) (int, error) { return unix.PidfdOpen(pid, 0) }

func signalPidfd(fd int, sig unix.Signal) error { return unix.PidfdSendSignal(fd, sig, nil, 0) }
