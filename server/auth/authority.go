// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	authorityLife = 30 * 365 * 24 * time.Hour
	// serverLife is short, because nobody needs to do anything for a new one.
	serverLife = 90 * 24 * time.Hour
	// renewBefore is when a new certificate is made.
	renewBefore = serverLife / 3
	// backdate lets browsers with a slow clock in.
	backdate = 24 * time.Hour
)

// Authority signs this server's TLS certificates. Tablets know it by its pin until they
// are shown another one in a roster that their shard signed.
type Authority struct {
	cert  *x509.Certificate
	key   *ecdsa.PrivateKey
	clock func() time.Time
	rand  io.Reader
	names []string // names and addresses that browsers may use

	mu      sync.Mutex
	server  *tls.Certificate
	rosters [][]byte // signed, shown in the server's certificates
}

// OpenAuthority reads the authority in dir, or makes one there. Its certificates
// bear names, each a host name or an IP address.
func OpenAuthority(dir string, names []string, clock func() time.Time, rand io.Reader) (*Authority, error) {
	a := &Authority{clock: clock, rand: rand, names: names}
	err := a.read(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = a.make(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("tls authority: %w", err)
	}
	return a, nil
}

func keyAndCertificate(dir string) (key, cert string) {
	return filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.pem")
}

func (a *Authority) read(dir string) error {
	keyFile, certFile := keyAndCertificate(dir)
	der, err := readPEM(certFile, pemCertificate)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("%s: %w", certFile, err)
	}
	if a.key, err = readTLSKey(keyFile); err != nil {
		return fmt.Errorf("the certificate is there, its key is not readable: %v", err) //nolint:errorlint // a missing key must not look like a missing authority
	}
	if !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return fmt.Errorf("%s and %s do not belong together", keyFile, certFile)
	}
	return nil
}

// make writes the key first: a key without a certificate is one that nobody has seen.
func (a *Authority) make(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keyFile, certFile := keyAndCertificate(dir)
	if err := os.Remove(keyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), a.rand); err != nil {
		return err
	}
	template, err := a.template("Xunzhen server authority", authorityLife)
	if err != nil {
		return err
	}
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(a.rand, template, template, a.key.Public(), a.key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	if err := WriteKey(keyFile, a.key); err != nil {
		return err
	}
	if err := WriteNew(certFile, pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: der}), 0o644); err != nil {
		return err
	}
	return errors.Join(SyncFolder(dir), SyncFolder(filepath.Dir(dir)))
}

func (a *Authority) template(name string, life time.Duration) (*x509.Certificate, error) {
	now := a.clock()
	serial := make([]byte, 16)
	if _, err := io.ReadFull(a.rand, serial); err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-backdate),
		NotAfter:     now.Add(life),
	}, nil
}

// Pin is what enrolment codes name.
func (a *Authority) Pin() session.Pin { return transport.PinOf(a.cert) }

// Certificate returns the authority's certificate, for browsers to trust.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Present shows rosters in the server's certificates from the next connection on, and
// returns how many there was room for.
func (a *Authority) Present(rosters [][]byte) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, room := transport.RosterExtension(rosters)
	a.rosters, a.server = rosters[:room], nil
	return room
}

// ReplaceAuthority puts a new authority in place of the one in dir, which is gone then.
// No server may have the folder. A crash in between leaves no authority, and the next
// OpenAuthority makes one: what tablets trust is the roster, not the folder.
func ReplaceAuthority(dir string, clock func() time.Time, rand io.Reader) error {
	aside, old := dir+".new", dir+".old"
	if err := errors.Join(os.RemoveAll(aside), os.RemoveAll(old)); err != nil {
		return fmt.Errorf("tls authority: %w", err)
	}
	if _, err := OpenAuthority(aside, nil, clock, rand); err != nil {
		return err
	}
	err := os.Rename(dir, old)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.Rename(aside, dir)
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(old), SyncFolder(filepath.Dir(dir)))
	}
	if err != nil {
		return fmt.Errorf("tls authority: %w", err)
	}
	return nil
}

// ServerTLS returns a server's configuration. Its certificate is made anew long
// before it expires, without a restart.
func (a *Authority) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		NextProtos: []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return a.current()
		},
	}
}

// current returns a certificate that is good for a while.
func (a *Authority) current() (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil && a.clock().Add(renewBefore).Before(a.server.Leaf.NotAfter) {
		return a.server, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), a.rand)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	template, err := a.template("Xunzhen server", serverLife)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, n := range a.names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	if len(a.rosters) > 0 {
		shown, _ := transport.RosterExtension(a.rosters)
		template.ExtraExtensions = append(template.ExtraExtensions, shown)
	}
	der, err := x509.CreateCertificate(a.rand, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	a.server = &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	return a.server, nil
}
