// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Rights are what a person grants an installation when it is enrolled.
type Rights struct {
	Role      segment.Role
	Staff     []string          // ids that may be authors there
	Divisions []record.Division // prefixes
	Classes   []record.Class
	Label     string // for people; never a resident's
}

const (
	// maxSuccessions is how many times in a row a key may be succeeded without a person.
	maxSuccessions = 3
	// maxSuccessors is how many keys may go on from one without a person: a device has
	// that many copies, or is an attack.
	maxSuccessors = 4
)

// invitation is what the store keeps of an enrolment code: never the code itself.
type invitation struct {
	Rights  Rights
	Expires int64 // UTC milliseconds
	Used    bool
	Epoch   string // a restored file does not know which codes were used since
}

// codeSize is the entropy of an enrolment code in bytes: 16 characters of text.
const codeSize = 10

// Invite makes a single-use enrolment code for these rights, good for life and
// until the next restore.
// Errors: ReasonInvalid for rights that are none.
func (e *Engine) Invite(ctx context.Context, r Rights, life time.Duration) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	raw := make([]byte, codeSize)
	if _, err := io.ReadFull(e.cfg.Rand, raw); err != nil {
		return "", fmt.Errorf("enrolment code: %w", err)
	}
	code := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)
	err := e.office(ctx, func(b *batch) error {
		return b.putInvitation(code, invitation{Rights: r, Expires: b.now.Add(life).UnixMilli(), Epoch: b.head.epoch.String()})
	})
	return grouped(code), err
}

// grouped writes a code in fours, for reading aloud.
func grouped(code string) string {
	var parts []string
	for ; len(code) > 4; code = code[4:] {
		parts = append(parts, code[:4])
	}
	return strings.Join(append(parts, code), "-")
}

func (r Rights) check() error {
	bad := func(what string) error { return refuse(ReasonInvalid, "enrolment", fmt.Errorf("%s", what)) }
	switch {
	case !r.Role.Saves() && r.Role != segment.RoleOffice:
		return bad("role must be tablet, hub or office")
	case len(r.Staff) == 0:
		return bad("no staff")
	case len(r.Divisions) == 0 || slices.ContainsFunc(r.Divisions, func(d record.Division) bool { return !d.ValidPrefix() }):
		return bad("divisions must be prefixes of 0 to 12 digits")
	case len(r.Classes) == 0 || slices.Contains(r.Classes, record.ClassEveryone):
		return bad("privacy classes")
	}
	return nil
}

func codeName(code string) string {
	plain := strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	sum := sha256.Sum256([]byte(plain))
	return valueCodes + string(sum[:16])
}

func (b *batch) putInvitation(code string, i invitation) error {
	raw, err := json.Marshal(i)
	if err != nil {
		return err
	}
	b.changed = true
	return b.tx.PutValue(codeName(code), raw)
}

// Enrol turns a code and a tablet's or hub's public key into a certificate. The
// same code and key again give the same certificate, because the answer may have
// been lost on its way. Errors: ReasonCode, also for a desk's code, which is not used up by that;
// ReasonInvalid, ReasonRolledBack.
func (e *Engine) Enrol(ctx context.Context, code string, key ed25519.PublicKey) (segment.Certificate, error) {
	return e.enrol(ctx, code, key, segment.Role.Saves)
}

// EnrolDesk is Enrol for a desk of the office, which takes no other code.
func (e *Engine) EnrolDesk(ctx context.Context, code string, key ed25519.PublicKey) (segment.Certificate, error) {
	return e.enrol(ctx, code, key, func(r segment.Role) bool { return r == segment.RoleOffice })
}

func (e *Engine) enrol(ctx context.Context, code string, key ed25519.PublicKey, is func(segment.Role) bool) (segment.Certificate, error) {
	if len(key) != ed25519.PublicKeySize {
		return segment.Certificate{}, refuse(ReasonInvalid, "enrol", fmt.Errorf("key of %d bytes", len(key)))
	}
	var cert segment.Certificate
	err := e.office(ctx, func(b *batch) error {
		raw, ok, err := b.tx.Value(codeName(code))
		if err != nil {
			return err
		}
		var i invitation
		if !ok || json.Unmarshal(raw, &i) != nil || b.now.UnixMilli() > i.Expires || !is(i.Rights.Role) {
			return refuse(ReasonCode, "enrol", nil)
		}
		if i.Used {
			if cert, err = b.enrolled(key); err == nil && cert.Raw == nil {
				err = refuse(ReasonCode, "enrol", nil)
			}
			return err
		}
		if i.Epoch != b.head.epoch.String() {
			return refuse(ReasonCode, "enrol", nil)
		}
		i.Used = true
		if err := b.putInvitation(code, i); err != nil {
			return err
		}
		cert, err = b.certify(i.Rights, key, segment.Certificate{})
		return err
	})
	return cert, err
}

func (b *batch) enrolled(key ed25519.PublicKey) (segment.Certificate, error) {
	certs, err := b.certificatesOf(causal.ReplicaOf(key))
	if err != nil || len(certs) == 0 {
		return segment.Certificate{}, err
	}
	return certs[len(certs)-1], nil
}

// Certify certifies a key with these rights on a person's word, without a code.
func (e *Engine) Certify(ctx context.Context, r Rights, key ed25519.PublicKey) (segment.Certificate, error) {
	if err := r.check(); err != nil {
		return segment.Certificate{}, err
	}
	var cert segment.Certificate
	err := e.office(ctx, func(b *batch) (err error) {
		if err := b.putSuccessors(causal.ReplicaOf(key), 0); err != nil {
			return err
		}
		cert, err = b.certify(r, key, segment.Certificate{})
		return err
	})
	return cert, err
}

// certify issues a certificate and puts it on the record. extra gives the
// predecessor and the count of successions. A desk's key stays one, and a tablet's or hub's
// becomes none: what either may do must not depend on which of its certificates it shows.
func (b *batch) certify(r Rights, key ed25519.PublicKey, extra segment.Certificate) (segment.Certificate, error) {
	last, err := b.enrolled(key)
	if err != nil {
		return last, err
	}
	if last.Raw != nil && last.Role.Saves() != r.Role.Saves() {
		return last, refuse(ReasonInvalid, "certificate", fmt.Errorf("the key of a %s is not that of a %s", last.Role, r.Role))
	}
	issued := b.now
	if last.Raw != nil && !issued.After(last.IssuedAt) {
		issued = last.IssuedAt.Add(time.Millisecond) // the newest one counts, whatever the clock says
	}
	cert, err := segment.IssueCertificate(b.e.cfg.ShardKey, segment.Certificate{
		Shard: b.e.shard, PublicKey: key, Role: r.Role, Staff: r.Staff, Divisions: b.e.cfg.Scopes(r.Divisions), Classes: r.Classes,
		IssuedAt: issued, ExpiresAt: b.now.Add(b.e.cfg.CertificateLife), Label: r.Label,
		Predecessor: extra.Predecessor, Successions: extra.Successions,
	})
	if err != nil {
		return cert, refuse(ReasonInvalid, "certificate", err)
	}
	if err := b.putCertificate(cert, causal.Dot{}); err != nil {
		return cert, err
	}
	_, err = b.actCertificate("system", cert)
	return cert, err
}

func rightsOf(c segment.Certificate) Rights {
	return Rights{Role: c.Role, Staff: c.Staff, Divisions: c.Divisions, Classes: c.Classes, Label: c.Label}
}

// Renew issues the caller's certificate anew, with a new expiry and the rights that
// the office gave last, whatever older certificate the caller shows. A revoked caller is refused (ReasonRevoked).
func (e *Engine) Renew(ctx context.Context, caller segment.Certificate) (segment.Certificate, error) {
	var cert segment.Certificate
	err := e.office(ctx, func(b *batch) (err error) {
		if e.revoked(caller) {
			return refuse(ReasonRevoked, "renew", nil)
		}
		last, err := b.newestOf(caller)
		if err != nil {
			return err
		}
		cert, err = b.certify(rightsOf(last), last.PublicKey, last)
		return err
	})
	return cert, err
}

// Recoded reports whether divisions that a certificate names have other codes since it was
// issued, so that who has it must renew before it pulls: what was moved there would depart.
func (e *Engine) Recoded(c segment.Certificate) bool {
	return slices.ContainsFunc(e.cfg.Scopes(c.Divisions), func(d record.Division) bool { return !d.WithinAny(c.Divisions) })
}

// newestOf returns the newest certificate of the replica that shows one: a session may
// hold an older one, and a restored centre may have lost the newest.
func (b *batch) newestOf(shown segment.Certificate) (segment.Certificate, error) {
	last, err := b.enrolled(shown.PublicKey)
	if last.Raw == nil || last.IssuedAt.Before(shown.IssuedAt) {
		last = shown
	}
	return last, err
}

// Succeed certifies the new key of a replica that must go on under one, with the
// rights that the office gave the old key last and cut off together with it. The same
// succession again gives the same certificate, or one with the rights that the old key
// was given since. Errors: ReasonUnreadable, ReasonSignature,
// ReasonSuccession after three in a row, or four from one key, without a person.
func (e *Engine) Succeed(ctx context.Context, caller segment.Certificate, succession []byte) (segment.Certificate, error) {
	s, err := segment.ParseSuccession(succession, caller.PublicKey)
	if err != nil {
		return segment.Certificate{}, refuse(ReasonSignature, "succession", err)
	}
	if s.Shard != e.shard || s.Certificate != caller.Hash {
		return segment.Certificate{}, refuse(ReasonInvalid, "succession", fmt.Errorf("of another certificate"))
	}
	var cert segment.Certificate
	err = e.office(ctx, func(b *batch) error {
		caller, err := b.newestOf(caller)
		if err != nil {
			return err
		}
		if cert, err = b.enrolled(s.PublicKey); err != nil || cert.Raw != nil && !caller.IssuedAt.After(cert.IssuedAt) {
			return err // asked before, and the answer was lost
		}
		extra := segment.Certificate{Predecessor: caller.Replica(), Successions: caller.Successions + 1}
		n, err := b.successorsOf(caller.Replica())
		if err != nil {
			return err
		}
		if cert.Raw != nil {
			extra.Successions = cert.Successions // asked before, and the rights were changed since
		} else if caller.Successions >= maxSuccessions || n >= maxSuccessors {
			return refuse(ReasonSuccession, "succession", nil)
		} else if err := b.putSuccessors(caller.Replica(), n+1); err != nil {
			return err
		}
		cert, err = b.certify(rightsOf(caller), s.PublicKey, extra)
		return err
	})
	return cert, err
}

// successorsOf returns how many keys go on from one since a person last certified it.
func (b *batch) successorsOf(r causal.ReplicaID) (int, error) {
	raw, _, err := b.tx.Value(valueSuccessors + string(r[:]))
	if err != nil || len(raw) != 1 {
		return 0, err
	}
	return int(raw[0]), nil
}

func (b *batch) putSuccessors(r causal.ReplicaID, n int) error {
	b.changed = true
	return b.tx.PutValue(valueSuccessors+string(r[:]), []byte{byte(n)})
}

// ReplicaInfo is one installation as the office sees it.
type ReplicaInfo struct {
	Certificate segment.Certificate // its newest
	Revoked     bool
	Last        uint64            // highest counter stored; 0: none
	Forks       [][2]segment.Hash // pairs of segments that show two histories
}

// Replicas returns every installation known, in order of replica id.
func (e *Engine) Replicas(ctx context.Context) ([]ReplicaInfo, error) {
	var out []ReplicaInfo
	err := e.view(ctx, func(r Reader) error {
		certs, err := e.certificates(r)
		if err != nil {
			return err
		}
		newest := map[causal.ReplicaID]segment.Certificate{}
		for _, c := range certs {
			if o, ok := newest[c.Replica()]; !ok || c.IssuedAt.After(o.IssuedAt) {
				newest[c.Replica()] = c
			}
		}
		for id, c := range newest {
			info := ReplicaInfo{Certificate: c, Revoked: e.revoked(c)}
			if err := info.read(r, id); err != nil {
				return err
			}
			out = append(out, info)
		}
		return nil
	})
	sortBy(out, func(i ReplicaInfo) causal.ReplicaID { return i.Certificate.Replica() }, causal.ReplicaID.Compare)
	return out, err
}

func (i *ReplicaInfo) read(r Reader, id causal.ReplicaID) error {
	var err error
	if i.Last, err = lastCounter(r, id); err != nil {
		return err
	}
	forks, err := r.Acts(ActFork, id[:])
	for _, a := range forks {
		if len(a.Body) == 64 {
			i.Forks = append(i.Forks, [2]segment.Hash{segment.Hash(a.Body[:32]), segment.Hash(a.Body[32:])})
		}
	}
	return err
}
