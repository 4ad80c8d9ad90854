package lockstore_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	mini "github.com/alicebob/miniredis/v2/server"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// watched is a server with one replica, and three sentinels that watch them.
type watched struct {
	t               testing.TB
	master, replica *server
	sentinels       []*server
}

// startWatched starts all of it, with sentinels that are quick to judge.
func startWatched(t testing.TB) *watched {
	t.Helper()
	w := &watched{t: t, master: startServer(t)}
	w.replica = startReplica(t, w.master)
	for range 3 {
		w.sentinels = append(w.sentinels, startSentinel(t, w.master))
	}
	w.awaitSync()
	for _, s := range w.sentinels {
		await(t, "the sentinels to know each other and the replica", func() bool {
			text, _ := s.do("info", "sentinel").(string)
			return strings.Contains(text, "slaves=1,sentinels=3")
		})
	}
	return w
}

// startReplica starts one that does not wait for others to come.
func startReplica(t testing.TB, master *server) *server {
	t.Helper()
	master.do("config", "set", "repl-diskless-sync-delay", "0")
	return startServer(t, "--replicaof", fmt.Sprint("127.0.0.1 ", master.port))
}

func startSentinel(t testing.TB, master *server) *server {
	return startProgram(t, "redis-sentinel", func(s *server) []string {
		conf := filepath.Join(filepath.Dir(s.socket), "sentinel.conf")
		text := fmt.Sprintf("port %d\nsentinel monitor shop 127.0.0.1 %d 2\n"+
			"sentinel down-after-milliseconds shop 400\nsentinel failover-timeout shop 3000\n", s.port, master.port)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{conf}
	})
}

func (w *watched) url() string {
	addrs := make([]string, len(w.sentinels))
	for i, s := range w.sentinels {
		addrs[i] = s.addr
	}
	return "redis+sentinel://" + strings.Join(addrs, ",") + "/shop"
}

// awaitSync waits until the replica has all that the master has.
func (w *watched) awaitSync() {
	w.t.Helper()
	await(w.t, "the replica", func() bool {
		return w.replica.info("replication", "master_link_status") == "up" &&
			w.replica.info("replication", "slave_repl_offset") == w.master.info("replication", "master_repl_offset")
	})
}

// failOver kills the master and waits until the replica is the master.
func (w *watched) failOver() {
	w.t.Helper()
	w.master.kill()
	await(w.t, "the sentinels to promote the replica", func() bool {
		return w.replica.info("replication", "role") == "master"
	})
}

// oracle is a sentinel of a few lines, for what real ones do not do on demand.
type oracle struct {
	addr   string
	mu     sync.Mutex
	master string // "": it knows none
}

func startOracle(t *testing.T, master, password string) *oracle {
	t.Helper()
	s, err := mini.NewServer("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o := &oracle{addr: s.Addr().String(), master: master}
	known := sync.Map{} // peers that said the password
	register := func(name string, do mini.Cmd) {
		if err := s.Register(name, do); err != nil {
			t.Fatal(err)
		}
	}
	register("HELLO", func(c *mini.Peer, _ string, _ []string) { c.WriteError("ERR unknown command 'hello'") })
	register("AUTH", func(c *mini.Peer, _ string, args []string) {
		if args[len(args)-1] != password {
			c.WriteError("WRONGPASS invalid username-password pair or user is disabled.")
			return
		}
		known.Store(c, true)
		c.WriteOK()
	})
	register("SENTINEL", func(c *mini.Peer, _ string, args []string) {
		o.mu.Lock()
		defer o.mu.Unlock()
		host, port, _ := net.SplitHostPort(o.master)
		switch _, ok := known.Load(c); {
		case password != "" && !ok:
			c.WriteError("NOAUTH Authentication required.")
		case args[1] != "shop" || o.master == "":
			c.WriteLen(-1)
		default:
			c.WriteStrings([]string{host, port})
		}
	})
	return o
}

func (o *oracle) name(master string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.master = master
}

// One sentinel that answers is enough, at once, whatever the others do.
func TestSentinelsOfWhichOneAnswers(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	hanging, _ := listen(t, "tcp", "127.0.0.1:0", hang)
	good := startOracle(t, m.Addr(), "")
	store := open(t, "redis+sentinel://"+hanging+","+hanging+","+good.addr+",127.0.0.1:1/shop/2")
	begin := time.Now()
	grants, err := store.Acquire(t.Context(), []engine.Claim{claim("job")})
	granted(t, grants, err)
	if took := time.Since(begin); took > time.Second {
		t.Errorf("took %s", took)
	}
	if len(m.DB(2).Keys()) == 0 || len(m.Keys()) > 0 {
		t.Error("the leases are in another database")
	}
}

func TestSentinelsThatDoNotHelp(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	locked := startOracle(t, m.Addr(), secret)
	nothing := startOracle(t, "", "")
	gone := startOracle(t, "127.0.0.1:1", "")
	for _, c := range []struct{ what, url, want string }{
		{"none knows it", nothing.addr + "/shop", "no sentinel says where \"shop\" is: sentinel " + nothing.addr + " knows no server of that name"},
		{"none is there", "127.0.0.1:1/shop", "no sentinel says where \"shop\" is: sentinel 127.0.0.1:1: dial tcp"},
		{"the server is gone", gone.addr + "/shop", "dial tcp 127.0.0.1:1"},
		{"no password", locked.addr + "/shop", "$SLAVEDRIVER_SENTINEL_PASSWORD"},
		{"another password", locked.addr + "/shop?sentinelPassword=hunter3", "WRONGPASS"},
	} {
		err := claims(t, engine.LockStore{URL: "redis+sentinel://" + c.url})
		wantsError(t, c.what, err, c.want)
		if err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	for _, cfg := range []engine.LockStore{
		{URL: "redis+sentinel://" + locked.addr + "/shop?sentinelUser=joe&sentinelPassword=" + secretInURL},
		{Hosts: []string{nothing.addr, locked.addr}, Master: "shop", SentinelPassword: secret},
	} {
		if err := claims(t, cfg); err != nil {
			t.Error(err)
		}
	}
	store, err := lockstore.Open(engine.LockStore{URL: "redis+sentinel://" + locked.addr + "/shop"},
		lockstore.Options{Namespace: "shop", SentinelPassword: func() string { return secret }})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	grants, err := store.Acquire(t.Context(), []engine.Claim{claim("job")})
	granted(t, grants, err)
}

// After a failure the sentinels are asked again, also when the old server is
// still there and answers as a replica does.
func TestSentinelsNameAnotherServer(t *testing.T) {
	old, next := startServer(t), miniredis.RunT(t)
	o := startOracle(t, old.addr, "")
	store, other := open(t, "redis+sentinel://"+o.addr+"/shop"), open(t, "redis+sentinel://"+o.addr+"/shop")
	c := []engine.Claim{claim("job")}
	grants, err := store.Confirm(t.Context(), c)
	granted(t, grants, err)
	old.do("replicaof", "127.0.0.1", "1")
	o.name(next.Addr())
	_, err = store.Confirm(t.Context(), c)
	wantsError(t, "a replica", err, "READONLY")
	o.name(old.addr) // a sentinel that is late
	_, err = other.Acquire(t.Context(), othersOf(c...))
	wantsError(t, "a replica that would refuse", err, "READONLY")
	o.name(next.Addr())
	grants, err = store.Confirm(t.Context(), c)
	granted(t, grants, err)
}
