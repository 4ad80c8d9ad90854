package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/logging"
)

// hearingTakes is how long a shift that is on duty is given to carry out what it was
// asked for: it looks every second.
const hearingTakes = 3 * time.Second

// waitingForRetry are the runs of a job that failed and wait for their next attempt;
// the one of that id, unless it is "".
func (c *command) waitingForRetry(it stoppable, run string) ([]engine.WaitingStart, error) {
	now := c.clock.Now()
	records, err := engine.ReadRecords(it.dir, it.job, c.slave, now, now)
	if err != nil {
		return nil, unusable(err)
	}
	return slices.DeleteFunc(records.Waiting, func(w engine.WaitingStart) bool {
		return w.Attempt < 2 || run != "" && w.Run != run
	}), nil
}

// stopRetries asks for the end of all of them before it waits for the first: a shift
// that is on duty carries that out, else the next one will.
func (c *command) stopRetries(ctx context.Context, it stoppable, waiting []engine.WaitingStart) error {
	for _, w := range waiting {
		if err := engine.StopRetry(it.dir, w.Run, stoppedBy(os.Getenv)); err != nil {
			return err
		}
	}
	ctx, done := context.WithTimeout(ctx, hearingTakes)
	defer done()
	for _, w := range waiting {
		if err := c.sayRetryStopped(it, w, isHeard(ctx, it.dir, w.Run)); err != nil {
			return err
		}
	}
	return nil
}

// isHeard waits until a shift has carried it out, and says whether one has.
func isHeard(ctx context.Context, dir, run string) bool {
	for engine.StopAsked(dir, run) != "" {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

func (c *command) sayRetryStopped(it stoppable, w engine.WaitingStart, heard bool) error {
	if c.json {
		said := map[string]any{"job": it.job.Name, "run": w.Run, "attempt": w.Attempt, "stopped": heard}
		if !heard {
			said["noted"] = true
		}
		return c.printJSON(said)
	}
	text := fmt.Sprintf("run %s of job %q was stopped: attempt %d is not made", w.Run, it.job.Name, w.Attempt)
	if !heard {
		text = fmt.Sprintf("run %s of job %q: the next shift gives attempt %d up", w.Run, it.job.Name, w.Attempt)
	}
	_, err := fmt.Fprintln(c.stdout, logging.Escape(text))
	return err
}
