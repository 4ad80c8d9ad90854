package lockstore_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// redisCluster is three nodes without replicas; each has a third of the slots.
type redisCluster struct {
	t     testing.TB
	nodes []*server
}

const slots = 16384

// startCluster starts the nodes, with these arguments, and joins them.
func startCluster(t testing.TB, args ...string) *redisCluster {
	t.Helper()
	c := &redisCluster{t: t}
	for range 3 {
		dir := shortTempDir(t)
		c.nodes = append(c.nodes, startServer(t, append(args, "--cluster-enabled", "yes", "--cluster-node-timeout", "1500",
			"--cluster-config-file", filepath.Join(dir, "nodes.conf"))...))
	}
	for i, node := range c.nodes {
		args := []any{"cluster", "addslots"}
		for slot := i * slots / 3; slot < (i+1)*slots/3; slot++ {
			args = append(args, slot)
		}
		node.do(args...)
		node.do("cluster", "set-config-epoch", i+1)
		if i > 0 {
			node.do("cluster", "meet", "127.0.0.1", c.nodes[0].port)
		}
	}
	c.awaitWhole()
	return c
}

// awaitWhole waits until each node knows the others and serves.
func (c *redisCluster) awaitWhole() {
	c.t.Helper()
	for _, node := range c.nodes {
		await(c.t, "a cluster of three", func() bool {
			info, _ := node.do("cluster", "info").(string)
			slots, _ := node.do("cluster", "slots").([]any)
			return strings.Contains(info, "cluster_state:ok") && len(slots) == len(c.nodes)
		})
	}
}

func (c *redisCluster) addrs() (addrs []string) {
	for _, node := range c.nodes {
		addrs = append(addrs, node.addr)
	}
	return addrs
}

func (c *redisCluster) url() string { return "redis+cluster://" + strings.Join(c.addrs(), ",") }

func (c *redisCluster) client() *redis.ClusterClient {
	return redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.addrs()})
}

// nodeOf is the node that has a key, and the key's slot.
func (c *redisCluster) nodeOf(key string) (*server, int) {
	c.t.Helper()
	slot, _ := c.nodes[0].do("cluster", "keyslot", key).(int64)
	return c.nodes[slot*3/slots], int(slot)
}

func (s *server) id() string { return fmt.Sprint(s.do("cluster", "myid")) }
