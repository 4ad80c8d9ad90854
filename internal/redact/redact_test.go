package redact

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestSecretsAreMarked(t *testing.T) {
	var s Secrets
	if got := s.String("nothing is secret yet: s3cret/word"); got != "nothing is secret yet: s3cret/word" {
		t.Errorf("%q", got)
	}
	for _, value := range []string{"s3cret/word", "s3cret/word and more", "quote\"d", "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhk\n-----END KEY-----\n"} {
		if err := s.Add(value); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		"a s3cret/word b s3cret/word":    "a *** b ***",
		"a s3cret/word and more":         "a ***", // the longest first
		"?token=s3cret%2Fword&x":         "?token=***&x",
		`{"key":"quote\"d"}`:             `{"key":"***"}`,
		"czNjcmV0L3dvcmQ=":               "***",
		"a line of the key MIIEvQIBADAN": "a line of the key MIIEvQIBADAN",
		"MIIEvQIBADANBg":                 "***",
		"-----BEGIN KEY-----":            "-----BEGIN KEY-----",
	} {
		if got := s.String(text); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
}

// TestSecretsWithinBase64 finds a secret wherever it stands in what was encoded, as
// the password in the header of Basic authentication; nothing that tells a whole byte
// of it is left.
func TestSecretsWithinBase64(t *testing.T) {
	const secret = "s3cret?wörd>>~~"
	var s Secrets
	if err := s.Add(secret); err != nil {
		t.Fatal(err)
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		for _, before := range []string{"", "a", "me", "jo:", "jobs:", "alice:"} {
			for _, after := range []string{"", "\n", "ab", "abc"} {
				got := s.String(encoding.EncodeToString([]byte(before + secret + after)))
				if left, _, _ := strings.Cut(got, Mark); !strings.Contains(got, Mark) || len(left) > (8*len(before)+5)/6 {
					t.Errorf("%q before, %q after: %q", before, after, got)
				}
				if _, right, _ := strings.Cut(got, Mark); len(right) > (8*len(after)+5)/6+3 { // with padding
					t.Errorf("%q before, %q after: %q", before, after, got)
				}
			}
		}
	}
	if err := s.Add("passwd7"); err != nil {
		t.Fatal(err)
	}
	short := base64.StdEncoding.EncodeToString([]byte("a:passwd7"))
	if got := s.String(short); got != short {
		t.Errorf("a short one, whose parts stand in any text by accident: %q", got)
	}
}

func TestShortSecretsAreRefused(t *testing.T) {
	var s Secrets
	for _, value := range []string{"", "abc", "  a \n"} {
		if err := s.Add(value); !errors.Is(err, ErrTooShort) {
			t.Errorf("%q: %v", value, err)
		}
	}
	if s.known() != nil {
		t.Errorf("kept %q", s.known())
	}
}

func TestValuesAreCopied(t *testing.T) {
	var s Secrets
	fields := map[string]any{"a": "word word", "n": 5, "list": []any{"the word", map[string]any{"word": nil}}}
	if got := s.Fields(fields); !reflect.DeepEqual(got, fields) {
		t.Errorf("without a secret: %v", got)
	}
	if err := s.Add("word"); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": "*** ***", "n": 5, "list": []any{"the ***", map[string]any{"***": nil}}}
	if got := s.Fields(fields); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if fields["a"] != "word word" || s.Fields(nil) != nil {
		t.Errorf("changed: %v", fields)
	}
}

func TestWriter(t *testing.T) {
	var s Secrets
	var out strings.Builder
	w := s.Writer(&out)
	fmt.Fprint(w, "word\n")
	if err := s.Add("word"); err != nil {
		t.Fatal(err)
	}
	if n, err := fmt.Fprint(w, "a word\n"); n != 7 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if out.String() != "word\na ***\n" {
		t.Errorf("%q", out.String())
	}
}
