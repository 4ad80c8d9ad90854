package lockstore_test

import (
	"context"
	"fmt"
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

// Here the conformance suite runs on each kind of store that Redis makes:
// miniredis always, real servers where they are installed.

func TestMiniredis(t *testing.T) {
	t.Parallel()
	locktest.Run(t, locktest.Subject{Join: join, New: func(t *testing.T, _ bool) locktest.World {
		return newMiniredis(t, "redis://%s")
	}})
}

// A cluster of one node is enough to go the way of a cluster's client.
func TestMiniredisCluster(t *testing.T) {
	t.Parallel()
	locktest.Run(t, locktest.Subject{Join: join, New: func(t *testing.T, _ bool) locktest.World {
		return newMiniredis(t, "redis+cluster://%s")
	}})
}

func newMiniredis(t *testing.T, url string) locktest.World {
	m, c := miniredis.RunT(t), newClock()
	m.SetTime(c.now())
	m.ClockTTL(true) // keys expire as that time goes on
	url = fmt.Sprintf(url, m.Addr())
	return locktest.World{
		Open: func() engine.Store { return open(t, url) }, Now: c.now, Virtual: true, Address: url,
		Advance: func(d time.Duration) { c.advance(d); m.SetTime(c.now()) },
		Forget:  m.FlushAll,
		Claim:   engine.ClaimFor, Lease: engine.LeaseFor,
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	onServers(t, func() (string, redis.UniversalClient) {
		s := startServer(t)
		return "redis://" + s.addr, redis.NewClient(&redis.Options{Addr: s.addr})
	})
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	onServers(t, func() (string, redis.UniversalClient) {
		c := startCluster(t)
		return c.url(), c.client()
	})
}

func TestRedisSentinel(t *testing.T) {
	t.Parallel()
	onServers(t, func() (string, redis.UniversalClient) {
		w := startWatched(t)
		return w.url(), redis.NewClient(&redis.Options{Addr: w.master.addr})
	})
}

// onServers runs the suite on real servers, all of it on the same ones: each
// world has a namespace of its own.
func onServers(t *testing.T, start func() (url string, client redis.UniversalClient)) {
	var url string
	var client redis.UniversalClient
	if !locktest.Joined() {
		url, client = start()
		t.Cleanup(func() { _ = client.Close() })
	}
	var worlds atomic.Int64
	locktest.Run(t, locktest.Subject{Join: join, New: func(t *testing.T, timed bool) locktest.World {
		return newWorld(t, url, client, fmt.Sprint("world", worlds.Add(1)), timed)
	}})
}

// newWorld is a namespace of real servers. Their time is real: where a test
// lets leases run out they are short.
func newWorld(t *testing.T, url string, client redis.UniversalClient, namespace string, timed bool) locktest.World {
	claim, lease := engine.ClaimFor, engine.LeaseFor
	if timed {
		claim, lease = time.Second, time.Second
	}
	address := url + " " + namespace
	return locktest.World{
		Open: func() engine.Store { return lockstore.WithTerms(open(t, address), claim, lease) },
		Now:  time.Now, Advance: time.Sleep, Address: address,
		Forget: func() { forget(t, client, namespace) },
		Claim:  claim, Lease: lease,
	}
}

// forget removes all keys of a namespace, from each node.
func forget(t *testing.T, client redis.UniversalClient, namespace string) {
	t.Helper()
	remove := func(ctx context.Context, node *redis.Client) error {
		keys, err := node.Keys(ctx, "slavedriver:{"+namespace+".*").Result()
		for _, key := range keys {
			err = node.Del(ctx, key).Err()
		}
		return err
	}
	err := error(nil)
	switch c := client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(t.Context(), remove)
	case *redis.Client:
		err = remove(t.Context(), c)
	}
	if err != nil {
		t.Error(err)
	}
}

// join opens a store as another process does: "URL" or "URL namespace".
func join(address string) (engine.Store, error) {
	url, namespace, _ := strings.Cut(address, " ")
	if namespace == "" {
		namespace = "shop"
	}
	return lockstore.Open(engine.LockStore{URL: url}, lockstore.Options{Namespace: namespace})
}

// open opens a store for the time of the test.
func open(t testing.TB, address string) engine.Store {
	t.Helper()
	store, err := join(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}
