package vardir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mostLinks is how many symbolic links a path may go through, as in the kernel.
const mostLinks = 40

// untrusted is the error of a file that others could have written.
type untrusted struct{ reason string }

func (u *untrusted) Error() string { return u.reason }

// IsUntrusted says whether an error is that of Trusted about a file that is
// there and that others could have written.
func IsUntrusted(err error) bool {
	var u *untrusted
	return errors.As(err, &u)
}

func distrust(format string, args ...any) error { return &untrusted{fmt.Sprintf(format, args...)} }

// Trusted returns the check of files whose content root is going to run: the
// file and each folder above it must belong to root or to the effective user
// and be writable by nobody else, as sshd and sudo ask. Symbolic links are
// followed: the folders that hold them and those that they lead through count
// too. A sticky folder such as /tmp may be writable by all: what is ours in it,
// nobody else can exchange. Who is not root may run what he likes: the check
// always passes.
func Trusted(root bool) func(path string) error {
	if !root {
		return func(string) error { return nil }
	}
	owners := trustedOwners()
	return func(path string) error {
		// Not filepath.Abs: it would drop "link/.." without looking at link.
		if !filepath.IsAbs(path) {
			folder, err := os.Getwd()
			if err != nil {
				return fmt.Errorf("cannot tell where %s is: %w", path, err)
			}
			path = folder + "/" + path
		}
		return (&walk{owners: owners, rest: strings.Split(path, "/")}).check()
	}
}

func trustedOwners() map[int]bool {
	owners := map[int]bool{0: true, os.Geteuid(): true}
	if id, ok := unmappedOwner(); ok {
		owners[id] = true
	}
	return owners
}

// walk goes down a path as the kernel does, and looks at each step.
type walk struct {
	owners map[int]bool
	at     string   // where it is: no links in it; "" is the root folder
	rest   []string // the names still to go
	links  int
}

func (w *walk) check() error {
	if err := w.inspect("/"); err != nil {
		return err
	}
	for len(w.rest) > 0 {
		name := w.rest[0]
		w.rest = w.rest[1:]
		if err := w.step(name); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) step(name string) error {
	switch name {
	case "", ".":
		return nil
	case "..":
		// Nothing in w.at is a link, so the last name can simply go.
		w.at = strings.TrimSuffix(filepath.Dir("/"+w.at), "/")
		return nil
	}
	return w.inspect(w.at + "/" + name)
}

// inspect judges one file, folder or link and goes there.
func (w *walk) inspect(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("cannot tell who may write to it: %w", err)
	}
	if !w.owners[owner(info)] {
		return distrust("%s belongs to user %d, who could make root run anything; chown root %s", path, owner(info), path)
	}
	mode := info.Mode()
	if mode&os.ModeSymlink != 0 {
		return w.follow(path)
	}
	if mode.Perm()&0o022 != 0 && (!mode.IsDir() || mode&os.ModeSticky == 0) {
		return distrust("%s can be written by others than its owner (mode %04o), who could make root run anything; chmod go-w %s",
			path, mode.Perm(), path)
	}
	w.at = strings.TrimSuffix(path, "/")
	return nil
}

func (w *walk) follow(link string) error {
	w.links++
	if w.links > mostLinks {
		return fmt.Errorf("%s goes through more than %d symbolic links", link, mostLinks)
	}
	target, err := os.Readlink(link)
	if err != nil {
		return fmt.Errorf("cannot tell where a link leads: %w", err)
	}
	if filepath.IsAbs(target) {
		w.at = ""
	}
	w.rest = append(strings.Split(target, "/"), w.rest...)
	return nil
}
