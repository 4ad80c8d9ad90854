package lockstore_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// Here is what a shift relies on when it asks: no connection without a
// question, and an end to each call, whatever the other side does.

// listen counts who comes, and does with the connection what is said.
func listen(t *testing.T, network, addr string, with func(net.Conn)) (string, *atomic.Int64) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	came := &atomic.Int64{}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			came.Add(1)
			go with(conn)
		}
	}()
	return l.Addr().String(), came
}

// hang reads and never answers.
func hang(conn net.Conn) {
	defer conn.Close()
	data := make([]byte, 1024)
	for {
		if _, err := conn.Read(data); err != nil {
			return
		}
	}
}

// everyKind are stores of each kind at servers that hang, and how many came.
func everyKind(t *testing.T) (map[string]engine.LockStore, *atomic.Int64) {
	t.Helper()
	var came []*atomic.Int64
	at := func(network, addr string) string {
		at, n := listen(t, network, addr, hang)
		came = append(came, n)
		return at
	}
	host := func() string { return at("tcp", "127.0.0.1:0") }
	stores := map[string]engine.LockStore{
		"single":    {URL: "redis://:geheim@" + host() + "/1"},
		"TLS":       {URL: "rediss://" + host()},
		"socket":    {URL: "unix://" + at("unix", filepath.Join(shortTempDir(t), "s"))},
		"sentinels": {URL: "redis+sentinel://" + host() + "," + host() + "," + host() + "/shop?sentinelPassword=geheim"},
		"cluster":   {URL: "redis+cluster://" + host() + "," + host() + "," + host()},
		"table":     {Hosts: []string{host(), host()}, Cluster: true, Password: "geheim"},
	}
	total := &atomic.Int64{}
	t.Cleanup(func() {
		for _, n := range came {
			total.Add(n.Load())
		}
	})
	return stores, total
}

// A tick with nothing to ask opens no connection.
func TestNothingToAskNoConnection(t *testing.T) {
	var total *atomic.Int64
	t.Run("stores", func(t *testing.T) {
		var stores map[string]engine.LockStore
		stores, total = everyKind(t)
		for kind, cfg := range stores {
			store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "shop"})
			if err != nil {
				t.Fatal(kind, err)
			}
			for _, do := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Acquire, store.Confirm, store.Renew} {
				if grants, err := do(t.Context(), nil); len(grants) > 0 || err != nil {
					t.Errorf("%s: %v, %v", kind, grants, err)
				}
			}
			if _, err := store.Release(t.Context(), nil); err != nil {
				t.Error(kind, err)
			}
			if err := store.Close(); err != nil {
				t.Error(kind, err)
			}
		}
	})
	if n := total.Load(); n != 0 {
		t.Errorf("%d connections were opened", n)
	}
}

// A server that takes connections and says nothing must not hold a shift.
func TestServersThatHang(t *testing.T) {
	t.Parallel()
	stores, _ := everyKind(t)
	for kind, cfg := range stores {
		within := 4 * time.Second // one answer that does not come
		if cfg.Cluster || strings.HasPrefix(cfg.URL, "redis+") {
			within = 10 * time.Second // they are asked one after the other
		}
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_ = gives(t, store, short, time.Second)
			cancelled, cancel := context.WithCancel(t.Context())
			time.AfterFunc(20*time.Millisecond, cancel)
			if err := gives(t, store, cancelled, time.Second); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			// After these it is no worse; a cluster's nodes are known to be silent then.
			_ = gives(t, store, t.Context(), within)
		})
	}
}

// gives expects an error in time.
func gives(t *testing.T, store engine.Store, ctx context.Context, within time.Duration) error { //nolint:revive // the test comes first
	t.Helper()
	begin := time.Now()
	_, err := store.Acquire(ctx, []engine.Claim{claim("job")})
	if err == nil {
		t.Error("it answered")
	}
	if took := time.Since(begin); took > within {
		t.Errorf("took %s: %v", took, err)
	}
	return err
}

// A closed store gives an error, and nothing is opened again.
func TestClosedStore(t *testing.T) {
	addr, came := listen(t, "tcp", "127.0.0.1:0", hang)
	store := open(t, "redis://"+addr)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	_ = gives(t, store, t.Context(), time.Second)
	if came.Load() != 0 {
		t.Errorf("%d connections", came.Load())
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}

// An answer may take longer than a server may say nothing, as long as it comes:
// a server that is busy with others is no dead one.
func TestAnswerThatComesInPieces(t *testing.T) {
	t.Parallel()
	p := startProxy(t, anyServer(t))
	store := open(t, "redis://"+p.addr)
	grants, err := store.Acquire(t.Context(), []engine.Claim{claim("to have a connection")})
	granted(t, grants, err)
	p.set(func(l *link, request bool, data []byte) bool {
		for piece := 1; !request && piece < 4; piece++ {
			_, _ = l.client.Write(data[:len(data)/4])
			data = data[len(data)/4:]
			time.Sleep(900 * time.Millisecond)
		}
		if !request {
			_, _ = l.client.Write(data)
		}
		return request
	})
	begin := time.Now()
	grants, err = store.Acquire(t.Context(), many(20))
	granted(t, grants, err)
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("took %s", took)
	}
}
