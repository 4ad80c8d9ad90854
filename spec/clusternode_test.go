package spec

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisNodes are a Redis Cluster of three without replicas that goes on without
// one of them.
type redisNodes []*redisServer

func startRedisNodes(t *testing.T) (nodes redisNodes) {
	t.Helper()
	const slots = 16384
	for i := range 3 {
		node := startRedisNode(t)
		nodes = append(nodes, node)
		args := []any{"cluster", "addslots"}
		for slot := i * slots / 3; slot < (i+1)*slots/3; slot++ {
			args = append(args, slot)
		}
		node.do(args...)
		node.do("cluster", "set-config-epoch", i+1)
		if i > 0 {
			host, port, _ := net.SplitHostPort(nodes[0].address)
			node.do("cluster", "meet", host, port)
		}
	}
	nodes.awaitWhole()
	return nodes
}

// startRedisNode starts one, on a port that leaves room for the cluster's bus, which
// is 10,000 above.
func startRedisNode(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	s := &redisServer{t: t, dir: t.TempDir(), args: []string{"--cluster-enabled", "yes", "--cluster-node-timeout", "1500",
		"--cluster-require-full-coverage", "no", "--appendonly", "yes", "--appendfsync", "always"}}
	for port := 65535; port >= 55000; {
		address, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := net.SplitHostPort(address)
		port, _ = strconv.Atoi(text)
		s.address = address
	}
	t.Cleanup(s.kill)
	s.start()
	return s
}

func (nodes redisNodes) awaitWhole() {
	for _, node := range nodes {
		for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
			info, _ := node.do("cluster", "info").(string)
			known, _ := node.do("cluster", "slots").([]any)
			if strings.Contains(info, "cluster_state:ok") && len(known) == len(nodes) {
				break
			}
			if time.Now().After(deadline) {
				node.t.Fatalf("the cluster does not come up:\n%s", info)
			}
		}
	}
}

func (nodes redisNodes) url() string {
	var hosts []string
	for _, node := range nodes {
		hosts = append(hosts, node.address)
	}
	return "redis+cluster://" + strings.Join(hosts, ",")
}

// do runs a command on one server.
func (s *redisServer) do(args ...any) any {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.address, MaxRetries: -1, DisableIdentity: true, Protocol: 2})
	defer c.Close()
	value, err := c.Do(s.t.Context(), args...).Result()
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return value
}

// jobsOf are the jobs whose leases a node has.
func (s *redisServer) jobsOf() (jobs []string) {
	keys, _ := s.do("keys", "*:lease:job*").([]any)
	for _, key := range keys {
		name := fmt.Sprint(key)
		jobs = append(jobs, name[strings.LastIndex(name, ":")+1:])
	}
	return jobs
}

// TestClusterNodeIsGone kills one node of a Redis Cluster for some minutes: the jobs
// on it wait, all others start each minute, and each slave tells once that a part
// of its store is away, and once that all of it is back.
func TestClusterNodeIsGone(t *testing.T) {
	t.Parallel()
	const slaves, jobs, minutes, gone, back = 2, 20, 6, 2, 4
	s := newStage(t, fmt.Sprintf(`
slavedriver:setNamespace("node")
for i = 1, %d do
  keep("job" .. i, "true", { timezone = "UTC", runOn = "one" })
end
keep("own " .. slavedriver:getSlaveName(), "true")
`, jobs))
	first := time.Date(2096, 11, 23, 12, 0, 2, 0, time.UTC) // far ahead of the servers' clock, as a crowd's is
	nodes := startRedisNodes(t)
	node := nodes[2]
	var waiting []string
	var all sync.WaitGroup
	for minute := range minutes {
		switch minute {
		case gone:
			if waiting = node.jobsOf(); len(waiting) == 0 || len(waiting) == jobs {
				t.Fatalf("the node has %v", waiting)
			}
			node.kill()
		case back:
			node.start()
			nodes.awaitWhole()
		}
		s.now = first.Add(time.Duration(minute) * time.Minute)
		for slave := range slaves {
			cmd := s.slave(slave, nodes.url())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				if err := cmd.Wait(); err != nil || out.Len() > 0 {
					t.Errorf("slave %d, minute %d: %v\n%s", slave, minute, err, &out)
				}
			})
		}
		time.Sleep(crowdPace)
	}
	all.Wait()
	s.checkStarts()
	s.checkPart(first, minutes, jobs, waiting, func(minute int) bool { return minute < gone || minute >= back })
	told := map[string]int{}
	for _, e := range s.events() {
		told[e.name]++
	}
	if told["slavedriver.lockstore.error"] != slaves || told["slavedriver.lockstore.recovered"] != slaves || told["slavedriver.job.lease_lost"] != 0 {
		t.Errorf("told %v", told)
	}
	if t.Failed() {
		t.Logf("starts:\n%s\nlog:\n%s", s.read("starts"), s.read("log"))
	}
}

// checkPart: the jobs of one node start when that is there, the others each minute.
func (s *stage) checkPart(first time.Time, minutes, jobs int, ofNode []string, there func(minute int) bool) {
	s.t.Helper()
	starts := "\n" + s.read("starts")
	for i := range jobs {
		job := "job" + strconv.Itoa(i+1)
		for minute := range minutes {
			at := first.Truncate(time.Minute).Add(time.Duration(minute) * time.Minute)
			started := strings.Contains(starts, "\n"+job+" "+at.Format(time.RFC3339)+" ")
			waits := slices.Contains(ofNode, job)
			// When the node is back the newest of what waited starts too.
			if !waits && !started || waits && there(minute) && !started || waits && !there(minute) && started && there(minute-1) {
				s.t.Errorf("%s, minute %d: started: %v, on the node: %v", job, minute, started, waits)
			}
		}
	}
}
