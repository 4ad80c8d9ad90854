// Package vardir is the folder in which a namespace keeps all that must last:
// where it is, whose it is, and which process is on duty in it.
//
// Below BASE there is one folder for each namespace and an index that says
// which entry file belongs to which of them. Everything is the user's own:
// mode 0700, and refused when somebody else could have put something there.
package vardir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// EnvBase is the environment variable that names BASE where no flag does.
const EnvBase = "SLAVEDRIVER_VAR_DIR"

const rootBase = "/var/lib/slavedriver"

// Base is the absolute folder below which the namespaces are: the flag's, else
// that of the environment, else /var/lib/slavedriver for root and the XDG state
// folder for everybody else. It creates nothing.
func Base(flag string, getenv func(string) string, root bool) (string, error) {
	for _, given := range []string{flag, getenv(EnvBase)} {
		if given != "" {
			return absolute(given)
		}
	}
	if root {
		return rootBase, nil
	}
	// The XDG specification wants a relative path to be ignored.
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "slavedriver"), nil
	}
	if home := getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "state", "slavedriver"), nil
	}
	return "", errors.New("cannot tell where to keep state: neither $XDG_STATE_HOME nor $HOME is set; " +
		"give a folder with --var-dir or $" + EnvBase)
}

func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cannot tell where the var dir %s is: %w", path, err)
	}
	return abs, nil
}

// Namespace is the name made from an entry file that sets none: its folder and
// file for people, and a hash of the absolute path as it was given, so that two
// projects never share one. Symlinks are not resolved: a release folder behind
// a link keeps its name when the link moves on.
func Namespace(entryFile string) string {
	folder := filepath.Base(filepath.Dir(entryFile))
	file := strings.TrimSuffix(filepath.Base(entryFile), filepath.Ext(entryFile))
	sum := sha256.Sum256([]byte(entryFile))
	return readable(folder+" "+file) + "-" + hex.EncodeToString(sum[:4])
}

// readable keeps the ASCII letters and digits of a name, at most 60 of them.
func readable(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(append(words, "jobs")[:max(1, len(words))], "-")
	return slug[:min(60, len(slug))]
}

// longestNamespace leaves room in a file name of 255 bytes.
const longestNamespace = 200

// checkNamespace says why a namespace cannot be the name of a folder. Names
// with a leading dot are ours: the index is one of them.
func checkNamespace(name string) error {
	switch {
	case name == "":
		return errors.New("a namespace must not be empty")
	case len(name) > longestNamespace:
		return fmt.Errorf("a namespace must not be longer than %d bytes, this one has %d", longestNamespace, len(name))
	case strings.HasPrefix(name, "."):
		return fmt.Errorf("the namespace %q must not begin with a dot", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r < ' ' || r == 0x7f }):
		return fmt.Errorf("the namespace %q must not contain a slash or a control character: it names a folder", name)
	}
	return nil
}
