package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"slavedriver/internal/runfile"
)

// Why the shell could not enter a working directory, which it does not say in a way
// that all shells share: it is looked for again when the run is finished.

// elsewhereHint ends what is to be done about a working directory.
const elsewhereHint = ", or set another workingDirectory"

// unentered is what is wrong with the working directory of a job, and what to do, as it
// follows its name; "" where nothing is to be seen by now.
func unentered(job *Job) string {
	info, err := os.Stat(job.WorkingDirectory)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ": there is no such folder; make it" + elsewhereHint
	case err == nil && !info.IsDir():
		return ": it is not a folder; set another workingDirectory"
	case err != nil && !errors.Is(err, fs.ErrPermission):
		return ": " + reasonOf(err)
	}
	return deniedTo(job, err != nil)
}

// deniedTo names the folder that is closed to the job's user; seen says that it is
// closed to us too.
func deniedTo(job *Job, seen bool) string {
	who, err := credentialOf(job)
	if who == nil {
		who = ourselves()
	}
	if err != nil || who.UID == 0 {
		return ""
	}
	name := strconv.Itoa(int(who.UID))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	for _, folder := range foldersTo(job.WorkingDirectory) {
		info, err := os.Stat(folder)
		if err != nil {
			break
		}
		if mode := info.Mode().Perm(); isClosed(mode, ownerOf(info), who) {
			return fmt.Sprintf(": permission denied as user %s: %s has mode %04o; open it to that user (chmod or chown)%s", name, folder, mode, elsewhereHint)
		}
	}
	if !seen && job.User == "" && job.Group == "" {
		return "" // it came back
	}
	return fmt.Sprintf(": permission denied as user %s; open it to that user%s", name, elsewhereHint)
}

// reasonOf is an error without the operation and the path, which are said already.
func reasonOf(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

func ourselves() *runfile.Credential {
	c := &runfile.Credential{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())} //nolint:gosec // as the system has them
	groups, _ := os.Getgroups()
	for _, g := range groups {
		c.Groups = append(c.Groups, uint32(g)) //nolint:gosec // as above
	}
	return c
}

// foldersTo are the folders that are passed on the way to one, from / on, and it.
func foldersTo(folder string) (all []string) {
	for {
		all = append(all, folder)
		above := filepath.Dir(folder)
		if above == folder {
			slices.Reverse(all)
			return all
		}
		folder = above
	}
}

// owners are a folder's user and group.
type owners struct{ user, group uint32 }

func ownerOf(info fs.FileInfo) owners {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return owners{s.Uid, s.Gid}
	}
	return owners{}
}

// isClosed says whether the mode of a folder keeps a user from entering it: of the
// three permissions the first that is about the user counts (path_resolution(7)).
func isClosed(mode fs.FileMode, of owners, who *runfile.Credential) bool {
	switch {
	case who.UID == 0:
		return false
	case who.UID == of.user:
		return mode&0o100 == 0
	case who.GID == of.group, slices.Contains(who.Groups, of.group):
		return mode&0o010 == 0
	}
	return mode&0o001 == 0
}
