// Package redact keeps secrets out of what people read: logs, events, the
// output of the script, messages of errors.
package redact

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// Mark stands where a secret stood.
	Mark = "***"
	// Shortest is the fewest bytes that a secret has: the text of shorter ones
	// stands in any log by accident.
	Shortest = 4
	// shortestLine is the fewest bytes of a line of a secret that is taken for
	// the secret's own: a key in PEM is printed line by line.
	shortestLine = 12
	// shortestInner is the fewest bytes of a secret that is looked for within what
	// was encoded in base64: the parts of shorter ones stand there by accident.
	shortestInner = 8
)

// ErrTooShort says that a value cannot be kept secret.
var ErrTooShort = errors.New("it has fewer than 4 bytes: what is that short cannot be told from other text, and so not be kept out of logs")

// Secrets are the values that are not to be read by anybody. The zero value
// has none. It is safe to use from any goroutine.
type Secrets struct {
	mu    sync.Mutex
	forms atomic.Pointer[[]string] // longest first; never changed, only replaced
}

// Add makes a value secret from now on, with the forms in which it appears in
// URLs, in JSON and in base64, and with each longer line of it.
func (s *Secrets) Add(value string) error {
	if len(strings.TrimSpace(value)) < Shortest {
		return ErrTooShort
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(s.known(), formsOf(value))
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	all = slices.Compact(all)
	s.forms.Store(&all)
	return nil
}

func (s *Secrets) known() []string {
	if forms := s.forms.Load(); forms != nil {
		return *forms
	}
	return nil
}

// formsOf are the ways in which a value may be written.
func formsOf(value string) []string {
	forms := []string{
		value, url.QueryEscape(value), url.PathEscape(value),
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(value)))
		if len(value) >= shortestInner {
			forms = append(forms, encoding.WithPadding(base64.NoPadding).EncodeToString([]byte(value)))
			forms = append(forms, withinBase64(encoding, value)...)
		}
	}
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); len(line) >= shortestLine && !strings.HasPrefix(line, "-----") {
			forms = append(forms, line)
		}
	}
	return forms
}

// withinBase64 are the characters that stand for nothing but bits of the value
// where it is encoded with other bytes around it, as in "user:password": one form
// for each place in a group of three bytes where it may begin (RFC 4648, section 4).
func withinBase64(encoding *base64.Encoding, value string) (forms []string) {
	for before := range 3 {
		encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + value))
		forms = append(forms, encoded[(8*before+5)/6:8*(before+len(value))/6])
	}
	return forms
}

// String is text with a mark in place of each secret.
func (s *Secrets) String(text string) string {
	for _, form := range s.known() {
		if strings.Contains(text, form) {
			text = strings.ReplaceAll(text, form, Mark)
		}
	}
	return text
}

// Value is v, where it is made of strings, []any and map[string]any, with a
// mark in place of each secret; v itself stays as it is.
func (s *Secrets) Value(v any) any {
	if s.known() == nil {
		return v
	}
	switch v := v.(type) {
	case string:
		return s.String(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = s.Value(item)
		}
		return out
	case map[string]any:
		return s.Fields(v)
	}
	return v
}

// Fields is Value of a map.
func (s *Secrets) Fields(fields map[string]any) map[string]any {
	if fields == nil || s.known() == nil {
		return fields
	}
	out := make(map[string]any, len(fields))
	for name, v := range fields {
		out[s.String(name)] = s.Value(v)
	}
	return out
}

// Writer writes to w what each Write brings, without the secrets in it; one
// that is cut in two by the writes is not found.
func (s *Secrets) Writer(w io.Writer) io.Writer { return &writer{s, w} }

type writer struct {
	secrets *Secrets
	to      io.Writer
}

func (w *writer) Write(p []byte) (int, error) {
	if w.secrets.known() == nil {
		return w.to.Write(p)
	}
	if _, err := io.WriteString(w.to, w.secrets.String(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
