package luaapi

import (
	"errors"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// Starter starts jobs for handlers; see engine.Shift.RequestStart.
type Starter interface {
	RequestStart(e *engine.Event, job *engine.Job) (run string, err error)
}

// UseStarter says who starts jobs for slavedriver:start.
func (s *Script) UseStarter(starter Starter) { s.starter = starter }

// start is slavedriver:start(job or name): the id of the run, or nil and why a
// job is not started that is off here.
func start(at site, s *Script) int {
	j, err := at.jobToStart(at.L.Get(2))
	switch {
	case !s.complete:
		err = wrong("cannot be used while the entry file loads").hinting("use it in handlers; what is to start by itself needs a schedule")
	case err == nil && (s.starter == nil || s.event == nil):
		err = wrong("can only be used in a handler: it starts a job because of an event")
	}
	if err != nil {
		at.raise(about("start:", err))
	}
	run, err := s.starter.RequestStart(s.event, &j.Job)
	var off *engine.NotStartedError
	switch {
	case errors.As(err, &off):
		at.L.Push(lua.LNil)
		at.L.Push(lua.LString(off.Reason))
		return 2
	case err != nil:
		at.raise(about("start:", err))
	}
	return at.give(lua.LString(run))
}

// jobToStart is a job of the plan.
func (at site) jobToStart(v lua.LValue) (*job, error) {
	if j := objectOf[job](v); j != nil {
		if at.s.bySlug[j.Slug] != j {
			return nil, wrong("job `%s` is no longer in the entry file", j.Name)
		}
		return j, nil
	}
	name, ok := v.(lua.LString)
	if !ok {
		return nil, about("the job", mustBe("a job, or the name of one", v))
	}
	var known []string
	for _, j := range at.s.jobs {
		if j.Name == string(name) {
			return j, nil
		}
		known = append(known, j.Name)
	}
	return nil, unknown("job", string(name), known)
}
