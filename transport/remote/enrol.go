// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"crypto/ed25519"
	"errors"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Enrolled is all that an installation must keep.
type Enrolled struct {
	Certificate segment.Certificate
	ShardKey    ed25519.PublicKey
	Recipient   []byte // the shard's X25519 public key
}

// Enrol turns a code and a tablet's or hub's new public key into a certificate, which it checks to be
// of the shard and for the key. The same code and key again give it again.
func (c *Centre) Enrol(ctx context.Context, code string, key ed25519.PublicKey) (Enrolled, error) {
	return c.enrol(ctx, code, key, syncv1.Role_ROLE_UNSPECIFIED)
}

// EnrolDesk is Enrol for a desk of the office.
func (c *Centre) EnrolDesk(ctx context.Context, code string, key ed25519.PublicKey) (Enrolled, error) {
	e, err := c.enrol(ctx, code, key, syncv1.Role_ROLE_OFFICE)
	if err == nil && e.Certificate.Role != segment.RoleOffice {
		err = protocolError("enrol", errors.New("the certificate is no desk's"))
	}
	return e, err
}

func (c *Centre) enrol(ctx context.Context, code string, key ed25519.PublicKey, role syncv1.Role) (Enrolled, error) {
	var m *syncv1.EnrolResponse
	err := c.call(ctx, "enrol", never, func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		m, err = c.enrolment.Enrol(ctx, &syncv1.EnrolRequest{Shard: c.cfg.Shard[:], Code: code, PublicKey: key, Role: role})
		return err
	})
	if err != nil {
		return Enrolled{}, err
	}
	e := Enrolled{ShardKey: m.GetShardKey(), Recipient: m.GetRecipientKey()}
	if len(e.ShardKey) != ed25519.PublicKeySize || segment.ShardOf(e.ShardKey) != c.cfg.Shard {
		return e, protocolError("enrol", errors.New("the shard's key is not that of the invitation"))
	}
	if len(m.GetTlsPin()) != len(session.Pin{}) || session.Pin(m.GetTlsPin()) != c.Trust().Pin {
		return e, protocolError("enrol", errors.New("the pin is not that of the server"))
	}
	if e.Certificate, err = segment.ParseCertificate(m.GetCertificate(), e.ShardKey); err != nil {
		return e, protocolError("enrol", err)
	}
	if !e.Certificate.PublicKey.Equal(key) {
		return e, protocolError("enrol", errors.New("the certificate is for another key"))
	}
	return e, nil
}
