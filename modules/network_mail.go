package modules

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"slavedriver/internal/redact"
)

// Mail hands a mail over. That the server does not answer our goodbye is no
// error: it has the mail by then.
func (n *Network) Mail(ctx context.Context, m *Mail) error {
	if m.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, m.Timeout, fmt.Errorf("the server was not done within %g s", m.Timeout.Seconds()))
		defer cancel()
	}
	message, err := m.compose()
	if err != nil {
		return m.failed(err)
	}
	config, err := tlsConfig(m.CA)
	if err != nil {
		return m.failed(err)
	}
	config.ServerName = m.Host
	link := &link{ctx: ctx, tls: m.TLS, config: config}
	defer link.close()
	client, err := gomail.NewClient(m.Host, m.clientOptions(link)...)
	if err == nil {
		err = client.DialAndSendWithContext(ctx, message)
	}
	switch {
	case message.IsDelivered():
		return nil
	case err == nil:
		err = errNotTaken
	}
	return m.failed(cause(ctx, err))
}

func (m *Mail) clientOptions(l *link) []gomail.Option {
	// TLSOpportunistic is right where the connection has TLS already: go-mail
	// looks whether it has, which lets it log in.
	policy := map[string]gomail.TLSPolicy{tlsStart: gomail.TLSMandatory, tlsImplicit: gomail.TLSOpportunistic, tlsNone: gomail.NoTLS}[m.TLS]
	options := []gomail.Option{
		gomail.WithPort(m.Port), gomail.WithDialContextFunc(l.dial), gomail.WithTLSConfig(l.config), gomail.WithTLSPolicy(policy),
		gomail.WithTimeout(time.Hour), // the link ends in time
	}
	if m.User != "" {
		options = append(options, gomail.WithUsername(m.User), gomail.WithPassword(m.Password), gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover))
	}
	return options
}

// link is the connection of one mail. It is closed when its context ends, so
// that nothing waits for a server beyond the deadline, whatever go-mail does.
type link struct {
	ctx    context.Context
	tls    string
	config *tls.Config
	conn   net.Conn
	stop   func() bool
}

func (l *link) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	if l.tls != tlsImplicit {
		return conn, nil
	}
	private := tls.Client(conn, l.config)
	return private, private.HandshakeContext(ctx)
}

func (l *link) close() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}

// compose makes the message. What is not UTF-8 in its texts is replaced; what
// is attached stays as it is.
func (m *Mail) compose() (*gomail.Msg, error) {
	message := gomail.NewMsg()
	err := message.From(m.From)
	for _, to := range []struct {
		all []string
		add func(...string) error
	}{{m.To, message.To}, {m.CC, message.Cc}, {m.BCC, message.Bcc}} {
		if len(to.all) > 0 {
			err = errors.Join(err, to.add(to.all...))
		}
	}
	if m.ReplyTo != "" {
		err = errors.Join(err, message.ReplyTo(m.ReplyTo))
	}
	if err != nil {
		return nil, err
	}
	if m.ID != "" {
		message.SetMessageIDWithValue(m.ID + "@" + domain(m.From))
	}
	message.Subject(valid(m.Subject))
	message.SetGenHeader("Auto-Submitted", "auto-generated") // no holiday answers (RFC 3834)
	for name, text := range m.Headers {
		message.SetGenHeader(gomail.Header(name), valid(text))
	}
	return message, m.fill(message)
}

// fill adds the body and the attachments.
func (m *Mail) fill(message *gomail.Msg) error {
	switch {
	case m.HTML == "":
		message.SetBodyString(gomail.TypeTextPlain, valid(m.Text))
	case m.Text == "":
		message.SetBodyString(gomail.TypeTextHTML, valid(m.HTML))
	default:
		message.SetBodyString(gomail.TypeTextPlain, valid(m.Text))
		message.AddAlternativeString(gomail.TypeTextHTML, valid(m.HTML))
	}
	for _, file := range m.Attachments {
		var options []gomail.FileOption
		if file.Type != "" {
			options = append(options, gomail.WithFileContentType(gomail.ContentType(file.Type)))
		}
		if err := message.AttachReader(file.Name, bytes.NewReader(file.Content), options...); err != nil {
			return err
		}
	}
	return nil
}

// domain is that of an address, for a Message-ID.
func domain(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		return a.Address[strings.LastIndexByte(a.Address, '@')+1:]
	}
	return "localhost"
}

func valid(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// failed names the server, and its answer if there was one, and no credentials.
func (m *Mail) failed(err error) error {
	e := &MailError{Server: m.Server()}
	var answer *textproto.Error
	var sending *gomail.SendError
	switch {
	case errors.As(err, &answer):
		e.Code = answer.Code
	case errors.As(err, &sending):
		e.Code = sending.ErrorCode()
	}
	e.Message = explainTLS(err, "ca").Error()
	if strings.HasSuffix(e.Message, "target host does not support STARTTLS") { // go-mail has no other word for it
		e.NoTLS = true
		e.Message = `the server offers no STARTTLS; if it has no TLS say tls = "none", for TLS from the beginning tls = "implicit"`
	}
	if m.Password != "" {
		e.Message = strings.ReplaceAll(e.Message, m.Password, redact.Mark)
	}
	return e
}
