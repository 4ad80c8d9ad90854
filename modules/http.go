package modules

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"
)

const (
	// answerWithin is the timeout of a request that says none: half of what a
	// handler has by default, so that it can still do something about it.
	answerWithin = 5 * time.Second
	// defaultMaxBytes is the largest answer that is taken where nothing is said.
	defaultMaxBytes = 8 << 20
	mostRedirects   = 10
)

// Request is an HTTP request. It is kept as JSON in the outbox.
type Request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"` // may hold credentials; see Server
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"` // for all of it; 0: as long as ctx lasts
	CA      string            `json:"ca,omitempty"`      // a file of certificates that are trusted too
	// MaxBytes is the largest body of an answer, in bytes; a larger one is an error.
	MaxBytes  int64 `json:"maxBytes,omitempty"`
	Redirects int   `json:"redirects,omitempty"` // how many are followed; beyond 0, more are an error
}

// Response is the answer to a Request.
type Response struct {
	Status  int
	Headers map[string]string // in lower case; several values are joined by ", "
	Body    []byte
}

// Server is scheme and host of the URL: what can be told to people, since the
// rest often holds a key.
func (r *Request) Server() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return "a URL that cannot be read"
	}
	return u.Scheme + "://" + u.Host
}

func httpModule() *Module {
	urlParam := Param{Name: "url", Type: TypeLine, Required: true, Doc: "where to: http://... or https://...", Check: isURL}
	options := Param{Name: "options", Type: TypeOptions}
	method := Param{Name: "method", Type: TypeLine, Default: `"GET", with a body "POST"`, Doc: "the method", Check: isToken}
	returns := []Param{
		{Name: "status", Type: TypeWhole, Doc: "the status, such as 200; with outbox: true"},
		{Name: "body", Type: TypeString, Doc: "what the server sent"},
		{Name: "headers", Type: TypeMap, Doc: "its headers, with names in lower case"},
	}
	return &Module{
		Name: "http", Doc: "Sends HTTP requests. A status such as 404 is an answer; nil and a message are for what brought none. Certificates are checked; proxies are taken from $HTTPS_PROXY, $HTTP_PROXY and $NO_PROXY.",
		Functions: []Function{
			{
				Name: "get", Doc: "Asks for a URL.", Params: []Param{urlParam, options}, Options: requestOptions(), Returns: returns,
				Fails: true, Network: true, call: func(c *Call) ([]any, error) { return c.request("GET") },
			},
			{
				Name: "post", Doc: "Sends something to a URL.", Params: []Param{urlParam, options}, Options: requestOptions(), Returns: returns,
				Fails: true, Network: true, call: func(c *Call) ([]any, error) { return c.request("POST") },
			},
			{
				Name: "request", Doc: "Sends any request.", Params: []Param{{Name: "options", Type: TypeOptions, Required: true}},
				Options: append([]Param{urlParam, method}, requestOptions()...), Returns: returns,
				Fails: true, Network: true, call: func(c *Call) ([]any, error) { return c.request(c.Args.Text("method")) },
			},
		},
	}
}

// requestOptions are the options of all functions.
func requestOptions() []Param {
	return []Param{
		{Name: "headers", Type: TypeMap, Doc: "headers of the request", Check: areHeaders},
		{Name: "body", Type: TypeString, Doc: "what is sent"},
		{Name: "json", Type: TypeValue, Doc: "a value that is sent as JSON instead of a body"},
		{Name: "timeout", Type: TypeDuration, Default: "5 s; from the outbox 30 s", Doc: "how long all of it may take; never longer than what is left to the handler"},
		{Name: "ca", Type: TypePath, Doc: "a file of certificates (PEM) that are trusted beside those of the system"},
		{Name: "maxBytes", Type: TypeSize, Default: `"8M"`, Doc: "the largest answer that is taken"},
		{Name: "redirects", Type: TypeWhole, Least: 0, Most: mostRedirects, Default: "10", Doc: "how many redirects are followed; with 0 they are answers like any other"},
		{Name: "outbox", Type: TypeFlag, Default: "false", Doc: "whether it is only put into the outbox, to be sent at least once by this shift or a later one, for a day until the server says 2xx"},
		{Name: "order", Type: TypeString, Check: isShort, Doc: "a text, with outbox: messages with the same one are sent one after the other, in their order"},
	}
}

func isShort(v any) error {
	if text, _ := v.(string); len(text) > 1024 {
		return errors.New("must have at most 1024 bytes")
	}
	return nil
}

func isURL(v any) error {
	text, _ := v.(string)
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("must be a URL such as https://example.com/path")
	}
	return nil
}

// isToken is the grammar of methods and names of headers (RFC 9110, 5.6.2).
func isToken(v any) error {
	text, _ := v.(string)
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
	if text == "" || strings.Trim(text, letters) != "" {
		return errors.New("must be one word")
	}
	return nil
}

func areHeaders(v any) error {
	headers, _ := v.(map[string]string)
	for name, text := range headers {
		if isToken(name) != nil {
			return fmt.Errorf("has a name that is none of a header: %q", name)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return fmt.Errorf("has a control character, such as a newline, in %s", name)
		}
	}
	return nil
}

// request is each function of the module.
func (c *Call) request(method string) ([]any, error) {
	r, err := newRequest(method, c.Args)
	if err != nil {
		return nil, err
	}
	if c.Args.Flag("outbox") {
		return c.put("http", r.Server(), r.Method+" "+r.Server(), c.Args.Text("order"), r)
	}
	if r.Timeout == 0 {
		r.Timeout = answerWithin
	}
	answer, err := c.Sender.HTTP(c.Context, r)
	if err != nil {
		return nil, err
	}
	return []any{int64(answer.Status), string(answer.Body), answer.Headers}, nil
}

// newRequest makes a Request of the arguments. A timeout that is not given
// stays 0: it depends on who waits.
func newRequest(method string, a Args) (*Request, error) {
	r := &Request{
		Method: method, URL: a.Text("url"), Headers: map[string]string{}, Body: []byte(a.Text("body")),
		Timeout: a.Duration("timeout"), CA: a.Text("ca"), MaxBytes: defaultMaxBytes, Redirects: mostRedirects,
	}
	if a.Has("maxBytes") {
		r.MaxBytes = a.Whole("maxBytes")
	}
	if a.Has("redirects") {
		r.Redirects = int(a.Whole("redirects"))
	}
	if a.Has("json") {
		if err := r.setJSON(a); err != nil {
			return nil, err
		}
	}
	if headers, ok := a["headers"].(map[string]string); ok {
		maps.Copy(r.Headers, headers)
	}
	if r.Method == "" {
		r.Method = "GET"
		if a.Has("body") || a.Has("json") {
			r.Method = "POST"
		}
	}
	return r, nil
}

func (r *Request) setJSON(a Args) (err error) {
	if a.Has("body") {
		return &ArgumentError{Message: "both `body` and `json` are given; a request has one of them"}
	}
	if r.Body, err = marshal(a["json"], false); err != nil {
		return &ArgumentError{Message: "`json` cannot be written as JSON: " + err.Error()}
	}
	headers, _ := a["headers"].(map[string]string)
	for name := range headers {
		if strings.EqualFold(name, "Content-Type") {
			return nil
		}
	}
	r.Headers["Content-Type"] = "application/json"
	return nil
}

// encode is a message as the outbox keeps it.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil { // strings, numbers and bytes alone
		panic(err)
	}
	return data
}
