package modules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestJSONComesBack: what is decoded is encoded as it was.
func TestJSONComesBack(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `[]`, `{}`, `[[],{},null]`, `"ü\u0000\"\\\n<&>"`, `0.1`, `-0.5`, `1e+300`,
		`9007199254740992`, `9007199254740993`, `-12345678901234567890`, `{"a":[1,2,{"b":null}],"id":18446744073709551615}`, `1e400`,
	} {
		v, err := call(t, world(), "json.decode", Args{"text": " " + text + "\n"})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := call(t, world(), "json.encode", Args{"value": v[0]})
		if err != nil || got[0] != text {
			t.Errorf("%s becomes %v, %v", text, got, err)
		}
	}
}

func TestNumbersAreExactOrDigits(t *testing.T) {
	for text, want := range map[string]any{
		"1": 1.0, "9007199254740991": 9007199254740991.0, "9007199254740992": json.Number("9007199254740992"), "9007199254740993": json.Number("9007199254740993"),
		"18014398509481984": json.Number("18014398509481984"), // exact, as its neighbours are not
		"0.1":               0.1, "1e3": 1000.0, "1e400": json.Number("1e400"), "1.5e20": 1.5e20,
	} {
		got, err := call(t, world(), "json.decode", Args{"text": text})
		if err != nil || got[0] != want {
			t.Errorf("%s is %#v, %v", text, got, err)
		}
	}
}

func TestWhatIsNotJSON(t *testing.T) {
	for text, want := range map[string]string{
		"": "it is empty", "  ": "it is empty", "{": "it ends too early, at byte 1", "[1,]": "invalid character ']'", "{} x": "something behind the value, at byte",
		"nul": "at byte", "<html>": "invalid character '<' looking for beginning of value, at byte 1",
	} {
		_, err := call(t, world(), "json.decode", Args{"text": text})
		fails(t, err, "this is not JSON: ", want)
	}
}

func TestArraysAndNumbers(t *testing.T) {
	got, err := call(t, world(), "json.array", Args{"list": map[string]any{}})
	if err != nil || !reflect.DeepEqual(got, []any{[]any{}}) {
		t.Errorf("%#v, %v", got, err)
	}
	for _, v := range []any{"x", 1.0, map[string]any{"a": 1.0}, true} {
		if isList(v) == nil {
			t.Errorf("%v is taken for a list", v)
		}
	}
	for _, digits := range []string{"", "x", "1 2", "true", "null", `"1"`, "01", "1,2", "0x1"} {
		if isNumber(digits) == nil {
			t.Errorf("%q is taken for a number", digits)
		}
	}
	if isNumber("-12.50e+3") != nil {
		t.Error("-12.50e+3 is not taken for a number")
	}
}

func TestText(t *testing.T) {
	const text = "one two\nthree\n\nfour"
	for _, test := range []struct {
		function string
		args     Args
		want     string
	}{
		{"find", Args{"what": "two"}, "[5 7]"},
		{"find", Args{"what": "."}, "[<nil>]"},
		{"find", Args{"what": `(t\w+)\n(x)?`, "regex": true}, "[5 8 two false]"},
		{"find", Args{"what": `\d`, "regex": true}, "[<nil>]"},
		{"match", Args{"pattern": `t\w+`}, "[two]"},
		{"match", Args{"pattern": `(?m)^(t)(\w)`}, "[t h]"},
		{"match", Args{"pattern": `x`}, "[<nil>]"},
		{"matchAll", Args{"pattern": `\w+`}, "[[one two three four]]"},
		{"matchAll", Args{"pattern": `\w+`, "limit": int64(2)}, "[[one two]]"},
		{"matchAll", Args{"pattern": `t(w)?`}, "[[w ]]"},
		{"matchAll", Args{"pattern": `x`}, "[[]]"},
		{"replace", Args{"what": "o", "with": "0"}, "[0ne tw0\nthree\n\nf0ur 3]"},
		{"replace", Args{"what": "o", "with": "", "limit": int64(1)}, "[ne two\nthree\n\nfour 1]"},
		{"replace", Args{"what": `(\w)(\w+)`, "with": "$2-${1}$$", "regex": true}, "[ne-o$ wo-t$\nhree-t$\n\nour-f$ 4]"},
		{"replace", Args{"what": "^", "with": "> ", "regex": true}, "[> one two\nthree\n\nfour 1]"},
		{"replace", Args{"what": "x", "with": "y"}, "[" + text + " 0]"},
		{"quote", Args{"text": "a.b*"}, `[a\.b\*]`},
	} {
		if test.args["text"] == nil {
			test.args["text"] = text
		}
		got, err := call(t, world(), "text."+test.function, test.args)
		if s := fmt.Sprint(got); err != nil || s != test.want {
			t.Errorf("%s %v: %q, %v", test.function, test.args, s, err)
		}
	}
}

func TestLines(t *testing.T) {
	for text, want := range map[string][]any{
		"": nil, "a": {"a"}, "a\n": {"a"}, "a\n\nb": {"a", "", "b"}, "\n": {""},
	} {
		got, err := call(t, world(), "text.lines", Args{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		var lines []any
		for next := got[0].(Iterator); ; {
			line, ok := next()
			if !ok {
				break
			}
			lines = append(lines, line)
		}
		if !reflect.DeepEqual(lines, want) {
			t.Errorf("%q: %q", text, lines)
		}
	}
}

// TestTextIsBounded: what takes too long is left, what grows too much refused.
func TestTextIsBounded(t *testing.T) {
	var m *ArgumentError
	_, err := call(t, world(), "text.replace", Args{"text": strings.Repeat("x", 300), "what": "x", "with": strings.Repeat("y", 1<<20)})
	if !errors.As(err, &m) {
		t.Errorf("%v", err)
	}
	_, err = call(t, world(), "text.replace", Args{"text": strings.Repeat("x", 300), "what": "x", "with": strings.Repeat("y", 1<<20), "regex": true})
	if !errors.As(err, &m) {
		t.Errorf("%v", err)
	}
	_, err = call(t, world(), "text.matchAll", Args{"text": strings.Repeat("x", mostMatches+1), "pattern": "x"})
	fails(t, err, "matches at more than 262144 places")
	_, err = call(t, world(), "text.match", Args{"text": "x", "pattern": `(a)\1`})
	if !errors.As(err, &m) || !strings.Contains(m.Hint, "RE2") {
		t.Errorf("%v", err)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the handler is over"))
	began := time.Now()
	_, err = callIn(t, ctx, world(), "text.find", Args{"text": strings.Repeat("a", 4<<20), "what": `(a*)*(b|c)+$`, "regex": true})
	fails(t, err, "the handler is over")
	soon(t, began)
}

func TestPatternsAreKept(t *testing.T) {
	var p patterns
	first, err := p.compile("a+")
	if again, _ := p.compile("a+"); err != nil || again != first {
		t.Errorf("%v", err)
	}
	for i := range 3 * mostPatterns {
		_, _ = p.compile(fmt.Sprint("a", i))
	}
	if len(p.compiled) > mostPatterns {
		t.Errorf("%d are kept", len(p.compiled))
	}
}

func TestSecrets(t *testing.T) {
	w := world()
	w.Getenv = func(name string) string { return map[string]string{"TOKEN": "s3cret-token", "PIN": "123"}[name] }
	got, err := call(t, w, "secret.env", Args{"name": "TOKEN"})
	if err != nil || got[0] != "s3cret-token" || w.Secrets.String("x s3cret-token") != "x ***" {
		t.Errorf("%v, %v", got, err)
	}
	_, err = call(t, w, "secret.env", Args{"name": "NONE"})
	fails(t, err, "the environment has no NONE")
	_, err = call(t, w, "secret.env", Args{"name": "PIN"})
	fails(t, err, "the value of PIN cannot be used: it has fewer than 4 bytes")

	path := write(t, "key", []byte("s3cret-key\r\n"))
	got, err = call(t, w, "secret.file", Args{"path": path})
	if err != nil || got[0] != "s3cret-key" || w.Secrets.String("s3cret-key") != "***" {
		t.Errorf("%q, %v", got, err)
	}
	for want, bad := range map[string]string{
		"no such file or directory": path + "x",
		"it is not a regular file":  filepath.Dir(path),
		"it is empty":               write(t, "empty", []byte("\n")),
		"it has more than 65536":    write(t, "large", make([]byte, largestSecret+1)),
		"it has fewer than 4 bytes": write(t, "short", []byte("abc")),
	} {
		_, err := call(t, w, "secret.file", Args{"path": bad})
		fails(t, err, "the secret in "+bad+" cannot be used: ", want)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err = call(t, w, "secret.file", Args{"path": path})
		fails(t, err, fmt.Sprintf("others can get at it (mode %04o); chmod 600 %s", mode, path))
	}
}
