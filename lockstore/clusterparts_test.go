package lockstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// crippled is a cluster that goes on without one of its nodes, and two slaves'
// claims of the same instants, of which each node has some.
type crippled struct {
	*redisCluster
	t            *testing.T
	lost         *server
	a, b         engine.Store
	mine, theirs []engine.Claim
}

func newCrippled(t *testing.T) *crippled {
	t.Helper()
	c := &crippled{redisCluster: startCluster(t, "--cluster-require-full-coverage", "no"), t: t}
	c.lost, c.a, c.b = c.nodes[2], open(t, c.url()), open(t, c.url())
	first := claim("first contact")
	first.Met = time.Time{}
	if _, err := c.a.Acquire(t.Context(), []engine.Claim{first}); err != nil {
		t.Fatal(err)
	}
	c.mine = many(100)
	for i := range c.mine {
		c.mine[i].Instant = time.Now().Truncate(time.Second).Add(time.Second)
	}
	c.theirs = othersOf(c.mine...)
	grants, err := c.a.Acquire(t.Context(), c.mine)
	granted(t, grants, err)
	return c
}

// away says whether a claim is the lost node's.
func (c *crippled) away(of engine.Claim) bool {
	node, _ := c.nodeOf(lockstore.KeysOf(c.a, of)[0])
	return node == c.lost
}

// wants asks, and expects one answer from the nodes that are there, and from the
// other one none, in time.
func (c *crippled) wants(what string, do func(context.Context, []engine.Claim) ([]engine.Grant, error), claims []engine.Claim, answer engine.Answer, within time.Duration) {
	c.t.Helper()
	begin := time.Now()
	grants, err := do(c.t.Context(), claims)
	took := time.Since(begin)
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
	c.t.Logf("%s took %s", what, took)
	if took > within {
		c.t.Errorf("%s took %s", what, took)
	}
	for i, g := range grants {
		switch want := c.expected(claims[i], answer); {
		case g.Answer != want:
			c.t.Fatalf("%s: %s was answered %+v, not %d", what, claims[i].Key, g, want)
		case want != engine.Unreached && (g.Why != nil || g.Now.IsZero()):
			c.t.Fatalf("%s: %s was answered %+v", what, claims[i].Key, g)
		case want == engine.Unreached && (g.Why == nil || !strings.Contains(g.Why.Error(), c.lost.addr) || !g.Now.IsZero()):
			c.t.Fatalf("%s: %s was not answered: %+v", what, claims[i].Key, g)
		}
	}
}

func (c *crippled) expected(of engine.Claim, answer engine.Answer) engine.Answer {
	if c.away(of) {
		return engine.Unreached
	}
	return answer
}

// split are the claims of the lost node, and the others.
func (c *crippled) split(claims []engine.Claim) (away, here []engine.Claim) {
	for _, one := range claims {
		if c.away(one) {
			away = append(away, one)
		} else {
			here = append(here, one)
		}
	}
	return away, here
}

// A cluster's node without a replica is gone, or hangs: all that is asked of the
// others is answered as ever, in one call with what is not.
func TestClusterGoesOnWithoutOneNode(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(*server){"killed": (*server).kill, "stopped": (*server).pause} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := newCrippled(t)
			lose(c.lost)
			if what == "stopped" {
				t.Cleanup(c.lost.resume)
			}
			c.nodes[0].do("script", "flush") // that one has to learn it now
			// The first call waits until it is sure: 2 s and 20 ms for each claim, and
			// as long for the question where the slots are, if it went there too.
			c.wants("the first call", c.a.Confirm, c.mine, engine.Granted, 8*time.Second)
			c.wants("a renewal", c.a.Renew, c.mine, engine.Granted, time.Second)
			c.wants("the other's claim", c.b.Acquire, c.theirs, engine.Used, 8*time.Second)
			c.wants("the other's question who tells", c.b.Miss, c.theirs, engine.Used, 8*time.Second)
			c.wants("a release", c.a.Release, c.mine, engine.Granted, 8*time.Second)
			c.onlyOneSide()
			c.comesBack(what)
		})
	}
}

// onlyOneSide asks for what is on the lost node alone, and for what is not; and
// what a slave is told that has never met this store.
func (c *crippled) onlyOneSide() {
	c.t.Helper()
	away, here := c.split(c.mine)
	if len(away) == 0 || len(here) == 0 {
		c.t.Fatalf("%d and %d claims", len(away), len(here))
	}
	if _, err := c.a.Renew(c.t.Context(), away); err == nil || !strings.Contains(err.Error(), c.lost.addr) {
		c.t.Errorf("of the lost node alone: %v", err)
	}
	c.wants("of the others alone", c.b.Renew, othersOf(here...), engine.Granted, 8*time.Second)
	if err := c.a.(engine.Whole).Whole(c.t.Context(), c.mine[0].Met); err == nil || !strings.Contains(err.Error(), c.lost.addr) {
		c.t.Errorf("the cluster is whole: %v", err)
	}
	fresh := many(100)
	for i := range fresh {
		fresh[i].Key, fresh[i].Met = fmt.Sprint("fresh-", i), time.Time{}
	}
	c.wants("a new slave", open(c.t, c.url()).Acquire, fresh, engine.Granted, 8*time.Second)
}

// comesBack: then all is answered again, by a node that kept its memory as before,
// by one that lost it without starting anything twice.
func (c *crippled) comesBack(what string) {
	c.t.Helper()
	want := engine.Granted // a claimed these, and could not confirm
	if what == "killed" {
		want = engine.Forgotten
		c.lost.start()
	} else {
		c.lost.resume()
	}
	c.awaitWhole()
	away, _ := c.split(c.mine)
	for i := range away {
		away[i].Met = time.Now().Add(-time.Minute)
	}
	await(c.t, "all to answer", func() bool { return c.a.(engine.Whole).Whole(c.t.Context(), away[0].Met) == nil })
	grants, err := c.a.Confirm(c.t.Context(), away)
	if err != nil {
		c.t.Fatal(err)
	}
	refused(c.t, grants, want)
}

// Where the cluster is to serve all or nothing (Redis's default), nothing is
// answered as soon as it has noticed, and all when it is whole again.
func TestClusterThatWantsAllNodes(t *testing.T) {
	t.Parallel()
	c := startCluster(t)
	store, claims := open(t, c.url()), many(100)
	grants, err := store.Acquire(t.Context(), claims)
	granted(t, grants, err)
	c.nodes[2].kill()
	for _, node := range c.nodes[:2] {
		await(t, "the cluster to be down", func() bool {
			info, _ := node.do("cluster", "info").(string)
			return strings.Contains(info, "cluster_state:fail")
		})
	}
	if grants, err := store.Confirm(t.Context(), claims); err == nil {
		t.Errorf("it answered %+v", grants[0])
	}
	c.nodes[2].start()
	c.awaitWhole()
	grants, err = store.Confirm(t.Context(), claims)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range grants { // those of the node that came back empty are new to it
		if node, _ := c.nodeOf(lockstore.KeysOf(store, claims[i])[0]); node != c.nodes[2] && g.Answer != engine.Granted {
			t.Fatalf("%s was answered %+v", claims[i].Key, g)
		}
	}
}

// A node that refuses is a mistake in its configuration, and no outage.
func TestClusterNodeThatRefuses(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--cluster-require-full-coverage", "no")
	for _, node := range c.nodes {
		node.do("acl", "setuser", "slavedriver", "on", ">geheim", "~*", "+@all")
	}
	c.nodes[2].do("acl", "setuser", "slavedriver", "-eval", "-evalsha")
	store := open(t, strings.Replace(c.url(), "://", "://slavedriver:geheim@", 1))
	grants, err := store.Acquire(t.Context(), many(100))
	wantsError(t, "a node without the right", err, "NOPERM")
	if grants != nil {
		t.Errorf("it answered %+v", grants[0])
	}
}

// What a node says that cannot answer yet is shown without what it was told.
func TestClusterNodeThatQuotes(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--cluster-require-full-coverage", "no")
	for _, node := range c.nodes {
		node.do("acl", "setuser", "slavedriver", "on", ">"+secret, "~*", "+@all")
	}
	c.nodes[2].kill()
	listen(t, "tcp", c.nodes[2].addr, quote("LOADING"))
	store := open(t, strings.Replace(c.url(), "://", "://slavedriver:"+secretInURL+"@", 1))
	grants, err := store.Acquire(t.Context(), many(100))
	if err != nil {
		t.Fatal(err)
	}
	unreached := 0
	for _, g := range grants {
		if g.Answer != engine.Unreached {
			continue
		}
		unreached++
		if text := g.Why.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, "LOADING what is") || !strings.Contains(text, "lock store redis+cluster") {
			t.Fatalf("the error is %v", text)
		}
	}
	if unreached == 0 || unreached == len(grants) {
		t.Errorf("%d of %d were not reached", unreached, len(grants))
	}
}

// However much is asked at once, and so however patient a call is with a node that
// hangs: when its time is up, what the others said by then is its answer.
func TestClusterNodeHangsForAWholeCall(t *testing.T) {
	t.Parallel()
	c := newCrippled(t)
	c.lost.pause()
	t.Cleanup(c.lost.resume)
	claims := many(600)
	for i := range claims {
		claims[i].Key = fmt.Sprint("many-", i)
	}
	c.wants("a call", c.a.Confirm, claims, engine.Granted, 9*time.Second)
}
