package lockstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"slavedriver/engine"
)

// kind is what sort of store is asked for.
type kind int

const (
	none kind = iota
	inFolder
	inRedis
	inSentinel // the sentinels name the server
	inCluster
)

// address is where a store is: complete and checked, all of it in the fields.
type address struct {
	engine.LockStore
	kind  kind
	shown string // for people, without secrets
}

// parse takes what was said apart. Its errors quote nothing of a URL but what
// Redact shows: a password with a slash in it ends up in the strangest places.
func parse(said engine.LockStore) (address, error) {
	a := address{LockStore: said, shown: Redact(said.URL)}
	if a.URL == "file" || !a.Set() {
		return address{}, a.nothingBeside()
	}
	if a.URL != "" {
		u, err := a.parseURL()
		if err != nil {
			return a, err
		}
		if err := a.merge(u); err != nil {
			return a, err
		}
	}
	if err := a.complete(); err != nil {
		return a, err
	}
	a.URL, a.shown = "", a.show()
	return a, nil
}

// errorf names the store as far as it has a name yet.
func (a address) errorf(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if a.shown == "" {
		return errors.New(message)
	}
	return fmt.Errorf("lock store %q: %s", a.shown, message)
}

// nothingBeside refuses what would mean nothing without a store.
func (a address) nothingBeside() error {
	said := a.Cluster || a.TLS || a.DB != 0 || len(a.Hosts) > 0 || a.Socket != "" || a.Folder != ""
	for _, t := range texts {
		said = said || *t.place(&a.LockStore) != ""
	}
	if said {
		return a.errorf("it is not said where it is: give a `url`, `hosts`, a `socket` or a `folder`")
	}
	return nil
}

// text is a field of a store that is a text.
type text struct {
	name  string // of the key of the table form, and of the parameter
	param bool   // whether a URL has it as a parameter
	place func(*engine.LockStore) *string
}

// texts are the fields that are neither the place itself nor a number.
var texts = []text{
	{"master", false, func(s *engine.LockStore) *string { return &s.Master }},
	{"user", false, func(s *engine.LockStore) *string { return &s.User }},
	{"password", false, func(s *engine.LockStore) *string { return &s.Password }},
	{"sentinelUser", true, func(s *engine.LockStore) *string { return &s.SentinelUser }},
	{"sentinelPassword", true, func(s *engine.LockStore) *string { return &s.SentinelPassword }},
	{"ca", true, func(s *engine.LockStore) *string { return &s.CA }},
	{"cert", true, func(s *engine.LockStore) *string { return &s.Cert }},
	{"key", true, func(s *engine.LockStore) *string { return &s.Key }},
	{"serverName", true, func(s *engine.LockStore) *string { return &s.ServerName }},
}

// merge adds what the URL said to what was said beside it. What is said twice
// is refused, also when it is the same.
func (a *address) merge(u engine.LockStore) error {
	twice := ""
	for _, t := range texts {
		mine, theirs := t.place(&a.LockStore), *t.place(&u)
		if *mine != "" && theirs != "" {
			twice = t.name
		}
		*mine += theirs
	}
	switch {
	case len(a.Hosts) > 0:
		twice = "hosts"
	case a.Socket != "":
		twice = "socket"
	case a.Folder != "":
		twice = "folder"
	case a.Cluster:
		twice = "cluster"
	case a.TLS && !u.TLS:
		return a.errorf("`tls` is written in the URL: %s", strings.Replace(a.shown, "redis", "rediss", 1))
	case a.DB != 0 && u.DB != 0:
		twice = "db"
	}
	if twice != "" {
		return a.errorf("the URL and `%s` say the same thing twice", twice)
	}
	a.Hosts, a.Socket, a.Folder = u.Hosts, u.Socket, u.Folder
	a.Cluster, a.TLS, a.DB = u.Cluster, u.TLS, a.DB+u.DB
	return nil
}

// complete finds out of what kind the store is, and refuses what does not fit.
func (a *address) complete() error {
	if err := a.findKind(); err != nil {
		return err
	}
	if a.URL == "" && a.Socket == "" && a.certificates() {
		a.TLS = true
	}
	for _, misfit := range a.misfits() {
		if misfit.found {
			return a.errorf("%s", misfit.message)
		}
	}
	return a.completeHosts()
}

func (a *address) findKind() error {
	switch {
	case len(a.Hosts) > 0 && (a.Socket != "" || a.Folder != "") || a.Socket != "" && a.Folder != "":
		return a.errorf("`hosts`, `socket` and `folder` are three places; a store has one")
	case a.Folder != "":
		a.kind = inFolder
	case a.Master != "" && a.Cluster:
		return a.errorf("`master` is for sentinels, `cluster` for a Redis Cluster; a store is one of them")
	case a.Master != "":
		a.kind = inSentinel
	case a.Cluster:
		a.kind = inCluster
	default:
		a.kind = inRedis
	}
	return nil
}

// misfit is a combination that means nothing.
type misfit struct {
	found   bool
	message string
}

// misfits of what kind of store it is with what was said of it.
func (a *address) misfits() []misfit {
	server := a.DB != 0 || a.User != "" || a.Password != "" || a.Master != "" || a.Cluster
	sentinel := a.SentinelUser != "" || a.SentinelPassword != ""
	return append([]misfit{
		{a.kind == inFolder && (server || sentinel || a.TLS || a.certificates()), "nothing may be said beside a folder"},
		{a.kind == inRedis && len(a.Hosts) > 1, "several hosts are sentinels, redis+sentinel://host,host/master, or a cluster, redis+cluster://host,host"},
		{a.kind == inCluster && a.DB != 0, "a cluster has only database 0"},
		{a.kind != inSentinel && sentinel, "`sentinelUser` and `sentinelPassword` are for redis+sentinel:// alone"},
		{a.Socket != "" && a.kind != inRedis, "sentinels and clusters are reached by `hosts`, not by a socket"},
		{a.DB < 0, "the database must be a number from 0"},
	}, a.tlsMisfits()...)
}

func (a *address) tlsMisfits() []misfit {
	return []misfit{
		{a.Socket != "" && (a.TLS || a.certificates()), "there is no TLS over a socket"},
		{a.certificates() && !a.TLS, "`ca`, `cert`, `key` and `serverName` are for TLS: write rediss:// in place of redis://"},
		{(a.Cert == "") != (a.Key == ""), "`cert` and `key` need each other"},
	}
}

// certificates says whether anything was said about certificates.
func (a *address) certificates() bool {
	return a.CA != "" || a.Cert != "" || a.Key != "" || a.ServerName != ""
}

func (a *address) completeHosts() error {
	port := "6379"
	if a.kind == inSentinel {
		port = "26379"
	}
	hosts := make([]string, len(a.Hosts))
	for i, host := range a.Hosts {
		h, err := hostPort(host, port)
		if err != nil {
			return a.errorf("%v", err)
		}
		hosts[i] = h
	}
	a.Hosts = hosts
	for _, file := range []*string{&a.Socket, &a.CA, &a.Cert, &a.Key} {
		if *file != "" && !filepath.IsAbs(*file) {
			return a.errorf("the path %q must be absolute here; in the table form of setLockStore it may be relative", *file)
		}
	}
	return nil
}

// show writes the store as a URL without secrets.
func (a *address) show() string {
	if a.kind == inFolder {
		if filepath.IsAbs(a.Folder) {
			return "file://" + a.Folder
		}
		return "file:" + a.Folder
	}
	user, db := "", ""
	if a.User != "" || a.Password != "" {
		user = "***@"
	}
	if a.DB != 0 {
		db = strconv.Itoa(a.DB)
	}
	if a.Socket != "" {
		return "unix://" + user + a.Socket + prefixed("?db=", db)
	}
	scheme := "redis"
	if a.TLS {
		scheme = "rediss"
	}
	suffix := map[kind]string{inSentinel: "+sentinel", inCluster: "+cluster"}[a.kind]
	return scheme + suffix + "://" + user + strings.Join(a.Hosts, ",") + prefixed("/", a.Master) + prefixed("/", db)
}

// prefixed is text behind prefix, or nothing.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
