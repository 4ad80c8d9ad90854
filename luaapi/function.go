package luaapi

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"slavedriver/engine"
)

// noDeadline is the limit of the call of a job's function: what ends it is the
// timeout of its job.
const noDeadline = time.Duration(math.MaxInt64)

// exited is how os.exit ends the function of a job.
type exited struct{ status int }

func (e *exited) Error() string { return "os.exit was called" }

// gate drops what is written to it until it is opened: what the entry file
// prints while it loads is no output of a job, and was printed by another load.
type gate struct {
	then io.Writer // once it is open
	open bool
}

func (g *gate) Write(p []byte) (int, error) {
	if !g.open {
		return len(p), nil
	}
	return g.then.Write(p)
}

// openGates lets what the script writes come out from now on.
func (s *Script) openGates() {
	for _, w := range []*io.Writer{&s.stdout, &s.stderr} {
		if g, ok := (*w).(*gate); ok {
			g.open = true
			*w = g.then // processes of the script get the very descriptor
		}
	}
}

// RunFunction calls the function that is the command of that job, in a process
// that is there for nothing else (Options.ForFunction). status is the exit
// status that it asks for, from 0 to 255; message is what it says of a failure,
// without a secret. An error is what it threw, an *Error with its Trace; there is
// no deadline but ctx.
func (s *Script) RunFunction(ctx context.Context, name string, run *engine.RunInfo) (status int, message string, err error) {
	j, fn, err := s.functionOf(&engine.Job{Name: name, Slug: engine.Slug(name)}, "command")
	if err != nil {
		return 1, "", place(position{file: s.shown}, err)
	}
	s.openGates()
	s.inFunction = true
	results, err := s.call(ctx, noDeadline, fn, 2, j.self, s.wrap(&runObject{run}, s.runMeta))
	var exit *exited
	switch {
	case errors.As(err, &exit):
		return exit.status, "", nil
	case err != nil:
		return 1, "", atItsBase(err)
	}
	status, message, err = functionResult(results[0], results[1])
	if err != nil {
		return 1, "", place(j.source, about("job `"+j.Name+"`: what its function returns", err))
	}
	return status, s.secrets.String(message), nil
}

// atItsBase names the function of a job in a trace, where the VM takes it for a file.
func atItsBase(err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Trace = strings.TrimSuffix(e.Trace, "in main chunk") + "in the function of the job"
	}
	return err
}

// functionResult is what two results of a job's function mean: nothing, nil or
// true is a success, a number the exit status, false, or nil with a message, a
// failure. A failure always says something: a job that just ends is a riddle.
func functionResult(first, second lua.LValue) (status int, message string, err error) {
	switch v := first.(type) {
	case lua.LNumber:
		status, err = exitNumber(v)
	case *lua.LNilType:
		if second == lua.LNil {
			return 0, "", nil
		}
		status, message = 1, "the function returned nil"
	case lua.LBool:
		if bool(v) {
			return 0, "", nil
		}
		status, message = 1, "the function returned false"
	default:
		return 1, "", mustBe("nothing, an exit status, or nil and a message", first)
	}
	switch {
	case err != nil || status == 0 || second == lua.LNil:
	case lua.LVCanConvToString(second):
		message = strings.TrimRight(second.String(), "\n")
	default:
		message = strings.TrimPrefix(message+", and "+describe(second)+" instead of a message", ", and ")
	}
	return status, message, err
}

// exitNumber is a number that a process can end with.
func exitNumber(v lua.LNumber) (int, error) {
	if n := int(v); lua.LNumber(n) == v && n >= 0 && n <= 255 {
		return n, nil
	}
	return 1, mustBe("a whole number from 0 to 255", v)
}

// exit is os.exit: in the function of a job it ends that, by its context, so that
// no pcall can go on; anywhere else it would end the shift.
func (s *Script) exit(L *lua.LState) int {
	at := site{s: s, L: L}
	if !s.inFunction || s.inLogger {
		at.raise(wrong("os.exit would end slavedriver itself").
			hinting("use `return` to leave a handler, slavedriver:run() to end the entry file"))
	}
	status, err := 0, error(nil)
	switch v := L.Get(1).(type) {
	case *lua.LNilType:
	case lua.LBool:
		if !bool(v) {
			status = 1
		}
	case lua.LNumber:
		status, err = exitNumber(v)
	default:
		err = mustBe("a number", v)
	}
	if err != nil {
		at.raise(about("os.exit: the exit status", err))
	}
	end := &exited{status}
	s.running.stop(end)
	L.RaiseError("%s", end.Error())
	return 0
}
