//go:build !linux

package runfile

import (
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// trapped are the signals that the wrapper traps: all whose default would end
// or stop it and that can be trapped.
const trapped = "HUP INT QUIT ILL TRAP ABRT FPE BUS SEGV SYS PIPE ALRM TERM TSTP TTIN TTOU " +
	"XCPU XFSZ VTALRM PROF USR1 USR2"

// spawn starts a child, through the program nice where that is needed.
func spawn(args []string, attr *syscall.ProcAttr, nice int) (child, error) {
	if nice != 0 {
		path, err := exec.LookPath("nice")
		if err != nil {
			return child{}, err
		}
		args = append([]string{path, "-n", strconv.Itoa(nice)}, args...)
	}
	pid, err := syscall.ForkExec(args[0], args, attr)
	if err != nil {
		return child{}, err
	}
	return child{pid: pid}, nil
}

// closeOnExec marks every descriptor that is open now, as far as anybody has
// that many.
func closeOnExec() {
	for fd := 3; fd < 1024; fd++ {
		unix.CloseOnExec(fd)
	}
}
