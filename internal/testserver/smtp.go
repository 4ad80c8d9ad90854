// Package testserver has the servers that tests talk to. They listen on
// loopback alone and end with the test.
package testserver

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Certificate is a certificate for 127.0.0.1, which is its own authority, and
// the same in PEM, as it is given to who is to trust it.
func Certificate() (tls.Certificate, []byte) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0], pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// SMTPOptions say how an SMTP server behaves.
type SMTPOptions struct {
	Listen         string // host:port; "": any port
	Implicit       bool   // TLS from the first byte
	Plain          bool   // no TLS at all
	User, Password string // "": without login
	// Refuse is asked about each recipient; an error is the server's answer.
	Refuse func(to string) error
	// Taken is called with each mail that was taken.
	Taken func(Mail)
}

// Mail is what the server was given.
type Mail struct {
	From string
	To   []string
	Data string
	User string // who logged in
	TLS  bool
}

// SMTP is a server that takes mails, and keeps them.
type SMTP struct {
	Port int
	CA   []byte // PEM

	o        SMTPOptions
	server   *smtp.Server
	listener net.Listener
	mu       sync.Mutex
	mails    []Mail
}

// StartSMTP starts a server on loopback.
func StartSMTP(o SMTPOptions) (*SMTP, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Listen) //nolint:noctx // a test's own
	if err != nil {
		return nil, err
	}
	s := &SMTP{o: o, Port: listener.Addr().(*net.TCPAddr).Port}
	certificate, ca := Certificate()
	s.CA = ca
	s.server = smtp.NewServer(s)
	s.server.Domain = "test.invalid"
	s.server.ErrorLog = log.New(io.Discard, "", 0) // clients are cut off on purpose
	s.server.ReadTimeout, s.server.WriteTimeout = time.Minute, time.Minute
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	switch {
	case o.Implicit:
		listener = tls.NewListener(listener, config)
	case !o.Plain:
		s.server.TLSConfig = config
	}
	s.listener = listener
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// Close ends the server and its connections.
func (s *SMTP) Close() {
	_ = s.server.Close()
	_ = s.listener.Close() // which the server may not know yet
}

// Mails are those taken so far.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// NewSession is for the library.
func (s *SMTP) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{s: s, conn: c}, nil
}

type session struct {
	s    *SMTP
	conn *smtp.Conn
	user string
	mail Mail
}

func (n *session) AuthMechanisms() []string {
	if n.s.o.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (n *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != n.s.o.User || password != n.s.o.Password {
			return smtp.ErrAuthFailed
		}
		n.user = user
		return nil
	}), nil
}

func (n *session) Mail(from string, _ *smtp.MailOptions) error {
	if n.s.o.User != "" && n.user == "" {
		return smtp.ErrAuthRequired
	}
	_, private := n.conn.TLSConnectionState()
	n.mail = Mail{From: from, User: n.user, TLS: private || n.s.o.Implicit}
	return nil
}

func (n *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if n.s.o.Refuse != nil {
		if err := n.s.o.Refuse(to); err != nil {
			return err
		}
	}
	n.mail.To = append(n.mail.To, to)
	return nil
}

func (n *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	n.mail.Data = string(data)
	n.s.mu.Lock()
	n.s.mails = append(n.s.mails, n.mail)
	n.s.mu.Unlock()
	if n.s.o.Taken != nil {
		n.s.o.Taken(n.mail)
	}
	return nil
}

func (n *session) Reset()        { n.mail = Mail{} }
func (n *session) Logout() error { return nil }

// ErrNoSuchUser is a refusal for good.
var ErrNoSuchUser = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}

// Hang is the address of a server that takes connections and says nothing.
func Hang() (address string, closeAll func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's own
	if err != nil {
		return "", nil, err
	}
	var mu sync.Mutex
	var open []net.Conn
	go func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				mu.Lock()
				open = append(open, conn)
				mu.Unlock()
			}
		}
	}()
	return listener.Addr().String(), func() {
		_ = listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range open {
			_ = conn.Close()
		}
	}, nil
}
