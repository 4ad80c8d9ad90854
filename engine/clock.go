package engine

import "time"

// Clock is where the engine gets the time from.
type Clock interface {
	// Now is the wall clock.
	Now() time.Time
	// Boot is the time since the machine was started, suspend included
	// (CLOCK_BOOTTIME). Differences of it are durations that no change of the
	// wall clock touches; they mean nothing across a restart of the machine.
	Boot() time.Duration
}
