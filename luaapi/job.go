package luaapi

import (
	"path/filepath"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// job is a job as the script has it. Every option that is set is checked and
// stored in the engine's Job at once.
type job struct {
	engine.Job
	runAt     time.Time // runAtDateTime; zero: none
	runAtText string    // as it was written; "": as a number
	source    position  // where it was made
	given     uint64    // which options the script set, by their index
	// kept are tables and functions as they were given: the script may hold on
	// to them and change a table later, so complete reads them again.
	kept  map[int]lua.LValue
	added bool
	self  *lua.LUserData // the one object that the script has for it
}

// jobClass is what the script can do with a job.
var jobClass = sync.OnceValue(func() *class[job] {
	return &class[job]{
		name: "job", fields: jobOptions(), properties: true, get: true,
		set:  func(at site, j *job, i int, v lua.LValue) error { return j.set(at, i, v) },
		read: func(at site, j *job, i int) lua.LValue { return j.get(at, i) },
		show: func(j *job) string { return "job: " + j.Name },
	}
})

// pristine has the default of every option.
var pristine = sync.OnceValue(func() job {
	j := job{Job: engine.Job{OnNoStore: engine.StoreErrorRetry}}
	for i := range jobOptions().fields {
		jobOptions().fields[i].unset(&j)
	}
	return j
})

// newJob is a job that the script makes here.
func (at site) newJob() *job {
	j := new(job)
	*j = pristine()
	j.source = at.position()
	j.self = at.s.wrap(j, at.s.jobMeta)
	return j
}

// rebuild makes a job of the script out of one of which only a run is left.
func (at site) rebuild(old *engine.Job) *job {
	j := &job{Job: *old, runAt: restoredRunAt(old.ScheduleText), added: true}
	j.Removed, j.Location = true, time.Local
	j.self = at.s.wrap(j, at.s.jobMeta)
	return j
}

// subject is how messages begin.
func (j *job) subject(option string) string {
	if j.Name == "" || option == "name" {
		return "`" + option + "`"
	}
	return "job `" + j.Name + "`: `" + option + "`"
}

// set changes an option as the script asks for it: nil goes back to the
// defaults, false to none.
func (j *job) set(at site, i int, v lua.LValue) error {
	f := &jobOptions().fields[i]
	switch {
	case f.set == nil:
		return about(j.subject(f.name), wrong("can only be read"))
	case at.s.complete:
		return about(j.subject(f.name), wrong("cannot be changed any more: the plan is complete").
			hinting("options are set while the entry file loads; handlers can read them"))
	}
	if v == lua.LNil {
		f.unset(j)
		j.given &^= 1 << i
		delete(j.kept, i)
		return nil
	}
	if err := j.store(at, i, v); err != nil {
		return about(j.subject(f.name), err)
	}
	j.given |= 1 << i
	return nil
}

// store checks and stores a value, and keeps what has an identity in Lua.
func (j *job) store(at site, i int, v lua.LValue) error {
	f := &jobOptions().fields[i]
	delete(j.kept, i)
	if v == lua.LFalse && !takesFalse(f) {
		f.unset(j)
		return nil
	}
	if err := f.set(at, j, v); err != nil {
		return err
	}
	switch v.(type) {
	case lua.LString, lua.LNumber, lua.LBool:
	default:
		j.keep(i, v)
	}
	return nil
}

// takesFalse says whether false is a value of the option, not its absence.
func takesFalse(f *field[job]) bool { return f.typ == "boolean" || f.name == "customData" }

// get is what the script reads: the very table or function that it gave, or the
// value in its plain form, numbers of seconds and bytes.
func (j *job) get(at site, i int) lua.LValue {
	if v, ok := j.kept[i]; ok {
		return v
	}
	v := jobOptions().fields[i].get(at, j)
	if _, table := v.(*lua.LTable); table && jobOptions().fields[i].name == "customData" {
		j.keep(i, v) // what the script puts into it stays
	}
	return v
}

// keep holds on to a table or function as it was given.
func (j *job) keep(i int, v lua.LValue) {
	if j.kept == nil {
		j.kept = make(map[int]lua.LValue, 2)
	}
	j.kept[i] = v
}

// fill sets the options of a table form.
func (j *job) fill(at site, t *lua.LTable) error {
	name, _ := t.RawGetString("name").(lua.LString)
	err := jobOptions().each(t, func(i int, v lua.LValue) error { return j.set(at, i, v) })
	if err != nil && j.Name == "" && name != "" {
		return about("job `"+string(name)+"`:", err)
	}
	return err
}

// complete reads again what the script could have changed since it was set,
// and checks what only the whole job shows.
func (j *job) complete(at site) error {
	for i := 0; len(j.kept) > 0 && i < len(jobOptions().fields); i++ {
		if _, table := j.kept[i].(*lua.LTable); !table {
			continue
		}
		f := &jobOptions().fields[i]
		if err := f.set(at, j, j.kept[i]); err != nil {
			return about(j.subject(f.name), err)
		}
	}
	if j.WorkingDirectory == "" {
		j.WorkingDirectory = filepath.Dir(at.s.entry)
	}
	if err := j.check(at.s); err != nil {
		return about("job `"+j.Name+"`", err)
	}
	return nil
}

// check looks at what one option alone does not show. It waits for the end of
// the file, where a setter may still come after addJob.
func (j *job) check(s *Script) error {
	switch {
	case j.Command.Shell == "" && len(j.Command.Args) == 0 && !j.Command.Function:
		return wrong("has no command")
	case len(j.ScheduleText) == 0:
		return wrong("has neither a schedule nor a runAtDateTime")
	case j.OnOverlap == engine.OverlapReplace && j.RunOn == engine.RunOnOne:
		return wrong(`cannot have onOverlap = "replace" with runOn = "one": the old run may be on another slave`)
	case s.unknownSlave(j) != "":
		return s.unknownSlaveMistake(s.unknownSlave(j))
	case j.RunOn == engine.RunOnOne && !s.lockStore().Shared() && !s.o.ForFunction:
		return wrong(`has runOn = "one", which needs a lock store that the slaves share`).
			hinting(`call slavedriver:setLockStore("redis://...") or set $SLAVEDRIVER_LOCK_STORE`)
	case j.RunOn == engine.RunOnOne && j.Timezone == "":
		return wrong(`has runOn = "one", which needs a timezone: the zones of the slaves' hosts may differ`).
			hinting(`write timezone = "Europe/London", say, or "UTC"`)
	}
	return nil
}

// jobArgument is what Job() was called with: a name or a table.
func (at site) jobArgument(v lua.LValue) (*job, error) {
	switch v := v.(type) {
	case lua.LString:
		j := at.newJob()
		return j, j.set(at, jobOptions().index["name"], v)
	case *lua.LTable:
		return at.jobFromTable(v)
	}
	return nil, about("Job(name)", mustBe("a name or a table of options", v))
}

// jobFromTable is the table form. The job is there also with an error.
func (at site) jobFromTable(t *lua.LTable) (*job, error) {
	j := at.newJob()
	return j, j.fill(at, t)
}
