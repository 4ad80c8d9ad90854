package lockstore_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxy passes TCP connections on to a server and does harm to them. What it
// does is decided for each piece of data by the fault that is set.
type proxy struct {
	addr     string
	accepted atomic.Int64 // connections

	mu     sync.Mutex
	target string
	fault  fault
	links  map[*link]bool
}

// fault sees a piece of data before it is passed on, and says whether it is.
// It is called by several goroutines at once.
type fault func(l *link, request bool, data []byte) bool

// link is one connection through the proxy.
type link struct{ client, server net.Conn }

// reset breaks both sides off, as a machine that is gone does.
func (l *link) reset() {
	for _, conn := range []net.Conn{l.client, l.server} {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), target: target, links: map[*link]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.accepted.Add(1)
			go p.connect(conn)
		}
	}()
	return p
}

func (p *proxy) connect(client net.Conn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client, server}
	p.mu.Lock()
	p.links[l] = true
	p.mu.Unlock()
	go p.pump(l, true, client, server)
	p.pump(l, false, server, client)
	l.reset()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

func (p *proxy) pump(l *link, request bool, from, to net.Conn) {
	data := make([]byte, 32<<10)
	for {
		n, err := from.Read(data)
		if n > 0 {
			p.mu.Lock()
			f := p.fault
			p.mu.Unlock()
			if f == nil || f(l, request, data[:n]) {
				_, err = to.Write(data[:n])
			}
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// set sets the fault, nil for none.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	p.fault = f
	p.mu.Unlock()
}

// retarget sends new connections to another server, and breaks the old ones off.
func (p *proxy) retarget(target string) {
	p.mu.Lock()
	p.target = target
	p.mu.Unlock()
	p.cut()
}

// cut breaks all connections off.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// loseReplies lets every request through, and breaks off when the reply comes:
// what was asked was done. happened has how often.
func loseReplies(happened *atomic.Int64) fault {
	return func(l *link, request bool, _ []byte) bool {
		if !request {
			happened.Add(1)
			l.reset()
		}
		return request
	}
}

// swallow is a network that passes nothing on, and says nothing.
func swallow(*link, bool, []byte) bool { return false }

// slow lets a reply take that long.
func slow(d time.Duration) fault {
	return func(_ *link, request bool, _ []byte) bool {
		if !request {
			time.Sleep(d)
		}
		return true
	}
}

// breakAfter breaks off once, in the middle of the data of one direction.
func breakAfter(bytes int64, requests bool) fault {
	var seen atomic.Int64
	var done atomic.Bool
	return func(l *link, request bool, data []byte) bool {
		if request != requests || seen.Add(int64(len(data))) < bytes || done.Swap(true) {
			return true
		}
		to := l.client
		if request {
			to = l.server
		}
		_, _ = to.Write(data[:len(data)/2])
		l.reset()
		return false
	}
}
