package luaapi

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// Error is what is wrong with an entry file, told to the person who wrote it.
type Error struct {
	File    string // as the user would write it: "jobs/backup.lua"
	Line    int    // 0: not known
	Message string
	Hint    string // what to do next; "" where that is not known
	Err     error  // the cause, for errors.Is; may be nil
	Trace   string // where Lua was, the innermost call first, a line each; "" where there was no call

	before []*Error // mistakes that were passed over before it
}

// ErrNoSlaveName is wrapped by the error of Load when no source has a name for
// this slave.
var ErrNoSlaveName = errors.New("the name of this slave is not known")

// Error is "file:line: message", without the hint.
func (e *Error) Error() string {
	if e.File == "" {
		return e.Message
	}
	return position{e.File, e.Line}.String() + ": " + e.Message
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Overran says that the file took too long and was cut off; where that was is
// chance.
func (e *Error) Overran() bool {
	var late *overran
	return errors.As(e.Err, &late)
}

// mistake is what is wrong with a value, before it is known where that stands.
// Its message is a predicate ("must be a string"), to which about gives a
// subject, or a whole sentence.
type mistake struct {
	message, hint string
	whole         bool
	err           error
}

func (m *mistake) Error() string { return m.message }
func (m *mistake) Unwrap() error { return m.err }

// wrong makes a mistake; hinting adds what to do next, entire says that it needs no subject.
func wrong(format string, args ...any) *mistake {
	return &mistake{message: fmt.Sprintf(format, args...)}
}

func (m *mistake) entire() *mistake {
	m.whole = true
	return m
}

func (m *mistake) hinting(hint string) *mistake {
	m.hint = hint
	return m
}

// about puts the subject in front of what is wrong, and keeps the hint; an
// error that has its place already is left as it is.
func about(subject string, err error) error {
	if err == nil {
		return nil
	}
	var placed *Error
	if errors.As(err, &placed) {
		return err
	}
	m := &mistake{whole: true, err: err}
	var inner *mistake
	if errors.As(err, &inner) {
		m.hint, m.err = inner.hint, inner.err
	}
	if (inner == nil || inner.whole) && !strings.HasSuffix(subject, ":") {
		subject += ":"
	}
	m.message = subject + " " + err.Error()
	return m
}

// position is a line of the user's Lua.
type position struct {
	file string
	line int // 0: not known
}

// String is "file:line", as editors and compilers have it.
func (p position) String() string {
	if p.line <= 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// place gives an error its position, unless it has one.
func place(p position, err error) *Error {
	var placed *Error
	if errors.As(err, &placed) {
		return placed
	}
	e := &Error{File: p.file, Line: p.line, Message: err.Error(), Err: err}
	var m *mistake
	if errors.As(err, &m) {
		e.Hint, e.Err = m.hint, m.err
	}
	return e
}

// caller is the line of Lua that called the Go function that runs in L.
func caller(L *lua.LState) position {
	for ; L != nil; L = L.Parent {
		for level := 0; ; level++ {
			frame, ok := L.GetStack(level)
			if !ok {
				break
			}
			if _, err := L.GetInfo("Sl", frame, lua.LNil); err == nil && frame.Source != "" && frame.CurrentLine > 0 {
				return position{frame.Source, frame.CurrentLine}
			}
		}
	}
	return position{}
}

// chunkCaller is the line of a file, outside of its functions, from which the Go
// function that runs in L was called in the end; none where that is a handler's.
func chunkCaller(L *lua.LState) position {
	for level := 0; ; level++ {
		frame, ok := L.GetStack(level)
		if !ok {
			return position{}
		}
		if _, err := L.GetInfo("Sl", frame, lua.LNil); err == nil && frame.Source != "" && frame.CurrentLine > 0 && frame.LineDefined == 0 {
			return position{frame.Source, frame.CurrentLine}
		}
	}
}

// inOtherFile says whether the Go function that runs in L was called while a file
// other than the entry file runs: by the file itself, outside of its functions, or
// by what it called.
func (at site) inOtherFile() bool {
	entry := at.s.display(at.s.entry)
	for L := at.L; L != nil; L = L.Parent {
		for level := 0; ; level++ {
			frame, ok := L.GetStack(level)
			if !ok {
				break
			}
			if _, err := L.GetInfo("S", frame, lua.LNil); err == nil && frame.LineDefined == 0 && frame.Source != entry && at.s.sources[frame.Source] {
				return true
			}
		}
	}
	return false
}

// raise throws err into the script as a string, "file:line: message", at the
// line that called us. Strings cannot carry a hint: the script remembers the
// last error, so that explain finds it again.
func (at site) raise(err error) {
	e := place(at.position(), err)
	at.s.raised = e
	at.L.Error(lua.LString(e.Error()), 0)
}

// explain makes what a protected call returned into an Error.
func (s *Script) explain(err error) *Error {
	var api *lua.ApiError
	if !errors.As(err, &api) {
		return place(position{file: s.shown}, err)
	}
	message := s.thrown(api.Object)
	if s.raised != nil && message == s.raised.Error() {
		return s.raised
	}
	p, rest, ok := s.splitPosition(message)
	if !ok {
		p, rest = s.tracePosition(api.StackTrace), message
	}
	return s.aboutNil(&Error{File: p.file, Line: p.line, Message: rest})
}

// thrown is a thrown value as text. A __tostring of the script is not called:
// it could throw again.
func (s *Script) thrown(v lua.LValue) string {
	switch v := v.(type) {
	case lua.LString:
		return strings.TrimSpace(string(v))
	case lua.LNumber, lua.LBool:
		return v.String()
	case *lua.LTable:
		if m, ok := v.RawGetString("message").(lua.LString); ok {
			return string(m)
		}
	}
	return "threw " + article(v.Type().String()) + " value instead of a message"
}

// splitPosition takes "file:line:" off a message, if the file is one of ours.
func (s *Script) splitPosition(message string) (position, string, bool) {
	for file := range s.sources {
		rest, ok := strings.CutPrefix(message, file+":")
		if !ok {
			continue
		}
		var line int
		number, rest, ok := strings.Cut(rest, ":")
		if _, err := fmt.Sscan(number, &line); err != nil || !ok {
			continue
		}
		return position{file, line}, strings.TrimSpace(rest), true
	}
	return position{}, "", false
}

// tracePosition is the first line of Lua in a stack trace.
func (s *Script) tracePosition(trace string) position {
	for _, line := range strings.Split(trace, "\n") {
		if p, _, ok := s.splitPosition(strings.TrimSpace(line)); ok {
			return p
		}
	}
	return position{file: s.shown}
}

// unterminated is the parser's message about a string that its line ends.
const unterminated = "unterminated string"

// syntaxError says what the parser or the compiler did not like.
func syntaxError(file string, source []byte, err error) *Error {
	e := &Error{File: file, Message: "syntax error", Err: err}
	var api *lua.ApiError
	if errors.As(err, &api) && api.Cause != nil {
		err = api.Cause
	}
	switch cause := err.(type) { //nolint:errorlint // Cause was unwrapped just above
	case *parse.Error:
		e.Line, e.Message = cause.Pos.Line, cause.Message+" near `"+cause.Token+"`"
		e.Hint = syntaxHint(string(source), cause.Pos.Line, cause.Pos.Column)
		switch {
		case isCrontab(lineOf(source, cause.Pos.Line)):
			e.Message, e.Hint = "this is a line of a crontab, and not Lua", `each becomes a job: slavedriver:addJob({ name = ..., schedule = ..., command = ... }); see "From a crontab" in the README`
		case cause.Pos.Line == parse.EOF:
			e.Line = 1 + strings.Count(strings.TrimRight(string(source), "\n"), "\n")
			e.Message = cause.Message + ": the file ends too early"
			if strings.Contains(cause.Message, "comment") { // which is no token
				e.Hint = "a comment that begins with `--[[` ends with `]]`"
			}
			e.Hint = cmp.Or(e.Hint, "look for a missing `end`, bracket or quote")
		case cause.Message == unterminated && cause.Pos.Column == 0:
			e.Line-- // it stopped behind the end of the line
		}
	case *lua.CompileError:
		e.Line, e.Message = max(1, cause.Line), cause.Message
		if strings.Contains(cause.Message, "too many local variables") {
			e.Hint = "a function has room for 200 of them: put some into a table, or into functions of their own"
		}
	}
	return e
}
