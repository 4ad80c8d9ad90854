//go:build !linux

package lockstore_test

import "syscall"

// withUs cannot be had here: a server outlives a test process that is killed.
func withUs() *syscall.SysProcAttr { return nil }
