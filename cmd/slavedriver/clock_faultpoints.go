//go:build faultpoints

package main

import (
	"os"
	"time"
)

// testOffset lets tests set the clock of the binary that they build: the wall
// clock of a process begins at $SLAVEDRIVER_TEST_NOW (RFC 3339) and goes on
// from there, or is moved by the Go duration in $SLAVEDRIVER_TEST_CLOCK_OFFSET.
func testOffset() time.Duration { return offset }

var offset = readOffset()

func readOffset() time.Duration {
	if now, err := time.Parse(time.RFC3339, os.Getenv("SLAVEDRIVER_TEST_NOW")); err == nil {
		return time.Until(now)
	}
	d, _ := time.ParseDuration(os.Getenv("SLAVEDRIVER_TEST_CLOCK_OFFSET"))
	return d
}
