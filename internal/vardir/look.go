package vardir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Look is the var dir of a namespace for those who only read: it makes nothing.
// A folder that is not there is no error, and holds nothing. One that Open would
// refuse is refused.
func Look(base, namespace string) (path string, err error) {
	if err := checkNamespace(namespace); err != nil {
		return "", err
	}
	path = filepath.Join(base, namespace)
	_, err = os.Lstat(path)
	switch info, err2 := os.Lstat(base); {
	case errors.Is(err, fs.ErrNotExist):
		return path, nil
	case errors.Is(err, fs.ErrPermission) && err2 == nil && owner(info) != os.Geteuid():
		return "", fmt.Errorf("the var dir %s is closed to user %d: call slavedriver as the user to whom it belongs (%s), or give another one with --var-dir",
			base, os.Geteuid(), becoming(owner(info)))
	}
	return path, checkOwn(path)
}
