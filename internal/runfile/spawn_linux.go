package runfile

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// trapped are the signals that the wrapper traps: all whose default would end
// or stop it and that can be trapped. 32 and 33 belong to the C library.
const trapped = "HUP INT QUIT ILL TRAP ABRT FPE BUS SEGV SYS PIPE ALRM TERM TSTP TTIN TTOU " +
	"XCPU XFSZ VTALRM PROF USR1 USR2 16 29 30 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 " +
	"50 51 52 53 54 55 56 57 58 59 60 61 62 63 64"

// spawn starts a child. It goes around os/exec, which costs several times as
// much and wants pipes.
func spawn(args []string, attr *syscall.ProcAttr, nice int) (child, error) {
	fd := -1
	attr.Sys.PidFD = &fd
	var pid int
	var err error
	if nice == 0 {
		pid, err = syscall.ForkExec(args[0], args, attr)
	} else {
		pid, err = forkNice(args, attr, nice)
	}
	if err != nil {
		return child{}, err
	}
	return child{pid: pid, watch: watchable(fd)}, nil
}

// forkNice forks from a thread that has the child's niceness. On Linux each
// thread has its own; as it may not be allowed to take it back, the thread
// ends with its goroutine, which never unlocks it.
func forkNice(args []string, attr *syscall.ProcAttr, nice int) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err = addNice(nice); err == nil {
			pid, err = syscall.ForkExec(args[0], args, attr)
		}
	}()
	<-done
	return pid, err
}

func addNice(nice int) error {
	now, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	if err == nil {
		// The system call answers 20 - niceness.
		err = unix.Setpriority(unix.PRIO_PROCESS, 0, 20-now+nice)
	}
	if err != nil {
		return fmt.Errorf("cannot set nice %d: %w", nice, err)
	}
	return nil
}

// watchable puts a pidfd under the Go poller; nil where there is none.
func watchable(fd int) *os.File {
	if fd < 0 {
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), "pidfd")
}

// closeOnExec marks every descriptor that is open now.
func closeOnExec() {
	if unix.CloseRange(3, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	for fd := 3; fd < 1024; fd++ { // a kernel before 5.11
		unix.CloseOnExec(fd)
	}
}
