// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// self is who saves now, or saved under an earlier key.
type self struct {
	id   causal.ReplicaID
	own  ownRow
	cert segment.Certificate // zero while not enrolled
}

func (s self) enrolled() bool { return s.cert.Raw != nil }

// currentID returns the id that saves now.
func currentID(r Reader) (causal.ReplicaID, error) {
	raw, _, err := value(r, valueCurrent)
	if err == nil && len(raw) != 16 {
		err = fmt.Errorf("own id: %w", ErrCorrupt)
	}
	if err != nil {
		return causal.ReplicaID{}, err
	}
	return causal.ReplicaID(raw), nil
}

// readSelf returns who saves now.
func (r *Replica) readSelf(tx Reader) (self, error) {
	id, err := currentID(tx)
	if err != nil {
		return self{}, err
	}
	return r.readOwn(tx, id)
}

// readOwn returns one of the own ids with its certificate.
func (r *Replica) readOwn(tx Reader, id causal.ReplicaID) (self, error) {
	s := self{id: id}
	var ok bool
	var err error
	if s.own, ok, err = load(tx, Own, id[:], unpackOwn); err != nil || !ok {
		return s, fmt.Errorf("own id %s: %w", id, orCorrupt(err))
	}
	if s.own.certificate.IsZero() {
		return s, nil
	}
	s.cert, ok, err = r.certificate(tx, s.own.certificate)
	if err != nil || !ok {
		return s, fmt.Errorf("own certificate: %w", orCorrupt(err))
	}
	return s, nil
}

func orCorrupt(err error) error {
	if err == nil {
		return ErrCorrupt
	}
	return err
}

// shardKey returns the shard's public key; nil while not enrolled.
func shardKey(r Reader) (ed25519.PublicKey, error) {
	raw, _, err := value(r, valueShard)
	return raw, err
}

// certificate returns a stored certificate and whether it is there. Each is read
// and verified once in the life of a Replica.
func (r *Replica) certificate(tx Reader, h segment.Hash) (segment.Certificate, bool, error) {
	raw, ok, err := tx.Head(Certificates, h[:])
	if err != nil || !ok {
		return segment.Certificate{}, false, err
	}
	if c, ok := r.certs.Load(h); ok {
		return c.(segment.Certificate), true, nil
	}
	pub, err := shardKey(tx)
	if err != nil {
		return segment.Certificate{}, false, err
	}
	c, err := segment.ParseCertificate(raw, pub)
	if err != nil {
		return segment.Certificate{}, false, fmt.Errorf("certificate %s: %w", h, err)
	}
	r.certs.Store(h, c)
	return c, true, nil
}

// certificates returns every stored certificate, in order of hash.
func (r *Replica) certificates(tx Reader) ([]segment.Certificate, error) {
	var out []segment.Certificate
	err := scan(tx, Certificates, nil, func(row Row) error {
		c, _, err := r.certificate(tx, segment.Hash(row.Key))
		out = append(out, c)
		return err
	})
	return out, err
}

func putCertificate(tx Tx, c segment.Certificate) error {
	return tx.PutHead(Certificates, c.Hash[:], c.Raw)
}

// takeCertificates keeps those of the certificates that the shard signed for one
// of the roles, or for any when none is named, and passes over the rest.
func takeCertificates(tx Tx, raws [][]byte, roles ...segment.Role) error {
	pub, err := shardKey(tx)
	if err != nil {
		return err
	}
	for _, raw := range raws {
		known, err := hasCertificate(tx, raw)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		c, err := segment.ParseCertificate(raw, pub)
		if err != nil || len(roles) > 0 && !slices.Contains(roles, c.Role) {
			continue
		}
		if err := putCertificate(tx, c); err != nil {
			return err
		}
	}
	return nil
}

// hasCertificate reports whether exactly this certificate is stored, which spares
// verifying it again.
func hasCertificate(tx Reader, raw []byte) (bool, error) {
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return false, nil //nolint:nilerr // not a certificate, so not a stored one
	}
	name := sha256.Sum256(signed.Body)
	stored, ok, err := tx.Head(Certificates, name[:])
	return ok && bytes.Equal(stored, raw), err
}
