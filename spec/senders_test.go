package spec

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"slavedriver/internal/testserver"
)

// sendersEntry is an entry file that uses each sender of the examples, as their
// first lines say, about a job whose output is as nasty as it can be.
const sendersEntry = `
local slavedriver = require("slavedriver")
local secret = require("slavedriver.secret")

slavedriver:setNamespace("shop")
slavedriver:setLogger(slavedriver.FileLogger({ path = "log" }))
for _, send in ipairs({
  require("senders.slack")({ url = secret.env("SLACK") }),
  require("senders.pagerduty")({ key = secret.env("PAGERDUTY_KEY"), url = os.getenv("PAGERDUTY") }),
  require("senders.mail")({ host = "127.0.0.1", port = tonumber(os.getenv("SMTP")), ca = os.getenv("SMTP_CA"), from = "jobs@example.com", to = "ops@example.com" }),
}) do
  slavedriver.alert({ after = 2, every = "1h", recovered = true, send = send })
end
require("senders.healthchecks")({ job = "Back*", url = os.getenv("PING") })
slavedriver:addJob({ name = "Backup <prod> & co", description = "Dumps the shop", schedule = "* * * * *", command = [=[
  seq 1000 | sed 's/$/ <!channel> & déjà vu/'
  printf 'caf\303 \377 ` + "```" + `\n' >&2
  [ -e ok ]]=] })
`

// inbox is what a server got, and what it does not take.
type inbox struct {
	mu  sync.Mutex
	got []string
	bad []string
}

func (b *inbox) add(what string, problems ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, what)
	for _, p := range problems {
		if p != "" {
			b.bad = append(b.bad, what+": "+p)
		}
	}
}

// unless is a problem where something does not hold.
func unless(ok bool, problem string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(problem, args...)
}

// receives is a server that takes what check has no problem with.
func (b *inbox) receives(t *testing.T, status int, answer string, check func(r *http.Request, body []byte) (what string, problems []string)) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		what, problems := check(r, body)
		b.add(what, append(problems, unless(r.Method == http.MethodPost, "the method is %s", r.Method))...)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// slackTakes are the rules of incoming webhooks: JSON with a text, blocks of at
// most 3000 characters, and in them no markup that somebody else wrote.
func slackTakes(r *http.Request, body []byte) (string, []string) {
	var m struct {
		Text   string
		Blocks []struct {
			Type string
			Text struct{ Type, Text string }
		}
	}
	err := json.Unmarshal(body, &m)
	problems := []string{
		unless(err == nil, "%v", err), unless(utf8.Valid(body), "it is not UTF-8"), unless(m.Text != "", "there is no text for notifications"),
		unless(len(m.Blocks) >= 1 && len(m.Blocks) <= 50, "%d blocks", len(m.Blocks)),
		unless(strings.HasPrefix(r.Header.Get("Content-Type"), "application/json"), "its type is %s", r.Header.Get("Content-Type")),
	}
	for _, block := range m.Blocks {
		text := block.Text.Text
		problems = append(problems,
			unless(block.Type == "section" && block.Text.Type == "mrkdwn", "a block of type %s with text of type %s", block.Type, block.Text.Type),
			unless(text != "" && utf8.RuneCountInString(text) <= 3000, "a text of %d characters", utf8.RuneCountInString(text)),
			unless(!strings.ContainsAny(text, "<>"), "markup: %s", text), unless(strings.Count(text, "```")%2 == 0, "an open code block: %s", text))
	}
	return fmt.Sprintf("%s (%d blocks)", m.Text, len(m.Blocks)), problems
}

// pagerDutyTakes are the rules of the Events API v2: a key of 32 characters, what is
// triggered has a summary (1024), a source and one of four severities, and what
// is resolved was triggered under the same key.
func pagerDutyTakes() func(r *http.Request, body []byte) (string, []string) {
	open := map[string]bool{}
	return func(r *http.Request, body []byte) (string, []string) {
		var e struct {
			Key     string `json:"routing_key"`
			Action  string `json:"event_action"`
			Dedup   string `json:"dedup_key"`
			Payload *struct {
				Summary, Source, Severity, Timestamp string
				Details                              struct{ Output string } `json:"custom_details"`
			}
		}
		err := json.Unmarshal(body, &e)
		problems := []string{
			unless(err == nil, "%v", err), unless(utf8.Valid(body), "it is not UTF-8"), unless(len(e.Key) == 32, "the routing key has %d characters", len(e.Key)),
			unless(e.Dedup != "" && len(e.Dedup) <= 255, "the dedup key is %q", e.Dedup),
			unless(e.Action == "trigger" || e.Action == "resolve" && open[e.Dedup], "it is a %s", e.Action),
			unless(len(body) <= 512<<10, "%d bytes", len(body)),
		}
		open[e.Dedup] = e.Action == "trigger"
		if p := e.Payload; p != nil {
			_, err := time.Parse(time.RFC3339, p.Timestamp)
			problems = append(problems, unless(err == nil, "%v", err), unless(p.Source != "", "there is no source"),
				unless(p.Summary != "" && len(p.Summary) <= 1024, "the summary is %q", p.Summary),
				unless(slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity), "the severity is %q", p.Severity),
				unless(strings.Contains(p.Details.Output, "1000 <!channel>"), "the output is %q", p.Details.Output))
		} else {
			problems = append(problems, unless(e.Action == "resolve", "a %s without a payload", e.Action))
		}
		return e.Action + " " + e.Dedup, problems
	}
}

// pingTakes are the rules of pings: a body of at most 100 kB.
func pingTakes(r *http.Request, body []byte) (string, []string) {
	return r.URL.Path, []string{unless(len(body) <= 100_000, "%d bytes", len(body))}
}

// mailTakes looks at what people read.
func mailTakes(m testserver.Mail) (string, []string) {
	letter, err := mail.ReadMessage(strings.NewReader(m.Data))
	if err != nil {
		return m.Data, []string{err.Error()}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	return subject, []string{
		unless(err == nil, "%v", err), unless(m.TLS, "it came without TLS"), unless(m.From == "jobs@example.com", "from %s", m.From),
		unless(strings.Contains(m.Data, "Job:      Backup <prod> & co") && strings.Contains(m.Data, "Dumps the shop"), "it does not say which job:\n%s", m.Data),
		unless(!strings.Contains(m.Data, "\n950 ") && strings.Contains(m.Data, "\n951 <!channel>"), "it has not the last 50 lines:\n%s", m.Data),
	}
}

// TestSenders: each sender of the examples, against a server that takes only
// what the real one's documentation says; the job fails twice and recovers.
func TestSenders(t *testing.T) {
	t.Parallel()
	var slack, pagerDuty, pings, letters inbox
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "senders"), os.DirFS("../examples/senders")); err != nil {
		t.Fatal(err)
	}
	smtp, err := testserver.StartSMTP(testserver.SMTPOptions{Listen: "127.0.0.1:0", Taken: func(m testserver.Mail) {
		what, problems := mailTakes(m)
		letters.add(what, problems...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smtp.Close)
	for name, text := range map[string]string{"slavedriver.lua": sendersEntry, "smtp.pem": string(smtp.CA)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{
		"SLACK=" + slack.receives(t, http.StatusOK, "ok", slackTakes), "PAGERDUTY_KEY=" + strings.Repeat("k3y!", 8),
		"PAGERDUTY=" + pagerDuty.receives(t, http.StatusAccepted, `{"status":"success"}`, pagerDutyTakes()),
		"PING=" + pings.receives(t, http.StatusOK, "OK", pingTakes), fmt.Sprintf("SMTP=%d", smtp.Port), "SMTP_CA=" + filepath.Join(dir, "smtp.pem"),
	}
	for _, minute := range []string{"12:00", "12:01", "12:02", "12:03"} {
		if minute == "12:03" {
			fake(t, filepath.Join(dir, "ok"), "")
		}
		cmd := exec.Command(filepath.Join(binary, "slavedriver"), filepath.Join(dir, "slavedriver.lua"))
		cmd.Env = append(append(os.Environ(), "SLAVEDRIVER_VAR_DIR="+filepath.Join(dir, "var"), "SLAVEDRIVER_SLAVE_NAME=db1",
			"SLAVEDRIVER_TEST_NOW=2026-11-23T"+minute+":02Z", "TZ=UTC"), env...)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const job = "Backup <prod> & co"
	slack.check(t, "Slack", "Backup &lt;prod&gt; &amp; co failed 2 times in a row: exit code 1 (2 blocks)",
		"Backup &lt;prod&gt; &amp; co recovered after 3 failures (1 blocks)")
	pagerDuty.check(t, "PagerDuty", "trigger shop/db1/backup-prod-co", "resolve shop/db1/backup-prod-co")
	pings.check(t, "the pings", "/start", "/fail", "/start", "/fail", "/start", "/fail", "/start", "/")
	letters.check(t, "the mail", "[db1] "+job+" failed 2 times in a row: exit code 1", "[db1] "+job+" recovered after 3 failures")
	if log, _ := os.ReadFile(filepath.Join(dir, "log")); strings.Contains(string(log), "outbox") || strings.Contains(string(log), "handler") {
		t.Errorf("the log has\n%s", log)
	}
}

func (b *inbox) check(t *testing.T, name string, want ...string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Equal(b.got, want) {
		t.Errorf("%s got\n%s\nnot\n%s", name, strings.Join(b.got, "\n"), strings.Join(want, "\n"))
	}
	for _, problem := range b.bad {
		t.Errorf("%s: %s", name, problem)
	}
}

// TestSendersWithoutTheirSecrets: jobs run all the same, and what is missing is said
// by check, once by the shifts, and by each handler that needs it.
func TestSendersWithoutTheirSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "senders"), os.DirFS("../examples/senders")); err != nil {
		t.Fatal(err)
	}
	const entry = `
local secret = require("slavedriver.secret")
slavedriver.alert({ after = 2, send = require("senders.slack")({ url = secret.env("NO_SLACK") }) })
slavedriver.alert({ after = 2, send = require("senders.pagerduty")({ key = secret.env("NO_KEY") }) })
slavedriver.alert({ after = 2, send = require("senders.mail")({ host = "x", from = "a@b", to = "a@b", user = "u", password = secret.env("NO_PASSWORD") }) })
require("senders.healthchecks")({ job = "Backup", url = secret.env("NO_PING") })
slavedriver:addJob({ name = "Backup", schedule = "* * * * *", command = function() return nil, "no room" end })
`
	if err := os.WriteFile(filepath.Join(dir, "slavedriver.lua"), []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	var said [2]string
	for i, minute := range []string{"12:00", "12:01"} {
		cmd := exec.Command(filepath.Join(binary, "slavedriver"), filepath.Join(dir, "slavedriver.lua"))
		cmd.Env = append(os.Environ(), "SLAVEDRIVER_VAR_DIR="+filepath.Join(dir, "var"), "SLAVEDRIVER_TEST_NOW=2026-11-23T"+minute+":02Z")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		said[i] = string(out)
	}
	wants(t, said[0], `slavedriver.lua:3: secret.env("NO_SLACK"): the environment has no NO_SLACK`, "senders.healthchecks was given no url", "its last words: no room")
	const check = ", so nothing is sent; `slavedriver check FILE` says why a secret is missing"
	wants(t, said[1], "senders.slack was given no url"+check, "senders.pagerduty was given no key"+check, "senders.mail was given no password"+check, "its last words: no room")
	if strings.Contains(said[0], "senders.slack") || strings.Contains(said[1], "a secret is missing: ") {
		t.Errorf("it is said too often:\n%s\n%s", said[0], said[1])
	}
}
