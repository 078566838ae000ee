// SPDX-License-Identifier: Apache-2.0

package auth_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/transport"
)

// A server that was set up while its clock was wrong stays known to its tablets
// when the clock is put right.
func TestServerIsKnownAfterItsClockWasPutRight(t *testing.T) {
	right := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for name, wrong := range map[string]time.Time{
		"no battery":   time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC),
		"a month fast": right.AddDate(0, 1, 0),
		"eighty years": right.AddDate(80, 0, 0),
	} {
		dir, now := t.TempDir(), wrong
		clock := func() time.Time { return now }
		first, err := auth.OpenAuthority(dir, []string{"localhost"}, clock, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		now = right
		again, err := auth.OpenAuthority(dir, []string{"localhost"}, clock, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		state := tls.ConnectionState{PeerCertificates: shown(t, again)}
		if err := transport.ClientTLS(first.Pin()).VerifyConnection(state); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func shown(t *testing.T, a *auth.Authority) []*x509.Certificate {
	t.Helper()
	cert, err := a.ServerTLS().GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	var chain []*x509.Certificate
	for _, der := range cert.Certificate {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, c)
	}
	return chain
}
