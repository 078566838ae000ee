// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Limits of certificates.
const (
	MaxCertificate = 16 << 10 // bytes
	MaxStaff       = 64
	MaxDivisions   = 256
	MaxClasses     = 16
	MaxSuccessions = 3 // keys succeeded in a row without a person

	maxStaffID = 128 // bytes, as record allows authors
	maxLabel   = 256 // bytes
)

// Role is what an installation is for. Numbers are those of syncv1.Role.
type Role uint8

// The roles; a certificate has one of them.
const (
	RoleCentre Role = 1 // the centre's own replica: its saves may be office acts
	RoleTablet Role = 2
	RoleHub    Role = 3 // also carries what others saved
	RoleOffice Role = 4 // a desk: its key signs in and makes no revision
)

// Saves reports whether the key of an installation in the field makes revisions, and syncs them: a tablet's or
// a hub's.
func (r Role) Saves() bool { return r == RoleTablet || r == RoleHub }

// String returns centre, tablet, hub, office, or role and the number.
func (r Role) String() string {
	switch r {
	case RoleCentre:
		return "centre"
	case RoleTablet:
		return "tablet"
	case RoleHub:
		return "hub"
	case RoleOffice:
		return "office"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// Certificate is a shard's word about a replica.
type Certificate struct {
	Shard     ShardID
	PublicKey ed25519.PublicKey
	Role      Role
	// Staff are the ids that may be authors on the installation.
	Staff []string
	// Divisions are the prefixes that it may see and write.
	Divisions []record.Division
	// Classes are the privacy classes that it may see and write.
	Classes []record.Class
	// IssuedAt and ExpiresAt are by the centre's clock, in whole milliseconds, UTC.
	// Expiry ends pulling only.
	IssuedAt, ExpiresAt time.Time
	// Successions is how many times in a row the key was succeeded without a person.
	Successions int
	// Predecessor is the replica whose rights this one continues; zero when a
	// person enrolled it.
	Predecessor causal.ReplicaID
	// Label is a name for people; never a resident's.
	Label string

	Raw  []byte // as signed: a serialised syncv1.Certificate
	Hash Hash   // the certificate's name: SHA-256 of its serialised body
}

// Replica returns the id that belongs to the certified key.
func (c Certificate) Replica() causal.ReplicaID { return causal.ReplicaOf(c.PublicKey) }

// AllowsAuthor reports whether a staff id may be an author on the installation.
func (c Certificate) AllowsAuthor(staff string) bool { return slices.Contains(c.Staff, staff) }

// AllowsClass reports whether the installation may see and write a privacy class.
// What everyone receives, everyone may see.
func (c Certificate) AllowsClass(class record.Class) bool {
	return class == record.ClassEveryone || slices.Contains(c.Classes, class)
}

// IssueCertificate signs fields with the shard's key and returns them with Shard,
// Raw and Hash set. Times are cut to whole milliseconds. It returns an error when
// the fields break a limit.
func IssueCertificate(shard Signer, fields Certificate) (Certificate, error) {
	fields.Shard = ShardOf(shard.Public())
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(certificateToWire(fields))
	if err != nil {
		return Certificate{}, fmt.Errorf("issue certificate: %w", err)
	}
	return ParseCertificate(SignBody(shard, DomainCertificate, raw).Encode(), shard.Public())
}

// ParseCertificate reads a certificate of the shard with the given key. Its error
// wraps ErrSignature when another key signed it, else ErrUnreadable.
func ParseCertificate(raw []byte, shard ed25519.PublicKey) (Certificate, error) {
	if len(raw) > MaxCertificate {
		return Certificate{}, fmt.Errorf("certificate of %d bytes: %w", len(raw), ErrUnreadable)
	}
	signed, err := DecodeSigned(raw)
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	if err := signed.Verify(shard, DomainCertificate); err != nil {
		return Certificate{}, err
	}
	c, err := decodeCertificate(signed.Body)
	if err == nil && c.Shard != ShardOf(shard) {
		err = fmt.Errorf("of shard %s: %w", c.Shard, ErrUnreadable)
	}
	if err != nil {
		return Certificate{}, fmt.Errorf("certificate: %w", err)
	}
	c.Raw, c.Hash = slices.Clone(raw), sha256.Sum256(signed.Body)
	return c, nil
}

func decodeCertificate(b []byte) (Certificate, error) {
	var m syncv1.CertificateBody
	if err := proto.Unmarshal(b, &m); err != nil {
		return Certificate{}, fmt.Errorf("%v: %w", err, ErrUnreadable)
	}
	if err := checkCertificate(&m); err != nil {
		return Certificate{}, err
	}
	c := Certificate{
		Shard:       ShardID(m.Shard),
		PublicKey:   m.PublicKey,
		Role:        Role(m.Role),
		Staff:       m.Staff,
		IssuedAt:    time.UnixMilli(m.IssuedAtMs).UTC(),
		ExpiresAt:   time.UnixMilli(m.ExpiresAtMs).UTC(),
		Successions: int(m.Successions),
		Label:       m.Label,
	}
	copy(c.Predecessor[:], m.Predecessor)
	for _, d := range m.Divisions {
		c.Divisions = append(c.Divisions, record.Division(d))
	}
	for _, k := range m.Classes {
		c.Classes = append(c.Classes, record.Class(k))
	}
	return c, nil
}

func certificateToWire(c Certificate) *syncv1.CertificateBody {
	m := &syncv1.CertificateBody{
		Shard:       c.Shard[:],
		PublicKey:   c.PublicKey,
		Role:        syncv1.Role(c.Role),
		Staff:       c.Staff,
		IssuedAtMs:  c.IssuedAt.UnixMilli(),
		ExpiresAtMs: c.ExpiresAt.UnixMilli(),
		Successions: uint32(c.Successions),
		Label:       c.Label,
	}
	if !c.Predecessor.IsZero() {
		m.Predecessor = c.Predecessor[:]
	}
	for _, d := range c.Divisions {
		m.Divisions = append(m.Divisions, string(d))
	}
	for _, k := range c.Classes {
		m.Classes = append(m.Classes, uint32(k))
	}
	return m
}

// checkCertificate returns an error that wraps ErrUnreadable unless m says
// something definite within the limits.
func checkCertificate(m *syncv1.CertificateBody) error {
	what := ""
	switch {
	case len(m.Shard) != len(ShardID{}):
		what = "shard"
	case len(m.PublicKey) != ed25519.PublicKeySize:
		what = "public key"
	case m.Role < syncv1.Role(RoleCentre) || m.Role > syncv1.Role(RoleOffice):
		what = "role"
	case len(m.Staff) > MaxStaff || !distinct(m.Staff) || !all(m.Staff, validStaff):
		what = "staff"
	case len(m.Divisions) > MaxDivisions || !distinct(m.Divisions) || !all(m.Divisions, validPrefix):
		what = "divisions"
	case len(m.Classes) > MaxClasses || !distinct(m.Classes) || !all(m.Classes, validClass):
		what = "classes"
	case m.Successions > MaxSuccessions || m.Successions > 0 && len(m.Predecessor) == 0:
		what = "successions"
	case len(m.Predecessor) != 0 && (len(m.Predecessor) != 16 || causal.ReplicaID(m.Predecessor).IsZero()):
		what = "predecessor"
	case len(m.Label) > maxLabel:
		what = "label"
	default:
		return nil
	}
	return fmt.Errorf("%s: %w", what, ErrUnreadable)
}

func validStaff(s string) bool  { return s != "" && len(s) <= maxStaffID && utf8.ValidString(s) }
func validPrefix(s string) bool { return record.Division(s).ValidPrefix() }
func validClass(c uint32) bool  { return c <= 255 }

func all[T any](list []T, ok func(T) bool) bool {
	return !slices.ContainsFunc(list, func(v T) bool { return !ok(v) })
}

func distinct[T string | uint32](list []T) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) == len(list)
}
