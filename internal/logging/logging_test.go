package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"slavedriver/engine"
)

func TestDefaultIsErrorsToStderr(t *testing.T) {
	var stderr bytes.Buffer
	log := New(nil, &stderr, nil)
	log.Log(engine.Warning, "not said", nil)
	log.Log(engine.Error, "said", map[string]any{"job": "x"})
	log.Log(engine.Alert, "said too", nil)
	log.Close()
	if got := stderr.String(); got != "slavedriver: error: said\nslavedriver: alert: said too\n" {
		t.Errorf("%q", got)
	}
}

func TestMessagesStayOnOneLineAndHarmless(t *testing.T) {
	for message, want := range map[string]string{
		"plain äöü 日本 \"quoted\" \\": "plain äöü 日本 \"quoted\" \\",
		"a\nslavedriver: error: b":   `a\nslavedriver: error: b`,
		"\x1b[31m\r\t\x00\x7f":       `\x1b[31m\r\t\x00\x7f`,
		"\xff\xfe":                   `\xff\xfe`,
		"\u202e\u2028\u009b":         `\u202e\u2028\u009b`,
		"\ufffd":                     "\ufffd",
	} {
		if got := Escape(message); got != want {
			t.Errorf("%q becomes %q, not %q", message, got, want)
		}
	}
}

func TestEachDestinationHasItsLevel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var stderr bytes.Buffer
	var called []string
	log := New([]engine.LoggerConfig{
		{Kind: "stderr", Level: "warning"},
		{Kind: "file", Path: path, Format: "text", Level: "notice"},
		{Kind: "function", Index: 7},
	}, &stderr, func(index int, level engine.Level, message string, fields map[string]any) {
		if index != 7 || fields["n"] != 1 {
			t.Errorf("index %d, fields %v", index, fields)
		}
		called = append(called, string(level)+" "+message)
	})
	for _, level := range engine.Levels {
		log.Log(level, "m", map[string]any{"n": 1})
	}
	log.Close()
	if got := strings.Count(stderr.String(), "\n"); got != 4 {
		t.Errorf("stderr: %q", stderr.String())
	}
	if got := read(t, path); strings.Count(got, "\n") != 5 || strings.Contains(got, " info ") {
		t.Errorf("file: %q", got)
	}
	if len(called) != len(engine.Levels) || called[0] != "debug m" {
		t.Errorf("function: %q", called)
	}
}

func TestTextLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New([]engine.LoggerConfig{{Kind: "file", Path: path}}, nil, nil)
	log.Log(engine.Error, "two\nlines", map[string]any{
		"job": "a b", "code": 5, "empty": "", "e q": "x=y", "esc": "\x1b",
	})
	log.Close()
	want := `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d) error two\\nlines code=5 "e q"="x=y" empty="" esc="\\x1b" job="a b"` + "\n$"
	if got := read(t, path); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestJSONLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New([]engine.LoggerConfig{{Kind: "file", Path: path, Format: "json"}}, nil, nil)
	log.Log(engine.Error, "two\nlines", map[string]any{"code": 5, "level": "mine"})
	log.Log(engine.Info, "odd", map[string]any{"nan": math.NaN()})
	log.Close()
	lines := strings.Split(strings.TrimSpace(read(t, path)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", lines)
	}
	var first, second entry
	for line, to := range map[string]*entry{lines[0]: &first, lines[1]: &second} {
		if err := json.Unmarshal([]byte(line), to); err != nil {
			t.Fatal(err)
		}
	}
	if first.Time.IsZero() || first.Level != engine.Error || first.Message != "two\nlines" || first.Context["code"] != 5.0 || first.Context["level"] != "mine" {
		t.Errorf("%+v", first)
	}
	if second.Context["nan"] != "NaN" {
		t.Errorf("%+v", second)
	}
}

// Not even an unused log file is created, and an existing one is appended to.
func TestFileIsOpenedByTheFirstMessage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New([]engine.LoggerConfig{{Kind: "file", Path: path, Level: "error"}}, nil, nil)
	log.Log(engine.Info, "below", nil)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the file is there")
	}
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log.Log(engine.Error, "after", nil)
	log.Close()
	if got := read(t, path); !strings.HasPrefix(got, "before\n") || !strings.HasSuffix(got, " error after\n") {
		t.Errorf("%q", got)
	}
}

// A log that cannot be opened, or not be written, loses no error: those go to
// stderr instead.
func TestErrorsGoToStderrInstead(t *testing.T) {
	paths := []string{filepath.Join(t.TempDir(), "none", "log")}
	if _, err := os.Stat("/dev/full"); err == nil { // not on every system
		paths = append(paths, "/dev/full")
	}
	for _, path := range paths {
		var stderr bytes.Buffer
		log := New([]engine.LoggerConfig{{Kind: "file", Path: path}}, &stderr, nil)
		log.Log(engine.Info, "quiet", nil)
		log.Log(engine.Error, "loud", nil)
		log.Log(engine.Alert, "louder", nil)
		log.Close()
		got := stderr.String()
		if !strings.HasPrefix(got, "slavedriver: warning: cannot ") || !strings.Contains(got, "; its errors go to stderr\n") ||
			!strings.HasSuffix(got, "slavedriver: error: loud\nslavedriver: alert: louder\n") || strings.Contains(got, "quiet") {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestTroubleIsSaidOnce(t *testing.T) {
	for name, path := range map[string]string{
		"a missing folder": filepath.Join(t.TempDir(), "none", "log"),
		"a full disk":      "/dev/full",
	} {
		if _, err := os.Stat("/dev/full"); err != nil && name == "a full disk" {
			continue // not on this system
		}
		var stderr bytes.Buffer
		log := New([]engine.LoggerConfig{{Kind: "file", Path: path}}, &stderr, nil)
		for range 3 {
			log.Log(engine.Warning, "x", nil)
		}
		log.Close()
		got := stderr.String()
		if strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "slavedriver: warning: cannot ") || !strings.Contains(got, path) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestConcurrentLinesDoNotMix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New([]engine.LoggerConfig{{Kind: "file", Path: path}}, nil, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				log.Log(engine.Error, strings.Repeat("x", 1000), nil)
			}
		})
	}
	wg.Wait()
	log.Close()
	for _, line := range strings.Split(strings.TrimSpace(read(t, path)), "\n") {
		if !strings.HasSuffix(line, " error "+strings.Repeat("x", 1000)) {
			t.Fatalf("%q", line)
		}
	}
}

func TestSyslogHasALevelForEachOfOurs(t *testing.T) {
	to := &fakeSyslog{}
	s := newSyslog("", nil)
	s.connect = func(tag string) (priorities, error) { to.tag = tag; return to, nil }
	for _, level := range engine.Levels {
		s.write(time.Now(), level, "a\nb", map[string]any{"n": 1})
	}
	want := []string{"debug", "info", "notice", "warning", "err", "crit", "alert"}
	if to.tag != "slavedriver" || len(to.lines) != len(want) {
		t.Fatalf("%+v", to)
	}
	for i, line := range to.lines {
		if line != want[i]+` a\nb n=1` {
			t.Errorf("%q", line)
		}
	}
}

func TestMissingSyslogIsSaidOnce(t *testing.T) {
	var stderr bytes.Buffer
	tries := 0
	say := newQueue(&terminal{out: &stderr})
	s := newSyslog("x", say)
	s.connect = func(string) (priorities, error) { tries++; return nil, errors.New("no such socket") }
	s.write(time.Now(), engine.Error, "a", nil)
	s.write(time.Now(), engine.Notice, "not that grave", nil)
	s.write(time.Now(), engine.Error, "b", nil)
	say.close()
	if tries != 1 || stderr.String() != "slavedriver: warning: cannot connect to syslog: no such socket; its errors go to stderr\n"+
		"slavedriver: error: a\nslavedriver: error: b\n" {
		t.Errorf("%d tries, %q", tries, stderr.String())
	}
}

type fakeSyslog struct {
	tag   string
	lines []string
}

func (f *fakeSyslog) add(as, line string) error {
	f.lines = append(f.lines, as+" "+line)
	return nil
}

func (f *fakeSyslog) Debug(m string) error   { return f.add("debug", m) }
func (f *fakeSyslog) Info(m string) error    { return f.add("info", m) }
func (f *fakeSyslog) Notice(m string) error  { return f.add("notice", m) }
func (f *fakeSyslog) Warning(m string) error { return f.add("warning", m) }
func (f *fakeSyslog) Err(m string) error     { return f.add("err", m) }
func (f *fakeSyslog) Crit(m string) error    { return f.add("crit", m) }
func (f *fakeSyslog) Alert(m string) error   { return f.add("alert", m) }

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// stuck is a destination that writes nothing before it is freed.
type stuck struct {
	free    chan struct{}
	written []string
}

func (s *stuck) write(_ time.Time, _ engine.Level, message string, _ map[string]any) {
	<-s.free
	s.written = append(s.written, message)
}

// Whoever logs never waits for a destination that hangs; what was too much is
// counted, and the end waits for a while only.
func TestADestinationThatHangsHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &stuck{free: make(chan struct{})}
		q := newQueue(to)
		for range queueLength + 11 {
			q.Log(engine.Error, "x", nil)
			synctest.Wait()
		}
		began := time.Now()
		q.close()
		if waited := time.Since(began); waited != closePatience {
			t.Errorf("the end waited for %v", waited)
		}
		close(to.free)
		<-q.over
		if len(to.written) != queueLength+2 || to.written[1] != "10 log messages were dropped here: they came faster than they could be written" {
			t.Errorf("%d messages, %q", len(to.written), to.written[1])
		}
	})
}
