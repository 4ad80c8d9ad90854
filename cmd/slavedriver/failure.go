package main

import (
	"errors"
	"fmt"
	"io"

	"slavedriver/internal/logging"
	"slavedriver/luaapi"
)

// The exit statuses.
const (
	exitDone   = 0 // whatever the jobs and handlers did
	exitOther  = 1
	exitUsage  = 2 // wrong usage, or an invalid entry file
	exitVarDir = 3 // the var dir or a lock cannot be used
)

// failure is an error with the exit status that it ends the process with.
type failure struct {
	status int
	hint   string // what to do next; may be empty
	said   bool   // it was complained about already
	err    error
}

// Error is the sentence alone, without the hint.
func (f *failure) Error() string { return f.err.Error() }

// Unwrap lets errors.Is and errors.As see the cause.
func (f *failure) Unwrap() error { return f.err }

func usage(message, hint string) error {
	return &failure{status: exitUsage, hint: hint, err: errors.New(message)}
}

// unusable marks errors of the var dir and its locks.
func unusable(err error) error {
	if err == nil {
		return nil
	}
	return &failure{status: exitVarDir, err: err}
}

// report says what went wrong, if anything did, and returns the exit status.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	status, hint := exitOther, ""
	var inFile *luaapi.Error
	var known *failure
	switch {
	case errors.As(err, &known):
		if known.said {
			return known.status
		}
		status, hint = known.status, known.hint
	case errors.As(err, &inFile):
		status, hint = exitUsage, inFile.Hint
	}
	complainOf(stderr, err.Error(), hint)
	return status
}

// complainOf prints an error, and a hint if there is one.
func complainOf(stderr io.Writer, sentence, hint string) {
	complain(stderr, "error", sentence)
	if hint != "" {
		complain(stderr, "hint", hint)
	}
}

// complain prints one line in the one form that all complaints have.
func complain(stderr io.Writer, kind, sentence string) {
	_, _ = fmt.Fprintf(stderr, "slavedriver: %s: %s\n", kind, logging.Escape(sentence))
}
