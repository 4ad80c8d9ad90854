package vardir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"slavedriver/internal/durable"
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

// SameFile is another path, and its namespace, under which the entry file at a path
// was run below base: by way of a link, say. Of several it is the first in order.
// It changes nothing; where the index cannot be read there is none.
func SameFile(base, entryFile, namespace string) (path, other string) {
	data, err := durable.PeekAll(filepath.Join(base, indexFile))
	if err != nil {
		return "", ""
	}
	var index map[string]string
	if json.Unmarshal(data, &index) != nil {
		return "", ""
	}
	info, err := os.Stat(entryFile)
	if err != nil {
		return "", ""
	}
	for _, path := range slices.Sorted(maps.Keys(index)) {
		there, err := os.Stat(path)
		if index[path] != namespace && err == nil && os.SameFile(info, there) {
			return path, index[path]
		}
	}
	return "", ""
}
