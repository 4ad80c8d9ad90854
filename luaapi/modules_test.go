package luaapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"slavedriver/engine"
	"slavedriver/internal/outbox"
	"slavedriver/internal/testserver"
	"slavedriver/modules"
)

// inHandler runs Lua in a handler, with all modules at hand, and returns what it printed.
func inHandler(t *testing.T, source string, prepare ...func(*Script)) string {
	t.Helper()
	s, out := mustLoad(t, oneJob+`
		local http, json, log, mail, secret, text = require("slavedriver.http"), require("slavedriver.json"),
			require("slavedriver.log"), require("slavedriver.mail"), require("slavedriver.secret"), require("slavedriver.text")
		local function try(fn, ...) print(select(2, pcall(fn, ...))) end
		slavedriver:attach("slavedriver.job.started", function(job, params, event)
`+source+` end, { timeout = 5 })`)
	for _, f := range prepare {
		f(s)
	}
	for _, failure := range s.Call(context.Background(), started(s)) {
		fmt.Fprintf(out, "failed: %v\n", failure.Err)
	}
	return out.String()
}

// unplaced is a message without its place, of which there are several here.
func unplaced(message string) string {
	return regexp.MustCompile(`^slavedriver\.lua:\d+: `).ReplaceAllString(message, "")
}

func TestJSONInLua(t *testing.T) {
	for source, want := range map[string]string{
		`print(json.encode({ b = { 1, 2.5, "x" }, a = true, n = json.null, e = {}, l = json.array({}), big = 2^53 }))`:                                            `{"a":true,"b":[1,2.5,"x"],"big":9007199254740992,"e":{},"l":[],"n":null}`,
		`print(json.encode({ 1, { x = 1 } }, { pretty = true }))`:                                                                                                 "[\n  1,\n  {\n    \"x\": 1\n  }\n]",
		`print(json.encode("<&>"), json.encode(1/3), json.encode(1e15))`:                                                                                          "\"<&>\"\t0.3333333333333333\t1000000000000000",
		`print(json.encode(json.decode('{"a":[],"b":{},"c":null,"d":[null]}')))`:                                                                                  `{"a":[],"b":{},"c":null,"d":[null]}`,
		`local v = json.decode('{"a":null,"l":[1,2]}') print(v.a == json.null, v.a, v.b, #v.l, v.l[2])`:                                                           "true\tnull\tnil\t2\t2",
		`local v = json.decode('12345678901234567890') print(v, "id " .. v, v == json.number("12345678901234567890"), v == json.number("1"), json.encode({ v }))`: "12345678901234567890\tid 12345678901234567890\ttrue\tfalse\t[12345678901234567890]",
		`print(json.decode("null") == json.null, json.decode("[1"))`:                                                                                              "true\tnil\tthis is not JSON: it ends too early, at byte 2",
		`print(json:encode({}))`:                                        "{}",
		`local l = json.decode("[]") l[1] = 1 print(json.encode(l))`:    "[1]",
		`try(json.encode, { a = { 1, { f = print } } })`:                "json.encode: `value` cannot hold a function, at a[2].f",
		`try(json.encode, { 1, nil, 3 })`:                               "json.encode: `value` holds a table that is neither a list without gaps nor has only strings as keys",
		`try(json.encode, { x = 0/0 })`:                                 "json.encode: `value` cannot hold NaN, at x: JSON has no such number",
		`local l = json.decode("[1,2]") l[1] = nil try(json.encode, l)`: "json.encode: `value` holds an array with gaps or names",
		`local t = {} t.t = { t } try(json.encode, t)`:                  "json.encode: `value` holds itself, at t[1]",
		`try(json.encode)`:                                              "json.encode: `value` is missing",
		`try(json.decode, {})`:                                          "json.decode: `text` must be a string, not a table",
		`try(json.array, "x")`:                                          "json.array: `list` must be a list",
		`try(json.number, "1x")`:                                        "json.number: `digits` must be a number as JSON writes it, such as 12345678901234567890",
		`try(function() return json.encod end)`:                         "slavedriver.json: unknown function `encod`, did you mean `encode`?",
		`try(json.encode, 1, { prety = true })`:                         "json.encode: unknown option `prety`, did you mean `pretty`?",
		`try(json.encode, 1, { pretty = 1 })`:                           "json.encode: `pretty` must be true or false, not 1",
		`try(json.encode, 1, {}, 2)`:                                    "json.encode: takes 2 arguments, but there are 3",
		`try(json.encode, 1, "x")`:                                      "json.encode: the options must be a table of options, not \"x\"",
	} {
		equal(t, source, unplaced(inHandler(t, source)), want+"\n")
	}
}

func TestTextInLua(t *testing.T) {
	for source, want := range map[string]string{
		`for line in text.lines("a\n\nb") do io.write("<", line, ">") end print()`:           "<a><><b>",
		`print(text.find("abcabc", "ca"), text.find("abc", "."))`:                            "3\t4\tnil", // the first gives both only at the end
		`print(text.find("abc", "(b)(x)?", { regex = true }))`:                               "2\t2\tb\tfalse",
		`print(text.match("exit 5", "exit (\\d+)"))`:                                         "5",
		`print(table.concat(text.matchAll("a1b22", "\\d+"), ","))`:                           "1,22",
		`print(text.replace("a.b.c", ".", "-"))`:                                             "a-b-c\t2",
		`print(text.replace("key=1 key=2", "key=(\\d)", "$1", { regex = true, limit = 1 }))`: "1 key=2\t1",
		`print(text.quote("a.b"), text.replace(15, 5, "x"))`:                                 "a\\.b\t1x\t1",
		`try(text.match, "x", "%d+(")`:                                                       "text.match: the regular expression is not valid: missing closing ): `%d+(`",
		`try(text.find, "x", "")`:                                                            "text.find: `what` must not be empty",
		`try(text.replace, "x", "y", "z", { limit = 0 })`:                                    "text.replace: `limit` must be a whole number from 1 to 262144, not 0",
	} {
		got := unplaced(inHandler(t, source))
		if strings.HasPrefix(source, "print(text.find(\"abcabc\"") {
			want = "3\tnil" // Lua cuts all but the last to one value
		}
		equal(t, source, got, want+"\n")
	}
}

// logs notes what is logged.
type logs struct{ strings.Builder }

func (l *logs) Log(level engine.Level, message string, fields map[string]any) {
	fmt.Fprintf(l, "%s %s %v\n", level, message, fields)
}

func TestLogInLua(t *testing.T) {
	var written logs
	s, _ := mustLoad(t, oneJob+`
		local log = require("slavedriver.log")
		log.info("while loading")
		slavedriver:attach("*", function(job)
			log.warning("is late", { job = job.name, n = 5, f = print, list = { 1, 2 } })
			log:debug("colon") log.alert(5)
		end)`)
	s.UseLog(&written)
	fire(t, s, started(s))
	got := written.String()
	want := "info while loading map[]\nwarning is late map[f:function: "
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " job:Backup list:[1 2] n:5]\ndebug colon map[]\nalert 5 map[]\n") {
		t.Errorf("got %s", got)
	}
}

// TestALoggerThatLogs would go on for ever.
func TestALoggerThatLogs(t *testing.T) {
	s, out := mustLoad(t, `slavedriver:setLogger(function(level, message) require("slavedriver.log").info(message) end)`)
	s.UseLog(&logs{})
	s.Log(0, engine.Info, "x", nil)
	want := "slavedriver: warning: the logger set at slavedriver.lua:1 failed: slavedriver.lua:1: log.info: cannot be used in a logger: what it logs would come back to it; its errors go to stderr\n"
	equal(t, "said", out.String(), want)
}

func TestModulesAreFound(t *testing.T) {
	e := loadError(t, `require("slavedriver.htp")`)
	equal(t, "error", e.Error(), "slavedriver.lua:1: require: unknown module `slavedriver.htp`, did you mean `slavedriver.http`?")
	_, out := mustLoad(t, `print(require("slavedriver.json") == require("slavedriver.json"), json)`)
	equal(t, "printed", out.String(), "true\tnil\n")
	// A module of the user's own is not hidden.
	_, out, err := loadIn(t, files(t, map[string]string{"slavedriver.lua": `print(require("json"), require("slavedriver.mine"))`, "json.lua": `return "mine"`, "slavedriver/mine.lua": `return "too"`}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "printed", out.String(), "mine\ttoo\n")
}

func TestNetworkIsRefusedWhileLoading(t *testing.T) {
	for _, call := range []string{`require("slavedriver.http").get("http://127.0.0.1:1")`, `require("slavedriver.mail").send({})`} {
		for _, source := range []string{call, `slavedriver:setSlaveName(function() ` + call + ` end)`} {
			e := loadError(t, source)
			if e.Line != 1 || !strings.Contains(e.Message, "cannot be used while the entry file loads") || e.Hint == "" {
				t.Errorf("%v", e)
			}
		}
	}
}

func TestHTTPInLua(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Answer", "a")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, r.Method, " ", r.Header.Get("X-Key"))
	}))
	defer server.Close()
	for source, want := range map[string]string{
		`local status, body, headers = http.get(URL) print(status, body, headers["x-answer"])`:         "202\tGET \ta",
		`print((select(2, http.request({ method = "PUT", url = URL, headers = { ["X-Key"] = 5 } }))))`: "PUT 5",
		`local answer, err = http.get("http://127.0.0.1:1/x") print(answer, (err:gsub("dial.*", "")))`: "nil\tGET http://127.0.0.1:1: ",
		`try(http.get)`:                                    "http.get: `url` is missing",
		`try(http.get, "x")`:                               "http.get: `url` must be a URL such as https://example.com/path",
		`try(http.post, URL, "x")`:                         "http.post: the options must be a table of options, not \"x\"",
		`try(http.get, URL, { timeot = 1 })`:               "http.get: unknown option `timeot`, did you mean `timeout`?",
		`try(http.get, URL, { timeout = "x" })`:            "http.get: `timeout` must be a duration, not \"x\"",
		`try(http.get, URL, { headers = { x = {} } })`:     "http.get: `headers`: entry \"x\" must be a string, not a table",
		`try(http.get, URL, { headers = { "x" } })`:        "http.get: `headers` must have names as keys, not 1",
		`try(http.request, {})`:                            "http.request: `url` is missing",
		`try(http.request, { url = URL, method = "A B" })`: "http.request: `method` must be one word",
		`try(http.post, URL, { body = "x", json = {} })`:   "http.post: both `body` and `json` are given; a request has one of them",
		`print(http.post(URL, { outbox = true }))`:         "nil\tthere is no outbox here: it is there for handlers, while a shift is on duty",
	} {
		source = "local URL = \"" + server.URL + "\"; " + source
		got := unplaced(inHandler(t, source))
		equal(t, source, got, want+"\n")
	}
}

func TestMailInLua(t *testing.T) {
	server, err := testserver.StartSMTP(testserver.SMTPOptions{Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	head := fmt.Sprintf(`local function m(t) t.host, t.port, t.tls, t.from, t.subject = "127.0.0.1", %d, "none", "a@example.com", "s" return t end; `, server.Port)
	for source, want := range map[string]string{
		`print(mail.send(m({ to = "b@example.com", text = "x", attachments = { { name = "o.txt", content = "y" } } })))`: "true",
		`print(mail.send(m({ to = { "b@example.com", "c@example.com" }, text = "x" })))`:                                 "true",
		`try(mail.send)`:                                                       "mail.send: the options must be a table of options, not nil",
		`try(mail.send, {})`:                                                   "mail.send: `host` is missing",
		`try(mail.send, m({ to = "x" }))`:                                      "mail.send: `to` must be an address such as ops@example.com, not \"x\"",
		`try(mail.send, m({ to = { 5 } }))`:                                    "mail.send: `to`: entry 1 must be a string, not 5",
		`try(mail.send, m({ text = "x" }))`:                                    "mail.send: there is nobody to send it to: `to`, `cc` and `bcc` are missing",
		`try(mail.send, m({ to = "a@b.c", atachments = {} }))`:                 "mail.send: unknown option `atachments`, did you mean `attachments`?",
		`try(mail.send, m({ to = "a@b.c", attachments = { { nam = "x" } } }))`: "mail.send: `attachments`: entry 1: unknown key `nam`, did you mean `name`?",
		`try(mail.send, m({ to = "a@b.c", attachments = { name = "x" } }))`:    "mail.send: `attachments` must be a list of tables without gaps and names",
		`local t = m({ to = "a@b.c" }) t.tls = "startls" try(mail.send, t)`:    "mail.send: `tls` must be \"starttls\", \"implicit\" or \"none\", not \"startls\", did you mean `starttls`?",
		`try(mail.send, m({ to = "a@b.c", user = "u", password = "p" }))`:      "mail.send: a password is not sent without TLS",
	} {
		got := unplaced(inHandler(t, head+source))
		equal(t, source, got, want+"\n")
	}
	equal(t, "mails", len(server.Mails()), 2)
}

// TestModulesObeyTheDeadline: what waits for a server that hangs is cut off
// with its handler.
func TestModulesObeyTheDeadline(t *testing.T) {
	address, closeAll, err := testserver.Hang()
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll()
	_, port, _ := strings.Cut(address, ":")
	for _, call := range []string{
		`http.get("http://` + address + `", { timeout = 60 })`,
		`http.get("https://` + address + `", { timeout = 60 })`,
		`mail.send({ host = "127.0.0.1", port = ` + port + `, from = "a@b.c", to = "a@b.c", subject = "x", timeout = 60 })`,
		`text.find(("a"):rep(2^22), "(a*)*(b|c)+$", { regex = true })`,
	} {
		s, out := mustLoad(t, oneJob+`
			local http, mail, text = require("slavedriver.http"), require("slavedriver.mail"), require("slavedriver.text")
			slavedriver:attach("*", function() print(pcall(function() `+call+` end)) print("never") end, { timeout = 0.1 })`)
		began := time.Now()
		failures := s.Call(context.Background(), started(s))
		if len(failures) != 1 || !failures[0].Overran || out.String() != "" {
			t.Errorf("%s: %v %q", call, failures, out)
		}
		if time.Since(began) > 5*time.Second {
			t.Errorf("%s: took %v", call, time.Since(began))
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	dir := files(t, map[string]string{"key": "k3y-of-file\n"})
	if err := os.Chmod(dir+"/key", 0o600); err != nil {
		t.Fatal(err)
	}
	s, out := mustLoad(t, oneJob+`
		local secret = require("slavedriver.secret")
		local token, key = secret.env("TOKEN"), secret.file("`+dir+`/key")
		print(secret.env("NONE"))
		slavedriver:attach("*", function(job, params, event)
			print(token, #token, key, params.stdOut, params.list[1], event.run:output())
			io.write(token, "\n") io.stderr:write(key, "\n")
			error("cannot use " .. token)
		end)
		slavedriver:attach("*", function() require("slavedriver.http").get(token) end)`,
		func(o *Options) {
			o.Getenv = func(name string) string { return map[string]string{"TOKEN": "t0ken-word"}[name] }
		})
	e := started(s)
	e.Params = map[string]any{"stdOut": "said t0ken-word", "list": []any{"k3y-of-file"}}
	e.Run = &engine.RunInfo{Output: func(string, int, int64) (string, error) { return "printed k3y-of-file", nil }}
	failures := s.Call(context.Background(), e)
	equal(t, "printed", out.String(), "nil\tthe environment has no NONE\n***\t10\t***\tsaid ***\t***\tprinted ***\n***\n***\n")
	if len(failures) != 2 {
		t.Fatalf("%v", failures)
	}
	equal(t, "error", failures[0].Err.Error(), "slavedriver.lua:11: cannot use ***")
	equal(t, "error", failures[1].Err.Error(), "slavedriver.lua:13: http.get: `url` must be a URL such as https://example.com/path")
	equal(t, "of the engine", e.Params["stdOut"], any("said t0ken-word"))

	bad := loadError(t, `local token = require("slavedriver.secret").env("TOKEN") slavedriver:addJob({ name = "x", [token] = 1 })`, func(o *Options) {
		o.Getenv = func(string) string { return "t0ken-word" }
	})
	equal(t, "error", bad.Message, "job `x`: unknown option `***`")
}

// letters is an outbox in memory.
type letters struct {
	all []outbox.Letter
	err error
}

func (l *letters) Put(letter outbox.Letter) error {
	l.all = append(l.all, letter)
	return l.err
}

// TestLettersHaveTheSameIDWhenToldAgain, and only then.
func TestLettersHaveTheSameIDWhenToldAgain(t *testing.T) {
	source := oneJob + `
		local http = require("slavedriver.http")
		for n = 1, 2 do
			slavedriver:attach("*", function(job, params)
				for i = 1, 2 do print(http.post("https://x.example", { body = params.stdOut or "x", outbox = true })) end
			end)
		end`
	told := func(id, body string) []string {
		s, out := mustLoad(t, source)
		l := &letters{}
		s.UseOutbox(l)
		fire(t, s, &engine.Event{Name: engine.EventStarted, ID: id, Params: map[string]any{"stdOut": body}})
		equal(t, "printed", out.String(), strings.Repeat("true\n", 4))
		var ids []string
		for _, letter := range l.all {
			ids = append(ids, letter.ID)
		}
		return ids
	}
	seen := map[string]bool{}
	for _, ids := range [][]string{told("r1/started", "x"), told("r2/started", "x"), told("r1/started", "y")} {
		for _, id := range ids {
			if seen[id] || len(id) != 36 {
				t.Errorf("%s: twice, or no UUID", id)
			}
			seen[id] = true
		}
	}
	// The entry file is another one in each temporary folder, so the same script tells twice.
	s, _ := mustLoad(t, source)
	l := &letters{}
	s.UseOutbox(l)
	for range 2 {
		fire(t, s, &engine.Event{Name: engine.EventStarted, ID: "r1/started"})
	}
	for i := range 4 {
		equal(t, "id", l.all[i].ID, l.all[i+4].ID)
	}
}

func TestAFullOutboxIsAnAnswer(t *testing.T) {
	got := inHandler(t, `print(http.get("https://x.example", { outbox = true }))
		print(mail.send({ host = "x", from = "a@b.c", to = "a@b.c", subject = "x", outbox = true }))`,
		func(s *Script) { s.UseOutbox(&letters{err: errors.New("the disk is full")}) })
	equal(t, "printed", got, "nil\tthe disk is full\nnil\tthe disk is full\n")
}

// imagined is a network that a test makes up.
type imagined struct{}

func (imagined) HTTP(_ context.Context, r *modules.Request) (*modules.Response, error) {
	return &modules.Response{Status: 202, Body: []byte(r.URL)}, nil
}

func (imagined) Mail(context.Context, *modules.Mail) error { return errors.New("no") }

func TestTheNetworkCanBeImagined(t *testing.T) {
	got := inHandler(t, `print(http.get("https://x.example/y")) print(mail.send({ host = "x", from = "a@b.c", to = "a@b.c", subject = "x" }))`,
		func(s *Script) { s.UseSender(imagined{}) })
	if !strings.HasPrefix(got, "202\thttps://x.example/y\ttable: ") || !strings.HasSuffix(got, "\nnil\tno\n") {
		t.Errorf("got %s", got)
	}
}
