package spec

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// runRedis starts a redis-server at an address of loopback, whose
// port 0 stands for a free one, and waits until it answers.
func runRedis(listen, dir string, more ...string) (address string, cmd *exec.Cmd, err error) {
	for range 5 { // another process may be given a free port in between
		address = listen
		if _, port, _ := net.SplitHostPort(listen); port == "0" {
			if address, err = freePort(); err != nil {
				return "", nil, err
			}
		}
		_, port, _ := net.SplitHostPort(address)
		cmd = exec.Command("redis-server", append([]string{
			"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", dir,
		}, more...)...)
		if err := cmd.Start(); err != nil {
			return "", nil, err
		}
		if answers(address) {
			return address, cmd, nil
		}
		endRedis(cmd)
	}
	return "", nil, errors.New("redis-server does not answer")
}

func answers(address string) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			continue
		}
		_, _ = fmt.Fprint(c, "PING\r\n")
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, _ := c.Read(make([]byte, 64))
		_ = c.Close()
		return n > 0
	}
	return false
}

// endRedis kills it, stopped or not.
func endRedis(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// redisServer is a redis-server that can be stopped and started again, at the
// same address and with the same disk.
type redisServer struct {
	t       *testing.T
	address string
	dir     string
	args    []string
	mu      sync.Mutex
	cmd     *exec.Cmd
}

// startRedisServer starts one; where there is none the test is skipped.
func startRedisServer(t *testing.T, args ...string) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	s := &redisServer{t: t, address: "127.0.0.1:0", dir: t.TempDir(), args: args}
	t.Cleanup(s.kill)
	s.start()
	return s
}

func (s *redisServer) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "redis://" + s.address
}

func (s *redisServer) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.address, s.cmd, err = runRedis(s.address, s.dir, s.args...); err != nil {
		s.t.Error(err)
	}
}

func (s *redisServer) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.cmd.Process.Signal(sig)
}

func (s *redisServer) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		endRedis(s.cmd)
		s.cmd = nil
	}
}
