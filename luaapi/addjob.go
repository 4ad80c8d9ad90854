package luaapi

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// addJob is slavedriver:addJob(job or table).
func addJob(at site, s *Script) int {
	at.stillLoading("addJob")
	var j *job
	var err error
	switch v := at.L.Get(2).(type) {
	case *lua.LTable:
		if j, err = at.jobFromTable(v); err == nil {
			err = at.add(j, nil)
		}
	default:
		if j = objectOf[job](v); j == nil {
			m := mustBe("a job or a table of options", v)
			if _, name := v.(lua.LString); name {
				m = m.hinting("write slavedriver:addJob({ name = " + describe(v) + ", command = ..., schedule = ... })")
			}
			at.raise(about("addJob(job)", m))
		}
		err = at.add(j, nil)
	}
	if err != nil && !s.passOver(at.position(), err) {
		at.raise(err)
	}
	at.L.Push(j.self)
	return 1
}

// add puts a job into the plan. Its defaults are those of the folder over those
// of all jobs.
func (at site) add(j *job, folder defaults) error {
	s := at.s
	switch other := s.bySlug[j.Slug]; {
	case j.Name == "":
		return wrong("a job needs a name").hinting(`write Job("name") or name = "..."`)
	case j.added && other == j:
		return wrong("job `%s` was added already", j.Name)
	case other != nil && other.Name == j.Name:
		return wrong("there are two jobs named `%s`; the first is at %s", j.Name, other.source)
	case other != nil:
		return wrong("job `%s` and job `%s` at %s differ too little: both have the slug %s", j.Name, other.Name, other.source, j.Slug)
	}
	if err := folder.over(at, s.defaults).apply(at, j); err != nil {
		return err
	}
	j.added, j.Source = true, j.source.String()
	s.bySlug[j.Slug] = j
	s.jobs = append(s.jobs, j)
	return nil
}

// addAllJobsInDirectory is slavedriver:addAllJobsInDirectory(dir [, defaults]).
func addAllJobsInDirectory(at site, s *Script) int {
	at.stillLoading("addAllJobsInDirectory")
	dir, err := folder.decode(at, at.L.Get(2))
	if err != nil {
		at.raise(about("addAllJobsInDirectory(dir): the folder", err))
	}
	var d defaults
	switch v := at.L.Get(3).(type) {
	case *lua.LNilType:
	case *lua.LTable:
		if d, err = at.readDefaults(v); err != nil {
			at.raise(about("defaults:", err))
		}
	default:
		at.raise(about("addAllJobsInDirectory(dir, defaults): defaults", mustBe("a table of options", v)))
	}
	files, err := s.jobFiles(dir)
	if err != nil {
		at.raise(err)
	}
	if len(files) == 0 {
		s.warn("%s: no file of the folder %s is a job: none has a name that ends in .lua", at.position(), s.display(dir))
	}
	for _, file := range files {
		if err := at.guarded(func() { at.addJobFile(file, d) }); err != nil && !s.passOver(at.position(), err) {
			at.raise(err)
		}
	}
	return 0
}

// jobFiles lists the job files below dir, a folder's own and those of its
// subfolders in one alphabetical order.
func (s *Script) jobFiles(dir string) ([]string, error) {
	entries, err := s.o.Files.ReadDir(dir)
	if err != nil {
		return nil, wrong("cannot read the folder %s: %s", s.display(dir), reason(err))
	}
	var files []string
	for _, entry := range entries {
		name, path := entry.Name(), filepath.Join(dir, entry.Name())
		switch {
		case strings.HasPrefix(name, "_"), strings.HasPrefix(name, "."), strings.HasSuffix(name, "_test.lua"):
		case entry.IsDir():
			below, err := s.jobFiles(path)
			if err != nil {
				return nil, err
			}
			files = append(files, below...)
		case strings.HasSuffix(name, ".lua"):
			files = append(files, path)
		case strings.EqualFold(filepath.Ext(name), ".lua"):
			s.warn("the file %s is not read: its name ends in %s, and not in .lua", s.display(path), filepath.Ext(name))
		case entry.Type()&fs.ModeSymlink != 0:
			s.warn("the link %s is not followed: jobs below it are not found", s.display(path))
		}
	}
	return files, nil
}

// reason is what an error of the os says, without the path.
func reason(err error) string {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	return err.Error()
}

// addJobFile runs a job file and adds what it returns. What goes wrong in the
// file says its own place; what it returns is placed at its last return.
func (at site) addJobFile(path string, d defaults) {
	fn, err := at.s.loadFile(path)
	if err != nil {
		at.raise(err)
	}
	at.runFile(fn, 1)
	v := at.L.Get(-1)
	at.L.Pop(1)
	at.from = lastReturn(fn)
	jobs, err := at.returned(v)
	for i := 0; err == nil && i < len(jobs); i++ {
		err = at.add(jobs[i], d)
	}
	if err != nil {
		at.raise(err)
	}
}

// lastReturn is where the return statement at the end of a file stands; the
// compiler puts one more return, without a value, behind it.
func lastReturn(fn *lua.LFunction) position {
	lines := fn.Proto.DbgSourcePositions
	if len(lines) < 2 {
		return position{fn.Proto.SourceName, 1}
	}
	return position{fn.Proto.SourceName, lines[len(lines)-2]}
}

// returned makes jobs of what a job file returned: a job, a table of options,
// or a list of these.
func (at site) returned(v lua.LValue) ([]*job, error) {
	if j := objectOf[job](v); j != nil {
		return []*job{j}, nil
	}
	t, ok := v.(*lua.LTable)
	if !ok {
		if v == lua.LNil {
			return nil, wrong("the file returns nothing").hinting("end it with `return job`; a file that is not a job gets a name that begins with _")
		}
		return nil, about("what the file returns", mustBe("a job, a table of options, or a list of these", v))
	}
	if t.MaxN() == 0 {
		j, err := at.jobFromTable(t)
		return []*job{j}, err
	}
	items, err := toList(t, "jobs")
	if err != nil {
		return nil, about("what the file returns", err)
	}
	var jobs []*job
	for _, item := range items {
		some, err := at.returned(item)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, some...)
	}
	return jobs, nil
}

// checkReturned is about an entry file that returns a job, as a job file does:
// nothing takes it. Where that is all the file does, it was given in an entry file's place.
func (s *Script) checkReturned(where position, v lua.LValue) error {
	what, them := "a job", "it"
	if t, ok := v.(*lua.LTable); ok && t.MaxN() > 0 {
		what, them, v = "a list of jobs", "them", t.RawGetInt(1)
	}
	j := objectOf[job](v)
	if t, ok := v.(*lua.LTable); j == nil && (!ok || t.RawGetString("command") == lua.LNil) || j != nil && j.added {
		return nil
	}
	folder := filepath.Base(filepath.Dir(s.entry))
	if len(s.jobs) == 0 {
		return place(where, wrong("the file returns %s and adds none, so nothing would ever start", what).
			hinting(fmt.Sprintf("such a file is for slavedriver:addAllJobsInDirectory(%q) in an entry file; an entry file itself adds jobs by slavedriver:addJob(job)", folder)))
	}
	if j != nil {
		s.made = slices.DeleteFunc(s.made, func(made *job) bool { return made == j }) // that is said here
	}
	s.warn("%s: the file returns %s, and nothing takes it: an entry file adds %s, by slavedriver:addAllJobsInDirectory(%q) or slavedriver:addJob(job)",
		where, what, them, folder)
	return nil
}

// jobFor is the script's job for one of the engine's: the one that was added,
// or one rebuilt from its run.
func (at site) jobFor(e *engine.Job) *job {
	if j := at.s.bySlug[e.Slug]; j != nil && !e.Removed && j.Name == e.Name {
		return j
	}
	return at.rebuild(e)
}
