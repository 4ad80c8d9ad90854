package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/internal/runfile"
)

// clock is the host's.
type clock struct{}

// Now is the time of day, moved in the binary that the tests build alone.
func (clock) Now() time.Time { return time.Now().Add(testOffset()) }

// Boot is the time since the host was started, sleep included.
func (clock) Boot() time.Duration { return runfile.Boottime() }

// instant is what --at says, or the zero time. Without a zone it is local time.
// What is not due yet is no shift's business: it starts at its time anyway.
func (c *command) instant(cmd *cobra.Command) (time.Time, error) {
	if !cmd.Flags().Changed("at") {
		return time.Time{}, nil
	}
	now := c.clock.Now()
	t, err := readInstant(c.at, now)
	if err == nil {
		c.sayOddTime("--at", c.at)
	}
	if err == nil && t.Truncate(time.Minute).After(now) {
		return t, usage(fmt.Sprintf("--at %q is in the future: it starts what was due at a time", c.at),
			"slavedriver simulate FILE --from TIME --to TIME shows what will start, and starts nothing")
	}
	return t, err
}

// readInstant reads the TIME of --at. A time of day alone is not taken: what it
// starts is started for real, and should not depend on what time it is.
func readInstant(text string, now time.Time) (time.Time, error) {
	if t, ok := withZone(text); ok {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if wall, err := time.Parse(layout, text); err == nil {
			return onClock(wall, time.Local), nil
		}
	}
	if a, err := readAsked(text, now); err == nil && a.daily {
		last, _ := a.span(time.Local, now)
		return time.Time{}, usage(fmt.Sprintf("--at %q has no date", text), fmt.Sprintf("the most recent one is --at %q", last.Local().Format("2006-01-02 15:04")))
	}
	return time.Time{}, notTime("--at", text, `write it as "2026-11-23 18:30", or with a zone as 2026-11-23T18:30:00Z`)
}
