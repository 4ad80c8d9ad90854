// Command slavedriver runs the cron jobs that a Lua file defines: one call a
// minute from a crontab is one shift. See `slavedriver help`.
//
// This package only translates: arguments and environment into calls, errors
// into sentences and exit statuses. It alone knows all other packages.
package main

import (
	"context"
	"os"
)

func main() {
	// A closed descriptor 0, 1 or 2 is no danger: Go's runtime has opened
	// /dev/null there, so no file of ours can land on it. What was inherited
	// beyond these is somebody else's, and must not reach the jobs.
	hideInherited()
	c := &command{stdout: os.Stdout, stderr: os.Stderr, clock: clock{}, program: os.Args[0]}
	os.Exit(c.run(os.Args[1:]))
}

// run is the whole program, and returns its exit status.
func (c *command) run(args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	return report(c.stderr, root.ExecuteContext(context.Background()))
}
