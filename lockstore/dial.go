package lockstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// dialer makes the connections to servers and sentinels.
type dialer struct {
	address address
	asked   atomic.Int64 // how many claims the call is about
	silent  silence      // of the nodes of a cluster
	// tls is made when it is first needed, so that a certificate that is not
	// there is an error of the store and not of the whole entry file.
	tls func() (*tls.Config, error)
}

func newDialer(a address) *dialer {
	return &dialer{address: a, tls: sync.OnceValues(func() (*tls.Config, error) { return tlsConfig(a) })}
}

// dial connects to one address, within patience. A cluster's node that said
// nothing a moment ago is given up at once.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if err := d.silent.of(addr); err != nil {
		return nil, err
	}
	conn, err := d.connect(ctx, network, addr)
	if err != nil && ctx.Err() == nil && timedOut(err) {
		d.heardNothing(addr, err)
	}
	return conn, err
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// heardNothing notes that a node said nothing for as long as it may. Who has one
// server asks that all the same.
func (d *dialer) heardNothing(addr string, err error) {
	if d.address.kind == inCluster {
		d.silent.note(addr, err)
	}
}

func (d *dialer) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var plain net.Dialer
	socket, err := plain.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	conn := &alive{Conn: socket, patience: d.patience, silent: func(err error) { d.heardNothing(addr, err) }}
	if tcp, ok := socket.(*net.TCPConn); ok {
		// What a closed connection has not delivered is not delivered later: a
		// question that was given up must not be answered when a network is
		// whole again.
		_ = tcp.SetLinger(0)
	}
	if !d.address.TLS {
		return conn, nil
	}
	secure, err := d.secure(ctx, conn, addr)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secure, nil
}

// patience is how long a server may say nothing. Where one slave asks much at
// once, others do as well, and the server answers all of them in turn.
func (d *dialer) patience() time.Duration {
	return min(patience+time.Duration(d.asked.Load())*claimPatience, callPatience)
}

// secure makes conn a TLS connection, when the certificate is that of the host.
func (d *dialer) secure(ctx context.Context, conn net.Conn, addr string) (net.Conn, error) {
	config, err := d.tls()
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		config = config.Clone()
		config.ServerName = host
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("no TLS connection to %s: %w%s", addr, err, hintOf(err))
	}
	return secure, nil
}

// tlsConfig reads the certificates. There is no way not to check the server's.
func tlsConfig(a address) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.ServerName}
	if a.CA != "" {
		pem, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificates of `ca`: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s (`ca`) has no certificate in PEM form", a.CA)
		}
	}
	if a.Cert != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use the client certificate of `cert` and `key`: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// hintOf says what to do next about a certificate that was not accepted.
func hintOf(err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return " (`ca` names the file of another authority)"
	case errors.As(err, &name):
		return " (`serverName` says which other name is right)"
	case errors.As(err, &plain), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return " (does the server speak TLS? If not, it is redis://, without the second s)"
	}
	return ""
}
