package lockstore

import (
	"net/url"
	"strings"
)

// Redact is a URL as it may be shown: without user, password, and whatever else
// could be part of a password that was not escaped. It never fails.
func Redact(url string) string {
	at := strings.LastIndex(url, "@")
	if at < 0 {
		return dropParameters(url)
	}
	scheme := ""
	if i := strings.Index(url[:at], "://"); i >= 0 {
		scheme = url[:i+len("://")]
	}
	if strings.ContainsAny(url[:at], "?") { // the @ may be a parameter's
		return scheme + "***"
	}
	return scheme + "***" + dropParameters(url[at:])
}

// dropParameters keeps the one parameter that is known and harmless.
func dropParameters(text string) string {
	text, _, _ = strings.Cut(text, "#")
	head, query, found := strings.Cut(text, "?")
	if !found {
		return text
	}
	if db, ok := strings.CutPrefix(query, "db="); ok && len(db) < 4 {
		return head + "?db=" + db
	}
	return head + "?***"
}

// scrubbed is an error whose text has no secrets. The server chose the text,
// and the client: neither is ours to trust with a password.
type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string { return s.text }
func (s *scrubbed) Unwrap() error { return s.err }

// scrub takes the store's passwords out of an error's text.
func (a address) scrub(err error) error {
	text := err.Error()
	for _, secret := range []string{a.Password, a.SentinelPassword} {
		if secret == "" {
			continue
		}
		text = strings.ReplaceAll(text, secret, "***")
		text = strings.ReplaceAll(text, url.QueryEscape(secret), "***")
	}
	if text == err.Error() {
		return err
	}
	return &scrubbed{text, err}
}
