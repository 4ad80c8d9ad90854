package lockstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// secret has letters that are written differently in a URL.
const secret, secretInURL = "hunter2+/@", "hunter2%2B%2F%40"

// What a server says is not taken for an answer when it is none, and no secret
// gets out by it: these say back what they were told, or rubbish.
func TestServersThatTalkNonsense(t *testing.T) {
	t.Parallel()
	say := func(text string) func(net.Conn) {
		return func(conn net.Conn) {
			_, _ = conn.Write([]byte(text))
			hang(conn)
		}
	}
	servers := map[string]func(net.Conn){
		"echo":   func(conn net.Conn) { _, _ = io.Copy(conn, conn) },
		"quotes": quote("ERR"),
		"http":   say("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"yes":    say(strings.Repeat("+OK\r\n", 50)),
		"closes": func(conn net.Conn) { _ = conn.Close() },
	}
	urls := map[string]string{
		"single":   "redis://joe:" + secretInURL + "@HOST/1",
		"cluster":  "redis+cluster://:" + secretInURL + "@HOST",
		"sentinel": "redis+sentinel://HOST/shop?sentinelPassword=" + secretInURL,
	}
	for server, with := range servers {
		for kind, url := range urls {
			t.Run(server+"/"+kind, func(t *testing.T) {
				t.Parallel()
				addr, _ := listen(t, "tcp", "127.0.0.1:0", with)
				noAnswer(t, open(t, strings.Replace(url, "HOST", addr, 1)))
			})
		}
	}
}

// quote answers each command with an error that quotes it.
func quote(code string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		data := make([]byte, 64<<10)
		for {
			n, err := conn.Read(data)
			if err != nil {
				return
			}
			text := strings.NewReplacer("\r", " ", "\n", " ").Replace(string(data[:n]))
			for range strings.Count(text, "*") {
				_, _ = fmt.Fprintf(conn, "-%s what is %s\r\n", code, text)
			}
		}
	}
}

// noAnswer asks all that can be asked.
func noAnswer(t *testing.T, store engine.Store) {
	t.Helper()
	claims := []engine.Claim{claim("job"), claim("another")}
	errs := []error{store.(lockstore.Preparer).Prepare(t.Context())}
	for _, ask := range []func(context.Context, []engine.Claim) ([]engine.Grant, error){store.Release, store.Acquire} {
		_, err := ask(t.Context(), claims)
		errs = append(errs, err)
	}
	for _, err := range errs {
		if err == nil {
			t.Error("nonsense was taken for an answer")
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "lock store redis") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestRedisPassword(t *testing.T) {
	s := startServer(t, "--requirepass", secret)
	acquire := func(cfg engine.LockStore, password string) error {
		store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "shop", Password: func() string { return password }})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		_, err = store.Acquire(t.Context(), []engine.Claim{claim("job")})
		return err
	}
	url := engine.LockStore{URL: "redis://" + s.addr}
	withPassword := engine.LockStore{URL: "redis://:" + secretInURL + "@" + s.addr}
	beside := engine.LockStore{URL: "redis://" + s.addr, Password: secret}
	for what, err := range map[string]error{
		"from the environment": acquire(url, secret), "from the URL": acquire(withPassword, "other"), "from the table": acquire(beside, "other"),
	} {
		if err != nil {
			t.Errorf("password %s: %v", what, err)
		}
	}
	for _, cfg := range []engine.LockStore{url, {URL: "redis://joe:hunter3@" + s.addr}} {
		err := acquire(cfg, "")
		if err == nil || !strings.Contains(err.Error(), "SLAVEDRIVER_REDIS_PASSWORD") || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%s: %v", cfg.URL, err)
		}
	}
}
