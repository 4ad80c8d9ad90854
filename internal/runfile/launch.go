package runfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"slavedriver/internal/durable"
	"slavedriver/internal/faultpoint"
)

// RunMarkVar is the environment variable by which the processes of a run are
// known: ids are unique in a namespace, the mark is unique on a machine. Start
// sets it.
const RunMarkVar = "SLAVEDRIVER_RUN_MARK"

// RunIDVar is the environment variable that tells a job the id of its run, the
// same in each attempt.
// Start sets it.
const RunIDVar = "SLAVEDRIVER_RUN_ID"

// Launch is what Start needs and nobody stores. Exactly one of Shell and Args
// is set.
type Launch struct {
	Shell     string   // a command for the shell
	Args      []string // a program and its arguments, without a shell
	ShellPath string   // for Shell; "" means /bin/sh

	Dir   string   // absolute; "": ours
	Env   []string // complete, but for RunIDVar and RunMarkVar
	Umask int      // -1: inherited
	Nice  int      // added to ours

	Limits     Limits
	Credential *Credential // as it was given to Create
}

// Limits are resource limits, soft and hard, named and meant as by ulimit; 0
// leaves one alone. Fractions of a unit are rounded up.
type Limits struct {
	AddressSpace, FileSize int64 // bytes
	CPUTime                time.Duration
	OpenFiles, Processes   int64
}

// Start starts the wrapper of a run that Create or Claim locked, in a session
// of its own. From then on the lock is the wrapper's. An error means that no
// process exists and that none will; Start may be called again. What fails
// only behind the fork (the folder, a limit) shows as Look.Why and exit 125, a
// program that is not there as exit 127.
//
// A shell that is the wrapper drops environment variables whose names no
// shell could use.
func (r *Run) Start(l Launch) error {
	if err := l.check(); err != nil {
		return fmt.Errorf("cannot start run %s: %w", r.Intent.ID, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lock < 0 {
		return fmt.Errorf("cannot start run %s: it is not locked, or was started", r.Intent.ID)
	}
	if err := r.launch(l); err != nil {
		return fmt.Errorf("cannot start run %s: %w", r.Intent.ID, err)
	}
	r.closeStartFiles()
	_ = faultpoint.Hit("runfile.started") // it is started, whatever a test says
	return nil
}

func (l Launch) check() error {
	switch {
	case (l.Shell == "") == (len(l.Args) == 0):
		return errors.New("it needs a command, for a shell or as a list")
	case len(l.Args) > 0 && strings.HasPrefix(l.Args[0], "-"):
		return fmt.Errorf("a program cannot be called %q", l.Args[0])
	}
	return nil
}

// launch makes the process; r.mu is held.
func (r *Run) launch(l Launch) error {
	keepDescriptors()
	if err := r.prepare(); err != nil {
		return err
	}
	null, err := openFile(os.DevNull, syscall.O_RDWR)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(null) }()
	attr := &syscall.ProcAttr{
		Env: r.environ(l.Env),
		Files: []uintptr{
			uintptr(null), uintptr(r.pipes[Stdout]), uintptr(null),
			uintptr(r.lock), uintptr(r.pipes[Stderr]),
		},
		Sys: &syscall.SysProcAttr{Setsid: true, Credential: l.Credential.system()},
	}
	if err = faultpoint.Hit("runfile.start.fork"); err == nil {
		r.child, err = spawn(wrapperArgs(l), attr, l.Nice)
	}
	if err != nil {
		Forget(filepath.Dir(r.dir), r.Intent.ID)
	}
	return err
}

// prepare makes good what a claimed run lacks: its intent with the new start,
// and open output files; and leaves the run's trace.
func (r *Run) prepare() error {
	if r.claimed {
		if err := r.rewriteIntent(); err != nil {
			return err
		}
		r.claimed = false
	}
	for s, name := range streamNames {
		if r.pipes[s] >= 0 {
			continue
		}
		fd, err := durable.OpenRegular(r.dir+"/"+name, syscall.O_WRONLY|syscall.O_APPEND)
		if err != nil {
			return err
		}
		r.pipes[s] = fd
	}
	return r.leaveTrace()
}

// environ is env with what tells the run's processes apart.
func (r *Run) environ(env []string) []string {
	return append(withoutVar(withoutVar(env, RunIDVar), RunMarkVar),
		RunIDVar+"="+r.Intent.RunID(), RunMarkVar+"="+r.Intent.Mark)
}

func (c *Credential) system() *syscall.Credential {
	if c == nil {
		return nil
	}
	return &syscall.Credential{Uid: c.UID, Gid: c.GID, Groups: c.Groups}
}

// withoutVar is a copy of env without the variable of that name.
func withoutVar(env []string, name string) []string {
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return out
}

// keepDescriptors keeps from the jobs what we ourselves inherited (say, the
// lock of a crontab's flock). All that we open is close-on-exec anyway.
var keepDescriptors = sync.OnceFunc(closeOnExec)

// Claim takes the lock of a run that was never started, so that Start may be
// called. False: somebody has it, or a process did exist, or may have (in
// another world). On success StartedAt and StartedBoot are now's, and Start
// writes the whole Intent down again.
func (r *Run) Claim() (bool, error) {
	if r.Intent.World != CurrentWorld() {
		return false, nil
	}
	fd, err := durable.OpenRegular(r.path("status"), syscall.O_RDWR|syscall.O_APPEND)
	if err != nil {
		return false, fmt.Errorf("cannot claim run %s: %w", r.Intent.ID, err)
	}
	mine, err := claimable(fd)
	if err != nil || !mine {
		_ = syscall.Close(fd)
	}
	if err != nil {
		return false, fmt.Errorf("cannot claim run %s: %w", r.Intent.ID, err)
	}
	if mine {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lock, r.claimed = fd, true
		r.Intent.StartedAt, r.Intent.StartedBoot = time.Now(), Boottime()
	}
	return mine, nil
}

// claimable locks the status and says whether it is ours and no wrapper wrote
// its pid; the rest of a line that failed is wiped.
func claimable(fd int) (bool, error) {
	free, err := tryLock(fd)
	if err != nil || !free {
		return false, err
	}
	data, err := readStatus(fd)
	if err != nil {
		return false, err
	}
	if look := parseStatus(data); look.PID != 0 || look.Damaged {
		return false, nil
	}
	if len(data) > 0 {
		err = errors.Join(syscall.Ftruncate(fd, 0), reserve(fd, statusSize))
	}
	return err == nil, err
}
