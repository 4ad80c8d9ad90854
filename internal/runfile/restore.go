package runfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"slavedriver/internal/durable"
)

// lostStatus stands in a status that was made anew: what no wrapper writes, so
// that the run is Damaged for whoever looks, and never taken for one that was
// not started.
const lostStatus = "lost\n"

// Lost says whether the status or the intent of the run, or its whole folder, is not there
// any more, or is something else now: a job may remove, rename or replace them,
// and the next shift would not know of the run.
func (r *Run) Lost() bool {
	dir := r.Dir()
	return isLost(dir+"/status") || isLost(dir+"/intent.json")
}

func isLost(path string) bool {
	info, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.Mode().IsRegular()
}

// Restore makes anew what is missing of a run that was started, so that later
// shifts watch it to its end: with the end that look has, else with a status
// that says that it was lost. What the job writes into files that were removed
// cannot be brought back.
func (r *Run) Restore(look Look) error {
	if err := r.restore(look); err != nil {
		return fmt.Errorf("cannot make the lost files of run %s anew: %w", r.Intent.ID, err)
	}
	return nil
}

func (r *Run) restore(look Look) error {
	dir := r.Dir()
	switch info, err := os.Lstat(dir); {
	case err == nil && info.IsDir():
		return r.fill(dir, look)
	case err == nil:
		if err := durable.PutAside(dir); err != nil {
			return err
		}
	}
	made := filepath.Join(filepath.Dir(dir), hidden+filepath.Base(dir))
	if err := makeFolder(made); err != nil {
		return err
	}
	if err := r.fill(made, look); err != nil {
		return errors.Join(err, os.RemoveAll(made))
	}
	if err := os.Rename(made, dir); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leaveTrace()
}

// fill writes those of the run's files that dir does not have, the status last:
// with it the run is whole.
func (r *Run) fill(dir string, look Look) error {
	intent, err := json.Marshal(r.Intent)
	if err != nil {
		return err
	}
	status := lostStatus
	if look.Exited {
		status = fmt.Sprintf("pid %d\nrun\nexit %d\n", look.PID, look.Exit)
	}
	for _, file := range []struct{ name, content string }{
		{"intent.json", string(intent)}, {"stdout", ""}, {"stderr", ""}, {"status", status},
	} {
		if err := writeNew(filepath.Join(dir, file.name), file.content); err != nil {
			return err
		}
	}
	return r.cursor.moveTo(filepath.Join(dir, "cursor"))
}

// writeNew writes a file that is not there yet; one that is stays as it is, and
// what is no file goes out of the way. Content is there whole or not at all: an
// empty status would say that the run was never started.
func writeNew(path, content string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		return nil
	} else if err == nil {
		if err := durable.PutAside(path); err != nil {
			return err
		}
	}
	if content != "" {
		return durable.WriteFile(path, []byte(content), "runfile.restore")
	}
	fd, err := openFile(path, syscall.O_WRONLY|syscall.O_CREAT|syscall.O_EXCL)
	if err != nil {
		return err
	}
	return syscall.Close(fd)
}
