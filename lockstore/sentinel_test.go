package lockstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
	w.replica = startServer(t, "--replicaof", "127.0.0.1 "+fmt.Sprint(w.master.port), "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")
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
