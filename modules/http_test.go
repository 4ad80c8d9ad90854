package modules

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/outbox"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Add("X-Twice", "a")
	w.Header().Add("X-Twice", "b")
	if r.URL.Path == "/missing" {
		w.WriteHeader(http.StatusNotFound)
	}
	fmt.Fprintf(w, "%s %s %s key=%q %s", r.Method, r.URL, r.Header.Get("Content-Type"), r.Header.Get("X-Key"), body)
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func TestRequests(t *testing.T) {
	s := serve(t, echo)
	for _, test := range []struct {
		function, path string
		args           Args
		status         int64
		want           string
	}{
		{"http.get", "/a?b=c", Args{}, 200, `GET /a?b=c  key="" `},
		{"http.get", "/missing", Args{}, 404, `GET /missing  key="" `},
		{"http.post", "/", Args{"body": "text\x00\xff", "headers": map[string]string{"x-key": "k"}}, 200, "POST /  key=\"k\" text\x00\xff"},
		{"http.post", "/", Args{"json": map[string]any{"a<b": []any{1.0, Null{}, json.Number("12345678901234567890")}}}, 200,
			`POST / application/json key="" {"a<b":[1,null,12345678901234567890]}`},
		{"http.post", "/", Args{"json": []any{}, "headers": map[string]string{"content-type": "application/x"}}, 200, `POST / application/x key="" []`},
		{"http.request", "/", Args{"method": "PURGE"}, 200, `PURGE /  key="" `},
		{"http.request", "/", Args{"body": "b"}, 200, `POST /  key="" b`},
		{"http.request", "/", Args{}, 200, `GET /  key="" `},
	} {
		test.args["url"] = s.URL + test.path
		got, err := call(t, world(), test.function, test.args)
		if err != nil {
			t.Errorf("%s %v: %v", test.function, test.args, err)
			continue
		}
		headers, _ := got[2].(map[string]string)
		if got[0] != test.status || got[1] != test.want || headers["x-twice"] != "a, b" {
			t.Errorf("%s %v: %v", test.function, test.args, got)
		}
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	_, err := call(t, world(), "http.get", Args{"url": s.URL + "/secret-path"})
	fails(t, err, "GET "+s.URL+": ", "certificate", "an authority of your own is named with `ca`")
	if strings.Contains(err.Error(), "secret-path") {
		t.Errorf("the error shows the path: %v", err)
	}
	ca := write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	if _, err := call(t, world(), "http.get", Args{"url": s.URL, "ca": ca}); err != nil {
		t.Error(err)
	}
	_, err = call(t, world(), "http.get", Args{"url": s.URL, "ca": ca + "x"})
	fails(t, err, "ca.pemx cannot be read: no such file")
	_, err = call(t, world(), "http.get", Args{"url": s.URL, "ca": write(t, "none", []byte("x"))})
	fails(t, err, "there is no certificate in")
	// Another name than the certificate's.
	_, err = call(t, world(), "http.get", Args{"url": strings.Replace(s.URL, "127.0.0.1", "localhost", 1), "ca": ca})
	fails(t, err, "certificate")
}

func TestErrorsNameTheServerAlone(t *testing.T) {
	w := world()
	for _, url := range []string{
		"http://user:password@127.0.0.1:1/hooks/T0/secret?token=secret", "http://127.0.0.1:1/secret#secret",
	} {
		_, err := call(t, w, "http.post", Args{"url": url, "body": "x"})
		fails(t, err, "POST http://127.0.0.1:1: ", "connection refused")
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "user") {
			t.Errorf("it shows a credential: %v", err)
		}
	}
}

// TestAServerThatHangs: each blocking step obeys the timeout, and the end of
// the handler.
func TestAServerThatHangs(t *testing.T) {
	stuck := make(chan struct{})
	inBody := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "some")
		w.(http.Flusher).Flush()
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(stuck) })
	for _, url := range []string{"http://" + hanging(t), "https://" + hanging(t), inBody.URL} {
		began := time.Now()
		_, err := call(t, world(), "http.get", Args{"url": url, "timeout": 50 * time.Millisecond})
		fails(t, err, "GET "+url+": there was no answer within 0.05 s")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("the handler is over")) })
		_, err = callIn(t, ctx, world(), "http.get", Args{"url": url, "timeout": time.Hour})
		fails(t, err, "the handler is over")
		soon(t, began)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(endless{}, 9<<20))
	})
	_, err := call(t, world(), "http.get", Args{"url": s.URL})
	fails(t, err, "the answer has more than 8388608 bytes (maxBytes)")
	got, err := call(t, world(), "http.get", Args{"url": s.URL, "maxBytes": int64(9 << 20)})
	if err != nil || len(got[1].(string)) != 9<<20 {
		t.Errorf("%v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestRedirects(t *testing.T) {
	other := serve(t, echo)
	var s *httptest.Server
	s = serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/to":
			http.Redirect(w, r, "/here", http.StatusTemporaryRedirect)
		case "/away":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case "/round":
			http.Redirect(w, r, s.URL+"/round", http.StatusFound)
		default:
			echo(w, r)
		}
	})
	key := map[string]string{"X-Key": "k", "Content-Type": "text/x"}
	for path, want := range map[string]string{"/to": `POST /here text/x key="k" body`, "/away": `POST / text/x key="" body`} {
		got, err := call(t, world(), "http.post", Args{"url": s.URL + path, "body": "body", "headers": key})
		if err != nil || got[1] != want {
			t.Errorf("%s: %v, %v", path, got, err)
		}
	}
	got, err := call(t, world(), "http.get", Args{"url": s.URL + "/to", "redirects": int64(0)})
	if err != nil || got[0] != int64(307) {
		t.Errorf("%v, %v", got, err)
	}
	_, err = call(t, world(), "http.get", Args{"url": s.URL + "/round", "redirects": int64(3)})
	fails(t, err, "there were more than 3 redirects")

	down := httptest.NewTLSServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(down.Close)
	ca := write(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: down.Certificate().Raw}))
	_, err = call(t, world(), "http.get", Args{"url": down.URL, "ca": ca})
	fails(t, err, "from https to http")
}

// TestProxy runs itself again: Go reads the proxy from the environment once.
func TestProxy(t *testing.T) {
	if url := os.Getenv("MODULES_TEST_URL"); url != "" {
		got, err := call(t, world(), "http.get", Args{"url": url})
		fmt.Println(got, err)
		return
	}
	s := serve(t, echo)
	run := func(proxy string) string {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestProxy$")
		cmd.Env = append(os.Environ(), "MODULES_TEST_URL=http://alerts.invalid/x", "HTTP_PROXY="+proxy, "http_proxy=", "NO_PROXY=", "no_proxy=")
		out, _ := cmd.CombinedOutput()
		return string(out)
	}
	if out := run(s.URL); !strings.Contains(out, "GET http://alerts.invalid/x") {
		t.Errorf("it did not come to the proxy: %s", out)
	}
}

func TestArgumentsOfRequests(t *testing.T) {
	_, err := call(t, world(), "http.post", Args{"url": "http://x", "json": 1.0, "body": "x"})
	var m *ArgumentError
	if !errors.As(err, &m) {
		t.Errorf("%v", err)
	}
	for _, url := range []string{"", "x", "ftp://x", "http://", "https:x", "http://[x"} {
		if isURL(url) == nil {
			t.Errorf("%q is taken for a URL", url)
		}
	}
	for name, value := range map[string]string{"": "x", "a b": "x", "a:": "x", "ok": "a\r\nb", "fine": "\x00"} {
		if areHeaders(map[string]string{name: value}) == nil {
			t.Errorf("%q: %q is taken for a header", name, value)
		}
	}
}

func TestRequestsForTheOutbox(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/full":
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		case "/wrong":
			w.WriteHeader(http.StatusBadRequest)
		default:
			fmt.Fprint(w, r.Header.Get("Idempotency-Key"), " ", r.Header.Get("X-Key"))
		}
	})
	w, b := world(), &box{}
	args := Args{"url": s.URL + "/hook/secret", "body": "x", "headers": map[string]string{"X-Key": "k"}, "outbox": true}
	_, err := call(t, w, "http.post", args)
	fails(t, err, "there is no outbox here")
	w.Outbox = b
	got, err := call(t, w, "http.post", args)
	if err != nil || len(got) != 1 || got[0] != true || len(b.letters) != 1 {
		t.Fatalf("%v, %v, %v", got, err, b.letters)
	}
	letter := b.letters[0]
	if letter.ID != "the-id" || letter.Kind != "http" || letter.To != s.URL || letter.About != "POST "+s.URL {
		t.Errorf("%+v", letter)
	}
	sender := &spy{Sender: &Network{}}
	if err := Deliverer(sender)(t.Context(), &letter); err != nil || sender.answer != "the-id k" || sender.timeout != sendWithin {
		t.Errorf("%v, %q, %v", err, sender.answer, sender.timeout)
	}

	b.err = errors.New("the disk is full")
	_, err = call(t, w, "http.post", args)
	fails(t, err, "the disk is full")
	for path, permanent := range map[string]bool{"/full": false, "/wrong": true} {
		args["url"] = s.URL + path
		_, _ = call(t, w, "http.post", args)
		err := Deliverer(&Network{})(t.Context(), &b.letters[len(b.letters)-1])
		var status *StatusError
		if !errors.As(err, &status) || status.Permanent() != permanent || (status.RetryAfter() == 2*time.Minute) == permanent {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, damaged := range []outbox.Letter{{Kind: "fax"}, {Kind: "http", Content: []byte("{")}, {Kind: "mail", Content: []byte("{")}} {
		if Deliverer(&Network{})(t.Context(), &damaged) == nil {
			t.Errorf("%+v was sent", damaged)
		}
	}
}

// spy looks at what is sent.
type spy struct {
	Sender
	answer  string
	timeout time.Duration
}

func (s *spy) HTTP(ctx context.Context, r *Request) (*Response, error) {
	s.timeout = r.Timeout
	answer, err := s.Sender.HTTP(ctx, r)
	if err == nil {
		s.answer = string(answer.Body)
	}
	return answer, err
}
