package lockstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"slavedriver/engine"
	"slavedriver/lockstore"
)

// authority makes certificates for the time of a test.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	ca   string // file
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.ca, _ = a.sign("ca", template)
	return a
}

// issue makes a certificate for a host, an address or a client, and its key.
func (a *authority) issue(name string, addrs ...net.IP) (cert, key string) {
	return a.sign(name, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, IPAddresses: addrs, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
}

func (a *authority) sign(name string, template *x509.Certificate) (cert, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	if a.cert == nil { // its own
		a.cert, a.key = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "EC PRIVATE KEY", secret)
}

func (a *authority) write(name, kind string, der []byte) string {
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// claims asks a store for one lease.
func claims(t *testing.T, cfg engine.LockStore) error {
	t.Helper()
	store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, err = store.Acquire(t.Context(), []engine.Claim{claim("job")})
	return err
}

func wantsError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want … %s …", what, err, want)
	}
}

var loopback = net.IPv4(127, 0, 0, 1)

func TestTLSChecksTheServer(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	serve := func(cert, key string) string {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		m := miniredis.NewMiniRedis()
		if err := m.StartTLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(m.Close)
		return m.Addr()
	}
	good := serve(ours.issue("redis.example.com", loopback))
	named := serve(ours.issue("redis2.example.com"))
	for what, cfg := range map[string]engine.LockStore{
		"by its address":    {URL: "rediss://" + good + "?ca=" + ours.ca},
		"by another name":   {URL: "rediss://" + named + "?ca=" + ours.ca + "&serverName=redis2.example.com"},
		"in the table":      {Hosts: []string{good}, CA: ours.ca},
		"beside the URL":    {URL: "rediss://" + good, CA: ours.ca},
		"node of a cluster": {URL: "rediss+cluster://" + good + "?ca=" + ours.ca},
	} {
		if err := claims(t, cfg); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, c := range []struct{ what, url, want string }{
		{"the system's authorities", "rediss://" + good, "(`ca` names the file of another authority)"},
		{"another authority", "rediss://" + good + "?ca=" + others.ca, "(`ca` names the file of another authority)"},
		{"another host", "rediss://" + named + "?ca=" + ours.ca, "(`serverName` says which other name is right)"},
		{"another name", "rediss://" + good + "?ca=" + ours.ca + "&serverName=redis.example.org", "(`serverName` says"},
		{"no such file", "rediss://" + good + "?ca=/no/such/ca.pem", "cannot read the certificates of `ca`: open /no/such/ca.pem"},
		{"no certificate", "rediss://" + good + "?ca=/dev/null", "/dev/null (`ca`) has no certificate in PEM form"},
		{"no client certificate", "rediss://" + good + "?ca=" + ours.ca + "&cert=/no/such&key=/no/such", "cannot use the client certificate"},
		{"no TLS asked for", "redis://" + good, ""},
	} {
		wantsError(t, c.what, claims(t, engine.LockStore{URL: c.url}), c.want)
	}
	plain := miniredis.RunT(t)
	wantsError(t, "no TLS there", claims(t, engine.LockStore{URL: "rediss://" + plain.Addr()}), "no TLS connection to "+plain.Addr())
}

// A real server wants the client's certificate too.
func TestTLSRedis(t *testing.T) {
	a := newAuthority(t)
	cert, key := a.issue("redis.example.com", loopback)
	s := startTLSServer(t, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", a.ca, "--tls-auth-clients", "yes")
	url := fmt.Sprintf("rediss://%s/2?ca=%s", s.addr, a.ca)
	wantsError(t, "no client certificate", claims(t, engine.LockStore{URL: url}), "")
	clientCert, clientKey := a.issue("slave-1")
	cfg := engine.LockStore{URL: url, Cert: clientCert, Key: clientKey}
	store, err := lockstore.Open(cfg, lockstore.Options{Namespace: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for _, batch := range [][]engine.Claim{{claim("a")}, {claim("b"), claim("c")}} {
		grants, err := store.Acquire(t.Context(), batch)
		granted(t, grants, err)
	}
}

// startTLSServer starts a server that listens for TLS alone.
func startTLSServer(t testing.TB, args ...string) *server {
	t.Helper()
	return startProgram(t, "redis-server", func(s *server) []string {
		return append([]string{"--port", "0", "--tls-port", fmt.Sprint(s.port)}, args...)
	})
}
