package luaapi

import (
	"io"
	"os"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// openIO gives the script an io library of ours: its stdout is the one that
// Load was given, it has no stdin, and its processes obey the deadline.
func (s *Script) openIO() {
	s.fileMeta = fileClass().metatable(s, nil)
	standard := func(name string, w io.Writer) *lua.LUserData {
		f := &file{name: name, w: w, close: func() lua.LValue { return lua.LTrue }, standard: true}
		if w == nil {
			f.readFrom(strings.NewReader(""))
		}
		return s.newFile(f)
	}
	lib := &ioLibrary{s: s}
	lib.input, lib.output = standard("stdin", nil), standard("stdout", s.secrets.Writer(s.stdout))
	table := s.L.NewTable()
	table.RawSetString("stdin", lib.input)
	table.RawSetString("stdout", lib.output)
	table.RawSetString("stderr", standard("stderr", s.secrets.Writer(s.stderr)))
	s.L.SetFuncs(table, map[string]lua.LGFunction{
		"open": lib.open, "popen": s.popen, "tmpfile": lib.tmpfile, "type": lib.kind, "lines": lib.lines,
		"close": lib.onOutput("close"), "flush": lib.onOutput("flush"), "write": lib.onOutput("write"),
		"read":   func(L *lua.LState) int { return lib.forward(L, lib.input, "read") },
		"input":  func(L *lua.LState) int { return lib.choose(L, &lib.input, "r") },
		"output": func(L *lua.LState) int { return lib.choose(L, &lib.output, "w") },
	})
	s.L.SetGlobal("io", table)
	s.library("package").RawGetString("loaded").(*lua.LTable).RawSetString("io", table)
}

func (s *Script) newFile(f *file) *lua.LUserData { return s.wrap(f, s.fileMeta) }

// ioLibrary is what the functions of io share.
type ioLibrary struct {
	s             *Script
	input, output *lua.LUserData // the default files
}

// open is io.open(path [, mode]).
func (lib *ioLibrary) open(L *lua.LState) int {
	at := site{s: lib.s, L: L}
	f, err := openFile(L.CheckString(1), L.OptString(2, "r"))
	if err != nil {
		return at.refused(err)
	}
	return at.give(lib.s.newFile(f))
}

// openFile opens a path for a mode of Lua. New files get what the umask leaves
// of 0666, as in C. Relative paths start at the working directory of the
// process, as everywhere in Lua.
func openFile(path, mode string) (*file, error) {
	flags := map[string]int{
		"r": os.O_RDONLY, "w": os.O_WRONLY | os.O_CREATE | os.O_TRUNC, "a": os.O_WRONLY | os.O_CREATE | os.O_APPEND,
		"r+": os.O_RDWR, "w+": os.O_RDWR | os.O_CREATE | os.O_TRUNC, "a+": os.O_RDWR | os.O_CREATE | os.O_APPEND,
	}
	mode = strings.Replace(mode, "b", "", 1)
	flag, ok := flags[mode]
	if !ok {
		return nil, mustBe(`a mode such as "r", "w" or "a"`, lua.LString(mode))
	}
	f, err := os.OpenFile(path, flag, 0o666)
	if err != nil {
		return nil, err
	}
	return diskFile(f, mode), nil
}

// tmpfile is a file that has no name any more.
func (lib *ioLibrary) tmpfile(L *lua.LState) int {
	at := site{s: lib.s, L: L}
	f, err := os.CreateTemp("", "slavedriver-")
	if err != nil {
		return at.refused(err)
	}
	_ = os.Remove(f.Name())
	return at.give(lib.s.newFile(diskFile(f, "w+")))
}

// kind is io.type.
func (lib *ioLibrary) kind(L *lua.LState) int {
	at := site{s: lib.s, L: L}
	switch f := objectOf[file](L.Get(1)); {
	case f == nil:
		return at.give(lua.LNil)
	case f.closed:
		return at.give(lua.LString("closed file"))
	}
	return at.give(lua.LString("file"))
}

// lines is io.lines([path]); a file that it opens is closed at its end.
func (lib *ioLibrary) lines(L *lua.LState) int {
	at := site{s: lib.s, L: L}
	if L.Get(1) == lua.LNil {
		return lib.forward(L, lib.input, "lines")
	}
	f, err := openFile(L.CheckString(1), "r")
	if err != nil {
		at.raise(err)
	}
	return at.give(L.NewFunction(func(L *lua.LState) int {
		n := f.next(site{s: lib.s, L: L})
		if L.Get(-1) == lua.LNil {
			f.finish()
		}
		return n
	}))
}

// onOutput is a function that works on a file if it is given one, else on the
// default output.
func (lib *ioLibrary) onOutput(method string) lua.LGFunction {
	return func(L *lua.LState) int {
		if method != "write" && objectOf[file](L.Get(1)) != nil {
			return lib.forward(L, nil, method)
		}
		return lib.forward(L, lib.output, method)
	}
}

// forward calls a method of a file with the arguments that are there.
func (lib *ioLibrary) forward(L *lua.LState, self *lua.LUserData, method string) int {
	if self != nil {
		L.Insert(self, 1)
	}
	for _, m := range fileClass().methods {
		if m.name == method {
			return m.call(site{s: lib.s, L: L}, objectOf[file](L.Get(1)))
		}
	}
	return 0
}

// choose is io.input and io.output: it returns the default file, after it was
// replaced by the file or path that is given.
func (lib *ioLibrary) choose(L *lua.LState, current **lua.LUserData, mode string) int {
	at := site{s: lib.s, L: L}
	switch v := L.Get(1).(type) {
	case *lua.LNilType:
	case *lua.LUserData:
		if objectOf[file](v) == nil {
			at.raise(mustBe("a file or a path", v))
		}
		*current = v
	default:
		f, err := openFile(L.CheckString(1), mode)
		if err != nil {
			at.raise(err)
		}
		*current = lib.s.newFile(f)
	}
	return at.give(*current)
}
