package lockstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"slavedriver/engine"
)

// arena is a server and the proxies by which two slaves reach it.
type arena struct {
	t      *testing.T
	server *server // nil: miniredis
	addr   string
	proxy  map[string]*proxy
	store  map[string]engine.Store
}

// newArena takes a real server where there is one.
func newArena(t *testing.T) *arena {
	t.Helper()
	a := &arena{t: t, proxy: map[string]*proxy{}, store: map[string]engine.Store{}}
	if installed("redis-server") {
		a.server = startServer(t)
		a.addr = a.server.addr
	} else {
		a.addr = miniredis.RunT(t).Addr()
	}
	for _, slave := range []string{"a", "b"} {
		a.proxy[slave] = startProxy(t, a.addr)
		a.store[slave] = open(t, "redis://"+a.proxy[slave].addr)
	}
	return a
}

// anyServer is the address of a real server where there is one, of miniredis
// else.
func anyServer(t *testing.T) string {
	t.Helper()
	if installed("redis-server") {
		return startServer(t).addr
	}
	return miniredis.RunT(t).Addr()
}

// needsServer is for faults that only a process can have.
func (a *arena) needsServer() *server {
	a.t.Helper()
	if a.server == nil {
		a.t.Skip("no redis-server is installed here")
	}
	return a.server
}

// contest is one for an instant that is due now, in a store that both know.
func (a *arena) contest(keys int) *contest {
	a.t.Helper()
	first := claim("first contact")
	first.Met = time.Time{}
	for _, store := range a.store {
		if _, err := store.Acquire(a.t.Context(), []engine.Claim{first}); err != nil {
			a.t.Fatal(err)
		}
	}
	return newContest(a.t, keys, time.Now().Truncate(time.Second).Add(time.Second))
}

// A reply that was lost, of whatever call, is no refusal, and nobody else takes
// what was had by it.
func TestFaultReplyLost(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	mine, theirs, happened := claim("job"), claim("job"), &atomic.Int64{}
	theirs.Token, theirs.Holder = "another", "b"
	lost := func(do func(context.Context, []engine.Claim) ([]engine.Grant, error), others engine.Answer) (fence int64) {
		t.Helper()
		a.proxy["a"].set(loseReplies(happened))
		before := happened.Load()
		if grants, err := do(t.Context(), []engine.Claim{mine}); err == nil || happened.Load() == before {
			t.Fatalf("the reply was not lost: %+v", grants)
		}
		a.proxy["a"].set(nil)
		refused, err := a.store["b"].Acquire(t.Context(), []engine.Claim{theirs})
		if err != nil || refused[0].Answer != others {
			t.Fatalf("the other was answered %+v (%v)", refused, err)
		}
		again, err := do(t.Context(), []engine.Claim{mine})
		granted(t, again, err)
		return again[0].Fence
	}
	ask := a.store["a"]
	_, err := ask.Acquire(t.Context(), []engine.Claim{claim("to have a connection")})
	if err != nil {
		t.Fatal(err)
	}
	claimed := lost(ask.Acquire, engine.Claimed)
	confirmed := lost(ask.Confirm, engine.Used)
	renewed := lost(ask.Renew, engine.Used)
	if claimed == 0 || confirmed != claimed || renewed != claimed {
		t.Errorf("fences %d, %d and %d", claimed, confirmed, renewed)
	}
	lost(ask.Release, engine.Used)
	theirs.Instant = theirs.Instant.Add(time.Minute)
	grants, err := a.store["b"].Acquire(t.Context(), []engine.Claim{theirs})
	granted(t, grants, err)
}

// faults are what may happen while slaves fight. They end of themselves, or
// when the function that they return is called, once a start was made.
var faults = []struct {
	name   string
	keys   int
	errors int  // at least so many calls fail
	loss   bool // the store loses its memory
	// begin lets it happen; end is called after the first start.
	begin func(a *arena) (end func())
}{
	{"replies are lost", 300, 3, false, func(a *arena) func() {
		return a.now(loseSome(4), loseSome(6), nil)
	}},
	{"a reply takes a second", 5, 0, false, func(a *arena) func() {
		return a.now(slow(time.Second), slow(time.Second), nil)
	}},
	{"connections break in the middle of a question", 300, 1, false, func(a *arena) func() {
		return a.now(breakAfter(20_000, true), breakAfter(40_000, true), nil)
	}},
	{"connections break in the middle of an answer", 300, 1, false, func(a *arena) func() {
		return a.now(breakAfter(3_000, false), breakAfter(6_000, false), nil)
	}},
	{"one of two is cut off", 60, 1, false, func(a *arena) func() {
		return a.now(nil, swallow, func() { a.proxy["b"].set(nil) })
	}},
	{"the server stands still for 6 s", 60, 2, false, func(a *arena) func() {
		s := a.needsServer()
		s.pause()
		time.AfterFunc(6*time.Second, s.resume)
		return func() {}
	}},
	{"the server forgets the script", 60, 0, false, func(a *arena) func() {
		s := a.needsServer()
		s.do("script", "flush")
		return func() { s.do("script", "flush") }
	}},
	{"the server is restarted empty", 200, 1, true, func(a *arena) func() {
		s := a.needsServer()
		a.now(slow(time.Millisecond), slow(time.Millisecond), nil)
		return func() {
			s.kill()
			s.start()
		}
	}},
}

// now sets what is to happen to a and to b.
func (a *arena) now(forA, forB fault, end func()) func() {
	a.proxy["a"].set(forA)
	a.proxy["b"].set(forB)
	if end == nil {
		end = func() {}
	}
	return end
}

// loseSome loses one in n pieces of replies.
func loseSome(n int) fault {
	var happened atomic.Int64
	lose := loseReplies(&happened)
	return func(l *link, request bool, data []byte) bool {
		if request || rand.IntN(n) > 0 {
			return true
		}
		return lose(l, request, data)
	}
}

func TestFaultsInAContest(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			a := newArena(t)
			c := a.contest(f.keys)
			end := f.begin(a)
			go func() {
				<-c.first
				end()
			}()
			c.run(a.store)
			c.eachOnce(!f.loss, nil)
			a.now(nil, nil, nil)
			next := c.next(2 * time.Minute)
			next.run(a.store)
			next.eachOnce(true, c)
			if c.errors < f.errors || f.loss != (c.missed > 0) {
				t.Errorf("%d calls failed, %d instants were missed: did it happen?", c.errors, c.missed)
			}
		})
	}
}

// A question that was given up is not delivered later, when the other side
// reads again: what waits in this host's buffers is thrown away with it.
func TestFaultQuestionTooLate(t *testing.T) {
	t.Parallel()
	conns := make(chan net.Conn, 1)
	addr, _ := listen(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
		// A server that greets, and then does not read on; it keeps little.
		_ = conn.(*net.TCPConn).SetReadBuffer(32 << 10)
		data := make([]byte, 1024)
		for range 2 { // HELLO and what follows it when that is not known
			if _, err := conn.Read(data); err != nil || !bytes.Contains(bytes.ToLower(data), []byte("hello")) {
				break
			}
			_, _ = conn.Write([]byte("-ERR unknown command\r\n"))
		}
		conns <- conn
	})
	claims := make([]engine.Claim, 2000) // more than is kept for a reader, less than for a writer
	for i := range claims {
		claims[i] = claim("job")
		claims[i].Holder = strings.Repeat("x", 1000)
	}
	claims[len(claims)-1].Token = "the last token"
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := open(t, "redis://"+addr).Confirm(ctx, claims); err == nil {
		t.Fatal("it was answered")
	}
	conn := <-conns
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	got, err := io.ReadAll(conn)
	if bytes.Contains(got, []byte("the last token")) || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes came, to the end: %v (%v)", len(got), bytes.Contains(got, []byte("the last token")), err)
	}
}

// A failover to a replica that lacks the last writes breaks the promise: what
// was started is started again. The fence says which is the later one, and the
// earlier one finds out with its next renewal.
func TestFaultFailoverLosesWrites(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	master := a.needsServer()
	a.contest(1)
	replica := startReplica(t, master)
	w := &watched{t: t, master: master, replica: replica}
	known := claim("known")
	grants, err := a.store["a"].Confirm(t.Context(), []engine.Claim{known})
	granted(t, grants, err)
	w.awaitSync()
	replica.do("replicaof", "no", "one")
	lost := claim("job")
	first, err := a.store["a"].Confirm(t.Context(), []engine.Claim{lost})
	granted(t, first, err)
	master.kill()
	for _, p := range a.proxy {
		p.retarget(replica.addr)
	}
	second := lost
	second.Token, second.Holder = "another", "b"
	known.Token = "another"
	grants, err = retried(t, a.store["b"].Confirm, second, known)
	if err != nil || grants[0].Answer != engine.Granted || grants[0].Fence <= first[0].Fence || grants[1].Answer != engine.Used {
		t.Fatalf("after fence %d: %+v (%v)", first[0].Fence, grants, err)
	}
	grants, err = retried(t, a.store["a"].Renew, lost)
	if err != nil || grants[0].Answer != engine.Held || grants[0].Holder != "b" {
		t.Errorf("the first was answered %+v (%v)", grants, err)
	}
}

// retried asks twice, as the connection may be one to the old server.
func retried(t *testing.T, do func(context.Context, []engine.Claim) ([]engine.Grant, error), claims ...engine.Claim) ([]engine.Grant, error) {
	t.Helper()
	if grants, err := do(t.Context(), claims); err == nil {
		return grants, nil
	}
	return do(t.Context(), claims)
}
