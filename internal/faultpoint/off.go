//go:build !faultpoints

// Package faultpoint names the durable steps of slavedriver, so that tests can
// make each of them fail or kill the process there. In the product it is
// nothing at all: Hit is inlined to nil. Only a binary built with the tag
// "faultpoints" listens to the environment (see on.go).
package faultpoint

// Hit is called just before the step of that name. It returns the error that
// the step is to fail with; in the product always nil.
func Hit(string) error { return nil }
