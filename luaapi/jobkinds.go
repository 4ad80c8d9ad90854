package luaapi

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/schedule"
)

// command is a string for the shell, a list without one, or a function, which
// is kept as it was given (RunFunction).
var command = kind[engine.Command]{"string, list of strings, or function",
	func(at site, v lua.LValue) (engine.Command, error) {
		switch v.(type) {
		case lua.LString:
			shell, err := toText(v)
			return engine.Command{Shell: shell}, err
		case *lua.LTable:
			args, err := arguments.decode(at, v)
			if err == nil && (len(args) == 0 || args[0] == "") {
				err = wrong("must not be empty")
			}
			return engine.Command{Args: args}, err
		case *lua.LFunction:
			return engine.Command{Function: true}, nil
		}
		return engine.Command{}, mustBe("a string for the shell, a list of strings, or a function", v)
	},
	func(c engine.Command) lua.LValue {
		if len(c.Args) > 0 {
			return words.encode(c.Args)
		}
		return fromText(c.Shell)
	},
}

// allowOverlap is the original's boolean for what has three values now; it
// reads as false for "replace".
var allowOverlap = kind[engine.Overlap]{"boolean",
	func(at site, v lua.LValue) (engine.Overlap, error) {
		allow, err := flag.decode(at, v)
		if allow {
			return engine.OverlapAllow, err
		}
		return engine.OverlapSkip, err
	},
	func(o engine.Overlap) lua.LValue { return lua.LBool(o == engine.OverlapAllow) },
}

// exitCodes is a list of numbers that a process can end with.
var exitCodes = kind[[]int]{"list of numbers",
	func(at site, v lua.LValue) ([]int, error) {
		items, err := toList(v, "exit codes")
		if err == nil && len(items) == 0 {
			err = wrong("must have at least one exit code")
		}
		codes := make([]int, len(items))
		for i := 0; err == nil && i < len(items); i++ {
			if codes[i], err = whole(0, 255).decode(at, items[i]); err != nil {
				err = about(fmt.Sprintf("entry %d", i+1), err)
			}
		}
		return codes, err
	},
	func(codes []int) lua.LValue {
		t := &lua.LTable{Metatable: lua.LNil}
		for _, code := range codes {
			t.Append(lua.LNumber(code))
		}
		return t
	},
}

// isVariable says whether every shell keeps such a name in its environment;
// dash drops others.
func isVariable(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	return name != "" && strings.ContainsRune(letters, rune(name[0])) && strings.Trim(name, letters+"0123456789") == ""
}

// environment is a table of strings. A false stands for "not this one", which
// takes a variable out that the defaults brought.
var environment = kind[map[string]string]{"table of strings",
	func(_ site, v lua.LValue) (map[string]string, error) {
		t, ok := v.(*lua.LTable)
		if !ok {
			m := mustBe("a table of strings", v)
			if name, value, found := strings.Cut(v.String(), "="); found && isVariable(name) {
				m = m.hinting(fmt.Sprintf("write { %s = %q }", name, value))
			}
			return nil, m
		}
		env, problems := map[string]string{}, []string(nil)
		t.ForEach(func(key, v lua.LValue) {
			if problem := setVariable(env, key, v); problem != "" {
				problems = append(problems, problem)
			}
		})
		if len(problems) > 0 {
			return nil, wrong("%s", slices.Min(problems))
		}
		return env, nil
	},
	func(env map[string]string) lua.LValue {
		t := &lua.LTable{Metatable: lua.LNil}
		for name, value := range env {
			t.RawSetString(name, lua.LString(value))
		}
		return t
	},
}

// setVariable puts one variable into env, or says what is wrong with it, as a
// predicate.
func setVariable(env map[string]string, key, v lua.LValue) (problem string) {
	name, named := key.(lua.LString)
	switch {
	case !named:
		return "must be a table of names and strings, not a list"
	case !isVariable(string(name)):
		return fmt.Sprintf("has a name that a shell would drop, %s: letters, digits and underscores are allowed", describe(name))
	case strings.HasPrefix(string(name), "SLAVEDRIVER_"):
		return fmt.Sprintf("cannot set `%s`: slavedriver itself sets names that begin with SLAVEDRIVER_", name)
	case v == lua.LFalse:
		return ""
	case !lua.LVCanConvToString(v):
		return fmt.Sprintf("must have a string for `%s`, not %s", name, describe(v))
	case strings.ContainsRune(v.String(), 0):
		return fmt.Sprintf("has a zero byte in `%s`", name)
	}
	env[string(name)] = v.String()
	return ""
}

// umask must be a string: the number 027 is 27 in Lua, which would be another
// mask than it looks like.
var umask = kind[int]{"octal string",
	func(_ site, v lua.LValue) (int, error) {
		s, ok := v.(lua.LString)
		mask, err := strconv.ParseUint(string(s), 8, 16)
		if !ok || err != nil || mask > 0o777 {
			return 0, mustBe("an octal number in quotes", v).hinting(`write it as in the shell, umask = "027"`)
		}
		return int(mask), nil
	},
	func(mask int) lua.LValue {
		if mask < 0 {
			return lua.LNil
		}
		return lua.LString(fmt.Sprintf("%03o", mask))
	},
}

// account is a user or a group, which only root can change.
var account = kind[string]{"string",
	func(at site, v lua.LValue) (string, error) {
		name, err := line.decode(at, v)
		if err == nil && !at.s.o.Root {
			return "", wrong("needs root").hinting("run slavedriver from root's crontab, or leave the option out")
		}
		return name, err
	}, fromText,
}

// limitFields are the keys of limits; false stands for "not this one".
var limitFields = sync.OnceValue(func() *fieldSet[engine.Limits] {
	count := func(name, doc string, place func(*engine.Limits) *int64) field[engine.Limits] {
		return stored(name, whole(int64(1), math.MaxInt64>>10), place, 0, "none", doc)
	}
	bytes := func(name, doc string, place func(*engine.Limits) *int64) field[engine.Limits] {
		return stored(name, size, place, 0, "none", doc)
	}
	set := newFields("limit",
		bytes("addressSpace", "virtual memory of each process, as a size", func(l *engine.Limits) *int64 { return &l.AddressSpace }),
		stored("cpuTime", positive, func(l *engine.Limits) *time.Duration { return &l.CPUTime }, 0, "none",
			"CPU time of each process, as a duration of whole seconds"),
		count("openFiles", "how many files each process may have open", func(l *engine.Limits) *int64 { return &l.OpenFiles }),
		count("processes", "how many processes the user may have", func(l *engine.Limits) *int64 { return &l.Processes }),
		bytes("fileSize", "how large a file may become, as a size", func(l *engine.Limits) *int64 { return &l.FileSize }),
	)
	for i := range set.fields {
		f := &set.fields[i]
		store := f.set
		f.set = func(at site, l *engine.Limits, v lua.LValue) error {
			if v == lua.LFalse {
				f.unset(l)
				return nil
			}
			return store(at, l, v)
		}
	}
	return set
})

// limits is a table of limitFields. setrlimit counts CPU time in seconds, so
// parts of one are refused rather than rounded.
var limits = kind[engine.Limits]{"table of limits",
	func(at site, v lua.LValue) (engine.Limits, error) {
		var l engine.Limits
		err := limitFields().read(at, v, &l)
		if err == nil && l.CPUTime%time.Second != 0 {
			err = wrong("`cpuTime` must be whole seconds")
		}
		return l, err
	},
	func(l engine.Limits) lua.LValue {
		t := &lua.LTable{Metatable: lua.LNil}
		for _, f := range limitFields().fields {
			if v := f.get(site{}, &l); v != lua.LNil && v != lua.LNumber(0) {
				t.RawSetString(f.name, v)
			}
		}
		return t
	},
}

// zoned is a cron expression as it is meant in a zone.
type zoned struct {
	expr string
	loc  *time.Location
}

// parse makes a schedule of expressions: their union. Each different one is
// parsed once. The script may be nil.
func (s *Script) parse(exprs []string, loc *time.Location) (schedule.Schedule, error) {
	parts := make([]schedule.Schedule, len(exprs))
	for i, expr := range exprs {
		var err error
		if parts[i], err = s.parseOne(zoned{expr, loc}); err != nil {
			return nil, err
		}
	}
	return schedule.Union(parts...), nil
}

func (s *Script) parseOne(z zoned) (schedule.Schedule, error) {
	if s != nil && s.schedules[z] != nil {
		return s.schedules[z], nil
	}
	parsed, err := schedule.Parse(z.expr, z.loc)
	if err != nil {
		return nil, notValid(lua.LString(z.expr), err)
	}
	if s != nil {
		s.schedules[z] = parsed
	}
	return parsed, nil
}

// notValid is an error of package schedule about a value.
func notValid(v lua.LValue, err error) error {
	var e *schedule.Error
	if !errors.As(err, &e) {
		return wrong("%s is not valid: %v", describe(v), err)
	}
	m := wrong("%s is not valid: %s", describe(v), e.Message).hinting(e.Hint)
	m.err = err
	return m
}

// backoff is a factor by which something may grow, and not shrink.
var backoff = kind[float64]{"number of at least 1",
	func(at site, v lua.LValue) (float64, error) {
		n, err := number.decode(at, v)
		if err == nil && n < 1 {
			err = wrong("must be at least 1, not %s", describe(v))
		}
		return n, err
	}, number.encode,
}

// wholeSeconds is a duration without a fraction.
var wholeSeconds = kind[time.Duration]{duration.name,
	func(at site, v lua.LValue) (time.Duration, error) {
		d, err := duration.decode(at, v)
		if err == nil && d%time.Second != 0 {
			err = wrong("must be whole seconds, not %s", describe(v))
		}
		return d, err
	}, duration.encode,
}
