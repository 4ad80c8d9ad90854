package lockstore_test

import (
	"strings"
	"testing"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

func TestOpenRefusesURLs(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"resis://localhost", `lock store "resis://localhost": unknown scheme "resis", did you mean "redis://"?`},
		{"flie:///x", `did you mean "file://"?`},
		{"http://localhost", `unknown scheme "http", known are "redis://", "rediss://", `},
		{"redis://localhost?foo=1", "unknown parameter `foo`, known are `sentinelUser`, `sentinelPassword`, `ca`, "},
		{"unx:///x", `did you mean "unix://"?`},
		{"redis+sentinal://a/b", `did you mean "redis+sentinel://"?`},
		{"redis-cluster://a", `did you mean "redis+cluster://"?`},
		{"localhost", "it has no scheme"},
		{"localhost:6379", "it has no scheme"},
		{"redis://", "names no host"},
		{"redis:///0", "names no host"},
		{"redis:localhost", "names no host"},
		{"redis://localhost:0", "the port must be a number"},
		{"redis://localhost:70000", "the port must be a number"},
		{"redis://::1", "put into brackets"},
		{"redis://[::1]x", "[address]:port"},
		{"redis://localhost/one", "the database must be a number"},
		{"redis://localhost/-1", "the database must be a number"},
		{"redis://localhost/0/1", "the database must be a number"},
		{"redis://localhost?db=2", "the database goes after the host"},
		{"redis://localhost?password=x", "user and password go before the host"},
		{"redis://localhost?serverNam=x", "unknown parameter `serverNam`, did you mean `serverName`?"},
		{"rediss://localhost?ca=", "the parameter `ca` must be there once and say something"},
		{"rediss://localhost?ca=/a&ca=/b", "the parameter `ca` must be there once"},
		{"rediss://localhost?ca=a.pem", `the path "a.pem" must be absolute here`},
		{"redis://localhost?ca=/a.pem", "are for TLS: write rediss://"},
		{"rediss://localhost?cert=/a.pem", "`cert` and `key` need each other"},
		{"rediss://localhost?sentinelPassword=x", "are for redis+sentinel:// alone"},
		{"redis://a,b", "several hosts are sentinels"},
		{"redis://a,,b", "several hosts"},
		{"redis+cluster://a,,b", "it names no host"},
		{"redis+cluster://a,b/1", "only database 0"},
		{"redis+sentinel://a,b", "does not say what the sentinels call the server"},
		{"redis+sentinel://a,b/shop/x", "the database must be a number"},
		{"redis://joe:geheim/x@localhost", "a # or @ too many"},
		{"redis://localhost#x", "a # or @ too many"},
		{"redis://joe:%zz@localhost", "is written as %3A"},
		{"unix://run/redis.sock", "three slashes"},
		{"unix:redis.sock", "three slashes"},
		{"unix:///redis.sock?database=2", "unknown parameter `database`, known are `db`"},
		{"unix:///redis.sock?db=x", "the database must be a number"},
		{"file://", "names no folder"},
		{"file:///", "names no folder"},
		{"file://leases", "three slashes"},
		{"file:///leases?x=1", "nothing may follow the folder"},
	} {
		refuses(t, engine.LockStore{URL: c.url}, c.want)
	}
}

func TestOpenRefusesFields(t *testing.T) {
	for _, c := range []struct {
		store engine.LockStore
		want  string
	}{
		{engine.LockStore{Master: "shop"}, "it is not said where it is"},
		{engine.LockStore{URL: "file", Password: "x"}, "it is not said where it is"},
		{engine.LockStore{Hosts: []string{"a"}, Socket: "/s"}, "three places"},
		{engine.LockStore{Hosts: []string{"a", "b"}}, "several hosts are sentinels"},
		{engine.LockStore{Hosts: []string{"a"}, Master: "shop", Cluster: true}, "a store is one of them"},
		{engine.LockStore{Hosts: []string{"a"}, Cluster: true, DB: 1}, "only database 0"},
		{engine.LockStore{Hosts: []string{"a"}, SentinelUser: "x"}, "for redis+sentinel:// alone"},
		{engine.LockStore{Hosts: []string{"redis://a"}}, "without a scheme"},
		{engine.LockStore{Hosts: []string{"a"}, Cert: "/c"}, "need each other"},
		{engine.LockStore{Hosts: []string{"a"}, Key: "/c"}, "need each other"},
		{engine.LockStore{Hosts: []string{"a"}, CA: "c"}, "must be absolute"},
		{engine.LockStore{Socket: "/s", TLS: true}, "no TLS over a socket"},
		{engine.LockStore{Socket: "/s", Cluster: true}, "not by a socket"},
		{engine.LockStore{Socket: "s"}, "must be absolute"},
		{engine.LockStore{Folder: "/f", DB: 1}, "nothing may be said beside a folder"},
		{engine.LockStore{Folder: "/f", Password: "x"}, "nothing may be said beside a folder"},
		{engine.LockStore{URL: "redis://a", Hosts: []string{"b"}}, "the URL and `hosts` say the same thing twice"},
		{engine.LockStore{URL: "redis://a/1", DB: 1}, "the URL and `db` say"},
		{engine.LockStore{URL: "redis://:x@a", Password: "x"}, "the URL and `password` say"},
		{engine.LockStore{URL: "redis+cluster://a", Cluster: true}, "the URL and `cluster` say"},
		{engine.LockStore{URL: "redis://a", TLS: true}, "`tls` is written in the URL: rediss://a"},
		{engine.LockStore{URL: "redis://a", CA: "/c"}, "write rediss://"},
	} {
		refuses(t, c.store, c.want)
	}
}

// refuses checks that both ways to ask refuse a store.
func refuses(t *testing.T, store engine.LockStore, want string) {
	t.Helper()
	err := lockstore.Validate(store)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%+v: %v, want … %s …", store, err, want)
	}
	if _, err := lockstore.Open(store, lockstore.Options{Namespace: "n"}); err == nil {
		t.Errorf("%+v: Open takes what Validate refuses", store)
	}
}

func TestOpenAccepts(t *testing.T) {
	for _, c := range []struct{ url, shown string }{
		{"redis://localhost", "redis://localhost:6379"},
		{"REDIS://localhost:6380/15", "redis://localhost:6380/15"},
		{"redis://:secret@[::1]:6379/", "redis://***@[::1]:6379"},
		{"redis://[::1]", "redis://[::1]:6379"},
		{"redis://user:p%40ss@host/0", "redis://***@host:6379"},
		{"rediss://joe@host?ca=/ca.pem&cert=/c.pem&key=/k.pem&serverName=redis.example.com", "rediss://***@host:6379"},
		{"unix:///run/redis.sock", "unix:///run/redis.sock"},
		{"unix://user:secret@/run/redis.sock?db=3", "unix://***@/run/redis.sock?db=3"},
		{"redis+sentinel://a,b:26380/shop", "redis+sentinel://a:26379,b:26380/shop"},
		{"redis+sentinel://u:p@a/shop/2?sentinelUser=u&sentinelPassword=geheim", "redis+sentinel://***@a:26379/shop/2"},
		{"rediss+sentinel://a/shop?ca=/ca.pem", "rediss+sentinel://a:26379/shop"},
		{"redis+cluster://a,b:7001,[::1]:7002", "redis+cluster://a:6379,b:7001,[::1]:7002"},
		{"rediss+cluster://:secret@a/0", "rediss+cluster://***@a:6379"},
		{"file:///var/leases", "file:///var/leases"},
		{"file:leases", "file:leases"},
	} {
		accepts(t, engine.LockStore{URL: c.url}, c.shown)
	}
	for _, c := range []struct {
		store engine.LockStore
		shown string
	}{
		{engine.LockStore{Hosts: []string{"a"}}, "redis://a:6379"},
		{engine.LockStore{Hosts: []string{"a:1"}, DB: 3, User: "joe", Password: "geheim"}, "redis://***@a:1/3"},
		{engine.LockStore{Hosts: []string{"a"}, CA: "/ca.pem"}, "rediss://a:6379"},
		{engine.LockStore{Hosts: []string{"a", "b"}, Master: "shop", DB: 1, TLS: true}, "rediss+sentinel://a:26379,b:26379/shop/1"},
		{engine.LockStore{Hosts: []string{"a", "b"}, Cluster: true}, "redis+cluster://a:6379,b:6379"},
		{engine.LockStore{Socket: "/run/redis.sock", DB: 2}, "unix:///run/redis.sock?db=2"},
		{engine.LockStore{Folder: "/var/leases"}, "file:///var/leases"},
		{engine.LockStore{URL: "rediss://a/2", User: "joe", Password: "geheim", CA: "/ca.pem"}, "rediss://***@a:6379/2"},
		{engine.LockStore{URL: "redis://a", DB: 2}, "redis://a:6379/2"},
	} {
		accepts(t, c.store, c.shown)
	}
}

// accepts checks that a store is taken, and what it is called.
func accepts(t *testing.T, cfg engine.LockStore, shown string) {
	t.Helper()
	if err := lockstore.Validate(cfg); err != nil {
		t.Errorf("%+v: %v", cfg, err)
	}
	store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "n", Dir: t.TempDir()})
	if err != nil || store == nil {
		t.Errorf("%+v: %v", cfg, err)
		return
	}
	defer store.Close()
	if _, ok := store.(lockstore.Preparer); !ok {
		t.Errorf("%+v: no Preparer", cfg)
	}
	if got := lockstore.Shown(cfg); got != shown {
		t.Errorf("%+v is shown as %s, not %s", cfg, got, shown)
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
		{"redis+sentinel://a,b/shop?sentinelPassword=hunter2", "redis+sentinel://a,b/shop?***"},
	} {
		if got := lockstore.Redact(c.url); got != c.want {
			t.Errorf("%s is shown as %s, not %s", c.url, got, c.want)
		}
	}
}

// FuzzRedact looks for a password that gets into an error, a redacted URL, or
// what a store is called.
func FuzzRedact(f *testing.F) {
	for _, password := range []string{"", "/", "@", "?", "#", "%", ":", " ", "[", "\x00", "://", "?db=", ",", "]:1"} {
		f.Add(password, "redis", "localhost:6379/0")
		f.Add(password, "resis", "localhost/x?y")
		f.Add(password, "redis+sentinel", "a,b/shop?ca=/x")
	}
	f.Fuzz(func(t *testing.T, odd, scheme, rest string) {
		if strings.Contains(scheme+rest, "hunter") || strings.ContainsAny(scheme+rest, "@") {
			t.Skip()
		}
		url := scheme + "://:hunter1" + odd + "hunter2@" + rest
		cfg := engine.LockStore{URL: url}
		if shown := lockstore.Redact(url); strings.Contains(shown, "hunter") {
			t.Errorf("%q is shown as %q", url, shown)
		}
		if err := lockstore.Validate(cfg); err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", url, err)
		} else if err == nil && strings.Contains(lockstore.Shown(cfg), "hunter") {
			t.Errorf("%q is called %q", url, lockstore.Shown(cfg))
		}
	})
}
