//go:build !linux

package main

// hideInherited keeps the descriptors that this process was given from its jobs.
func hideInherited() { hideEach() }
