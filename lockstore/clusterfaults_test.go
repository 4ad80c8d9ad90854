package lockstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// many are claims of enough jobs to have some on each node.
func many(n int) []engine.Claim {
	claims := make([]engine.Claim, n)
	for i := range claims {
		claims[i] = claim(fmt.Sprint("job-", i))
	}
	return claims
}

// othersOf is the same claims of another slave, b.
func othersOf(claims ...engine.Claim) []engine.Claim {
	others := make([]engine.Claim, len(claims))
	for i, c := range claims {
		c.Token, c.Holder = "b's "+c.Token, "b"
		others[i] = c
	}
	return others
}

// meeting lets no node's pipeline go before all three were sent one.
type meeting struct {
	all   sync.WaitGroup
	trips atomic.Int64
}

func (m *meeting) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (m *meeting) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }
func (m *meeting) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if m.trips.Add(1) <= 3 {
			m.all.Done()
			m.all.Wait()
		}
		return next(ctx, cmds)
	}
}

// On a cluster all that is asked goes to all nodes at the same time, once.
func TestClusterOneRoundTripToEachNode(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	for _, node := range c.nodes { // what docs/redis.md says is enough
		node.do("acl", "setuser", "slavedriver", "on", ">geheim", "~slavedriver:{shop.*",
			"+eval", "+evalsha", "+time", "+get", "+set", "+hmget", "+hset", "+pexpire", "+cluster|slots", "+asking")
	}
	first := open(t, strings.Replace(c.url(), "://", "://slavedriver:geheim@", 1))
	if err := first.(lockstore.Preparer).Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	store, m := open(t, c.url()), &meeting{}
	m.all.Add(3)
	lockstore.ClientOf(store).(*redis.ClusterClient).OnNewNode(func(node *redis.Client) { node.AddHook(m) })
	claims := many(1000)
	for i, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm} {
		grants, err := do(t.Context(), claims)
		granted(t, grants, err)
		if n := m.trips.Load(); n != int64(3*(i+1)) {
			t.Errorf("%d pipelines", n)
		}
	}
}

// A slot that moves from node to node takes its leases along.
func TestClusterSlotMoves(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	a, b := open(t, c.url()), open(t, c.url())
	claims := many(50)
	grants, err := a.Confirm(t.Context(), claims)
	granted(t, grants, err)
	if _, err := b.Acquire(t.Context(), othersOf(claims...)); err != nil {
		t.Fatal(err)
	}
	key := lockstore.KeysOf(a, claims[0])[0]
	from, slot := c.nodeOf(key)
	to := c.nodes[0]
	if to == from {
		to = c.nodes[1]
	}
	to.do("cluster", "setslot", slot, "importing", from.id())
	from.do("cluster", "setslot", slot, "migrating", to.id())
	keys, _ := from.do("cluster", "getkeysinslot", slot, 10000).([]any)
	for i, key := range keys {
		if i == len(keys)/2 { // in the middle that slot may give no answer, but no wrong one
			if grants, err := b.Acquire(t.Context(), othersOf(claims...)); err == nil {
				refused(t, slices.DeleteFunc(grants, func(g engine.Grant) bool { return g.Answer == engine.Unreached }), engine.Used)
			}
		}
		from.do("migrate", "127.0.0.1", to.port, key, 0, 5000)
	}
	for _, node := range c.nodes {
		node.do("cluster", "setslot", slot, "node", to.id())
	}
	grants, err = b.Acquire(t.Context(), othersOf(claims...))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, grants, engine.Used)
	grants, err = a.Renew(t.Context(), claims)
	granted(t, grants, err)
}

func refused(t *testing.T, grants []engine.Grant, answer engine.Answer) {
	t.Helper()
	for i, g := range grants {
		if g.Answer != answer {
			t.Fatalf("%d: answered %+v, not %d", i, g, answer)
		}
	}
}

// While a node is gone of a cluster that is to serve all or nothing, there is an
// error in time. When it comes back empty, its tags alone have lost their memory.
func TestClusterNodeIsLost(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	a, b := open(t, c.url()), open(t, c.url())
	first := claim("first contact")
	first.Met = time.Time{}
	if _, err := a.Acquire(t.Context(), []engine.Claim{first}); err != nil {
		t.Fatal(err)
	}
	claims := many(100)
	for i := range claims {
		claims[i].Instant = time.Now().Truncate(time.Second).Add(time.Second)
	}
	grants, err := a.Confirm(t.Context(), claims)
	granted(t, grants, err)
	lost := c.nodes[2]
	lost.kill()
	_ = gives(t, b, t.Context(), 10*time.Second)
	lost.start()
	c.awaitWhole()
	theirs := othersOf(claims...)
	for i := range theirs {
		theirs[i].Met = time.Now().Add(-time.Minute)
	}
	grants, err = retried(t, b.Acquire, theirs...)
	if err != nil {
		t.Fatal(err)
	}
	forgotten := 0
	for i, g := range grants {
		node, _ := c.nodeOf(lockstore.KeysOf(a, claims[i])[0])
		want := engine.Used
		if node == lost {
			want = engine.Forgotten
			forgotten++
		}
		if g.Answer != want {
			t.Errorf("%s was answered %+v", claims[i].Key, g)
		}
	}
	if forgotten == 0 || forgotten == len(claims) {
		t.Errorf("%d of %d were on that node", forgotten, len(claims))
	}
}
