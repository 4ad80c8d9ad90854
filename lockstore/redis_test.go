package lockstore_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
	"slavedriver/lockstore"
	"slavedriver/lockstore/locktest"
)

func TestMiniredis(t *testing.T) {
	t.Parallel()
	locktest.Run(t, locktest.Subject{New: newMiniredis, Join: join})
}

func newMiniredis(t *testing.T, _ bool) locktest.World {
	m, c := miniredis.RunT(t), newClock()
	m.SetTime(c.now())
	m.ClockTTL(true) // keys expire as that time goes on
	url := "redis://" + m.Addr()
	return locktest.World{
		Open: func() engine.Store { return open(t, url) }, Now: c.now, Virtual: true, Address: url,
		Advance: func(d time.Duration) { c.advance(d); m.SetTime(c.now()) },
		Forget:  m.FlushAll,
		Claim:   engine.ClaimFor, Lease: engine.LeaseFor,
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	var s *server
	if !locktest.Joined() {
		s = startServer(t)
	}
	var databases atomic.Int64
	locktest.Run(t, locktest.Subject{Join: join, New: func(t *testing.T, timed bool) locktest.World {
		return newRedis(t, s, int(databases.Add(1)), timed)
	}})
}

// newRedis is a database of a real server. Its time is real: where a test lets
// leases run out they are short.
func newRedis(t *testing.T, s *server, db int, timed bool) locktest.World {
	url := fmt.Sprintf("redis://%s/%d", s.addr, db)
	claim, lease := engine.ClaimFor, engine.LeaseFor
	if timed {
		claim, lease = time.Second, time.Second
	}
	return locktest.World{
		Open: func() engine.Store { return lockstore.WithTerms(open(t, url), claim, lease) },
		Now:  time.Now, Advance: time.Sleep, Address: url,
		Forget: func() { s.flush(db) },
		Claim:  claim, Lease: lease,
	}
}

func open(t *testing.T, url string) engine.Store {
	t.Helper()
	store, err := join(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// calls counts what a client sends; a pipeline counts once.
type calls struct{ trips, dials atomic.Int64 }

func (c *calls) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c.dials.Add(1)
		return next(ctx, network, addr)
	}
}

func (c *calls) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() != "hello" { // of a new connection
			c.trips.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (c *calls) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.trips.Add(1)
		return next(ctx, cmds)
	}
}

func TestRedisThousandLeasesInTwoRoundTrips(t *testing.T) {
	s := startServer(t)
	claims := make([]engine.Claim, 1000)
	for i := range claims {
		claims[i] = claim(fmt.Sprint("job-", i))
	}
	first := open(t, "redis://"+s.addr)
	if err := first.(lockstore.Preparer).Prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	store, count := open(t, "redis://"+s.addr), &calls{}
	lockstore.ClientOf(store).AddHook(count)
	if _, err := store.Acquire(context.Background(), nil); err != nil || count.dials.Load() != 0 {
		t.Errorf("asked nothing, it dialled %d times (%v)", count.dials.Load(), err)
	}
	begin := time.Now()
	for _, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm} {
		grants, err := do(context.Background(), claims)
		granted(t, grants, err)
	}
	t.Logf("took %s", time.Since(begin))
	if count.trips.Load() != 2 {
		t.Errorf("%d round trips", count.trips.Load())
	}
}

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
	store := open(t, "redis://"+m.Addr())
	grants, err := store.Acquire(context.Background(), []engine.Claim{claim("job")})
	granted(t, grants, err)
	born := 0
	for _, key := range m.Keys() {
		if strings.HasSuffix(key, ":born") {
			born++
			if m.TTL(key) != 0 {
				t.Errorf("%s expires", key)
			}
		}
	}
	if born != lockstore.Tags {
		t.Errorf("%d of %d tags were begun", born, lockstore.Tags)
	}
}

func TestRedisKeys(t *testing.T) {
	m := miniredis.RunT(t)
	store := open(t, "redis://"+m.Addr())
	c := claim("backup@host-1")
	grants, err := store.Confirm(context.Background(), []engine.Claim{c})
	granted(t, grants, err)
	keys := lockstore.KeysOf(store, c.Key)
	tag, _, _ := strings.Cut(keys[0], ":born")
	for i, suffix := range []string{":born", ":lease:backup%40host-1", ":used:backup%40host-1"} {
		if keys[i] != tag+suffix || !m.Exists(keys[i]) || !strings.HasPrefix(tag, "slavedriver:{shop.") {
			t.Errorf("key %q", keys[i])
		}
		if (m.TTL(keys[i]) == 0) != (i == 0) {
			t.Errorf("%s lives for %s", keys[i], m.TTL(keys[i]))
		}
	}
}

func TestRedisNamespacesAreApart(t *testing.T) {
	m := miniredis.RunT(t)
	var stores []engine.Store
	for _, namespace := range []string{"shop", "shop}"} {
		store, err := lockstore.Open(engine.LockStore{URL: "redis://" + m.Addr()}, lockstore.Options{Namespace: namespace})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		stores = append(stores, store)
	}
	namespacesAreApart(t, stores[0], stores[1])
}

func TestRedisUsedInstantsAreBounded(t *testing.T) {
	m, c := miniredis.RunT(t), newClock()
	store := open(t, "redis://"+m.Addr())
	ask := claim("job")
	for range 60 {
		m.SetTime(c.now())
		ask.Instant, ask.Token, ask.Remember = ask.Instant.Add(time.Minute), ask.Token+"x", 10*time.Minute
		grants, err := store.Confirm(context.Background(), []engine.Claim{ask})
		granted(t, grants, err)
		if err := store.Release(context.Background(), []engine.Claim{ask}); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Minute)
	}
	if members, err := m.ZMembers(lockstore.KeysOf(store, "job")[2]); err != nil || len(members) > 12 {
		t.Errorf("%d instants are remembered (%v)", len(members), err)
	}
}

func TestRedisScriptForgotten(t *testing.T) {
	s := startServer(t)
	store := open(t, "redis://"+s.addr)
	for range 2 {
		grants, err := store.Acquire(context.Background(), []engine.Claim{claim("a"), claim("b")})
		granted(t, grants, err)
		if err := lockstore.ClientOf(store).ScriptFlush(context.Background()).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRedisRestartedEmpty(t *testing.T) {
	s := startServer(t)
	store := open(t, "redis://"+s.addr)
	c := claim("job")
	grants, err := store.Confirm(context.Background(), []engine.Claim{c})
	granted(t, grants, err)
	before := time.Now()
	s.kill()
	if _, err := store.Acquire(context.Background(), []engine.Claim{c}); err == nil {
		t.Fatal("a dead server answered")
	}
	s.start()
	old, next := c, claim("job")
	old.Instant, old.Token = before.Truncate(time.Second), "t2"
	next.Instant, next.Token = next.Instant.Add(time.Hour), "t3"
	after, err := store.Acquire(context.Background(), []engine.Claim{old, next})
	if err != nil || after[0].Answer != engine.Forgotten || after[1].Answer != engine.Granted {
		t.Fatalf("%+v, %v", after, err)
	}
	if after[1].Fence <= grants[0].Fence {
		t.Errorf("the fence went from %d to %d", grants[0].Fence, after[1].Fence)
	}
}

func TestRedisOverASocket(t *testing.T) {
	s := startServer(t)
	url := "unix://" + s.socket + "?db=3"
	store := open(t, url)
	c := claim("job")
	grants, err := store.Confirm(context.Background(), []engine.Claim{c})
	granted(t, grants, err)
	other := c
	other.Token = "another"
	same, err := open(t, fmt.Sprintf("redis://%s/3", s.addr)).Acquire(context.Background(), []engine.Claim{other})
	if err != nil || same[0].Answer != engine.Used {
		t.Errorf("by TCP: %+v, %v", same, err)
	}
}

func TestRedisPassword(t *testing.T) {
	s := startServer(t, "--requirepass", "hunter2")
	withPassword := func(url, password string) error {
		store, err := lockstore.Open(engine.LockStore{URL: url},
			lockstore.Options{Namespace: "shop", Password: func() string { return password }})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		_, err = store.Acquire(context.Background(), []engine.Claim{claim("job")})
		return err
	}
	if err := withPassword("redis://"+s.addr, "hunter2"); err != nil {
		t.Errorf("password from the environment: %v", err)
	}
	if err := withPassword("redis://:hunter2@"+s.addr, "other"); err != nil {
		t.Errorf("password from the URL: %v", err)
	}
	for _, url := range []string{"redis://" + s.addr, "redis://joe:hunter3@" + s.addr} {
		err := withPassword(url, "")
		if err == nil || !strings.Contains(err.Error(), "SLAVEDRIVER_REDIS_PASSWORD") || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// A server that takes the connection and says nothing must not hold a shift.
func TestRedisThatHangs(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	store := open(t, "redis://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	for what, ctx := range map[string]context.Context{"the caller's patience": ctx, "its own": context.Background()} {
		begin := time.Now()
		if _, err := store.Acquire(ctx, []engine.Claim{claim("job")}); err == nil {
			t.Errorf("%s: it answered", what)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%s: took %s", what, took)
		}
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
	_, err = open(t, "redis://:hunter2@"+addr).Acquire(context.Background(), []engine.Claim{claim("job")})
	if err == nil || strings.Contains(err.Error(), "hunter") || !strings.Contains(err.Error(), "***@"+addr) {
		t.Errorf("the error is %v", err)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %s", took)
	}
}
