package lockstore

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// kind is what a URL's scheme asks for.
type kind int

const (
	none kind = iota
	inFolder
	inRedis
)

// address is a lock store's URL, taken apart.
type address struct {
	kind     kind
	shown    string // the URL without secrets
	folder   string // of a file store
	hostPort string // of Redis: "host:port", or the path of a socket
	db       int
	user     string
	password string
}

// planned are schemes that people rightly expect; each gets its own sentence.
var planned = map[string]string{
	"rediss":         "TLS",
	"redis+sentinel": "Redis Sentinel",
	"redis+cluster":  "Redis Cluster",
}

// parse takes a URL apart. Its errors quote nothing of the URL but what Redact
// shows: a password with a slash in it ends up in the strangest of places.
func parse(raw string) (address, error) {
	if raw == "" || raw == "file" {
		return address{}, nil
	}
	a := address{shown: Redact(raw)}
	u, err := url.Parse(raw)
	if err != nil {
		return a, a.errorf("this is no valid URL; in a password each of : / ? # @ %% is written as %%3A, %%2F and so on")
	}
	switch u.Scheme {
	case "file":
		return a.parseFolder(u)
	case "redis":
		return a.parseRedis(u)
	case "unix":
		return a.parseSocket(u)
	}
	if what, ok := planned[u.Scheme]; ok {
		return a, a.errorf("%s is not supported yet; a single server is: redis://host:port/db", what)
	}
	if u.Scheme == "" {
		return a, a.errorf("it has no scheme; try redis://host:port/db or file:///folder")
	}
	return a, a.errorf("unknown scheme %q, did you mean %q?", u.Scheme, nearest(u.Scheme))
}

func (a address) errorf(format string, args ...any) error {
	return fmt.Errorf("lock store %q: %s", a.shown, fmt.Sprintf(format, args...))
}

func (a address) parseFolder(u *url.URL) (address, error) {
	a.kind, a.folder = inFolder, u.Path
	if u.Opaque != "" {
		a.folder = u.Opaque
	}
	if u.Host != "" || u.User != nil {
		return a, a.errorf("a folder is written with three slashes, file:///folder")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return a, a.errorf("nothing may follow the folder")
	}
	if a.folder == "" || filepath.Clean(a.folder) == "/" {
		return a, a.errorf("it names no folder; try file:///var/lib/slavedriver-leases")
	}
	return a, nil
}

func (a address) parseRedis(u *url.URL) (address, error) {
	a.kind = inRedis
	if u.Hostname() == "" {
		return a, a.errorf("it names no host; try redis://host:port/db")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return a, a.errorf("the port must be a number from 1 to 65535")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return a, a.errorf("parameters are not supported yet; the database goes after the host, redis://host:port/db")
	}
	a.hostPort = net.JoinHostPort(u.Hostname(), port)
	a.takeUser(u)
	return a.withDB(strings.Trim(u.Path, "/"))
}

func (a address) parseSocket(u *url.URL) (address, error) {
	a.kind, a.hostPort = inRedis, u.Path
	if u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		return a, a.errorf("a socket is written with three slashes, unix:///folder/redis.sock?db=0")
	}
	query, err := url.ParseQuery(u.RawQuery)
	db := query.Get("db")
	query.Del("db")
	if err != nil || len(query) > 0 || u.Fragment != "" {
		return a, a.errorf("the only parameter of a socket is db")
	}
	a.takeUser(u)
	return a.withDB(db)
}

func (a *address) takeUser(u *url.URL) {
	a.user = u.User.Username()
	a.password, _ = u.User.Password()
}

func (a address) withDB(text string) (address, error) {
	if text == "" {
		return a, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return a, a.errorf("the database must be a number from 0")
	}
	a.db = int(n)
	return a, nil
}

// Redact is url as it may be shown: without user, password, and whatever else
// could be part of a password that was not escaped. It never fails.
func Redact(url string) string {
	at := strings.LastIndex(url, "@")
	if at < 0 {
		return dropParameters(url)
	}
	scheme := ""
	if i := strings.Index(url[:at], "://"); i >= 0 {
		scheme = url[:i+len("://")]
	}
	if strings.ContainsAny(url[:at], "?") { // the @ may be a parameter's
		return scheme + "***"
	}
	return scheme + "***" + dropParameters(url[at:])
}

// dropParameters keeps the one parameter that is known and harmless.
func dropParameters(text string) string {
	text, _, _ = strings.Cut(text, "#")
	head, query, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	if db, ok := strings.CutPrefix(query, "db="); ok && len(db) < 4 {
		return head + "?db=" + db
	}
	return head + "?***"
}

// nearest is the supported scheme that a misspelt one is most like.
func nearest(scheme string) string {
	best, least := "", len(scheme)+10
	for _, known := range []string{"redis", "file", "unix"} {
		if d := distance(scheme, known); d < least {
			best, least = known, d
		}
	}
	return best + "://"
}

// distance is Levenshtein's: how many letters must be added, dropped or
// exchanged to make a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
