package main

import (
	"fmt"
	"io"
	"os"

	"slavedriver/internal/logging"
)

// scriptOutput is where print in a script goes: with --json, stdout holds
// nothing but objects.
func (c *command) scriptOutput() io.Writer {
	if c.json {
		return c.stderr
	}
	return c.stdout
}

// sayer prints lines for a person who watches on a terminal; it is nil where
// nobody does: cron mails whatever is printed.
func (c *command) sayer() func(format string, args ...any) {
	if f, ok := c.stdout.(*os.File); !ok || !isTerminal(f) {
		return nil
	}
	return func(format string, args ...any) {
		_, _ = fmt.Fprintln(c.scriptOutput(), logging.Escape(fmt.Sprintf(format, args...)))
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
