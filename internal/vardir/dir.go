package vardir

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"slavedriver/internal/durable"
)

// Dir is the var dir of one namespace, BASE/<namespace>.
type Dir struct {
	path     string
	warnings []string
}

// Open is OpenUnlisted, and notes the entry file in the index.
func Open(base, namespace, entryFile string) (*Dir, error) {
	d, err := OpenUnlisted(base, namespace)
	if err != nil {
		return nil, err
	}
	d.warnings = append(d.warnings, d.List(entryFile)...)
	return d, nil
}

// OpenUnlisted makes the var dir ready: creates it and base with mode 0700 where
// they are missing, and refuses a folder that somebody else owns or can write to.
// Errors say what to do about it. The index is left as it is.
func OpenUnlisted(base, namespace string) (*Dir, error) {
	if err := checkNamespace(namespace); err != nil {
		return nil, err
	}
	// Who can write to a folder above could exchange base behind our back.
	above := existing(filepath.Dir(base))
	if info, err := os.Stat(above); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("the var dir %s cannot be used: %s is not a folder", base, above)
	}
	if err := Trusted(os.Geteuid() == 0)(above); err != nil {
		return nil, fmt.Errorf("the var dir %s cannot be used: %w", base, err)
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the var dir: %w; another place can be given with --var-dir", err)
	}
	if err := checkOwn(base); err != nil { // before anything is put there
		return nil, err
	}
	d := &Dir{path: filepath.Join(base, namespace)}
	if err := os.Mkdir(d.path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("cannot create the var dir: %w", err)
	}
	if err := checkOwn(d.path); err != nil {
		return nil, err
	}
	for _, lock := range []string{d.Path("duty.lock"), d.Path("relief.lock"), d.Path("voice.lock"), d.Path("state.lock"), filepath.Join(base, indexLock)} {
		d.warn(durable.AsideUnless(lock, 0))
	}
	return d, nil
}

// existing is the folder, or the nearest one above that is there.
func existing(folder string) string {
	for {
		_, err := os.Lstat(folder)
		above := filepath.Dir(folder)
		if err == nil || above == folder {
			return folder
		}
		folder = above
	}
}

// checkOwn refuses a folder that is not ours alone to write to.
func checkOwn(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return fmt.Errorf("cannot look at the var dir: %w", err)
	}
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		return fmt.Errorf("the var dir %s is a symbolic link; give the folder it points to with --var-dir", folder)
	case !info.IsDir():
		return fmt.Errorf("the var dir %s is not a folder; remove it, or give another one with --var-dir", folder)
	case owner(info) != os.Geteuid():
		return fmt.Errorf("the var dir %s belongs to user %d and not to user %d: call slavedriver as that user (%s), or give another one with --var-dir",
			folder, owner(info), os.Geteuid(), becoming(owner(info)))
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others can write to the var dir %s (mode %04o); chmod go-w %s", folder, info.Mode().Perm(), folder)
	}
	return nil
}

func owner(info os.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1 // nobody's: never trusted
}

// becoming is how a person calls something as that user. Nobody is told to chown
// a var dir: that would stop the crontab of whose it is.
func becoming(uid int) string {
	if uid == 0 {
		return "sudo"
	}
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return "sudo -u " + u.Username
	}
	return fmt.Sprintf("sudo -u '#%d'", uid)
}

// Path is a path inside the var dir; of no elements, the var dir itself.
func (d *Dir) Path(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// Warnings are sentences about what was found wrong and put right by Open.
func (d *Dir) Warnings() []string { return d.warnings }
