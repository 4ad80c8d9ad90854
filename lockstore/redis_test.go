package lockstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// claim is for an instant that is younger than any store of these tests.
func claim(key string) engine.Claim {
	return engine.Claim{
		Key: key, Instant: time.Now().Truncate(time.Second).Add(time.Hour),
		Token: "token of " + key, Holder: "slave", Remember: time.Hour, Met: time.Now(),
	}
}

func granted(t *testing.T, grants []engine.Grant, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range grants {
		if g.Answer != engine.Granted {
			t.Fatalf("answered %+v", g)
		}
	}
}

// The first contact begins the memory of all tags: a job added later, whose
// keys are under another tag, must not find a store that knows nothing.
func TestRedisFirstContactBeginsAllTags(t *testing.T) {
	m := miniredis.RunT(t)
	store, first := open(t, "redis://"+m.Addr()), claim("job")
	first.Met = time.Time{}
	grants, err := store.Acquire(t.Context(), []engine.Claim{first})
	granted(t, grants, err)
	born := 0
	for _, key := range m.Keys() {
		if strings.HasSuffix(key, ":born") {
			born++
			if m.TTL(key) != 0 {
				t.Errorf("%s expires", key)
			}
			if value, _ := m.Get(key); strings.Contains(value, "lost") {
				t.Errorf("%s is %s", key, value)
			}
		}
	}
	if born != lockstore.Tags {
		t.Errorf("%d of %d tags were begun", born, lockstore.Tags)
	}
}

// The first contact after a loss tells all tags, so that those who cannot know
// are not answered as if the store were new.
func TestRedisLossIsToldToAllTags(t *testing.T) {
	m := miniredis.RunT(t)
	store, old := open(t, "redis://"+m.Addr()), claim("job")
	old.Met = old.Met.Add(-time.Hour)
	if _, err := store.Acquire(t.Context(), []engine.Claim{old}); err != nil {
		t.Fatal(err)
	}
	told := slices.DeleteFunc(m.Keys(), func(key string) bool {
		value, err := m.Get(key)
		return err != nil || !strings.HasSuffix(value, " lost")
	})
	if len(told) != lockstore.Tags {
		t.Errorf("%d of %d tags know of it", len(told), lockstore.Tags)
	}
}

func TestRedisKeys(t *testing.T) {
	m := miniredis.RunT(t)
	store := open(t, "redis://"+m.Addr())
	c := claim("backup@host-1")
	grants, err := store.Confirm(t.Context(), []engine.Claim{c})
	granted(t, grants, err)
	keys := lockstore.KeysOf(store, c)
	tag, _, _ := strings.Cut(keys[0], ":born")
	lives := []time.Duration{0, 4 * time.Hour, time.Hour}
	for i, suffix := range []string{":born", ":lease:backup%40host-1", fmt.Sprint(":used:backup%40host-1:", c.Instant.Unix())} {
		if keys[i] != tag+suffix || !m.Exists(keys[i]) || !strings.HasPrefix(tag, "slavedriver:{shop.") {
			t.Errorf("key %q", keys[i])
		}
		if m.TTL(keys[i]) != lives[i] {
			t.Errorf("%s lives for %s", keys[i], m.TTL(keys[i]))
		}
	}
}

// The table of keys is in two places for two kinds of readers.
func TestRedisKeysAreDocumented(t *testing.T) {
	source, err := os.ReadFile("lockstore.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^//\s+(slavedriver:\S+)\s{2,}(.+?)\s{2,}(.+)$`).FindAllStringSubmatch(string(source), -1)
	if len(rows) != 3 {
		t.Errorf("lockstore.go has %d rows", len(rows))
	}
	for _, row := range rows {
		if want := fmt.Sprintf("| `%s` | %s | %s |", row[1], row[2], row[3]); !strings.Contains(string(page), want) {
			t.Errorf("docs/redis.md has no row\n%s", want)
		}
	}
}

// commandsSince are the commands that the script may use, with the version of
// Redis that has them as they are used. Another one must be no newer than 6.2.
var commandsSince = map[string]string{
	"TIME": "2.6", "GET": "1.0", "SET": "2.6.12 (NX, PX)", "HMGET": "2.0", "HSET": "4.0 (several fields)", "PEXPIRE": "2.6",
}

func TestRedisCommandsAreOld(t *testing.T) {
	script, err := os.ReadFile("lease.lua")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(?:p?call|redis\.\w+)\('?(\w*)`).FindAllStringSubmatch(string(script), -1) {
		used[m[1]] = true
		if commandsSince[m[1]] == "" {
			t.Errorf("the script uses %q: since when is that?", m[0])
		}
	}
	if len(used) != len(commandsSince) {
		t.Errorf("it uses %v", used)
	}
}

func TestRedisNamespacesAreApart(t *testing.T) {
	m := miniredis.RunT(t)
	namespacesAreApart(t, open(t, "redis://"+m.Addr()+" shop"), open(t, "redis://"+m.Addr()+" shop}"))
}

func TestRedisUsedInstantsAreBounded(t *testing.T) {
	m, c := miniredis.RunT(t), newClock()
	m.ClockTTL(true)
	store := open(t, "redis://"+m.Addr())
	ask := claim("job")
	for range 60 {
		m.SetTime(c.now())
		ask.Instant, ask.Token, ask.Remember = ask.Instant.Add(time.Minute), ask.Token+"x", 10*time.Minute
		grants, err := store.Confirm(t.Context(), []engine.Claim{ask})
		granted(t, grants, err)
		if _, err := store.Release(t.Context(), []engine.Claim{ask}); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Minute)
	}
	m.SetTime(c.now())
	used := slices.DeleteFunc(m.Keys(), func(key string) bool { return !strings.Contains(key, ":used:") })
	if len(used) != 9 {
		t.Errorf("%d instants are remembered", len(used))
	}
}

func TestRedisScriptForgotten(t *testing.T) {
	s := startServer(t)
	store := open(t, "redis://"+s.addr)
	for range 2 {
		grants, err := store.Acquire(t.Context(), []engine.Claim{claim("a"), claim("b")})
		granted(t, grants, err)
		s.do("script", "flush")
	}
}

func TestRedisOverASocket(t *testing.T) {
	s := startServer(t)
	store := open(t, "unix://"+s.socket+"?db=3")
	c := claim("job")
	grants, err := store.Confirm(t.Context(), []engine.Claim{c})
	granted(t, grants, err)
	other := c
	other.Token = "another"
	same, err := open(t, fmt.Sprintf("redis://%s/3", s.addr)).Acquire(t.Context(), []engine.Claim{other})
	if err != nil || same[0].Answer != engine.Used {
		t.Errorf("by TCP: %+v, %v", same, err)
	}
}

// A user of its own needs no more than docs/redis.md says.
func TestRedisUserWithFewRights(t *testing.T) {
	s := startServer(t)
	rights := strings.Fields("on >geheim ~slavedriver:{shop.* +eval +evalsha +select +time +get +set +hmget +hset +pexpire")
	args := []any{"acl", "setuser", "slavedriver"}
	for _, right := range rights {
		args = append(args, right)
	}
	s.do(args...)
	page, err := os.ReadFile("../docs/redis.md")
	if err != nil || !strings.Contains(string(page), strings.Join(rights[2:], " ")) {
		t.Errorf("docs/redis.md says something else (%v)", err)
	}
	store := open(t, "redis://slavedriver:geheim@"+s.addr+"/1")
	c := []engine.Claim{claim("job")}
	for _, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm, store.Renew} {
		grants, err := do(t.Context(), c)
		granted(t, grants, err)
	}
	if _, err := store.Release(t.Context(), c); err != nil {
		t.Error(err)
	}
	_, err = open(t, "redis://slavedriver:geheim@"+s.addr+" other").Acquire(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "NOPERM") {
		t.Errorf("in another namespace: %v", err)
	}
}

func TestRedisRefusesConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	begin := time.Now()
	_, err = open(t, "redis://:hunter2@"+addr).Acquire(t.Context(), []engine.Claim{claim("job")})
	if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "***@"+addr) {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %s", took)
	}
}
