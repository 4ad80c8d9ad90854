package luaapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/world"
	"slavedriver/schedule"
)

// testModule is what files of tests require.
const testModule = "slavedriver.test"

// LongestCase is how long the Lua of a test may compute, by a real clock: far
// longer than any does that comes to an end.
const LongestCase = 5 * time.Minute

// longestStory is how many lines are told of what happened in a world.
const longestStory = 30

// TestOptions are what LoadTests takes from its surroundings.
type TestOptions struct {
	Getenv           func(string) string // os.getenv of the tests; an entry file sees what its world has
	WorkingDirectory string              // where relative paths start
	// CheckStore is asked about lock stores. nil: all are taken.
	CheckStore func(engine.LockStore) error
	// Stopwatch is a clock that goes on while the time in a test stands still.
	Stopwatch func() time.Duration
	Room      string // an empty folder of the caller's, see world.NewRoom
}

// TestFile is a file of tests, whose cases can be run, one at a time.
type TestFile struct {
	Cases []*TestCase // in the order of the file
	s     *Script
}

// TestCase is one test.
type TestCase struct {
	Name  string // unique in its file
	where position
	fn    *lua.LFunction
}

// TestResult is what came of a case.
type TestResult struct {
	Failures []*Error // none: it passed
	// Story is what happened in its world, shortened where that is much.
	Story   []string
	Printed string // by the test itself
}

// testState is what a script has that is a file of tests.
type testState struct {
	o       TestOptions
	cases   []*TestCase
	running bool // a case is
	world   *worldObject
	failed  []*Error
	printed bytes.Buffer
	metas   map[string]*lua.LTable // by what they are of
	// compiled are the chunks of entry files: each shift loads them anew.
	compiled sync.Map
	memory   *memoryWatch // of the calls of these
}

// LoadTests runs a file of tests, which names its cases. It must be called outside
// of any virtual time. Its errors are *Error.
func LoadTests(ctx context.Context, path string, o TestOptions) (*TestFile, error) {
	t := &testState{o: o, metas: map[string]*lua.LTable{}}
	s := newScript(path, Options{
		Getenv: o.Getenv, WorkingDirectory: o.WorkingDirectory, Stdout: &t.printed, Stderr: &t.printed, Stopwatch: o.Stopwatch,
		Execute: func(string) (int, string, error) {
			return 0, "", wrong("nothing is executed in a test").hinting("what handlers execute is imagined: w:shell(pattern)")
		},
	})
	s.o.tests = t
	s.open()
	chunk, err := s.loadFile(s.entry)
	if err == nil {
		_, err = s.call(ctx, s.o.LoadTimeout, chunk, 0)
	}
	s.complete = true
	if err != nil && !errors.Is(err, errRun) {
		s.Close()
		return nil, err
	}
	t.memory = newMemoryWatch()
	return &TestFile{Cases: t.cases, s: s}, nil
}

// Close frees the VM, and ends what looks after those of entry files.
func (f *TestFile) Close() {
	f.s.o.tests.memory.close()
	f.s.Close()
}

// Position is where the case begins, "file:line".
func (c *TestCase) Position() string { return c.where.String() }

// Run runs a case, in a time and a world of its own.
func (f *TestFile) Run(ctx context.Context, c *TestCase) TestResult {
	t := f.s.o.tests
	t.failed, t.world, t.running = nil, nil, true
	t.printed.Reset()
	var story []string
	err := world.Bubble(func() {
		_, err := f.s.call(context.WithoutCancel(ctx), LongestCase, c.fn, 0)
		t.thrown(err)
		if w := t.world; w != nil {
			w.Close()
			t.failed = append(t.failed, w.handlerFailures()...)
			story = w.Digest(longestStory)
		}
	})
	t.running = false
	if err != nil {
		t.failed = append(t.failed, place(c.where, wrong("%v", err)))
	}
	return TestResult{Failures: t.failed, Story: story, Printed: t.printed.String()}
}

// thrown notes what ended a case early, unless that is a check which noted it.
func (t *testState) thrown(err error) {
	var e *Error
	if errors.As(err, &e) && !slices.Contains(t.failed, e) {
		t.failed = append(t.failed, e)
	}
}

// handlerFailures are the failures of the handlers of a world as those of its
// test, each once.
func (w *worldObject) handlerFailures() (all []*Error) {
	if w.o.handlersMayFail {
		return nil
	}
	times := map[string]int{}
	for _, f := range w.Failures() {
		e := &Error{Message: f.Err.Error()}
		var inLua *Error
		if errors.As(f.Err, &inLua) {
			*e = Error{File: inLua.File, Line: inLua.Line, Message: inLua.Message, Hint: inLua.Hint}
		}
		e.Message = fmt.Sprintf("the handler attached at %s failed for %s: %s", f.Handler, f.Event, e.Message)
		if times[e.Message]++; times[e.Message] == 1 {
			all = append(all, e)
		}
	}
	for _, e := range all {
		if n := times[e.Message]; n > 1 {
			e.Message += fmt.Sprintf(" (%d times)", n)
		}
	}
	return all
}

// newTestModule makes the table that testModule is.
func (s *Script) newTestModule() *lua.LTable {
	table := s.L.NewTable()
	var known []string
	for _, f := range testFunctions() {
		known = append(known, f.name)
		table.RawSetString(f.name, s.L.NewFunction(func(L *lua.LState) int {
			if L.Get(1) == table {
				L.Remove(1)
			}
			return f.call(site{s: s, L: L})
		}))
	}
	mt := s.L.NewTable()
	mt.RawSetString("__index", s.L.NewFunction(func(L *lua.LState) int {
		site{s: s, L: L}.raise(about(testModule+":", unknown("function", L.Get(2).String(), known)))
		return 0
	}))
	mt.RawSetString("__metatable", lua.LFalse)
	table.Metatable = mt
	return table
}

// addCase is t.case(name, function).
func addCase(at site) int {
	t := at.s.o.tests
	name, err := line.decode(at, at.L.Get(1))
	if err != nil {
		at.raise(about("case: the name", err))
	}
	fn, ok := at.L.Get(2).(*lua.LFunction)
	switch known := slices.IndexFunc(t.cases, func(c *TestCase) bool { return c.Name == name }); {
	case !ok:
		at.raise(about("case: the test", mustBe("a function", at.L.Get(2))))
	case t.running:
		at.raise(wrong("case: a case cannot hold another"))
	case known >= 0:
		at.raise(wrong("case: there is a case %q already, at %s", name, t.cases[known].where))
	}
	t.cases = append(t.cases, &TestCase{Name: name, where: at.position(), fn: fn})
	return 0
}

// worldOptions are the argument of t.world.
type worldOptions struct {
	file, slave, now, zone string
	env                    map[string]string
	handlersMayFail        bool
}

// worldFields are the keys of the argument of t.world.
func worldFields() *fieldSet[worldOptions] {
	return newFields("option",
		stored("now", line, func(o *worldOptions) *string { return &o.now }, "", "",
			"When the world begins, as `\"2026-03-29 00:55\"` in its zone; required."),
		stored("file", folder, func(o *worldOptions) *string { return &o.file }, "", `"slavedriver.lua"`,
			"The entry file; a relative path starts at the file of the test."),
		stored("slave", line, func(o *worldOptions) *string { return &o.slave }, "", "as the entry file says, else \"slave1\"",
			"The name of the first slave."),
		stored("zone", line, func(o *worldOptions) *string { return &o.zone }, "UTC", `"UTC"`,
			"The time zone of the machines, as `\"Europe/London\"`."),
		stored("env", environment, func(o *worldOptions) *map[string]string { return &o.env }, nil, "empty",
			"The environment of slavedriver: what `os.getenv` and `slavedriver.secret` read, and jobs inherit."),
		stored("handlersMayFail", flag, func(o *worldOptions) *bool { return &o.handlersMayFail }, false, "false",
			"Whether the case may pass although a handler threw."),
	)
}

// newWorld is t.world{...}.
func newWorld(at site) int {
	t := at.s.o.tests
	switch {
	case !t.running:
		at.raise(wrong("world: can only be called in a case").hinting("t.case(\"...\", function() local w = t.world{ ... } end)"))
	case t.world != nil:
		at.raise(wrong("world: a case has one world").hinting(`more slaves are made by w:slave("name")`))
	}
	o := worldOptions{zone: "UTC", file: filepath.Join(at.folder(), "slavedriver.lua")}
	if err := worldFields().read(at, at.L.Get(1), &o); err != nil {
		at.raise(about("world:", err))
	}
	begin, err := at.worldBegin(&o)
	if err != nil {
		at.raise(about("world:", err))
	}
	w, err := world.New(world.Options{
		Now: begin, Zone: begin.Location(), Slave: o.slave, Environ: pairs(o.env), Load: at.s.loader(&o), Room: t.o.Room,
	})
	if err != nil {
		at.raise(notLoaded(err))
	}
	t.world = &worldObject{World: w, o: o}
	return at.give(at.s.wrap(t.world, at.s.testMeta("world", worldClass().metatable)))
}

// worldBegin is when a world begins, in its zone.
func (at site) worldBegin(o *worldOptions) (time.Time, error) {
	zone, err := schedule.Zone(o.zone)
	if err != nil {
		return time.Time{}, about("`zone`", notValid(lua.LString(o.zone), err))
	}
	if o.now == "" {
		return time.Time{}, wrong("`now` is missing").hinting(`as in t.world{ now = "2026-03-29 00:55" }`)
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if begin, err := time.ParseInLocation(layout, o.now, zone); err == nil {
			if begin.Format(layout) != o.now {
				return time.Time{}, about("`now`", wrong("%q is not there: the clock of %s skips it", o.now, zone))
			}
			return begin, nil
		}
	}
	return time.Time{}, about("`now`", wrong("%q is not a time", o.now).hinting(`write it as "2026-03-29 00:55"`))
}

// pairs are the variables of an environment as processes have them.
func pairs(env map[string]string) (all []string) {
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// notLoaded is what kept an entry file from being loaded, as an error of the
// line that wanted it.
func notLoaded(err error) error {
	m := wrong("%v", err)
	var e *Error
	if errors.As(err, &e) {
		m = wrong("the entry file does not load: %s", e.Error()).hinting(e.Hint)
	}
	return m
}

// brokenSince is what kept an entry file from being loaded that did load before.
func brokenSince(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	hint := e.Hint
	if hint == "" {
		hint = "in production it would run then, and " + engine.EventConfigError + " would say so"
	}
	return wrong("the entry file does not load: %s; its last good copy is not run in a world", e.Error()).hinting(hint)
}

// testMeta is the metatable of a kind of object of this VM.
func (s *Script) testMeta(kind string, create func(*Script, map[string]lua.LValue) *lua.LTable) *lua.LTable {
	t := s.o.tests
	if t.metas[kind] == nil {
		t.metas[kind] = create(s, nil)
	}
	return t.metas[kind]
}
