package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"slavedriver/internal/runfile"
	"slavedriver/internal/world"
	"slavedriver/lockstore"
	"slavedriver/luaapi"
)

const testManual = `Runs tests of entry files and handlers: the cases in PATH, which is a file or a
folder, in which each *_test.lua is one, also in the folders below. Without PATH
it is the current folder.

A test loads the entry file in a world of its own, where nothing is executed,
days pass in an instant, and the network, the lock store and other slaves are
imagined. docs/testing.md says what a test can say.

Exit status: 0 all passed; 1 a test failed; 2 wrong usage, or a file of tests
that does not load.`

const testSuffix = "_test.lua"

func (c *command) testCommand() *cobra.Command {
	t := &testRun{command: c}
	cmd := &cobra.Command{
		Use:   "test [PATH...]",
		Short: "Runs tests of entry files and handlers, in a world where nothing is executed",
		Long:  testManual,
		Args:  cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files, and folders too
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("slave") || cmd.Flags().Changed("var-dir") {
				return usage("a test has slaves and var dirs of its own", `it names its slave: t.world{ slave = "db1" }`)
			}
			return t.run(cmd.Context(), args)
		},
	}
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "say of each test how it went")
	cmd.Flags().StringVar(&t.wanted, "run", "", "run only tests whose name matches `REGEXP`")
	return cmd
}

// testRun is one call of the command.
type testRun struct {
	*command
	verbose bool
	wanted  string

	name    *regexp.Regexp
	room    string     // of the worlds
	ending  sync.Mutex // held once the process is being ended
	ran     int        // tests
	left    []string   // names of those that --run leaves out
	empty   []string   // files without a test
	failed  bool       // a test did
	invalid bool       // a file did not load
}

func (t *testRun) run(ctx context.Context, paths []string) (err error) {
	if t.name, err = regexp.Compile(t.wanted); err != nil {
		return usage(fmt.Sprintf("--run: %v", err), "it takes a regular expression, as in --run 'backup|invoice'")
	}
	if err := t.noteFolder(); err != nil {
		return err
	}
	files, err := testFiles(paths)
	if err != nil {
		return err
	}
	if t.room, err = world.NewRoom(); err != nil {
		return err
	}
	defer os.RemoveAll(t.room)
	t.tidyWhenInterrupted()
	debug.SetGCPercent(400) // each shift leaves a VM behind, and there are many
	for _, file := range files {
		if err := t.file(ctx, file); err != nil {
			return err
		}
	}
	t.warnOfNone(files)
	switch {
	case t.invalid:
		return &failure{status: exitUsage, said: true, err: errors.New("a file of tests does not load")}
	case t.failed:
		return &failure{status: exitOther, said: true, err: errors.New("a test failed")}
	}
	return nil
}

// tidyWhenInterrupted lets nothing stay where memory is what files take.
func (t *testRun) tidyWhenInterrupted() {
	ends := slices.DeleteFunc([]os.Signal{syscall.SIGINT, syscall.SIGTERM}, signal.Ignored)
	if len(ends) == 0 {
		return // of none, Notify would relay all
	}
	came := make(chan os.Signal, 1)
	signal.Notify(came, ends...)
	go func() {
		sig, _ := (<-came).(syscall.Signal)
		t.ending.Lock()
		_ = os.RemoveAll(t.room)
		signal.Reset()
		_ = syscall.Kill(os.Getpid(), sig)
	}()
}

// testFiles are the files of tests at paths, each once, in the order of these.
func testFiles(paths []string) (files []string, err error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, usage(fmt.Sprintf("%s cannot be tested: %v", path, reasonOf(err)), "slavedriver test [PATH...]")
		}
		found := []string{path}
		if info.IsDir() {
			if found, err = testFilesIn(path); err != nil {
				return nil, err
			}
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, usage("there is no file of tests in "+strings.Join(paths, ", "), "their names end in "+testSuffix+"; slavedriver init DIR makes one to begin with")
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(files, func(file string) bool {
		known := seen[filepath.Clean(file)]
		seen[filepath.Clean(file)] = true
		return known
	}), nil
}

// testFilesIn are those of a folder and the folders below, but for hidden ones.
func testFilesIn(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("cannot look for tests: %w", err)
		case d.IsDir() && path != folder && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !d.IsDir() && strings.HasSuffix(d.Name(), testSuffix):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

// reasonOf is what the system says of a file, without its name.
func reasonOf(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}

// file runs the tests of a file, in its folder, as a shift would.
func (t *testRun) file(ctx context.Context, path string) error {
	if err := t.enter(path); err != nil {
		return err
	}
	began := runfile.Boottime()
	file, err := luaapi.LoadTests(ctx, path, luaapi.TestOptions{
		Getenv: os.Getenv, WorkingDirectory: t.calledFrom, CheckStore: lockstore.Validate, Stopwatch: runfile.Boottime, Room: t.room,
	})
	if err != nil {
		t.invalid = true
		return t.sayInvalid(path, err)
	}
	defer file.Close()
	if len(file.Cases) == 0 && !strings.HasSuffix(path, testSuffix) {
		return usage(path+" is no file of tests: there is no test case in it", "their names end in "+testSuffix+", and slavedriver test without PATH finds them")
	}
	if len(file.Cases) == 0 {
		t.empty = append(t.empty, path)
	}
	verdict := fileVerdict{File: path, Result: "pass"}
	for _, test := range file.Cases {
		if !t.name.MatchString(test.Name) {
			t.left = append(t.left, test.Name)
			continue
		}
		verdict.Tests++
		t.ran++
		if passed, err := t.test(ctx, path, file, test); err != nil {
			return err
		} else if !passed {
			t.failed, verdict.Result = true, "fail"
		}
	}
	verdict.Seconds = (runfile.Boottime() - began).Seconds()
	return t.sayFile(verdict)
}

// test runs one test.
func (t *testRun) test(ctx context.Context, path string, file *luaapi.TestFile, test *luaapi.TestCase) (passed bool, err error) {
	if err := t.sayBegin(test.Name); err != nil {
		return false, err
	}
	began := runfile.Boottime()
	ended := sayIfSlow(t.stderr, test, slowTest)
	result := file.Run(ctx, test)
	ended()
	t.ending.Lock() // what the end of the process did to the test is not told
	defer t.ending.Unlock()
	verdict := testVerdict{
		File: path, Test: test.Name, Result: "pass", Seconds: (runfile.Boottime() - began).Seconds(), Printed: result.Printed,
	}
	for _, e := range result.Failures {
		verdict.Result = "fail"
		verdict.Failures = append(verdict.Failures, mistake{e.File, e.Line, e.Message, e.Hint})
		verdict.Story = result.Story
	}
	return len(result.Failures) == 0, t.sayTest(verdict)
}
