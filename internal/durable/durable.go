// Package durable writes files so that a reader, or the next shift after a
// crash or a power cut, sees the whole old content or the whole new one.
package durable

import (
	"fmt"
	"os"
	"path/filepath"

	"slavedriver/internal/faultpoint"
)

// WriteFile replaces path with data by a rename, and returns once data and
// name are on the disk. The file has mode 0600. On an error the old file is
// unchanged and no temporary file is left. point names the step for fault
// tests: "<point>.write", "<point>.rename" and, after the rename, "<point>.done".
func WriteFile(path string, data []byte, point string) error {
	tmp := path + ".new"
	if err := writeSynced(tmp, data, point); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := rename(tmp, path, point); err != nil {
		_ = os.Remove(tmp)
		return fmt.Errorf("cannot replace %s: %w", path, err)
	}
	if err := SyncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return faultpoint.Hit(point + ".done")
}

func writeSynced(path string, data []byte, point string) error {
	if err := faultpoint.Hit(point + ".write"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		_ = f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
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
