package spec

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"
)

// startRedis starts a redis-server on loopback that is ended with the test,
// and returns its URL. Where there is none the test is skipped.
func startRedis(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	address, cmd, err := runRedis("127.0.0.1:0", t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endRedis(cmd) })
	return "redis://" + address
}

// runRedis starts a redis-server without a disk at an address of loopback, whose
// port 0 stands for a free one, and waits until it answers.
func runRedis(listen, dir, password string) (address string, cmd *exec.Cmd, err error) {
	for range 5 { // another process may be given a free port in between
		address = listen
		if _, port, _ := net.SplitHostPort(listen); port == "0" {
			if address, err = freePort(); err != nil {
				return "", nil, err
			}
		}
		_, port, _ := net.SplitHostPort(address)
		args := []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", dir}
		if password != "" {
			args = append(args, "--requirepass", password)
		}
		cmd = exec.Command("redis-server", args...)
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
