package luaapi

import (
	"fmt"
	"path/filepath"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/internal/spelling"
	"slavedriver/modules"
)

// newVM makes a Lua without libraries. The registry grows up to a million
// values, in steps that keep growing linear. The call stack is not deeper since
// each pcall that an error passes costs a trace of all of it.
func newVM() *lua.LState {
	return lua.NewState(lua.Options{
		SkipOpenLibs:     true,
		CallStackSize:    256,
		RegistrySize:     4096,
		RegistryMaxSize:  1 << 20,
		RegistryGrowStep: 16384,
	})
}

// openLibraries gives the script Lua's libraries, ours in place of what would
// end the process, hang it, or go past it.
func (s *Script) openLibraries() {
	L := s.L
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{
		{lua.LoadLibName, lua.OpenPackage}, {lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable},
		{lua.OsLibName, lua.OpenOs}, {lua.StringLibName, lua.OpenString}, {lua.MathLibName, lua.OpenMath},
		{lua.CoroutineLibName, lua.OpenCoroutine}, {lua.DebugLibName, lua.OpenDebug},
	} {
		L.Push(L.NewFunction(lib.open))
		L.Push(lua.LString(lib.name))
		L.Call(1, 0)
	}
	s.replaceBase()
	s.replaceLoad()
	s.replaceError()
	s.replaceRep()
	s.replaceOS()
	s.replaceDate()
	s.replaceCoroutine()
	s.keepOnly("debug", "traceback", "getinfo")
	s.openIO()
	s.openRequire()
}

// library is the table of one of Lua's libraries, by its global name.
func (s *Script) library(name string) *lua.LTable { return s.L.GetGlobal(name).(*lua.LTable) }

// keepOnly takes the other functions out of a library.
func (s *Script) keepOnly(library string, kept ...string) {
	lib, small := s.library(library), s.L.NewTable()
	for _, name := range kept {
		small.RawSetString(name, lib.RawGetString(name))
	}
	s.L.SetGlobal(library, small)
	s.library("package").RawGetString("loaded").(*lua.LTable).RawSetString(library, small)
}

// replaceBase lets dofile and loadfile read as all files are read: asked for
// first, listed, and relative to the file that calls.
func (s *Script) replaceBase() {
	s.L.SetGlobal("_printregs", lua.LNil)
	s.L.SetGlobal("print", s.L.NewFunction(s.print))
	s.L.SetGlobal("dofile", s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		top := L.GetTop()
		at.runFile(at.loadArgument(), lua.MultRet)
		return L.GetTop() - top
	}))
	s.L.SetGlobal("loadfile", s.L.NewFunction(func(L *lua.LState) int {
		at := site{s: s, L: L}
		return at.give(at.loadArgument())
	}))
}

// longestString is the most that string.rep makes. It cannot be interrupted,
// and memory that is not there ends the process.
const longestString = 256 << 20

// replaceRep bounds string.rep.
func (s *Script) replaceRep() {
	lib := s.library("string")
	rep := lib.RawGetString("rep").(*lua.LFunction).GFunction
	lib.RawSetString("rep", s.L.NewFunction(func(L *lua.LState) int {
		if bytes := float64(len(L.CheckString(1))) * float64(L.CheckNumber(2)); bytes > longestString {
			site{s: s, L: L}.raise(wrong("string.rep would make a string of %.0f bytes; the most is %d", bytes, longestString))
		}
		return rep(L)
	}))
}

// loadArgument loads the file that dofile or loadfile was called with.
func (at site) loadArgument() *lua.LFunction {
	path, err := folder.decode(at, at.L.Get(1))
	if err != nil {
		at.raise(about("the path", err))
	}
	fn, err := at.s.loadFile(path)
	if err != nil {
		at.raise(err)
	}
	return fn
}

// print writes a line at once, so that those of several writers do not mix.
func (s *Script) print(L *lua.LState) int {
	words := make([]string, L.GetTop())
	for i := range words {
		words[i] = L.ToStringMeta(L.Get(i + 1)).String()
	}
	_, _ = s.stdout.Write([]byte(s.secrets.String(strings.Join(words, "\t")) + "\n"))
	return 0
}

// replaceOS also takes setenv away: it would change our own environment.
func (s *Script) replaceOS() {
	os := s.library("os")
	os.RawSetString("setenv", lua.LNil)
	os.RawSetString("execute", s.L.NewFunction(func(L *lua.LState) int {
		defer s.running.resting()()
		return s.execute(L)
	}))
	os.RawSetString("getenv", s.L.NewFunction(func(L *lua.LState) int {
		return site{s: s, L: L}.give(fromText(s.getenv(L.CheckString(1))))
	}))
	os.RawSetString("exit", s.L.NewFunction(s.exit))
}

// replaceCoroutine lets a coroutine run under the deadline of whoever resumes
// it, not of the call in which it was made.
func (s *Script) replaceCoroutine() {
	lib := s.library("coroutine")
	create := lib.RawGetString("create").(*lua.LFunction).GFunction
	original := lib.RawGetString("resume").(*lua.LFunction).GFunction
	resume := func(L *lua.LState) int {
		if thread, ok := L.Get(1).(*lua.LState); ok && L.Context() != nil {
			thread.SetContext(L.Context())
		}
		return original(L)
	}
	lib.RawSetString("resume", s.L.NewFunction(resume))
	lib.RawSetString("wrap", s.L.NewFunction(func(L *lua.LState) int {
		create(L)
		thread := L.Get(-1)
		return site{s: s, L: L}.give(L.NewFunction(func(L *lua.LState) int {
			L.Insert(thread, 1)
			return unwrapResume(L, resume(L))
		}))
	}))
}

// unwrapResume makes n results of resume into those of a wrapped coroutine:
// its values, or its error thrown again.
func unwrapResume(L *lua.LState, n int) int {
	first := L.GetTop() - n + 1
	if L.Get(first) == lua.LFalse {
		L.Error(L.Get(first+1), 0)
	}
	return n - 1
}

// openRequire lets require find files beside the entry file, by package.path.
func (s *Script) openRequire() {
	dir := filepath.Dir(s.entry)
	pkg := s.library("package")
	pkg.RawSetString("path", lua.LString(filepath.Join(dir, "?.lua")+";"+filepath.Join(dir, "?", "init.lua")))
	loaders := pkg.RawGetString("loaders").(*lua.LTable)
	loaders.RawSetInt(2, s.L.NewFunction(s.findModule))
}

// findModule is the loader of files.
func (s *Script) findModule(L *lua.LState) int {
	at := site{s: s, L: L}
	name := L.CheckString(1)
	if loader := s.builtin(name); loader != nil {
		return at.give(loader)
	}
	var looked []string
	for _, pattern := range strings.Split(s.library("package").RawGetString("path").String(), ";") {
		path := strings.ReplaceAll(pattern, "?", strings.ReplaceAll(name, ".", "/"))
		if !s.o.Files.IsFile(path) {
			looked = append(looked, s.display(path))
			continue
		}
		fn, err := s.loadFile(path)
		if err != nil {
			at.raise(err)
		}
		return at.give(fn)
	}
	if strings.HasPrefix(name, modules.Prefix) {
		at.raise(about("require:", unknown("module", name, modules.Names())))
	}
	m := wrong("module `%s` was not found: there is no %s", name, strings.Join(looked, " and no "))
	if near := spelling.Nearest(name, append(modules.Names(), "slavedriver")); near != "" {
		m.hint = fmt.Sprintf("did you mean `%s`?", near)
	}
	at.raise(m)
	return 0
}
