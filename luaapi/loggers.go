package luaapi

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// loggerFunction is a logger that is a function of the script.
type loggerFunction struct {
	fn    *lua.LFunction
	where position
}

// loggerKind is one of the ready loggers.
type loggerKind struct {
	name     string // of the constructor
	kind     string // of LoggerConfig
	fields   *fieldSet[engine.LoggerConfig]
	required string // a field that must be there
}

// loggerKinds declares the constructors of loggers and their keys.
var loggerKinds = sync.OnceValue(func() []loggerKind {
	type config = engine.LoggerConfig
	level := stored("level", oneOf(names(engine.Levels)...), func(c *config) *string { return &c.Level }, "", "all",
		"the least level that is written")
	path := stored("path", folder, func(c *config) *string { return &c.Path }, "", "", "the file that is appended to")
	format := stored("format", oneOf("text", "json"), func(c *config) *string { return &c.Format }, "text", `"text"`,
		"how a message is written")
	tag := stored("tag", line, func(c *config) *string { return &c.Tag }, "", `"slavedriver"`, "the name in front of each message")
	return []loggerKind{
		{"FileLogger", "file", newFields("key", path, format, level), "path"},
		{"StderrLogger", "stderr", newFields("key", level), ""},
		{"SyslogLogger", "syslog", newFields("key", tag, level), ""},
	}
})

// make is the constructor: StderrLogger{level = "debug"}. A logger without
// options needs no table.
func (k loggerKind) make(at site, v lua.LValue) (lua.LValue, error) {
	c := &engine.LoggerConfig{Kind: k.kind, Source: at.position().String()}
	for _, f := range k.fields.fields {
		f.unset(c)
	}
	if v == lua.LNil {
		v = at.L.NewTable()
	}
	if err := k.fields.read(at, v, c); err != nil {
		return nil, about(k.name+":", err)
	}
	if k.required != "" && v.(*lua.LTable).RawGetString(k.required) == lua.LNil {
		return nil, wrong("%s: `%s` is missing", k.name, k.required)
	}
	return at.s.wrap(c, at.s.loggerMeta), nil
}

// loggerClass has neither methods nor fields: a logger is only handed over.
var loggerClass = sync.OnceValue(func() *class[engine.LoggerConfig] {
	return &class[engine.LoggerConfig]{name: "logger", fields: newFields[engine.LoggerConfig]("field")}
})

// levelFields are the keys of the original's LogLevels.
var levelFields = sync.OnceValue(func() *fieldSet[engine.LogLevels] {
	d := engine.DefaultLogLevels()
	level := func(name, doc string, def engine.Level, place func(*engine.LogLevels) *engine.Level) field[engine.LogLevels] {
		return stored(name, oneOf(engine.Levels...), place, def, string(def), doc)
	}
	return newFields("log level key",
		level("jobStartingAndFinishing", "a job starts, and finished", d.JobStartingAndFinishing,
			func(l *engine.LogLevels) *engine.Level { return &l.JobStartingAndFinishing }),
		level("errorExitCode", "the exit code is no success, or not known", d.ErrorExitCode,
			func(l *engine.LogLevels) *engine.Level { return &l.ErrorExitCode }),
		level("invalidConfig", "the slave's name is not known, or the entry file does not load", d.InvalidConfig,
			func(l *engine.LogLevels) *engine.Level { return &l.InvalidConfig }),
		level("notFinishedWhenExpected", "the expected run time elapsed", d.NotFinishedWhenExpected,
			func(l *engine.LogLevels) *engine.Level { return &l.NotFinishedWhenExpected }),
		level("needingToBeKilled", "the timeout was hit", d.NeedingToBeKilled,
			func(l *engine.LogLevels) *engine.Level { return &l.NeedingToBeKilled }),
		level("cannotStartNextAsLastStillRunning", "the last instance still runs", d.CannotStartNextAsLastStillRunning,
			func(l *engine.LogLevels) *engine.Level { return &l.CannotStartNextAsLastStillRunning }),
	)
})

// names are levels as strings, as LoggerConfig has them.
func names(levels []engine.Level) []string {
	out := make([]string, len(levels))
	for i, l := range levels {
		out[i] = string(l)
	}
	return out
}

// setLogger replaces the loggers, and overrides levels where there are any.
func setLogger(at site, s *Script) int {
	at.stillLoading("setLogger")
	s.loggers, s.functions = nil, nil
	if err := s.addLogger(at, at.L.Get(2), true); err != nil {
		at.raise(about("setLogger: the logger", err))
	}
	if v := at.L.Get(3); v != lua.LNil {
		levels := engine.DefaultLogLevels()
		if err := levelFields().read(at, v, &levels); err != nil {
			at.raise(about("setLogger: levels:", err))
		}
		s.levels = levels
	}
	at.L.SetTop(1)
	return 1
}

// addLogger adds one, or with lists those of a list; lists do not nest.
func (s *Script) addLogger(at site, v lua.LValue, lists bool) error {
	if c := objectOf[engine.LoggerConfig](v); c != nil {
		s.loggers = append(s.loggers, *c)
		return nil
	}
	switch v := v.(type) {
	case *lua.LFunction:
		s.loggers = append(s.loggers, engine.LoggerConfig{Kind: "function", Index: len(s.functions)})
		s.functions = append(s.functions, loggerFunction{v, at.position()})
		return nil
	case *lua.LTable:
		items, err := toList(v, "loggers")
		for i := 0; lists && err == nil && i < len(items); i++ {
			err = s.addLogger(at, items[i], false)
		}
		if lists {
			return err
		}
	}
	return mustBe("a function, a FileLogger, StderrLogger or SyslogLogger, or a list of these", v)
}

// Log hands a message to logger function number index. What goes wrong there
// is said on stderr, once for each function, and no error is lost by it: those
// that it did not take go to stderr instead.
func (s *Script) Log(index int, level engine.Level, message string, fields map[string]any) {
	if index < 0 || index >= len(s.functions) {
		return
	}
	f := s.functions[index]
	s.inLogger = true
	defer func() { s.inLogger = false }()
	_, err := s.call(context.Background(), defaultDeadline, f.fn, 0,
		lua.LString(level), lua.LString(message), toLua(s.L, fields))
	if err == nil {
		return
	}
	if !slices.Contains(s.complained, index) {
		s.complained = append(s.complained, index)
		fmt.Fprintf(s.stderr, "slavedriver: warning: the logger set at %s failed: %s; its errors go to stderr\n",
			f.where, strings.TrimSpace(err.Error()))
	}
	if level.AtLeast(engine.Error) {
		fmt.Fprintf(s.stderr, "slavedriver: %s: %s\n", level, message)
	}
}
