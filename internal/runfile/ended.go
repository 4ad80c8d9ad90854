package runfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"slavedriver/internal/durable"
)

// EndedAt is when the wrapper wrote last, by the wall clock: of a run that has
// ended, its end. It is the zero time where that cannot be told.
func (r *Run) EndedAt() time.Time {
	info, err := os.Stat(r.path("status"))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// StatusHeld says whether somebody holds the status of the run in dir: all
// that can be asked about one whose intent.json is damaged.
func StatusHeld(dir string) (bool, error) {
	fd, err := durable.OpenRegular(filepath.Join(dir, "status"), os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = syscall.Close(fd) }()
	return isLocked(fd)
}
