package lockstore_test

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is a redis-server of the test's own, without a disk.
type server struct {
	t      *testing.T
	addr   string
	socket string
	args   []string
	cmd    *exec.Cmd
}

// startServer starts one on a free port of loopback, and kills it at the end.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server is installed here")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	dir := t.TempDir()
	s := &server{t: t, addr: addr.String(), socket: filepath.Join(dir, "redis.sock")}
	s.args = append([]string{
		"--port", fmt.Sprint(addr.Port), "--bind", "127.0.0.1", "--unixsocket", s.socket, "--dir", dir,
		"--save", "", "--appendonly", "no", "--databases", "200",
	}, args...)
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); !s.answers(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatal("redis-server does not answer")
		}
	}
}

// answers asks by the socket, which is surely ours: it is made after the port
// was had, and had somebody else been given the port, the server would be gone.
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
	_ = s.cmd.Wait()
}

// flush empties one database.
func (s *server) flush(db int) {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr, DB: db})
	defer c.Close()
	if err := c.FlushDB(context.Background()).Err(); err != nil {
		s.t.Error(err)
	}
}
