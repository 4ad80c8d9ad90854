package spec

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"slavedriver/internal/testserver"
)

// servers are those of one script, by name. A name keeps its port.
type servers struct {
	mu    sync.Mutex
	ports map[string]string // host:port
	stop  map[string]func()
}

// serve KIND NAME [USER:PASSWORD]: starts a server on loopback, http, https,
// smtp, smtps or redis (where redis-server is installed; [PASSWORD]), and puts its URL, of a mail server its port, into $NAME. What
// it is sent stands in NAME.log, its certificate in NAME.pem. The same NAME has
// the same port again; KIND down is a port at which nobody listens.
//
// HTTP answers "ok", to /status/N with that status, to /hang never. SMTP offers
// STARTTLS, and with USER:PASSWORD wants a login.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve KIND NAME [USER:PASSWORD]")
	}
	all, kind, name := ts.Value("servers").(*servers), args[0], args[1]
	all.mu.Lock()
	defer all.mu.Unlock()
	listen := all.ports[name]
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	l := &record{path: ts.MkAbs(name + ".log")}
	var address, value string
	switch kind {
	case "http", "https":
		address, value = all.http(ts, name, listen, kind == "https", l)
	case "smtp", "smtps":
		address, value = all.smtp(ts, name, listen, kind == "smtps", strings.Join(args[2:], ""), l)
	case "redis":
		address = all.redis(ts, name, listen, strings.Join(args[2:], ""))
		value = "redis://" + address
	case "down":
		listener, err := net.Listen("tcp", listen)
		ts.Check(err)
		address = listener.Addr().String()
		ts.Check(listener.Close())
		value = "http://" + address
	default:
		ts.Fatalf("no such kind of server: %s", kind)
	}
	all.ports[name] = address
	ts.Setenv(name, value)
}

// unserve NAME: ends a server.
func unserve(ts *testscript.TestScript, neg bool, args []string) {
	all := ts.Value("servers").(*servers)
	all.mu.Lock()
	defer all.mu.Unlock()
	all.stop[args[0]]()
}

func newServers() *servers {
	return &servers{ports: map[string]string{}, stop: map[string]func(){}}
}

func (all *servers) http(ts *testscript.TestScript, name, listen string, private bool, l *record) (address, url string) {
	listener, err := net.Listen("tcp", listen)
	ts.Check(err)
	stuck, free := context.WithCancel(context.Background())
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r, l, stuck.Done()) }))
	_ = s.Listener.Close()
	s.Listener = listener
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if private {
		s.StartTLS()
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		ts.Check(os.WriteFile(ts.MkAbs(name+".pem"), ca, 0o600))
	} else {
		s.Start()
	}
	all.stops(ts, name, func() {
		free()
		s.Close()
	})
	return listener.Addr().String(), s.URL
}

// redis starts a redis-server without a disk; its pid is in NAME.pid.
func (all *servers) redis(ts *testscript.TestScript, name, listen, password string) (address string) {
	var more []string
	if password != "" {
		more = []string{"--requirepass", password}
	}
	address, cmd, err := runRedis(listen, ts.MkAbs("."), more...)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(name+".pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600))
	all.stops(ts, name, func() { endRedis(cmd) })
	return address
}

// stops ends a server with the script, or before.
func (all *servers) stops(ts *testscript.TestScript, name string, stop func()) {
	all.stop[name] = sync.OnceFunc(stop)
	ts.Defer(all.stop[name])
}

// answer notes a request, the headers that tests look at among it.
func answer(w http.ResponseWriter, r *http.Request, l *record, stuck <-chan struct{}) {
	body, _ := io.ReadAll(r.Body)
	text := fmt.Sprintf("%s %s %s\n", r.Method, r.URL.RequestURI(), body)
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range r.Header {
			if !yield(name) {
				return
			}
		}
	}) {
		text += fmt.Sprintf("  %s: %s\n", name, r.Header.Get(name))
	}
	l.add(text)
	switch {
	case strings.HasPrefix(r.URL.Path, "/status/"):
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/status/"))
		w.WriteHeader(status)
	case r.URL.Path == "/hang":
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
		return
	}
	_, _ = fmt.Fprint(w, "ok")
}

func (all *servers) smtp(ts *testscript.TestScript, name, listen string, implicit bool, login string, l *record) (address, port string) {
	user, password, _ := strings.Cut(login, ":")
	s, err := testserver.StartSMTP(testserver.SMTPOptions{
		Listen: listen, Implicit: implicit, User: user, Password: password,
		Taken: func(m testserver.Mail) {
			l.add(fmt.Sprintf("from %s to %s user %s tls %v\n%s\n", m.From, strings.Join(m.To, ","), m.User, m.TLS, strings.ReplaceAll(m.Data, "\r", "")))
		},
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(name+".pem"), s.CA, 0o600))
	all.stops(ts, name, s.Close)
	return fmt.Sprintf("127.0.0.1:%d", s.Port), strconv.Itoa(s.Port)
}

// record is a file to which a server appends.
type record struct {
	mu   sync.Mutex
	path string
}

func (l *record) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(text)
	_ = f.Close()
}
