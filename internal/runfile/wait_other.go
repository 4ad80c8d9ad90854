//go:build !linux

package runfile

import "context"

// waitPidfd does nothing here: there is no pidfd, Wait polls.
func (r *Run) waitPidfd(context.Context) error { return nil }
