package vardir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"slavedriver/internal/durable"
)

// The index maps entry files to namespaces, so that commands find the var dir
// of an entry file that does not load. It is replaced as a whole, so reading
// takes no lock; changing it does, because several projects share it.
const (
	indexFile = ".index.json"
	indexLock = ".index.lock"
)

// Lookup is the namespace under which the entry file (absolute, as it was
// given) was last run below base. An index that cannot be understood is set
// aside and begun anew; the error says so, once.
func Lookup(base, entryFile string) (namespace string, ok bool, err error) {
	index, err := readIndex(base)
	if err != nil {
		return "", false, err
	}
	namespace, ok = index[entryFile]
	return namespace, ok, nil
}

// List notes in the index whose namespace this is: from then on the one that the
// entry file had before is forgotten. In nearly every shift it is there already and
// nothing is written. What goes wrong is a warning: the index is there for
// convenience, and no job must wait for it.
func (d *Dir) List(entryFile string) (warnings []string) {
	base, namespace := filepath.Split(d.path)
	index, err := readIndex(base)
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	if index[entryFile] == namespace {
		return warnings
	}
	if err := changeIndex(base, entryFile, namespace); err != nil {
		warnings = append(warnings, err.Error())
	}
	return warnings
}

func (d *Dir) warn(err error) {
	if err != nil {
		d.warnings = append(d.warnings, err.Error())
	}
}

func changeIndex(base, entryFile, namespace string) error {
	unlock, err := lockFlock(filepath.Join(base, indexLock), indexLockWait)
	if err != nil {
		return fmt.Errorf("cannot change the index of var dirs: %w", err)
	}
	defer unlock()
	index, err := readIndex(base) // again: what another process wrote stays
	if err != nil {
		return err
	}
	if index == nil {
		index = map[string]string{}
	}
	index[entryFile] = namespace
	return writeIndex(base, index)
}

// indexLockWait is far beyond the time of one small write; whoever holds the
// lock longer has been stopped.
const indexLockWait = 2 * time.Second

func writeIndex(base string, index map[string]string) error {
	data, err := json.MarshalIndent(index, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode the index of var dirs: %w", err)
	}
	return durable.WriteFile(filepath.Join(base, indexFile), append(data, '\n'), "index")
}

// readIndex is nil when there is no index yet.
func readIndex(base string) (map[string]string, error) {
	path := filepath.Join(base, indexFile)
	data, err := durable.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the index of var dirs: %w", err)
	}
	var index map[string]string
	if json.Unmarshal(data, &index) == nil && index != nil {
		return index, nil
	}
	aside, err := setAside(path)
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the index of var dirs was damaged; it was set aside as %s and is begun anew", aside)
}

// setAside moves a file that cannot be understood out of the way, under a name
// that tells when, for whoever wants to look at it.
func setAside(path string) (string, error) {
	aside := path + ".corrupt-" + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(path, aside); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("cannot set the damaged %s aside: %w", path, err)
	}
	return aside, nil
}
