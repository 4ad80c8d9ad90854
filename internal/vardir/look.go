package vardir

import (
	"errors"
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
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return path, checkOwn(path)
}
