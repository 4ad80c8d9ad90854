package lockstore_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server or redis-sentinel of the test's own, without a disk.
// It is ended by its pid, and with the test process where the system can.
type server struct {
	t      testing.TB
	name   string // of the program
	addr   string
	port   int
	socket string
	args   []string
	cmd    *exec.Cmd
	gone   chan struct{} // closed when the process has ended
	log    *strings.Builder
}

// startServer starts a redis-server on a free port of loopback, and kills it at
// the end of the test. Where there is none the test is skipped.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	return startProgram(t, "redis-server", func(s *server) []string {
		return append([]string{"--port", fmt.Sprint(s.port)}, args...)
	})
}

// startProgram starts a program with arguments that may depend on its port. If
// another process was given that port in between, another one is tried.
func startProgram(t testing.TB, name string, args func(*server) []string) *server {
	t.Helper()
	if !installed(name) {
		t.Skipf("no %s is installed here", name)
	}
	var s *server
	for range 5 {
		dir := shortTempDir(t)
		s = &server{t: t, name: name, port: freePort(t), socket: filepath.Join(dir, "s")}
		s.addr = fmt.Sprintf("127.0.0.1:%d", s.port)
		s.args = append(args(s), "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", dir,
			"--save", "", "--appendonly", "no", "--daemonize", "no")
		if s.run() {
			t.Cleanup(s.kill)
			return s
		}
	}
	if strings.Contains(s.log.String(), "Bad directive") && strings.Contains(s.log.String(), "tls") {
		t.Skipf("this %s was built without TLS", name)
	}
	t.Fatalf("%s does not start:\n%s", name, s.log)
	return nil
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

// shortTempDir is for sockets, whose paths may have some 100 bytes.
func shortTempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lockstore") //nolint:usetesting // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// freePort is one that leaves room for a cluster's bus, which is 10,000 above.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		if bus, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+10000)); err == nil && port < 55000 {
			_ = bus.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// start starts the server again after kill, on its port.
func (s *server) start() {
	s.t.Helper()
	if !s.run() {
		s.t.Fatalf("%s does not start again:\n%s", s.name, s.log)
	}
}

// run starts the process and waits until it answers or has ended.
func (s *server) run() bool {
	s.t.Helper()
	s.log, s.gone = &strings.Builder{}, make(chan struct{})
	cmd, gone := exec.Command(s.name, s.args...), s.gone
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = s.log, s.log, withUs()
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if s.answers() {
			return true
		}
		select {
		case <-gone:
			return false
		case <-time.After(2 * time.Millisecond):
		}
	}
	s.kill()
	return false
}

// answers asks by the socket, which is surely ours.
func (s *server) answers() bool {
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		return false
	}
	defer conn.Close()
	_, err = fmt.Fprint(conn, "PING\r\n")
	reply := make([]byte, 1)
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	_, err2 := conn.Read(reply)
	return err == nil && err2 == nil
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.gone
}

// pause stops the server as a hypervisor does, until resume.
func (s *server) pause()  { s.signal(syscall.SIGSTOP) }
func (s *server) resume() { s.signal(syscall.SIGCONT) }

func (s *server) signal(sig os.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Error(err)
	}
}

// do runs a command on the server, by its socket.
func (s *server) do(args ...any) any {
	s.t.Helper()
	value, err := s.try(args...)
	if err != nil {
		s.t.Fatalf("%v: %v", args, err)
	}
	return value
}

func (s *server) try(args ...any) (any, error) {
	c := redis.NewClient(&redis.Options{Addr: s.socket, MaxRetries: -1, DisableIdentity: true, Protocol: 2})
	defer c.Close()
	return c.Do(context.Background(), args...).Result()
}

// info is one figure of what the server says about itself, "" when it cannot
// say: a server whose role changes drops its clients.
func (s *server) info(section, name string) string {
	s.t.Helper()
	value, _ := s.try("info", section)
	text, _ := value.(string)
	for _, line := range strings.Split(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return value
		}
	}
	return ""
}

// await waits for another process, which has no other way to tell.
func await(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
