package luaapi

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
)

// slaveNames is a list of whole names.
var slaveNames = kind[[]string]{"list of strings",
	func(at site, v lua.LValue) ([]string, error) {
		names, err := toStrings(v, func(v lua.LValue) (string, error) { return line.decode(at, v) })
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, wrong("must name at least one slave")
		}
		for i, name := range names {
			if strings.Contains(name, "*") {
				return nil, wrong("must be whole names, without the * of %q", name)
			}
			if slices.Contains(names[:i], name) {
				return nil, wrong("names %q twice", name)
			}
		}
		return names, nil
	}, fromStrings,
}

// wholeName is the name of one slave.
var wholeName = kind[string]{"string",
	func(at site, v lua.LValue) (string, error) {
		name, err := line.decode(at, v)
		if err == nil && strings.Contains(name, "*") {
			err = wrong("must be a whole name, without the * of %q", name)
		}
		return name, err
	}, fromText,
}

// unknownSlave is a name in a job's slaves that is none of the known ones; "":
// there is none, or it was not said which there are.
func (s *Script) unknownSlave(j *job) string {
	for _, pattern := range j.Slaves {
		is := func(name string) bool { return engine.MatchPattern(pattern, name) }
		if s.known != nil && !slices.ContainsFunc(s.known, is) {
			return pattern
		}
	}
	return ""
}

func (s *Script) unknownSlaveMistake(name string) error {
	m := wrong("is for the slave %q, which is none of setKnownSlaves", name)
	if near := spelling.Nearest(name, s.known); near != "" {
		return m.hinting("did you mean \"" + near + "\"?")
	}
	return m.hinting("the known slaves are " + strings.Join(s.known, ", "))
}

// warnOfUnknownSelf looks whether this slave is one of the known ones, and whether
// they can know of each other.
func (s *Script) warnOfUnknownSelf() {
	if len(s.known) > 1 && !s.lockStore().Shared() {
		s.warn("setKnownSlaves names %d slaves, but there is no lock store that they share (setLockStore): nobody notices when one of them is lost", len(s.known))
		s.plan.Warnings = s.warnings
	}
	if s.known != nil && !slices.Contains(s.known, s.plan.Slave) {
		s.warn("this slave, %s, is none of setKnownSlaves", s.plan.Slave)
		s.plan.Warnings = s.warnings
	}
}
