package lockstore

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"slavedriver/engine"
	"slavedriver/internal/spelling"
)

// schemes are all that a URL may begin with.
var schemes = []string{
	"redis", "rediss", "unix", "file", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster",
}

const escapeHint = "in a user or password each of : / ? # @ % is written as %3A, %2F and so on"

// parts are a URL, cut up and not unescaped. net/url is no help: it refuses
// several hosts, and takes half of a password with a slash for a host.
type parts struct {
	scheme    string
	slashes   bool // "//" follows the scheme
	user      string
	hosts     string
	path      string
	query     string
	hasUser   bool
	leftovers bool // there is an @ or a # where none can be
}

func split(raw string) parts {
	scheme, rest, found := strings.Cut(raw, ":")
	if !found || strings.ContainsAny(scheme, "/?#@.[") {
		return parts{}
	}
	p := parts{scheme: strings.ToLower(scheme)}
	rest, p.slashes = strings.CutPrefix(rest, "//")
	end := len(rest)
	if p.slashes {
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			end = i
		}
		p.hosts, rest = rest[:end], rest[end:]
		if i := strings.LastIndex(p.hosts, "@"); i >= 0 {
			p.user, p.hosts, p.hasUser = p.hosts[:i], p.hosts[i+1:], true
		}
	}
	p.path, p.query, _ = strings.Cut(rest, "?")
	p.leftovers = strings.ContainsAny(rest, "@#")
	return p
}

// parseURL reads the URL into fields.
func (a address) parseURL() (engine.LockStore, error) {
	p := split(a.URL)
	switch {
	case p.scheme == "" || !p.slashes && !slices.Contains(schemes, p.scheme):
		return engine.LockStore{}, a.errorf("it has no scheme; try redis://host:port/db or file:///folder")
	case !slices.Contains(schemes, p.scheme):
		return engine.LockStore{}, a.errorf("unknown scheme %q, %s", p.scheme, nearestOf(p.scheme, `"`, `://"`, schemes))
	case p.leftovers && p.scheme != "file":
		return engine.LockStore{}, a.errorf("this is no valid URL: there is a # or @ too many; %s", escapeHint)
	case p.scheme == "file":
		return a.parseFolder(p)
	}
	s, err := a.parseUser(p)
	if err != nil {
		return s, err
	}
	if err := a.parseQuery(p, &s); err != nil {
		return s, err
	}
	if p.scheme == "unix" {
		return s, a.parseSocket(p, &s)
	}
	return s, a.parseServer(p, &s)
}

func (a address) parseFolder(p parts) (s engine.LockStore, err error) {
	switch {
	case p.hosts != "" || p.hasUser:
		return s, a.errorf("a folder is written with three slashes, file:///folder")
	case p.query != "" || strings.Contains(p.path, "#"):
		return s, a.errorf("nothing may follow the folder")
	}
	s.Folder, err = url.PathUnescape(p.path)
	if err != nil || s.Folder == "" || filepath.Clean(s.Folder) == "/" {
		return s, a.errorf("it names no folder; try file:///var/lib/slavedriver-leases")
	}
	return s, nil
}

func (a address) parseUser(p parts) (s engine.LockStore, err error) {
	user, password, _ := strings.Cut(p.user, ":")
	s.User, err = url.PathUnescape(user)
	if err == nil {
		s.Password, err = url.PathUnescape(password)
	}
	if err != nil || strings.ContainsAny(p.user, "\x00\r\n") {
		return s, a.errorf("this is no valid URL; %s", escapeHint)
	}
	return s, nil
}

// parseQuery reads the parameters: ca, cert, key, serverName, sentinelUser,
// sentinelPassword, and of a socket db.
func (a address) parseQuery(p parts, s *engine.LockStore) error {
	query, err := url.ParseQuery(p.query)
	if err != nil {
		return a.errorf("its parameters are no valid text; odd characters are written as %%26 and so on")
	}
	var known []string
	if p.scheme == "unix" {
		known = append(known, "db")
		if n := query["db"]; len(n) == 1 {
			if s.DB, err = database(n[0]); err != nil {
				return a.errorf("%v", err)
			}
			delete(query, "db")
		}
	}
	for _, t := range texts {
		if !t.param || p.scheme == "unix" {
			continue
		}
		known = append(known, t.name)
		if values := query[t.name]; len(values) == 1 && values[0] != "" {
			*t.place(s) = values[0]
			delete(query, t.name)
		}
	}
	for name := range query { // of several, any
		return a.errorf("%s", strange(name, known))
	}
	return nil
}

// strange says what is wrong with a parameter.
func strange(name string, known []string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
	switch {
	case slices.Contains(known, name):
		return "the parameter `" + name + "` must be there once and say something"
	case name == "db":
		return "the database goes after the host, redis://host:port/db"
	case strings.EqualFold(name, "password") || strings.EqualFold(name, "user"):
		return "user and password go before the host, redis://user:password@host:port/db"
	case strings.Trim(name, letters) != "": // who knows what it is
		return "its parameters are no valid text"
	}
	return "unknown parameter `" + name + "`, " + nearestOf(name, "`", "`", known)
}

func (a address) parseSocket(p parts, s *engine.LockStore) (err error) {
	if p.hosts != "" || !strings.HasPrefix(p.path, "/") {
		return a.errorf("a socket is written with three slashes, unix:///folder/redis.sock?db=0")
	}
	if s.Socket, err = url.PathUnescape(p.path); err != nil {
		return a.errorf("this is no valid URL: %% is written as %%25")
	}
	return nil
}

// parseServer reads hosts and path: /db, /master or /master/db, or nothing.
func (a address) parseServer(p parts, s *engine.LockStore) (err error) {
	s.TLS = strings.HasPrefix(p.scheme, "rediss")
	s.Cluster = strings.HasSuffix(p.scheme, "+cluster")
	if p.hosts == "" {
		return a.errorf("it names no host; try %s://host:port", p.scheme)
	}
	s.Hosts = strings.Split(p.hosts, ",")
	rest := strings.Trim(p.path, "/")
	if strings.HasSuffix(p.scheme, "+sentinel") {
		master, db, _ := strings.Cut(rest, "/")
		if s.Master, err = url.PathUnescape(master); err != nil || s.Master == "" {
			return a.errorf("it does not say what the sentinels call the server; try %s://host:26379,host:26379/mymaster/0", p.scheme)
		}
		rest = db
	}
	if s.DB, err = database(rest); err != nil {
		return a.errorf("%v", err)
	}
	return nil
}

// database is the number of one; "" is 0.
func database(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errors.New("the database must be a number from 0")
	}
	return int(n), nil
}

// hostPort is a host as it is dialled. Its errors do not quote it: what stands
// there may be a piece of a password.
func hostPort(text, port string) (string, error) {
	host := text
	if strings.Contains(text, "://") {
		return "", errors.New("a host is written as host:port, without a scheme")
	}
	if inner, after, ok := strings.Cut(strings.TrimPrefix(text, "["), "]"); ok && text[0] == '[' {
		host = inner
		if after != "" {
			port, ok = strings.CutPrefix(after, ":")
			if !ok {
				return "", errors.New("a host is written as host:port, or [address]:port")
			}
		}
	} else if strings.Count(text, ":") > 1 {
		return "", errors.New("the address of a host that has colons is put into brackets, [address]:port")
	} else if name, number, ok := strings.Cut(text, ":"); ok {
		host, port = name, number
	}
	if host == "" || strings.ContainsAny(host, "/?#@[] \t\r\n\x00") {
		return "", errors.New("it names no host; try host:port")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", errors.New("the port must be a number from 1 to 65535")
	}
	return net.JoinHostPort(host, port), nil
}

// nearestOf says which known name was probably meant, or else all there are.
func nearestOf(name, before, after string, known []string) string {
	if near := spelling.Nearest(name, known); near != "" {
		return "did you mean " + before + near + after + "?"
	}
	return "known are " + before + strings.Join(known, after+", "+before) + after
}
