package runfile

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"slavedriver/internal/faultpoint"
)

// Credential is the user that a run has; only root can give one.
type Credential struct {
	UID, GID uint32
	Groups   []uint32 // supplementary
}

// Create builds the folder active/<in.ID>, complete or not at all, with its
// status preallocated and locked by us: Start may follow, or Close, which
// leaves a run that was never started. It sets in.UID from c, and Mark, World,
// StartedAt and StartedBoot where they are zero. A run of that ID that is
// there already gives fs.ErrExist.
func Create(active string, in Intent, c *Credential) (*Run, error) {
	if in.ID == "" || strings.HasPrefix(in.ID, ".") || strings.Contains(in.ID, "/") {
		return nil, fmt.Errorf("cannot create run %q: that cannot be a folder's name", in.ID)
	}
	in.UID = -1
	if c != nil {
		in.UID = int(c.UID)
	}
	in.stamp()
	r := newRun(filepath.Join(active, hidden+in.ID), in)
	if err := r.build(active, c); err != nil {
		_ = r.Close()
		_ = os.RemoveAll(r.dir)
		return nil, fmt.Errorf("cannot create the files of run %s: %w", in.ID, err)
	}
	_ = faultpoint.Hit("runfile.created") // it is created, whatever a test says
	return r, nil
}

// stamp says when and where the run starts, where that is not said.
func (in *Intent) stamp() {
	if in.Mark == "" {
		in.Mark = rand.Text()
	}
	if in.World == (World{}) {
		in.World = CurrentWorld()
	}
	if in.StartedAt.IsZero() {
		in.StartedAt = time.Now()
	}
	if in.StartedBoot == 0 {
		in.StartedBoot = Boottime()
	}
}

// build makes everything under the hidden name, then gives it the real one.
// Nothing is synced: after a power cut the agenda alone counts.
func (r *Run) build(active string, c *Credential) error {
	intent, err := json.Marshal(r.Intent)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		point string
		do    func() error
	}{
		{"runfile.create.mkdir", func() error { return makeFolder(r.dir) }},
		{"runfile.create.intent", func() error { return os.WriteFile(r.path("intent.json"), intent, 0o600) }},
		{"runfile.create.status", r.createStatus},
		{"runfile.create.output", func() error { return r.createOutput(c) }},
		{"runfile.create.cursor", func() error { return r.cursor.create(r.path("cursor")) }},
		{"runfile.create.rename", func() error { return r.reveal(active) }},
	} {
		if err := faultpoint.Hit(step.point); err != nil {
			return err
		}
		if err := step.do(); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder makes the hidden folder anew: one that is there is a leftover.
func makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o700)
}

// statusSize is room for all that the wrapper writes.
const statusSize = 4096

func (r *Run) createStatus() error {
	path := r.path("status")
	fd, err := openFile(path, syscall.O_RDWR|syscall.O_APPEND|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return err
	}
	r.lock = fd
	if err := reserve(fd, statusSize); err != nil {
		return fmt.Errorf("cannot reserve room for %s: %w", path, err)
	}
	free, err := tryLock(fd)
	if err == nil && !free {
		err = errors.New("somebody else has the lock")
	}
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", path, err)
	}
	return nil
}

// createOutput makes stdout and stderr. They belong to the job's user, so that
// the job can open /dev/stderr.
func (r *Run) createOutput(c *Credential) error {
	for s, name := range streamNames {
		fd, err := openFile(r.path(name), syscall.O_WRONLY|syscall.O_APPEND|syscall.O_CREAT|syscall.O_EXCL)
		if err != nil {
			return err
		}
		r.pipes[s] = fd
		if c == nil {
			continue
		}
		if err := syscall.Fchown(fd, int(c.UID), int(c.GID)); err != nil {
			return fmt.Errorf("cannot give %s to user %d: %w", name, c.UID, err)
		}
	}
	return nil
}

func (r *Run) reveal(active string) error {
	dir := filepath.Join(active, r.Intent.ID)
	if err := os.Rename(r.dir, dir); err != nil {
		return err
	}
	r.dir = dir
	return nil
}

// openFile opens a file of mode 0600 that the job does not inherit. It costs a
// third of os.OpenFile, which asks the poller about each file.
func openFile(path string, flags int) (int, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0o600)
		if err == nil {
			return fd, nil
		}
		if err != syscall.EINTR {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
