package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"slavedriver/engine"
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

// aloud says on stderr what one of these loggers does not say there: what must
// be heard also where the log is a file.
func (c *command) aloud(loggers []engine.LoggerConfig) func(engine.Level, string) {
	return func(level engine.Level, message string) {
		said := func(l engine.LoggerConfig) bool { return l.Kind == "stderr" && level.AtLeast(engine.Level(l.Level)) }
		switch {
		case slices.ContainsFunc(loggers, said), len(loggers) == 0 && level.AtLeast(engine.Error):
		case level.AtLeast(engine.Error):
			complain(c.stderr, "error", message)
		default:
			complain(c.stderr, "warning", message)
		}
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// printJSON prints one object on a line of its own.
func (c *command) printJSON(value any) error {
	encoder := json.NewEncoder(c.stdout)
	encoder.SetEscapeHTML(false) // commands are full of < and &
	return encoder.Encode(value)
}

// inColumns are rows as lines of a table, each column as wide as its widest field.
func inColumns(rows [][]string) []string {
	var lines strings.Builder
	table := tabwriter.NewWriter(&lines, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_ = table.Flush() // nothing fails in memory
	return strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
}

// printEach prints one object for each value with --json, else a table of them all.
func printEach[T any](c *command, values []T, table func([]T) error) error {
	if !c.json {
		return table(values)
	}
	for _, v := range values {
		if err := c.printJSON(v); err != nil {
			return err
		}
	}
	return nil
}
