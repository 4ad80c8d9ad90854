package runfile

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"slavedriver/internal/durable"
)

// punch frees the first bytes of a file, whose length stays.
func punch(path string, bytes int64) error {
	fd, err := durable.OpenRegular(path, syscall.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(fd) }()
	err = unix.Fallocate(fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, bytes)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return fmt.Errorf("%w (%w)", ErrNoHoles, err)
	}
	return err
}

// nextData is the first offset from on that is not in a hole, mark at most.
func nextData(f *os.File, from, mark int64) (int64, error) {
	at, err := unix.Seek(int(f.Fd()), from, unix.SEEK_DATA)
	if errors.Is(err, unix.ENXIO) { // nothing but a hole
		return mark, nil
	}
	return min(at, mark), err
}

// syncData waits until what was written to a file is on the disk.
func syncData(fd int) error { return unix.Fdatasync(fd) }
