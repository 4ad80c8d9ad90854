package modules

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"slavedriver/internal/testserver"
)

func smtpServer(t *testing.T, o testserver.SMTPOptions) (*testserver.SMTP, Args) {
	t.Helper()
	s, err := testserver.StartSMTP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, Args{
		"host": "127.0.0.1", "port": int64(s.Port), "ca": write(t, "ca.pem", s.CA),
		"from": "Jobs <jobs@example.com>", "to": []string{"ops@example.com"}, "subject": "a job failed",
	}
}

func with(a Args, more Args) Args {
	out := Args{}
	for _, from := range []Args{a, more} {
		for name, v := range from {
			out[name] = v
		}
	}
	return out
}

func TestMailOverTLSWithLogin(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s, args := smtpServer(t, testserver.SMTPOptions{Implicit: implicit, User: "me", Password: "s3cret"})
		login := Args{"user": "me", "password": "s3cret", "text": "it did", "tls": tlsStart}
		if implicit {
			login["tls"] = tlsImplicit
		}
		got, err := call(t, world(), "mail.send", with(args, login))
		if err != nil || got[0] != true {
			t.Fatalf("%v, %v", got, err)
		}
		if m := s.Mails(); len(m) != 1 || !m[0].TLS || m[0].User != "me" || m[0].From != "jobs@example.com" {
			t.Errorf("%+v", m)
		}
		login["password"] = "wr0ng-word"
		_, err = call(t, world(), "mail.send", with(args, login))
		fails(t, err, "mail through 127.0.0.1:"+strconv.Itoa(s.Port)+": ", "535")
		if strings.Contains(err.Error(), "wr0ng-word") {
			t.Errorf("it shows the password: %v", err)
		}
		var refused *MailError
		if !errors.As(err, &refused) || !refused.Permanent() {
			t.Errorf("not a refusal for good: %v", err)
		}
	}
}

func TestMailNeedsTLS(t *testing.T) {
	_, args := smtpServer(t, testserver.SMTPOptions{Plain: true})
	_, err := call(t, world(), "mail.send", with(args, Args{"text": "x"}))
	fails(t, err, `the server offers no STARTTLS; if it has no TLS say tls = "none", for TLS from the beginning tls = "implicit"`)
	var refused *MailError
	if !errors.As(err, &refused) || !refused.Permanent() {
		t.Errorf("nobody is told that the table is wrong: %v", err)
	}
	if _, err := call(t, world(), "mail.send", with(args, Args{"text": "x", "tls": tlsNone})); err != nil {
		t.Error(err)
	}
	for _, o := range []testserver.SMTPOptions{{}, {Implicit: true}} {
		_, args = smtpServer(t, o)
		delete(args, "ca")
		if o.Implicit {
			args["tls"] = tlsImplicit
		}
		_, err = call(t, world(), "mail.send", with(args, Args{"text": "x"}))
		fails(t, err, "certificate", "an authority of your own is named with `ca`")
	}
}

// part is a part of a mail, decoded.
type part struct{ kind, name, content string }

func parts(t *testing.T, header func(string) string, body io.Reader) []part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if header("Content-Transfer-Encoding") == "quoted-printable" {
			t.Fatal("not decoded") // multipart.Reader does
		}
		data, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		_, disposition, _ := mime.ParseMediaType(header("Content-Disposition"))
		return []part{{kind, disposition["filename"], string(data)}}
	}
	var all []part
	for reader := multipart.NewReader(body, params["boundary"]); ; {
		p, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parts(t, p.Header.Get, p)...)
	}
}

func TestMailWithEverything(t *testing.T) {
	s, args := smtpServer(t, testserver.SMTPOptions{})
	_, err := call(t, world(), "mail.send", with(args, Args{
		"to": []string{"a@example.com", "Bée <b@example.com>"}, "cc": []string{"c@example.com"}, "bcc": []string{"d@example.com"},
		"replyTo": "re@example.com", "subject": "Ünit\r\nBcc: evil@example.com", "text": "plain\xff ü", "html": "<b>ü</b>",
		"headers":     map[string]string{"X-Job": "backup"},
		"attachments": []Args{{"name": "output.txt", "content": "\x00\xff raw"}, {"name": "x.bin", "content": "y", "type": "application/x-y"}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Mails()[0]
	if !slices.Equal(got.To, []string{"a@example.com", "b@example.com", "c@example.com", "d@example.com"}) {
		t.Errorf("it went to %v", got.To)
	}
	m, err := mail.ReadMessage(strings.NewReader(got.Data))
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	for name, pair := range map[string][2]string{
		"subject": {subject, "Ünit Bcc: evil@example.com"}, "bcc": {m.Header.Get("Bcc"), ""},
		"reply": {m.Header.Get("Reply-To"), "<re@example.com>"}, "job": {m.Header.Get("X-Job"), "backup"},
		"auto": {m.Header.Get("Auto-Submitted"), "auto-generated"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, not %q", name, pair[0], pair[1])
		}
	}
	all := parts(t, m.Header.Get, m.Body)
	if len(all) != 4 || all[0] != (part{"text/plain", "", "plain\uFFFD ü"}) || all[1] != (part{"text/html", "", "<b>ü</b>"}) ||
		all[2].name != "output.txt" || strings.TrimSpace(all[2].content) != "AP8gcmF3" ||
		all[3].kind != "application/x-y" || strings.TrimSpace(all[3].content) != "eQ==" {
		t.Errorf("%q", all)
	}
}

func TestAMailServerThatHangs(t *testing.T) {
	host, port, _ := strings.Cut(hanging(t), ":")
	number, _ := strconv.ParseInt(port, 10, 64)
	for _, mode := range []string{tlsStart, tlsImplicit, tlsNone} {
		args := Args{"host": host, "port": number, "tls": mode, "from": "a@example.com", "to": []string{"b@example.com"}, "subject": "x"}
		began := time.Now()
		_, err := call(t, world(), "mail.send", with(args, Args{"timeout": 50 * time.Millisecond}))
		fails(t, err, "mail through "+host+":"+port+": the server was not done within 0.05 s")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cancel(errors.New("the handler is over")) })
		_, err = callIn(t, ctx, world(), "mail.send", with(args, Args{"timeout": time.Hour}))
		fails(t, err, "the handler is over")
		soon(t, began)
	}
}

func TestRefusedRecipients(t *testing.T) {
	_, args := smtpServer(t, testserver.SMTPOptions{Refuse: func(string) error { return testserver.ErrNoSuchUser }})
	_, err := call(t, world(), "mail.send", with(args, Args{"text": "x"}))
	fails(t, err, "no such user")
	var refused *MailError
	if !errors.As(err, &refused) || refused.Code != 550 {
		t.Errorf("%#v", err)
	}
}

func TestArgumentsOfMails(t *testing.T) {
	args := Args{"host": "x", "from": "a@b.c", "to": []string{"a@b.c"}, "subject": "x", "text": "x"}
	for want, change := range map[string]Args{
		"there is nobody to send it to":           {"to": nil},
		"a password is not sent without TLS":      {"user": "u", "password": "p", "tls": tlsNone},
		"there is a `password`, but no `user`":    {"password": "p"},
		"the mail would have 20971521 bytes; the": {"text": strings.Repeat("x", mostAttached+1)},
	} {
		_, err := call(t, world(), "mail.send", with(args, change))
		fails(t, err, want)
	}
	for _, address := range []string{"", "x", "a@b.c, d@e.f", "a@b.c\r\nBcc: x@y.z"} {
		if isAddress(address) == nil || areAddresses([]string{"a@b.c", address}) == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
}

func TestMailsForTheOutbox(t *testing.T) {
	s, args := smtpServer(t, testserver.SMTPOptions{})
	w, b := world(), &box{}
	w.Outbox = b
	got, err := call(t, w, "mail.send", with(args, Args{"text": "x", "outbox": true}))
	if err != nil || got[0] != true || len(b.letters) != 1 || len(s.Mails()) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	letter := b.letters[0]
	if want := `mail "a job failed" through 127.0.0.1:` + strconv.Itoa(s.Port); letter.About != want {
		t.Errorf("%q", letter.About)
	}
	for range 2 {
		if err := Deliverer(&Network{})(t.Context(), &letter); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range s.Mails() {
		if !strings.Contains(m.Data, "Message-ID: <the-id@example.com>\r\n") {
			t.Errorf("%s", m.Data)
		}
	}
}
