// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// ErrPin is wrapped when a server does not show a certificate of the authority
// that the invitation names.
var ErrPin = errors.New("not the server of the invitation")

// PinOf returns the pin of an authority: SHA-256 of its public key (SPKI).
func PinOf(authority *x509.Certificate) session.Pin {
	return sha256.Sum256(authority.RawSubjectPublicKeyInfo)
}

// ClientTLS returns the configuration of a client that knows its server by pin: the
// server must show a certificate that the pinned authority signed for servers, and
// the authority's own. Names and dates do not count: that authority signs for this
// server only, tablets reach it under changing addresses, and their clocks are
// often wrong.
func ClientTLS(pin session.Pin) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The library's own check is replaced, not left out: see VerifyConnection.
		InsecureSkipVerify: true, //nolint:gosec
		VerifyConnection:   func(cs tls.ConnectionState) error { return checkPin(pin, cs.PeerCertificates) },
		ClientSessionCache: tls.NewLRUClientSessionCache(4),
	}
}

func checkPin(pin session.Pin, chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("no certificate: %w", ErrPin)
	}
	for _, authority := range chain[1:] {
		if PinOf(authority) != pin {
			continue
		}
		if err := signedFor(chain[0], authority); err != nil {
			return fmt.Errorf("%w: %w", ErrPin, err)
		}
		return nil
	}
	return fmt.Errorf("%d certificates of others: %w", len(chain), ErrPin)
}

// signedFor checks that an authority signed a certificate for servers. The library's
// way to verify chains holds dates against each other, and a server that was set up
// with a wrong clock could never put it right.
func signedFor(leaf, authority *x509.Certificate) error {
	if err := leaf.CheckSignatureFrom(authority); err != nil {
		return err
	}
	if !slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) {
		return errors.New("a certificate for something else than servers")
	}
	return nil
}
