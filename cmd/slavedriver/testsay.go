package main

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"slavedriver/internal/logging"
	"slavedriver/luaapi"
)

// testVerdict is what became of a test, as --json prints it.
type testVerdict struct {
	File     string    `json:"file"`
	Test     string    `json:"test"`
	Result   string    `json:"result"` // "pass" or "fail"
	Seconds  float64   `json:"seconds"`
	Failures []mistake `json:"failures,omitempty"`
	Printed  string    `json:"printed,omitempty"`
	Story    []string  `json:"story,omitempty"` // what happened in its world, where it failed
}

// fileVerdict is what became of a file of tests, after its tests.
type fileVerdict struct {
	File     string    `json:"file"`
	Result   string    `json:"result"` // "pass", "fail", or "invalid": it does not load
	Tests    int       `json:"tests"`  // how many were run
	Seconds  float64   `json:"seconds"`
	Failures []mistake `json:"failures,omitempty"` // why it does not load
}

// sayBegin says that a test begins, for those who wait.
func (t *testRun) sayBegin(name string) error {
	if !t.verbose || t.json {
		return nil
	}
	_, err := fmt.Fprintf(t.stdout, "=== RUN   %s\n", name)
	return err
}

// slowTest is how long a test may take before that is said: far longer than most,
// and far less than what cuts it off.
const slowTest = 10 * time.Second

// sayIfSlow names a test that did not end in time, for whoever waits for it; ended
// is to be called when it did.
func sayIfSlow(w io.Writer, test *luaapi.TestCase, in time.Duration) (ended func()) {
	over := time.AfterFunc(in, func() {
		complain(w, "warning", fmt.Sprintf("the test %q (%s) has been running for %s; its Lua is cut off after %s, if it does not end before",
			test.Name, test.Position(), in, luaapi.LongestCase))
	})
	return func() { over.Stop() }
}

// sayTest says how a test went, as go test does.
func (t *testRun) sayTest(v testVerdict) error {
	if t.json {
		return t.printJSON(v)
	}
	if v.Result == "pass" && !t.verbose {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s: %s (%.2fs)\n", strings.ToUpper(v.Result), v.Test, v.Seconds)
	indent(&b, "    ", strings.Split(strings.TrimSuffix(v.Printed, "\n"), "\n"))
	for _, m := range v.Failures {
		e := luaapi.Error{File: m.File, Line: m.Line, Message: m.Message}
		indent(&b, "    ", []string{logging.Escape(e.Error())})
		if m.Hint != "" {
			indent(&b, "        hint: ", []string{m.Hint})
		}
	}
	if len(v.Story) > 0 {
		b.WriteString("    what happened:\n")
		indent(&b, "        ", v.Story)
	}
	_, err := fmt.Fprint(t.stdout, b.String())
	return err
}

// indent writes lines with something in front; none for what is empty.
func indent(b *strings.Builder, front string, lines []string) {
	for _, line := range lines {
		if line != "" {
			b.WriteString(front + logging.Escape(line) + "\n")
		}
	}
}

// sayFile says how the tests of a file went.
func (t *testRun) sayFile(v fileVerdict) error {
	if t.json {
		return t.printJSON(v)
	}
	word, note := "ok  ", ""
	if v.Result != "pass" {
		word = "FAIL"
	}
	if v.Tests == 0 {
		note = " [no tests to run]"
	}
	_, err := fmt.Fprintf(t.stdout, "%s\t%s\t%.3fs%s\n", word, v.File, v.Seconds, note)
	return err
}

// mostNamed bounds how many tests are named to somebody who meant one of them.
const mostNamed = 10

// warnOfNone says that no test was run: it is no failure, and easily taken for a success.
func (t *testRun) warnOfNone(files []string) {
	switch {
	case t.ran > 0 || t.invalid:
		if len(t.empty) > 0 {
			complain(t.stderr, "warning", "there is no t.case in "+strings.Join(t.empty, ", "))
		}
	case len(t.left) == 0:
		complain(t.stderr, "warning", "no test was run: there is no t.case in "+strings.Join(files, ", "))
	default:
		complain(t.stderr, "warning", "no test was run: the name of none matches "+t.wanted)
		var names []string
		for _, name := range t.left[:min(len(t.left), mostNamed)] {
			names = append(names, strconv.Quote(name))
		}
		called := "they are called " + strings.Join(names, ", ")
		if more := len(t.left) - len(names); more > 0 {
			called += fmt.Sprintf(" and %d more", more)
		}
		complain(t.stderr, "hint", called)
	}
}

// sayInvalid says what is wrong with a file of tests.
func (t *testRun) sayInvalid(path string, err error) error {
	m := mistake{Message: err.Error()}
	var e *luaapi.Error
	if errors.As(err, &e) {
		m = mistake{e.File, e.Line, e.Message, e.Hint}
	}
	if t.json {
		return t.printJSON(fileVerdict{File: path, Result: "invalid", Failures: []mistake{m}})
	}
	complainOf(t.stderr, err.Error(), m.Hint)
	_, err = fmt.Fprintf(t.stdout, "FAIL\t%s\t[does not load]\n", path)
	return err
}
