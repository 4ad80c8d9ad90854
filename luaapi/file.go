package luaapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
)

// file is a file, or the end of a process's pipe, as the script has it.
type file struct {
	name     string
	r        *bufio.Reader     // nil: cannot be read
	w        io.Writer         // nil: cannot be written
	disk     *os.File          // nil: cannot be sought
	close    func() lua.LValue // gives what close() returns
	closed   bool
	standard bool // stays open
}

func (f *file) readFrom(r io.Reader) { f.r = bufio.NewReader(r) }

// diskFile is a file that was opened in that mode, without its "b".
func diskFile(disk *os.File, mode string) *file {
	f := &file{name: "file", disk: disk, close: func() lua.LValue { return lua.LBool(disk.Close() == nil) }}
	if mode == "r" || strings.HasSuffix(mode, "+") {
		f.readFrom(disk)
	}
	if mode != "r" {
		f.w = disk
	}
	return f
}

// fileClass declares the methods of files, after those of Lua 5.1.
var fileClass = sync.OnceValue(func() *class[file] {
	return &class[file]{
		name: "file", fields: newFields[file]("field"),
		methods: []method[file]{
			{"read", "format ...", "returns what each format asks for: \"*l\", \"*a\", \"*n\", or a number of bytes", fileRead},
			{"write", "value ...", "writes strings and numbers", fileWrite},
			{"lines", "", "returns a function that gives the next line", fileLines},
			{"seek", "[whence [, offset]]", "moves to a place and returns it", fileSeek},
			{"flush", "", "does nothing: nothing is held back", func(at site, _ *file) int { return at.give(lua.LTrue) }},
			{"setvbuf", "mode", "does nothing: nothing is held back", func(at site, _ *file) int { return at.give(lua.LTrue) }},
			{"close", "", "closes the file; of a process: waits for it and returns its exit status", func(at site, f *file) int {
				status := f.finish()
				at.inTime()
				return at.give(status)
			}},
		},
		show: func(f *file) string { return f.name },
	}
})

// finish closes the file, once.
func (f *file) finish() lua.LValue {
	if f.closed || f.standard {
		return lua.LTrue
	}
	f.closed = true
	return f.close()
}

// usable throws if the file cannot be used at all, and says why it cannot be
// used in this direction.
func (f *file) usable(at site, able bool, direction string) error {
	if f.closed {
		at.raise(wrong("the %s is closed", f.name))
	}
	if !able {
		return fmt.Errorf("the %s was not opened for %s", f.name, direction)
	}
	return nil
}

// fileRead gives a value for each format, and ends with the first nil. A read
// that waited for a process until the deadline throws: its data is not whole.
func fileRead(at site, f *file) int {
	if err := f.usable(at, f.r != nil, "reading"); err != nil {
		return at.refused(err)
	}
	defer at.inTime()
	top := at.L.GetTop()
	if top == 1 {
		return f.next(at)
	}
	for i := 2; i <= top; i++ {
		v, err := f.readOne(at, at.L.Get(i))
		if err != nil && !errors.Is(err, io.EOF) {
			return at.refused(err)
		}
		at.L.Push(v)
		if v == lua.LNil {
			break
		}
	}
	return at.L.GetTop() - top
}

// readOne reads what a format asks for; nil at the end of the file.
func (f *file) readOne(at site, format lua.LValue) (lua.LValue, error) {
	if n, ok := format.(lua.LNumber); ok {
		return f.readBytes(int64(n))
	}
	switch format.String() {
	case "*l":
		return f.readLine()
	case "*a":
		all, err := io.ReadAll(f.r)
		return lua.LString(all), err
	case "*n":
		var n float64
		if _, err := fmt.Fscan(f.r, &n); err != nil {
			return lua.LNil, nil //nolint:nilerr // as in Lua: what is no number reads as nil
		}
		return lua.LNumber(n), nil
	}
	at.raise(about("read: the format", mustBe(`"*l", "*a", "*n" or a number`, format)))
	return lua.LNil, nil
}

// readBytes reads up to n bytes, as many as there are.
func (f *file) readBytes(n int64) (lua.LValue, error) {
	if _, err := f.r.Peek(1); err != nil {
		return lua.LNil, err
	}
	data, err := io.ReadAll(io.LimitReader(f.r, n))
	return lua.LString(data), err
}

// readLine reads a line of any length, without its newline. The last one need
// not end in a newline.
func (f *file) readLine() (lua.LValue, error) {
	text, err := f.r.ReadString('\n')
	if err != nil && (text == "" || !errors.Is(err, io.EOF)) {
		return lua.LNil, err
	}
	return lua.LString(strings.TrimSuffix(text, "\n")), nil
}

// next returns the next line, or nil.
func (f *file) next(at site) int {
	v, err := f.readLine()
	if err != nil && !errors.Is(err, io.EOF) {
		return at.refused(err)
	}
	return at.give(v)
}

// fileWrite writes without a buffer of ours, so that nothing is lost when the
// shift is killed, and all of its values at once: where several slaves append to
// one file, lines stay whole.
func fileWrite(at site, f *file) int {
	if err := f.usable(at, f.w != nil, "writing"); err != nil {
		return at.refused(err)
	}
	if err := f.dropBuffer(); err != nil {
		return at.refused(err)
	}
	var text strings.Builder
	for i := 2; i <= at.L.GetTop(); i++ {
		text.WriteString(at.L.CheckString(i))
	}
	if _, err := io.WriteString(f.w, text.String()); err != nil {
		return at.refused(err)
	}
	return at.give(lua.LTrue)
}

// dropBuffer moves the file back to where the script has read to.
func (f *file) dropBuffer() error {
	if f.disk == nil || f.r == nil || f.r.Buffered() == 0 {
		return nil
	}
	_, err := f.disk.Seek(-int64(f.r.Buffered()), io.SeekCurrent)
	f.r.Reset(f.disk)
	return err
}

// fileLines gives an iterator. It leaves the file open at the end, as in Lua.
func fileLines(at site, f *file) int {
	if err := f.usable(at, f.r != nil, "reading"); err != nil {
		at.raise(err)
	}
	return at.give(at.L.NewFunction(func(L *lua.LState) int {
		at := site{s: at.s, L: L}
		_ = f.usable(at, true, "")
		return f.next(at)
	}))
}

// fileSeek counts from what the script has read, not from what was read ahead.
func fileSeek(at site, f *file) int {
	if err := f.usable(at, f.disk != nil, "seeking"); err != nil {
		return at.refused(err)
	}
	name := lua.LString(at.L.OptString(2, "cur"))
	whence := slices.Index([]lua.LString{"set", "cur", "end"}, name) // as io.SeekStart, ...
	if whence < 0 {
		at.raise(about("seek: whence", mustBe(`"set", "cur" or "end"`, name)))
	}
	if err := f.dropBuffer(); err != nil {
		return at.refused(err)
	}
	place, err := f.disk.Seek(at.L.OptInt64(3, 0), whence)
	if err != nil {
		return at.refused(err)
	}
	return at.give(lua.LNumber(place))
}
