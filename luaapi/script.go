// Package luaapi is the entry file: Lua in, an engine.Plan out, and the
// handlers and functions of the script for the engine to call.
//
// What the script sees is declared in tables of fields and methods
// (jobOptions, settingFields, slavedriverClass, ...): the setters and getters,
// the checks and the messages all come from them.
package luaapi

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/schedule"
)

// Options are what Load takes from its surroundings.
type Options struct {
	// Slave is the name of this slave; it wins over what the file says. Without
	// it: setSlaveName, $SLAVEDRIVER_SLAVE_NAME, the hostname.
	Slave    string
	Getenv   func(string) string    // also os.getenv of the script; nil: nothing is set
	Hostname func() (string, error) // nil: not known
	// Stdout takes what print, io.write and the script's commands write;
	// Stderr likewise. nil: it is dropped.
	Stdout, Stderr io.Writer
	LoadTimeout    time.Duration // 0: 10 s
	// Files is where the entry file, job files and modules are found. nil: on
	// the disk, where CheckFile is asked before one of them is read; its error
	// refuses the file (nil: all may be read).
	Files     Files
	CheckFile func(path string) error
	// CheckStore is asked about what was said of a lock store. nil: all are taken.
	CheckStore func(engine.LockStore) error
	// WorkingDirectory is where a relative entry path starts: $PWD rather than
	// what the kernel says, so that symlinks stay as they are.
	WorkingDirectory string
	Root             bool // jobs may have a user and a group
	// Execute answers os.execute and io.popen instead of a shell: with an exit
	// status and what the command prints, or an error that is thrown. nil: they
	// are executed.
	Execute func(command string) (status int, printed string, err error)
	// Stopwatch is a clock that goes on while Lua computes, where that of
	// package time is virtual and does not: a call that never ends is cut off by
	// it. nil: deadlines go by package time alone.
	Stopwatch func() time.Duration
	// ForFunction says that nothing but the function of a job is to be called:
	// the settings that only a shift needs may be missing.
	ForFunction bool

	// Quietly drops what the file prints while it loads: another load printed it.
	Quietly bool

	// compiled remembers chunks (*lua.FunctionProto) by name and source for the
	// loads that follow; nil: none are remembered.
	compiled *sync.Map
	judge    *judge       // of the memory that calls take; nil: that of this process
	memory   *memoryWatch // its stand-in where there is a Stopwatch; nil: there is none
	tests    *testState   // of a file of tests; nil: it is an entry file
	goOn     bool         // after a mistake, to find more of them; see Mistakes
}

// Script is a loaded entry file. All but Wants and LongestDeadline must be
// called by one goroutine at a time.
type Script struct {
	o              Options
	entry          string // absolute
	shown          string // as it was given
	stdout, stderr io.Writer

	L          *lua.LState
	object     *lua.LUserData // slavedriver
	jobMeta    *lua.LTable
	eventMeta  *lua.LTable
	runMeta    *lua.LTable
	loggerMeta *lua.LTable
	fileMeta   *lua.LTable
	paramsMeta *lua.LTable
	alertMeta  *lua.LTable

	settings
	defaults  defaults
	jobs      []*job
	bySlug    map[string]*job
	schedules map[zoned]schedule.Schedule
	files     []string        // read, absolute
	sources   map[string]bool // the names of loaded files, as they are shown
	warnings  []string
	mistakes  []*Error // passed over

	nested     int       // other files that run, by runFile
	inFunction bool      // this process is there for the function of a job
	hung       func()    // see OnHung
	complete   bool      // the plan is; options and settings stay as they are
	running    *deadline // of the call into the script that is going on
	raised     *Error    // the last one that was thrown into the script
	// explained is explain; calling that would be a cycle in the initialization
	// of the tables of methods.
	explained   func(error) *Error
	missing     missingGlobal
	made        []*job // by Job; each is to be added
	complained  []int  // logger functions that failed
	handlers    atomic.Pointer[[]*handler]
	lastHandler int
	alerts      map[string]int // how many there are, by whom they are about
	state       State
	plan        *engine.Plan
	moduleState
}

// Load runs the entry file and makes the plan. Its errors are *Error; when ctx
// ended it wraps the reason. Where the only thing missing is the slave's name, the error
// wraps ErrNoSlaveName and the Script is returned too, with a Plan that lacks
// it: so the caller can log that as the file says.
func Load(ctx context.Context, path string, o Options) (*Script, error) {
	s := newScript(path, o)
	loaded := make(chan error, 1)
	go func() { loaded <- s.withMistakes(s.load(ctx)) }()
	// The VM notices its deadline itself, unless it is inside a builtin of Lua.
	watchdog := time.NewTimer(s.o.LoadTimeout + 2*time.Second)
	defer watchdog.Stop()
	select {
	case err := <-loaded:
		if err != nil && !errors.Is(err, ErrNoSlaveName) {
			s.Close()
			return nil, s.redacted(err)
		}
		return s, err
	case <-watchdog.C:
		late := &overran{s.o.LoadTimeout}
		return nil, &Error{File: s.shown, Message: late.Error() + ", inside a function of Lua that cannot be interrupted", Err: late}
	}
}

// newScript is a script with the defaults of all settings, and nothing loaded.
func newScript(path string, o Options) *Script {
	if o.LoadTimeout == 0 {
		o.LoadTimeout = defaultDeadline
	}
	if o.Files == nil {
		o.Files = Disk(o.CheckFile)
	}
	// One lock for both: they may be the same writer.
	output := new(sync.Mutex)
	s := &Script{
		o: o, shown: filepath.Clean(path), L: newVM(),
		stdout: shareable(o.Stdout, output), stderr: shareable(o.Stderr, output),
		bySlug: map[string]*job{}, schedules: map[zoned]schedule.Schedule{}, sources: map[string]bool{},
	}
	if o.ForFunction || o.Quietly {
		s.stdout, s.stderr = &gate{then: s.stdout}, &gate{then: s.stderr}
	}
	s.entry, s.explained = s.absolute(s.shown), s.explain
	s.levels = engine.DefaultLogLevels()
	s.loggers = []engine.LoggerConfig{{Kind: "stderr", Level: string(engine.Error)}}
	for _, f := range settingFields().fields {
		f.unset(s)
	}
	s.handlers.Store(new([]*handler))
	return s
}

// isEmpty says whether a chunk does nothing at all, as that of an empty file.
func isEmpty(chunk *lua.FunctionProto) bool { return len(chunk.Code) <= 1 }

// Plan is what the entry file said.
func (s *Script) Plan() *engine.Plan { return s.plan }

// OnHung has hung called, in a goroutine of its own, when a call into the script
// does not come back although it was cut off: it is inside a function of Lua
// that cannot be interrupted, and the script is of no use any more.
func (s *Script) OnHung(hung func()) { s.hung = hung }

// Close frees the VM. Nothing else may be called afterwards.
func (s *Script) Close() { s.L.Close() }

func (s *Script) getenv(name string) string {
	if s.o.Getenv == nil {
		return ""
	}
	return s.o.Getenv(name)
}

// load is Load, in the goroutine that may have to be left behind.
func (s *Script) load(ctx context.Context) error {
	began := time.Now()
	s.open()
	chunk, err := s.loadFile(s.entry)
	if err != nil {
		return err
	}
	if isEmpty(chunk.Proto) {
		return place(position{file: s.shown}, wrong("there is nothing in it").hinting("it may have been cut short: by a copy that goes on, or a full disk"))
	}
	returned, err := s.call(ctx, s.o.LoadTimeout, chunk, 1)
	if err != nil && !errors.Is(err, errRun) {
		return err
	}
	if len(returned) > 0 {
		if err := s.checkReturned(lastReturn(chunk), returned[0]); err != nil {
			return err
		}
	}
	s.complete = true
	defer func() { s.loaded = true }()
	if err := s.makePlan(); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadlineCause(ctx, began.Add(s.o.LoadTimeout), &overran{s.o.LoadTimeout})
	defer cancel()
	if err := s.askSlaveName(ctx); err != nil {
		return err
	}
	if s.o.Quietly {
		s.openGates()
	}
	return nil
}

// open prepares the VM.
func (s *Script) open() {
	s.openModules()
	s.openLibraries()
	s.watchGlobals()
	s.jobMeta = jobClass().metatable(s, nil)
	s.eventMeta = eventClass().metatable(s, nil)
	s.runMeta = runClass().metatable(s, nil)
	s.paramsMeta, s.alertMeta = s.strict("params", paramNames()), s.strict("the alert", alertNames())
	s.loggerMeta = loggerClass().metatable(s, nil)
	object := s.newSlavedriver()
	s.L.SetGlobal("slavedriver", object)
	s.library("package").RawGetString("loaded").(*lua.LTable).RawSetString("slavedriver", object)
}

// makePlan checks what only the whole file shows, and puts the plan together.
func (s *Script) makePlan() error {
	if err := s.checkStore(); err != nil {
		return err
	}
	s.plan = &engine.Plan{
		EntryFile: s.entry, Namespace: s.namespace, LockStore: s.lockStore(), KnownSlaves: s.known,
		MonitorInterval: s.monitorInterval, MaxConcurrent: s.maxConcurrent, ForwardOutput: s.forwardOutput,
		Loggers: s.loggers, Levels: s.levels, Jobs: make([]*engine.Job, len(s.jobs)),
	}
	if s.store.Set() {
		s.plan.LockStoreSource = s.storeAt.String()
	}
	for i, j := range s.jobs {
		at := site{s: s, L: s.L, from: j.source}
		if err := j.complete(at); err != nil && !s.passOver(j.source, err) {
			return place(j.source, err)
		}
		s.plan.Jobs[i] = &j.Job
	}
	s.warnOfFilters()
	s.warnOfUnadded()
	s.plan.Files, s.plan.Warnings, s.plan.MissingSecrets = s.files, s.warnings, s.missingSecrets
	return nil
}

// checkStore looks at the lock store of the environment too.
func (s *Script) checkStore() error {
	store, where := s.lockStore(), s.storeAt
	if !s.store.Set() {
		where = position{file: s.shown}
		if store.URL != "" && s.o.CheckStore != nil {
			if err := s.o.CheckStore(store); err != nil {
				return place(where, about("$SLAVEDRIVER_LOCK_STORE:", err))
			}
		}
	}
	if store.Shared() && s.namespace == "" && !s.o.ForFunction {
		return place(where, wrong("a lock store that others may use too needs a namespace").
			hinting(`call slavedriver:setNamespace("...") with a name for these jobs, the same on each host`))
	}
	return nil
}

// askSlaveName may call a function of the script, so it is a call of its own,
// within what is left of the time to load.
func (s *Script) askSlaveName(ctx context.Context) error {
	ask := s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		name, err := s.slaveName(at)
		if err != nil {
			at.raise(err)
		}
		s.plan.Slave = name
		s.warnOfUnknownSelf()
		return 0
	})
	_, err := s.call(ctx, s.o.LoadTimeout, ask, 0)
	var e *Error
	if errors.As(err, &e) && e.File == "" {
		e.File = s.shown
	}
	return err
}

// warnOfUnadded looks for jobs that were made and then forgotten.
func (s *Script) warnOfUnadded() {
	for _, j := range s.made {
		if !j.added {
			s.warn("%s: job `%s` is made here and never added; call slavedriver:addJob(job) before slavedriver:run()", j.source, j.Name)
		}
	}
}
