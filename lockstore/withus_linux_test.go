package lockstore_test

import "syscall"

// withUs lets a process end with the one that starts it, also when that is
// killed.
func withUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
