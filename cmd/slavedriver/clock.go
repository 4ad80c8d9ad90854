package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"slavedriver/internal/runfile"
)

// clock is the host's.
type clock struct{}

func (clock) Now() time.Time { return time.Now().Add(testOffset()) }

func (clock) Boot() time.Duration { return runfile.Boottime() }

// instant is what --at says, or the zero time. Without a zone it is local time.
func (c *command) instant(cmd *cobra.Command) (time.Time, error) {
	if !cmd.Flags().Changed("at") {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, c.at); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, c.at, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usage(fmt.Sprintf("--at %q is not a time", c.at),
		`write it as "2026-11-23 18:30", or with a zone as 2026-11-23T18:30:00Z`)
}
