package luaapi

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// shell is a command of os.execute or io.popen: a process group of its own,
// which is killed when ctx ends. It has stdin, stdout and stderr, no other
// descriptor of ours: Go opens all with close-on-exec.
func (s *Script) shell(ctx context.Context, command string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = s.stdout, s.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	// A process that the command leaves in the background may hold our pipes.
	cmd.WaitDelay = 100 * time.Millisecond
	return cmd
}

// execute is os.execute: the exit status, 128 + n after a signal; without a
// command 1, as there is a shell.
func (s *Script) execute(L *lua.LState) int {
	at := site{s: s, L: L}
	if L.Get(1) == lua.LNil {
		return at.give(lua.LNumber(1))
	}
	if s.o.Execute != nil {
		status, printed := at.imagine(L.CheckString(1))
		_, _ = io.WriteString(s.stdout, printed)
		return at.give(lua.LNumber(status))
	}
	err := s.shell(L.Context(), L.CheckString(1)).Run()
	at.inTime()
	return at.give(lua.LNumber(exitStatus(err)))
}

// imagine is what a command does that is not executed.
func (at site) imagine(command string) (status int, printed string) {
	status, printed, err := at.s.o.Execute(command)
	if err != nil {
		at.raise(err)
	}
	return status, printed
}

// imaginedFile is the script's end of a command that is not executed: what it
// prints can be read, what is written to it is gone.
func (at site) imaginedFile(command, mode string) *file {
	status, printed := at.imagine(command)
	f := &file{name: "process", close: func() lua.LValue { return lua.LNumber(status) }}
	if mode == "r" {
		f.readFrom(io.NopCloser(strings.NewReader(printed)))
		return f
	}
	f.w = io.Discard
	return f
}

// exitStatus is 127 for a command that could not be started.
func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0
	case !errors.As(err, &exit):
		return 127
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exit.ExitCode()
}

// popen is io.popen: the process runs until it ends, or until the call into
// the script that started it does.
func (s *Script) popen(L *lua.LState) int {
	at := site{s: s, L: L}
	command, mode := L.CheckString(1), L.OptString(2, "r")
	if mode != "r" && mode != "w" {
		at.raise(about("io.popen: the mode", mustBe(`"r" or "w"`, lua.LString(mode))))
	}
	if s.o.Execute != nil {
		return at.give(s.newFile(at.imaginedFile(command, mode)))
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return at.refused(err)
	}
	cmd := s.shell(L.Context(), command)
	ours, theirs := reader, writer
	if mode == "w" {
		ours, theirs = writer, reader
		cmd.Stdin = theirs
	} else {
		cmd.Stdout = theirs
	}
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return at.refused(err)
	}
	f, gone := processFile(L.Context(), cmd, ours, mode)
	s.running.left = append(s.running.left, gone)
	return at.give(s.newFile(f))
}

// processFile is the script's end of a command's pipe, and what is closed when
// the command is gone. When ctx ends, reads and writes that wait for the process
// end too.
func processFile(ctx context.Context, cmd *exec.Cmd, pipe *os.File, mode string) (*file, <-chan struct{}) {
	gone := make(chan struct{})
	wait := sync.OnceValue(func() error {
		defer close(gone)
		_ = pipe.Close()
		return cmd.Wait()
	})
	context.AfterFunc(ctx, func() { _ = wait() })
	f := &file{name: "process", close: func() lua.LValue { return lua.LNumber(exitStatus(wait())) }}
	if mode == "r" {
		f.readFrom(restingReader{pipe, ctx})
	} else {
		f.w = pipe
	}
	return f, gone
}

// inTime throws if the call into the script is over: what waited for a process
// did not end by itself.
func (at site) inTime() {
	if err := at.L.Context().Err(); err != nil {
		at.raise(err)
	}
}

// refused is how functions of io say that they failed.
func (at site) refused(err error) int {
	at.inTime()
	at.L.Push(lua.LNil)
	at.L.Push(lua.LString(err.Error()))
	at.L.Push(lua.LNumber(1))
	return 3
}

// lockedWriter lets us and our children write to one that is not safe for that.
type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// shareable makes a writer safe under a lock; a file is.
func shareable(w io.Writer, mu *sync.Mutex) io.Writer {
	switch w := w.(type) {
	case nil:
		return io.Discard
	case *os.File:
		return w
	}
	return &lockedWriter{mu, w}
}
