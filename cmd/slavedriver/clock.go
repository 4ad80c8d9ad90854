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
	t, err := readInstant(c.at)
	if now := c.clock.Now(); err == nil && t.Truncate(time.Minute).After(now) {
		return t, usage(fmt.Sprintf("--at %q is in the future: it starts what was due at a time", c.at),
			"slavedriver simulate FILE --from TIME --to TIME shows what will start, and starts nothing")
	}
	return t, err
}

func readInstant(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage(fmt.Sprintf("--at %q is not a time", text),
		`write it as "2026-11-23 18:30", or with a zone as 2026-11-23T18:30:00Z`)
}
