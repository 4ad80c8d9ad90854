package luaapi

import (
	lua "github.com/yuin/gopher-lua"
)

// defaults are values for options that a job does not set itself, by the
// option's index; nil leaves an option alone, false unsets it.
type defaults []lua.LValue

// readDefaults checks a table of defaults as it would be checked in a job.
func (at site) readDefaults(t *lua.LTable) (defaults, error) {
	d := make(defaults, len(jobOptions().fields))
	scratch := at.newJob()
	err := jobOptions().each(t, func(i int, v lua.LValue) error {
		if jobOptions().fields[i].name == "name" {
			return wrong("`name` cannot have a default: each job has its own")
		}
		d[i] = v
		if err := scratch.set(at, i, v); err != nil || v == lua.LFalse {
			return err
		}
		// What was read is kept: a relative path means the file that says it. A
		// date, though, means the zone of the job that gets it.
		if jobOptions().fields[i].name != "runAtDateTime" {
			d[i] = scratch.get(at, i)
		}
		return nil
	})
	return d, err
}

// over puts d on top of base: maps merge, all else replaces. Defaults are never
// changed once they are made.
func (d defaults) over(at site, base defaults) defaults {
	switch {
	case base == nil:
		return d
	case d == nil:
		return base
	}
	out := append(defaults(nil), base...)
	for i, v := range d {
		if v == nil {
			continue
		}
		if p := partner(i); p >= 0 {
			out[p] = nil
		}
		out[i] = at.merged(i, base[i], v)
	}
	return out
}

// apply gives the job the defaults of what it did not set.
func (d defaults) apply(at site, j *job) error {
	for i, v := range d {
		own := lua.LNil
		switch p := partner(i); {
		case v == nil, p >= 0 && j.given&(1<<p) != 0:
			continue
		case j.given&(1<<i) != 0:
			own = j.kept[i]
			if !isMap(own) || !isMap(v) {
				continue
			}
		}
		if err := j.store(at, i, at.merged(i, v, own)); err != nil {
			return about(j.subject(jobOptions().fields[i].name), err)
		}
	}
	return nil
}

// partner is the option that says the same in another form, or -1: a job that
// has the one does not take a default of the other.
func partner(i int) int {
	var other string
	switch jobOptions().fields[i].name {
	case "schedule":
		other = "runAtDateTime"
	case "runAtDateTime":
		other = "schedule"
	case "onOverlap":
		other = "allowRunningIfPreviousStillRunning"
	case "allowRunningIfPreviousStillRunning":
		other = "onOverlap"
	default:
		return -1
	}
	return jobOptions().index[other]
}

// merged is top over base: two maps become one new map, in which a false takes
// an entry away (in customData it is a value like any other). A table is
// always copied, so that jobs do not share it.
func (at site) merged(i int, base, top lua.LValue) lua.LValue {
	if top == nil || top == lua.LNil {
		top = base
	}
	t, ok := top.(*lua.LTable)
	if !ok {
		return top
	}
	out := at.L.CreateTable(t.MaxN(), 0)
	out.Metatable = t.Metatable
	if b, ok := base.(*lua.LTable); ok && b != t && isMap(b) && isMap(t) {
		b.ForEach(out.RawSet)
	}
	t.ForEach(func(key, v lua.LValue) {
		if v == lua.LFalse && jobOptions().fields[i].name != "customData" {
			v = lua.LNil
		}
		out.RawSet(key, v)
	})
	return out
}

// isMap says whether v is a table without list entries.
func isMap(v lua.LValue) bool {
	t, ok := v.(*lua.LTable)
	return ok && t.MaxN() == 0
}
