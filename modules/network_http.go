package modules

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// HTTP sends a request and reads the whole answer.
func (n *Network) HTTP(ctx context.Context, r *Request) (*Response, error) {
	client, err := n.client(r)
	if err != nil {
		return nil, r.failed(err)
	}
	if r.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("there was no answer within %g s", r.Timeout.Seconds()))
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, r.Method, r.URL, bytes.NewReader(r.Body))
	if err != nil {
		return nil, r.failed(err)
	}
	request.Header.Set("User-Agent", "slavedriver")
	for name, text := range r.Headers {
		request.Header.Set(name, text)
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, r.failed(cause(ctx, err))
	}
	defer answer.Body.Close()
	body, err := readAtMost(answer.Body, r.MaxBytes)
	if err != nil {
		return nil, r.failed(cause(ctx, err))
	}
	return &Response{Status: answer.StatusCode, Headers: joined(answer.Header), Body: body}, nil
}

// cause is why ctx ended where that is what made err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// readAtMost reads all, unless that is more than most bytes.
func readAtMost(body io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, tooLarge(most)
	}
	return data, err
}

// TooLarge is why a body is no answer to the request, or nil.
func (r *Request) TooLarge(body []byte) error {
	if int64(len(body)) > r.MaxBytes {
		return tooLarge(r.MaxBytes)
	}
	return nil
}

func tooLarge(most int64) error {
	return fmt.Errorf("the answer has more than %d bytes (maxBytes)", most)
}

func joined(header http.Header) map[string]string {
	out := make(map[string]string, len(header))
	for name, values := range header {
		out[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return out
}

// failed is an error that names the server and nothing else of the URL.
func (r *Request) failed(err error) error {
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	return fmt.Errorf("%s %s: %w", r.Method, r.Server(), explainTLS(err, "ca"))
}

// explainTLS says what a certificate that is not trusted may mean.
func explainTLS(err error, option string) error {
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w; an authority of your own is named with `%s`", err, option)
	}
	return err
}

// client is made for each request; what is costly about it is shared.
func (n *Network) client(r *Request) (*http.Client, error) {
	transport, err := n.transports.get(r.CA)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport, CheckRedirect: r.checkRedirect}, nil
}

// checkRedirect does not let a redirect take the script's headers, which may
// hold keys, to another host, nor anything from TLS to plain text.
func (r *Request) checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case r.Redirects == 0:
		return http.ErrUseLastResponse
	case len(via) > r.Redirects:
		return fmt.Errorf("there were more than %d redirects", r.Redirects)
	case via[0].URL.Scheme == "https" && next.URL.Scheme != "https":
		return errors.New("it was redirected from https to http, which is not followed")
	}
	if next.URL.Host == via[0].URL.Host {
		return nil
	}
	harmless := []string{"accept", "accept-language", "content-type", "idempotency-key", "user-agent"}
	for name := range r.Headers {
		if !slices.Contains(harmless, strings.ToLower(name)) {
			next.Header.Del(name)
		}
	}
	return nil
}

// transports keep connections, one for each file of certificates.
type transports struct {
	mu   sync.Mutex
	byCA map[string]*http.Transport
}

func (t *transports) get(ca string) (*http.Transport, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := t.byCA[ca]; known != nil {
		return known, nil
	}
	config, err := tlsConfig(ca)
	if err != nil {
		return nil, err
	}
	made := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
		MaxIdleConns: 8, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 1 << 20,
	}
	if t.byCA == nil {
		t.byCA = map[string]*http.Transport{}
	}
	t.byCA[ca] = made
	return made, nil
}

// tlsConfig trusts the system's authorities, and those in the file ca, if any.
func tlsConfig(ca string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca == "" {
		return config, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, fmt.Errorf("the certificates in %s cannot be read: %w", ca, reason(err))
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("there is no certificate in %s; it must be in PEM", ca)
	}
	config.RootCAs = roots
	return config, nil
}

// StatusError is an answer that is no success, where only a success will do.
type StatusError struct {
	Server string
	Status int
	After  time.Duration // when the server wants to be asked again; 0: it did not say
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answered %d (%s)", e.Server, e.Status, statusText(e.Status))
}

// Permanent says that the same request will most likely be answered like that
// again: that somebody must do something about it.
func (e *StatusError) Permanent() bool {
	passing := []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}
	return e.Status < 500 && !slices.Contains(passing, e.Status)
}

// RetryAfter is the server's wish.
func (e *StatusError) RetryAfter() time.Duration { return e.After }

// retryAfter reads the header; a date counts from now.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		return max(0, time.Duration(min(seconds, 1<<20))*time.Second)
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
