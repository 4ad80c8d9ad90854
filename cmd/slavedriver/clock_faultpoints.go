//go:build faultpoints

package main

import (
	"os"
	"time"
)

// testOffset lets tests move the clock of the binary that they build: a Go
// duration in $SLAVEDRIVER_TEST_CLOCK_OFFSET is added to the wall clock.
func testOffset() time.Duration {
	offset, _ := time.ParseDuration(os.Getenv("SLAVEDRIVER_TEST_CLOCK_OFFSET"))
	return offset
}
