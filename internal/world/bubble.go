package world

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
)

// Bubble calls f in a time of its own, which begins at midnight of 2000-01-01
// UTC and goes on when nothing in it can: as fast as it is worked off. All that
// f starts must end before it returns; where it does not, or where all of it
// waits for ever, that is the error.
//
// The time is that of testing/synctest, which the standard library gives to
// tests alone; all that it needs of one is a testing.T (docs/decisions/0018).
func Bubble(f func()) error {
	over := make(chan error, 1)
	go func() { // a test that fails ends its goroutine
		err := errors.New("it was ended")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
			over <- err
		}()
		synctest.Test(new(testing.T), func(*testing.T) { f() })
		err = nil
	}()
	if err := <-over; err != nil {
		return fmt.Errorf("the time in the test came to an end: %w", err)
	}
	return nil
}
