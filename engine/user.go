package engine

import (
	"fmt"
	"os/user"
	"strconv"

	"slavedriver/internal/runfile"
)

// credentialOf is whom a job runs as; nil means as the shift does. With a user
// the supplementary groups are that user's; with a group alone there are none.
func credentialOf(job *Job) (*runfile.Credential, error) {
	if job.User == "" && job.Group == "" {
		return nil, nil
	}
	u, err := lookUser(job.User)
	if err != nil {
		return nil, err
	}
	c := &runfile.Credential{}
	if c.UID, err = number("user", u.Username, u.Uid); err != nil {
		return nil, err
	}
	if job.User != "" {
		if c.Groups, err = groupsOf(u); err != nil {
			return nil, err
		}
	}
	gid := u.Gid
	if job.Group != "" {
		if gid, err = lookGroup(job.Group); err != nil {
			return nil, err
		}
	}
	c.GID, err = number("group", job.Group, gid)
	return c, err
}

// uidOf is the numeric user of a job's processes, -1 for the shift's own.
func uidOf(job *Job) int {
	c, err := credentialOf(job)
	if err != nil || c == nil {
		return -1
	}
	return int(c.UID)
}

// lookUser finds a user by name or number; the empty name is the current one.
func lookUser(name string) (*user.User, error) {
	if name == "" {
		return user.Current()
	}
	u, err := user.Lookup(name)
	if err != nil {
		if u, err := user.LookupId(name); err == nil {
			return u, nil
		}
		return nil, fmt.Errorf("there is no user %q", name)
	}
	return u, nil
}

func lookGroup(name string) (gid string, err error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		if g, err := user.LookupGroupId(name); err == nil {
			return g.Gid, nil
		}
		if _, err := strconv.ParseUint(name, 10, 32); err == nil {
			return name, nil // a number needs no name
		}
		return "", fmt.Errorf("there is no group %q", name)
	}
	return g.Gid, nil
}

func groupsOf(u *user.User) ([]uint32, error) {
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("cannot find the groups of user %q: %w", u.Username, err)
	}
	groups := make([]uint32, 0, len(ids))
	for _, id := range ids {
		gid, err := number("group", id, id)
		if err != nil {
			return nil, err
		}
		groups = append(groups, gid)
	}
	return groups, nil
}

func number(what, name, id string) (uint32, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %q has no usable number: %w", what, name, err)
	}
	return uint32(n), nil
}
