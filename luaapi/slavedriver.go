package luaapi

import (
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// settings are what an entry file says besides its jobs and handlers.
type settings struct {
	slave     string
	slaveFunc *lua.LFunction
	namespace string
	known     []string // slaves; nil: not said
	store     engine.LockStore
	storeAt   position // where it was set

	monitorInterval time.Duration
	maxConcurrent   int
	forwardOutput   bool

	loggers []engine.LoggerConfig
	levels  engine.LogLevels
	// functions are the loggers that are functions, by LoggerConfig.Index.
	functions []loggerFunction
}

// settingFields declares each setting that takes one value.
var settingFields = sync.OnceValue(func() *fieldSet[Script] {
	return newFields("setting",
		slaveNameSetting(),
		stored("namespace", namespace, func(s *Script) *string { return &s.namespace }, "", "made from the entry file's path",
			"Whose jobs these are; required with a lock store that several hosts share."),
		lockStoreSetting(),
		stored("knownSlaves", slaveNames, func(s *Script) *[]string { return &s.known }, nil, "any",
			"The names of all slaves there are: then another one in `slaves` of a job is an error, and with Redis one that is not heard of is an event."),
		stored("monitoringSleepInterval", positive, func(s *Script) *time.Duration { return &s.monitorInterval }, time.Second, "1 s",
			"The duration between two looks at the output of a running job."),
		stored("maxConcurrentJobs", whole(1, math.MaxInt32), func(s *Script) *int { return &s.maxConcurrent }, 0, "no limit",
			"How many runs there are at a time; more wait, in order."),
		stored("forwardOutput", flag, func(s *Script) *bool { return &s.forwardOutput }, false, "false",
			"Whether the output of jobs goes to stdout and stderr too, with the job's name in front."),
	)
})

// slavedriverClass is the object `slavedriver` of the script.
var slavedriverClass = sync.OnceValue(func() *class[Script] {
	return &class[Script]{
		name: "slavedriver", fields: settingFields(),
		set: func(at site, s *Script, i int, v lua.LValue) error {
			f := &settingFields().fields[i]
			at.stillLoading("set" + capital(f.name))
			err := f.set(at, s, v)
			var m *mistake
			if err == nil || !errors.As(err, &m) || m.whole { // the stores' own sentence
				return about("set"+capital(f.name)+":", err)
			}
			return about("set"+capital(f.name)+": the value", err)
		},
		methods: []method[Script]{
			{"addJob", "job", "adds a job, or one made from a table of options, and returns it", addJob},
			{"addAllJobsInDirectory", "dir [, defaults]", "adds the jobs that the files below a folder return", addAllJobsInDirectory},
			{"setDefaults", "options", "sets options for the jobs that are added later", setDefaults},
			{"setLogger", "logger [, levels]", "says where messages go, and how grave they are", setLogger},
			{"getSlaveName", "", "returns the name of this slave", getSlaveName},
			{"attach", "pattern, handler [, priority or options]", "calls a function at each event whose name matches; returns an id", attach},
			{"detach", "id", "takes a handler away", detach},
			{"start", "job or name", "starts a job now, from a handler, once for each event; returns the id of its run, or nil and why it is not started", start},
			{"run", "", "says that the plan is complete and ends the entry file", run},
		},
	}
})

// The one constant that is no event's.
const (
	constantAll = "EVENT_SLAVEDRIVER_ALL"
	patternAll  = "slavedriver.*"
)

// newSlavedriver makes the object.
func (s *Script) newSlavedriver() *lua.LUserData {
	s.object = s.wrap(s, nil)
	s.object.Metatable = slavedriverClass().metatable(s, s.statics())
	return s.object
}

// statics are the constructors and constants of slavedriver.
func (s *Script) statics() map[string]lua.LValue {
	statics := map[string]lua.LValue{
		constantAll: lua.LString(patternAll),
		"state":     s.wrap(&stateObject{}, stateClass().metatable(s, nil)),
		"Job": s.constructor(func(at site, v lua.LValue) (lua.LValue, error) {
			at.stillLoading("Job")
			j, err := at.jobArgument(v)
			if err != nil {
				return nil, err
			}
			s.made = append(s.made, j)
			return j.self, nil
		}),
	}
	statics["alert"] = s.constructor(makeAlert)
	for _, e := range engine.EventDocs {
		statics[e.Constant] = lua.LString(e.Name)
	}
	for _, kind := range loggerKinds() {
		statics[kind.name] = s.constructor(kind.make)
	}
	return statics
}

// constructor is a function that takes `.` and `:` alike.
func (s *Script) constructor(build func(at site, v lua.LValue) (lua.LValue, error)) *lua.LFunction {
	return s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		if L.Get(1) == s.object {
			L.Remove(1)
		}
		v, err := build(at, L.Get(1))
		if err != nil {
			at.raise(err)
		}
		L.Push(v)
		return 1
	})
}

// slaveNameSetting keeps a function until the name is needed: with --slave it
// is never called.
func slaveNameSetting() field[Script] {
	return field[Script]{
		name: "slaveName", typ: "string or function", def: "$SLAVEDRIVER_SLAVE_NAME, else the hostname",
		doc: "The name of this slave, or a function that returns it.",
		set: func(at site, s *Script, v lua.LValue) (err error) {
			if fn, ok := v.(*lua.LFunction); ok {
				s.slave, s.slaveFunc = "", fn
				return nil
			}
			s.slaveFunc = nil
			s.slave, err = wholeName.decode(at, v)
			return err
		},
		unset: func(s *Script) { s.slave, s.slaveFunc = "", nil },
	}
}

// getSlaveName is the name as it is now; a setSlaveName that follows changes it.
func getSlaveName(at site, s *Script) int {
	name, err := s.slaveName(at)
	if err != nil {
		at.raise(err)
	}
	at.L.Push(lua.LString(name))
	return 1
}

// slaveName asks --slave, the entry file, the environment and the host, in
// this order.
func (s *Script) slaveName(at site) (string, error) {
	if s.o.Slave != "" {
		_, err := wholeName.decode(at, lua.LString(s.o.Slave))
		return s.o.Slave, about("--slave", err)
	}
	if s.slaveFunc != nil {
		at.L.Push(s.slaveFunc)
		at.L.Call(0, 1)
		v := at.L.Get(-1)
		at.L.Pop(1)
		if p := s.slaveFunc.Proto; p != nil {
			at.from = position{p.SourceName, p.LineDefined}
		}
		name, err := wholeName.decode(at, v)
		if err != nil {
			return "", place(at.position(), about("setSlaveName: what the function returns", err))
		}
		s.slave, s.slaveFunc = name, nil
	}
	for _, name := range []string{s.slave, s.getenv("SLAVEDRIVER_SLAVE_NAME"), s.hostname()} {
		if name != "" {
			_, err := wholeName.decode(at, lua.LString(name))
			return name, about("the name of this slave", err)
		}
	}
	m := wrong("%v", ErrNoSlaveName).hinting("call slavedriver:setSlaveName(...), set $SLAVEDRIVER_SLAVE_NAME, or use --slave")
	m.err = ErrNoSlaveName
	return "", m
}

// hostname is "" where there is none.
func (s *Script) hostname() string {
	if s.o.Hostname == nil {
		return ""
	}
	name, _ := s.o.Hostname() // no name is no name, whatever the reason
	return name
}

// namespace names a folder and a prefix of keys.
var namespace = kind[string]{"string",
	func(at site, v lua.LValue) (string, error) {
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
		name, err := line.decode(at, v)
		if err == nil && (len(name) > 64 || name[0] == '.' || strings.Trim(name, letters) != "") {
			return "", mustBe("1 to 64 letters, digits, dots, dashes and underscores, no dot first", v)
		}
		return name, err
	}, fromText,
}

// setDefaults adds to what earlier calls set.
func setDefaults(at site, s *Script) int {
	at.stillLoading("setDefaults")
	t, ok := at.L.Get(2).(*lua.LTable)
	if !ok {
		at.raise(about("setDefaults(options)", mustBe("a table of options", at.L.Get(2))))
	}
	d, err := at.readDefaults(t)
	if err != nil {
		at.raise(about("setDefaults:", err))
	}
	s.defaults = d.over(at, s.defaults)
	return 0
}

// run ends the entry file: by its context, so that no pcall can go on. In another
// file it would drop what the entry file has left to do, without a word.
func run(at site, s *Script) int {
	at.stillLoading("run")
	if s.nested > 0 || at.inOtherFile() {
		at.raise(wrong("run() ends the entry file, and can only be called there").
			hinting("take it out here; a file in a folder of jobs ends with `return job`"))
	}
	s.complete = true
	s.running.stop(errRun)
	at.L.RaiseError("%s", errRun.Error())
	return 0
}
