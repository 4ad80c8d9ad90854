package modules

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
)

// mostAttached is how many bytes the text and the attachments of a mail may
// have together; few servers take more.
const mostAttached = 20 << 20

// Mail is an e-mail and the server that it is handed to. It is kept as JSON in
// the outbox.
type Mail struct {
	Host     string        `json:"host"`
	Port     int           `json:"port"`
	TLS      string        `json:"tls"` // "starttls", "implicit" or "none"
	CA       string        `json:"ca,omitempty"`
	User     string        `json:"user,omitempty"`
	Password string        `json:"password,omitempty"`
	Timeout  time.Duration `json:"timeout,omitempty"` // for all of it; 0: as long as ctx lasts

	ID          string            `json:"id,omitempty"` // made into the Message-ID; "": a random one
	From        string            `json:"from"`
	To          []string          `json:"to,omitempty"`
	CC          []string          `json:"cc,omitempty"`
	BCC         []string          `json:"bcc,omitempty"`
	ReplyTo     string            `json:"replyTo,omitempty"`
	Subject     string            `json:"subject"`
	Text        string            `json:"text,omitempty"`
	HTML        string            `json:"html,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
}

// Attachment is a file in a Mail.
type Attachment struct {
	Name    string `json:"name"`
	Type    string `json:"type,omitempty"` // of MIME; "": by the name
	Content []byte `json:"content"`
}

// Server is where the mail is handed over, for people.
func (m *Mail) Server() string { return fmt.Sprintf("%s:%d", m.Host, m.Port) }

// The values of the option tls.
const (
	tlsStart    = "starttls"
	tlsImplicit = "implicit"
	tlsNone     = "none"
)

func mailModule() *Module {
	return &Module{
		Name: "mail", Doc: "Sends e-mail through an SMTP server. Certificates are checked, and a password is not sent without TLS.",
		Functions: []Function{{
			Name: "send", Doc: "Sends an e-mail.",
			Params: []Param{{Name: "options", Type: TypeOptions, Required: true}}, Options: mailOptions(),
			Returns: []Param{{Name: "sent", Type: TypeFlag, Doc: "true: the server, or the outbox, has taken it over"}},
			Fails:   true, Network: true, call: sendMail,
		}},
	}
}

func mailOptions() []Param {
	return []Param{
		{Name: "host", Type: TypeLine, Required: true, Doc: "the SMTP server"},
		{Name: "port", Type: TypeWhole, Least: 1, Most: 65535, Default: "587; 465 and 25 with tls implicit and none", Doc: "its port"},
		{Name: "tls", Type: TypeChoice, Choices: []string{tlsStart, tlsImplicit, tlsNone}, Default: `"starttls"`, Doc: "how the connection is made private; nothing is sent where that fails"},
		{Name: "ca", Type: TypePath, Doc: "a file of certificates (PEM) that are trusted beside those of the system"},
		{Name: "user", Type: TypeLine, Doc: "the user to log in as; without it there is no login"},
		{Name: "password", Type: TypeString, Doc: "the user's password"},
		{Name: "from", Type: TypeLine, Required: true, Doc: `the sender: "a@b.example" or "Name <a@b.example>"`, Check: isAddress},
		{Name: "to", Type: TypeStrings, Doc: "whom it is for", Check: areAddresses},
		{Name: "cc", Type: TypeStrings, Doc: "who gets a copy", Check: areAddresses},
		{Name: "bcc", Type: TypeStrings, Doc: "who gets a copy that the others do not see", Check: areAddresses},
		{Name: "replyTo", Type: TypeLine, Doc: "where answers go", Check: isAddress},
		{Name: "subject", Type: TypeString, Required: true, Doc: "the subject; newlines in it become spaces"},
		{Name: "text", Type: TypeString, Doc: "the mail as plain text"},
		{Name: "html", Type: TypeString, Doc: "the mail as HTML; with text too, the reader's program chooses"},
		{Name: "headers", Type: TypeMap, Doc: "more headers", Check: areHeaders},
		{Name: "attachments", Type: TypeRecords, Doc: "files that go with it", Keys: []Param{
			{Name: "name", Type: TypeLine, Required: true, Doc: "the file's name"},
			{Name: "content", Type: TypeString, Required: true, Doc: "what is in it, such as event.run:output()"},
			{Name: "type", Type: TypeLine, Default: "by the name", Doc: `its MIME type, such as "text/plain"`},
		}},
		{Name: "timeout", Type: TypeDuration, Default: "5 s; from the outbox 30 s", Doc: "how long all of it may take; never longer than what is left to the handler"},
		{Name: "outbox", Type: TypeFlag, Default: "false", Doc: "whether it is only put into the outbox, to be sent at least once by this shift or a later one, for a day until the server takes it"},
	}
}

func isAddress(v any) error {
	text, _ := v.(string)
	if _, err := mail.ParseAddress(text); err != nil {
		return fmt.Errorf("must be an address such as ops@example.com, not %q", text)
	}
	return nil
}

func areAddresses(v any) error {
	all, _ := v.([]string)
	for _, text := range all {
		if err := isAddress(text); err != nil {
			return err
		}
	}
	return nil
}

func sendMail(c *Call) ([]any, error) {
	m, err := newMail(c.Args)
	if err != nil {
		return nil, err
	}
	if c.Args.Flag("outbox") {
		return c.put("mail", m.Server(), fmt.Sprintf("mail %q through %s", m.Subject, m.Server()), "", m)
	}
	if m.Timeout == 0 {
		m.Timeout = answerWithin
	}
	if err := c.Sender.Mail(c.Context, m); err != nil {
		return nil, err
	}
	return []any{true}, nil
}

// newMail makes a Mail of the arguments. A timeout that is not given stays 0.
func newMail(a Args) (*Mail, error) {
	m := &Mail{
		Host: a.Text("host"), Port: int(a.Whole("port")), TLS: a.Text("tls"), CA: a.Text("ca"),
		User: a.Text("user"), Password: a.Text("password"), Timeout: a.Duration("timeout"),
		From: a.Text("from"), To: a.Strings("to"), CC: a.Strings("cc"), BCC: a.Strings("bcc"), ReplyTo: a.Text("replyTo"),
		Subject: oneLine(a.Text("subject")), Text: a.Text("text"), HTML: a.Text("html"),
	}
	m.Headers, _ = a["headers"].(map[string]string)
	files, _ := a["attachments"].([]Args)
	for _, file := range files {
		m.Attachments = append(m.Attachments, Attachment{file.Text("name"), file.Text("type"), []byte(file.Text("content"))})
	}
	m.setDefaults()
	return m, m.check()
}

func (m *Mail) setDefaults() {
	if m.TLS == "" {
		m.TLS = tlsStart
	}
	if m.Port == 0 {
		m.Port = map[string]int{tlsStart: 587, tlsImplicit: 465, tlsNone: 25}[m.TLS]
	}
}

// check looks at what only all of it shows.
func (m *Mail) check() error {
	size := len(m.Text) + len(m.HTML)
	for _, file := range m.Attachments {
		size += len(file.Content)
	}
	switch {
	case len(m.To)+len(m.CC)+len(m.BCC) == 0:
		return &ArgumentError{Message: "there is nobody to send it to: `to`, `cc` and `bcc` are missing"}
	case m.User != "" && m.TLS == tlsNone:
		return &ArgumentError{Message: "a password is not sent without TLS", Hint: `use tls = "starttls" or "implicit", or leave out the user`}
	case m.User == "" && m.Password != "":
		return &ArgumentError{Message: "there is a `password`, but no `user`"}
	case size > mostAttached:
		return fmt.Errorf("the mail would have %d bytes; the most is %d", size, mostAttached)
	}
	return nil
}

// oneLine makes one line of what a job may have said.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}

// MailError is the refusal of an SMTP server, or what kept us from asking it.
type MailError struct {
	Server  string
	Message string
	Code    int  // of the server's answer; 0: there was none
	NoTLS   bool // the server does not offer what tls asks for
}

func (e *MailError) Error() string { return "mail through " + e.Server + ": " + e.Message }

// Permanent says that the server refuses for good, as far as it knows.
func (e *MailError) Permanent() bool { return e.Code >= 500 || e.NoTLS }

var errNotTaken = errors.New("the server did not take the mail")
