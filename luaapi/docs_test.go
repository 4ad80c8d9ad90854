package luaapi

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/modules"
)

var noonOfDocs = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// worldOfDocs records what the examples send.
type worldOfDocs struct {
	letters
	logs
	sent []string
}

func (w *worldOfDocs) HTTP(_ context.Context, r *modules.Request) (*modules.Response, error) {
	w.sent = append(w.sent, fmt.Sprintf("%s %s %s", r.Method, r.URL, r.Body))
	return &modules.Response{Status: 500, Body: []byte("oops")}, nil
}

func (w *worldOfDocs) Mail(_ context.Context, m *modules.Mail) error {
	w.sent = append(w.sent, m.Subject)
	return nil
}

// examples are the pieces of Lua in docs/modules.md, by their heading.
func examples(t *testing.T) map[string]string { return examplesOf(t, "../docs/modules.md") }

func examplesOf(t *testing.T, page string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, section := range strings.Split(string(data), "\n## ")[1:] {
		heading, rest, _ := strings.Cut(section, "\n")
		_, code, ok := strings.Cut(rest, "```lua\n")
		if !ok {
			t.Errorf("%s has no example", heading)
		}
		all[heading], rest, _ = strings.Cut(code, "```")
		if strings.Contains(rest, "```lua") {
			t.Errorf("%s has an example that is not run", heading)
		}
	}
	return all
}

// play loads an example and tells it of a job that failed.
func play(t *testing.T, source string) (*worldOfDocs, string) {
	t.Helper()
	dir := files(t, map[string]string{"slavedriver.lua": source, "mail-password": "pa55word\n"})
	if err := os.Chmod(filepath.Join(dir, "mail-password"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, out, err := loadIn(t, dir, hooksInEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	w := &worldOfDocs{}
	s.UseSender(w)
	s.UseOutbox(w)
	s.UseLog(w)
	run := &engine.RunInfo{ID: "r1", Slave: "db1", Output: func(string, int, int64) (string, error) {
		return "WARNING one\nimported 12 rows\nORA-1 ORA-22\ncard=4711\n", nil
	}}
	job := &engine.Job{Name: "Backup", Slug: "backup", Tags: []string{"critical"}}
	for _, e := range []engine.Event{
		{Name: engine.EventJobStarted}, {Name: engine.EventJobStdout, Params: map[string]any{"stdOut": "x https://hooks.example/api_token\n"}},
		{Name: engine.EventJobError, Params: map[string]any{"exitCode": 3}},
	} {
		e.ID, e.Job, e.Run = e.Name, job, run
		if e.Name == engine.EventJobStarted {
			run.ScheduledAt = noonOfDocs
		}
		fire(t, s, &e)
	}
	return w, out.String()
}

func TestExamplesOfTheModules(t *testing.T) {
	all := examples(t)
	for heading, check := range map[string]func(t *testing.T, w *worldOfDocs, out string){
		"slavedriver.http": func(t *testing.T, w *worldOfDocs, _ string) {
			equal(t, "sent", strings.Join(w.sent, ";"), `POST https://hooks.example/slack_webhook {"text":"Backup failed: exit code 3"}`)
			equal(t, "logged", w.String(), "error Slack answered 500: oops map[]\n")
		},
		"slavedriver.mail": func(t *testing.T, w *worldOfDocs, _ string) {
			equal(t, "letters", len(w.all), 1)
			equal(t, "letter", w.all[0].About, `mail "Backup failed" through smtp.example.com:587`)
		},
		"The outbox": func(t *testing.T, w *worldOfDocs, _ string) {
			equal(t, "letters", len(w.all), 1)
			equal(t, "letter", w.all[0].About, "POST https://events.pagerduty.com")
		},
		"slavedriver.json": func(*testing.T, *worldOfDocs, string) {},
		"slavedriver.text": func(t *testing.T, _ *worldOfDocs, out string) {
			equal(t, "printed", out, "1\t12\tORA-1 ORA-22\t1\n")
		},
		"slavedriver.log": func(t *testing.T, w *worldOfDocs, _ string) {
			if !strings.HasPrefix(w.String(), "info started map[job:Backup late:") {
				t.Errorf("logged %s", w.String())
			}
		},
		"slavedriver.secret": func(t *testing.T, _ *worldOfDocs, out string) {
			equal(t, "printed", out, "x ***\n\n")
		},
	} {
		t.Run(heading, func(t *testing.T) {
			if all[heading] == "" {
				t.Fatal("there is no such example")
			}
			w, out := play(t, all[heading])
			check(t, w, out)
			delete(all, heading)
		})
	}
	for heading := range all {
		t.Errorf("the example of %s is not run", heading)
	}
}

// TestTheModulesPageIsWhole: it names each module, function and option.
func TestTheModulesPageIsWhole(t *testing.T) {
	data, err := os.ReadFile("../docs/modules.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules.All() {
		_, section, ok := strings.Cut(string(data), "\n## slavedriver."+m.Name+"\n")
		if !ok {
			t.Errorf("there is no section on slavedriver.%s", m.Name)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, f := range m.Functions {
			if !strings.Contains(section, "`"+f.Name) {
				t.Errorf("slavedriver.%s: %s is not named", m.Name, f.Name)
			}
			for _, o := range f.Options {
				if !strings.Contains(section, "`"+o.Name) && !strings.Contains(section, o.Name+" =") {
					t.Errorf("slavedriver.%s: the option %s is not named", m.Name, o.Name)
				}
			}
		}
	}
}

// hooksInEnvironment gives each variable that is not ours an address.
func hooksInEnvironment(o *Options) {
	o.Getenv = func(name string) string {
		if strings.HasPrefix(name, "SLAVEDRIVER_") {
			return ""
		}
		return "https://hooks.example/" + strings.ToLower(name)
	}
}
