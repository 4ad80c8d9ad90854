package luaapi

import (
	"context"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// longestReason bounds what a condition can put into the ledger, in bytes.
const longestReason = 1000

// conditionOption is a function that has the last word about each start.
func conditionOption() field[job] {
	return field[job]{
		name: "condition", typ: "function of a job and now", def: "none",
		doc: "A function `(job, now)` that is asked once before each start, with a table as of os.date(\"*t\") and `epoch`: where it returns false, the start is skipped, with the reason that it returns too.",
		set: func(_ site, j *job, v lua.LValue) error {
			if _, ok := v.(*lua.LFunction); !ok {
				return mustBe("a function", v)
			}
			j.Condition = true
			return nil
		},
		get:   func(site, *job) lua.LValue { return lua.LNil }, // what was set is kept
		unset: func(j *job) { j.Condition = false },
	}
}

// functionOf is what the script set as an option of one of its jobs.
func (s *Script) functionOf(e *engine.Job, option string) (*job, *lua.LFunction, error) {
	j := s.bySlug[e.Slug]
	if j == nil {
		return nil, nil, wrong("job `%s` is not in the plan", e.Name)
	}
	fn, ok := j.kept[jobOptions().index[option]].(*lua.LFunction)
	if !ok {
		return nil, nil, wrong("job `%s` has no function as its `%s`", e.Name, option)
	}
	return j, fn, nil
}

// Condition asks a job's condition whether an instant is to start now, and why
// not.
func (s *Script) Condition(ctx context.Context, e *engine.Job, now time.Time) (ok bool, reason string, err error) {
	j, fn, err := s.functionOf(e, "condition")
	if err != nil {
		return false, "", err
	}
	results, err := s.call(ctx, defaultDeadline, fn, 2, j.self, dateTable(s.L, now.In(j.Location)))
	if err != nil {
		return false, "", err
	}
	switch v := results[0].(type) {
	case lua.LBool:
		ok, reason = bool(v), "its condition does not hold"
	case *lua.LNilType:
		reason = "its condition returned nothing"
	default:
		return false, "", place(j.source, about("job `"+j.Name+"`: what the condition returns", mustBe("true or false", v)))
	}
	if given := results[1]; lua.LVCanConvToString(given) {
		reason = strings.ToValidUTF8(given.String(), "?")
		reason = reason[:min(len(reason), longestReason)]
	}
	return ok, reason, nil
}
