package lockstore_test

import (
	"strings"
	"testing"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"resis://localhost", `lock store "resis://localhost": unknown scheme "resis", did you mean "redis://"?`},
		{"flie:///x", `did you mean "file://"?`},
		{"unx:///x", `did you mean "unix://"?`},
		{"localhost", "it has no scheme"},
		{"rediss://localhost", "TLS is not supported yet"},
		{"redis+sentinel://a,b/main", "Redis Sentinel is not supported yet"},
		{"redis+cluster://a,b", "Redis Cluster is not supported yet"},
		{"redis://", "names no host"},
		{"redis:///0", "names no host"},
		{"redis:localhost", "names no host"},
		{"redis://localhost:0", "the port must be a number"},
		{"redis://localhost:70000", "the port must be a number"},
		{"redis://localhost/one", "the database must be a number"},
		{"redis://localhost/-1", "the database must be a number"},
		{"redis://localhost?db=2", "parameters are not supported yet"},
		{"unix://run/redis.sock", "three slashes"},
		{"unix:redis.sock", "three slashes"},
		{"unix:///redis.sock?database=2", "the only parameter of a socket is db"},
		{"file://", "names no folder"},
		{"file:///", "names no folder"},
		{"file://leases", "three slashes"},
		{"file:///leases?x=1", "nothing may follow the folder"},
	} {
		err := lockstore.Validate(engine.LockStore{URL: c.url})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want … %s …", c.url, err, c.want)
		}
		if _, err := lockstore.Open(engine.LockStore{URL: c.url}, lockstore.Options{Namespace: "n"}); err == nil {
			t.Errorf("%s: Open takes what Validate refuses", c.url)
		}
	}
}

func TestOpenAccepts(t *testing.T) {
	for _, url := range []string{
		"redis://localhost", "redis://localhost:6380/15", "redis://:secret@[::1]:6379/", "redis://user:p%40ss@host/0",
		"unix:///run/redis.sock", "unix://user:secret@/run/redis.sock?db=3", "file:///var/leases", "file:leases",
	} {
		if err := lockstore.Validate(engine.LockStore{URL: url}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		store, err := lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{Namespace: "n", Dir: t.TempDir()})
		if err != nil || store == nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if _, ok := store.(lockstore.Preparer); !ok {
			t.Errorf("%s: no Preparer", url)
		}
		_ = store.Close()
	}
}

func TestOpenOfNoStore(t *testing.T) {
	for _, url := range []string{"", "file"} {
		if store, err := lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{}); store != nil || err != nil {
			t.Errorf("%q: %v, %v", url, store, err)
		}
	}
}

func TestOpenWantsNamespaceAndFolder(t *testing.T) {
	for url, want := range map[string]string{
		"redis://localhost": "needs a namespace",
		"file:///leases":    "needs a namespace",
	} {
		if _, err := lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
	_, err := lockstore.Open(engine.LockStore{URL: "file:leases"}, lockstore.Options{Namespace: "n"})
	if err == nil || !strings.Contains(err.Error(), "must be absolute here") {
		t.Errorf("a relative folder: %v", err)
	}
}

func TestRedact(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"redis://localhost:6379/1", "redis://localhost:6379/1"},
		{"redis://:hunter2@localhost/1", "redis://***@localhost/1"},
		{"redis://joe:hunter2@localhost", "redis://***@localhost"},
		{"redis://hunter2@localhost", "redis://***@localhost"},
		{"redis://:hun/ter2@localhost", "redis://***@localhost"},
		{"redis://:hun@ter2@localhost", "redis://***@localhost"},
		{"redis://:hun#ter2@localhost", "redis://***@localhost"},
		{"redis://:hun?ter2@localhost", "redis://***"},
		{"redis://localhost?password=hunter2", "redis://localhost?***"},
		{"redis://localhost?password=hun@ter2", "redis://***"},
		{"redis://localhost#hunter2", "redis://localhost"},
		{"joe:hunter2@localhost", "***@localhost"},
		{"unix://:hunter2@/run/redis.sock?db=2", "unix://***@/run/redis.sock?db=2"},
	} {
		if got := lockstore.Redact(c.url); got != c.want {
			t.Errorf("%s is shown as %s, not %s", c.url, got, c.want)
		}
	}
}

// FuzzRedact looks for a password that gets into an error or a redacted URL.
func FuzzRedact(f *testing.F) {
	for _, password := range []string{"", "/", "@", "?", "#", "%", ":", " ", "[", "\x00", "://", "?db="} {
		f.Add(password, "redis", "localhost:6379/0")
		f.Add(password, "resis", "localhost/x?y")
	}
	f.Fuzz(func(t *testing.T, odd, scheme, rest string) {
		if strings.Contains(scheme+rest, "hunter") || strings.ContainsAny(scheme+rest, "@") {
			t.Skip()
		}
		url := scheme + "://:hunter1" + odd + "hunter2@" + rest
		if shown := lockstore.Redact(url); strings.Contains(shown, "hunter") {
			t.Errorf("%q is shown as %q", url, shown)
		}
		if err := lockstore.Validate(engine.LockStore{URL: url}); err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", url, err)
		}
	})
}
