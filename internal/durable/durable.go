// Package durable writes files so that a reader, or the next shift after a
// crash or a power cut, sees the whole old content or the whole new one.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"slavedriver/internal/faultpoint"
)

// WriteFile replaces path with data by a rename, and returns once data and
// name are on the disk. The file has mode 0600. On an error the old file is
// unchanged and no temporary file is left. What is no file under the temporary
// file's name is put aside. point names the step for fault tests:
// "<point>.write", "<point>.rename" and, after the rename, "<point>.done".
func WriteFile(path string, data []byte, point string) error {
	err := faultpoint.Hit(point + ".write")
	if err == nil {
		err = writeNew(path+".new", data, (*os.File).Sync)
	}
	if err != nil {
		_ = os.Remove(path + ".new")
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := rename(path+".new", path, point); err != nil {
		_ = os.Remove(path + ".new")
		return fmt.Errorf("cannot replace %s: %w", path, err)
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return faultpoint.Hit(point + ".done")
}

// Replace is WriteFile that does not wait for the disk: after a power cut the file
// may hold anything.
func Replace(path string, data []byte) error {
	err := writeNew(path+".new", data, func(*os.File) error { return nil })
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

// writeNew writes a file that is to be renamed. What is no file under its name
// is put aside, which is looked for only when it could not be written.
func writeNew(path string, data []byte, sync func(*os.File) error) error {
	err := writeOnce(path, data, sync)
	if err != nil && errors.Is(AsideUnless(path, 0), ErrOdd) {
		err = writeOnce(path, data, sync)
	}
	return err
}

func writeOnce(path string, data []byte, sync func(*os.File) error) error {
	f, err := openNew(path)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = sync(f)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// openNew opens a file for writing that is empty or not there, and never waits:
// neither for the reader of a FIFO, nor to be read by one. Of what is no file it
// gives an error, or the first write to it or its Sync does.
func openNew(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	if f.SetDeadline(time.Time{}) == nil { // which asks nobody, and no file has one
		_ = f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrOdd}
	}
	return f, nil
}

func rename(from, to, point string) error {
	if err := faultpoint.Hit(point + ".rename"); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// SyncDir makes the names in a folder durable: files created, renamed or
// removed there before the call survive a power cut after it.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("cannot sync folder %s: %w", dir, err)
	}
	return nil
}
