// SPDX-License-Identifier: Apache-2.0

// Package record is the merge: what a save says, and what a record is after any
// set of saves.
//
// The law, from which everything here follows:
//
//	A value is live iff its revision is admitted and no admitted revision names
//	it as a parent at its path. A record's state is a function of its received
//	revisions and of which of them are admitted, nothing else.
//
// [Define] is that sentence as code. [State.Apply] is its incremental form; tests
// hold the two against each other for every order that respects prev.
//
// The package is pure: no clock, disk, network or logger. It knows no kinds of
// records and never looks inside a value; an old build carries a newer build's
// fields byte for byte. Nobody joins two states: there is no such function.
// DESIGN.md beside this file has the canonical bytes and the reasons.
package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// ErrMalformed is wrapped by every error about bytes or text that do not follow
// the formats of this package.
var ErrMalformed = errors.New("malformed")

// Kind is the number of a record kind, 1..4095, frozen by the kind's message.
type Kind uint16

// MaxKind is the greatest kind number that an id has room for.
const MaxKind Kind = 1<<12 - 1

// MaxActKind is the greatest kind number kept for the centre's acts, which are obeyed
// and are no records of care.
const MaxActKind Kind = 15

// Class is a privacy class. A holder receives a class whole or not at all.
type Class uint8

const (
	// ClassEveryone marks acts without personal content that every receiver needs.
	ClassEveryone Class = 0
	// ClassGeneral is ordinary health care.
	ClassGeneral Class = 1
	// ClassSensitive is severe mental illness, tuberculosis and the like.
	ClassSensitive Class = 2
)

// ID names one record for ever. It is a UUID whose 12 bits after the version
// nibble are the kind number (RFC 9562 leaves them to the maker): one id has one
// kind, which anybody can check without having seen the record.
type ID [16]byte

// NewID makes a time-ordered id (UUID version 7) from a clock reading and 8
// random bytes. It returns the error of rnd, or one about kind.
func NewID(kind Kind, now time.Time, rnd io.Reader) (ID, error) {
	var id ID
	if kind == 0 || kind > MaxKind {
		return ID{}, fmt.Errorf("kind %d: out of 1..%d", kind, MaxKind)
	}
	if _, err := io.ReadFull(rnd, id[8:]); err != nil {
		return ID{}, fmt.Errorf("random id: %w", err)
	}
	binary.BigEndian.PutUint64(id[:8], uint64(max(now.UnixMilli(), 0))<<16)
	return id.withKind(kind, 7), nil
}

// DerivedID makes an id that everybody computes alike from name, such as that of
// the link of two residents (UUID version 8). Kind must be 1..4095.
func DerivedID(kind Kind, name []byte) ID {
	sum := sha256.Sum256(name)
	return ID(sum[:16]).withKind(kind, 8)
}

// MakeID makes the id of a record that maker creates with a save of this salt
// (16 random bytes): as NewID, with the random bits taken from
// SHA-256("xunzhen/record/1" ‖ 0 ‖ maker ‖ salt). So a creation can be told from a
// claim to have created somebody else's record, by anybody and at any time.
func MakeID(kind Kind, now time.Time, maker causal.ReplicaID, salt [16]byte) (ID, error) {
	return NewID(kind, now, bytes.NewReader(makerBits(maker, salt)))
}

func makerBits(maker causal.ReplicaID, salt [16]byte) []byte {
	var room [64]byte
	sum := sha256.Sum256(append(append(append(room[:0], "xunzhen/record/1\x00"...), maker[:]...), salt[:]...))
	return sum[:8]
}

// MadeBy reports whether maker may have created the record with a save of this
// salt: whether MakeID gives such an id, or the id is a derived one, which
// everybody may create.
func (id ID) MadeBy(maker causal.ReplicaID, salt [16]byte) bool {
	if id.Derived() {
		return true
	}
	bits := makerBits(maker, salt)
	bits[0] = bits[0]&0x3f | 0x80
	return bytes.Equal(id[8:], bits)
}

// Compare orders ids by their bytes: those that were made by date come in the order of their making.
func (id ID) Compare(o ID) int { return bytes.Compare(id[:], o[:]) }

// Derived reports whether the id is one that everybody computes alike.
func (id ID) Derived() bool { return id[6]>>4 == 8 }

func (id ID) withKind(kind Kind, version byte) ID {
	binary.BigEndian.PutUint16(id[6:], uint16(version)<<12|uint16(kind&MaxKind))
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Kind returns the kind number inside id, 0 in the zero id.
func (id ID) Kind() Kind { return Kind(binary.BigEndian.Uint16(id[6:])) & MaxKind }

// LastID returns an id that no id of a kind is behind, in order of bytes.
func LastID(k Kind) (id ID) {
	for i := range id {
		id[i] = 0xff
	}
	binary.BigEndian.PutUint16(id[6:], 0xf000|uint16(k))
	return id
}

// Valid reports whether id has the form that NewID or DerivedID give.
func (id ID) Valid() bool {
	v := id[6] >> 4
	return (v == 7 || v == 8) && id[8]>>6 == 2 && id.Kind() != 0
}

// IsZero reports whether id names no record.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the usual 36 characters, 8-4-4-4-12 lower-case digits.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// ParseID reads what String writes, of a valid id.
func ParseID(s string) (ID, error) {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("record id %q: %w", s, ErrMalformed)
	}
	b, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil || !ID(b).Valid() || ID(b).String() != s {
		return ID{}, fmt.Errorf("record id %q: %w", s, ErrMalformed)
	}
	return ID(b), nil
}

// Division is a 12-digit administrative division code, as a record's scope names
// it; shorter ones are prefixes that a principal may see or write.
type Division string

const divisionDigits = 12

// Valid reports whether d is 12 ASCII digits.
func (d Division) Valid() bool { return len(d) == divisionDigits && d.ValidPrefix() }

// ValidPrefix reports whether d is 0 to 12 ASCII digits.
func (d Division) ValidPrefix() bool {
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return len(d) <= divisionDigits
}

// Within reports whether d lies under prefix.
func (d Division) Within(prefix Division) bool {
	return len(d) >= len(prefix) && d[:len(prefix)] == prefix
}

// WithinAny reports whether d lies under one of the prefixes.
func (d Division) WithinAny(prefixes []Division) bool {
	for _, p := range prefixes {
		if d.Within(p) {
			return true
		}
	}
	return false
}

// Boundary says what a schema thinks of a path.
type Boundary uint8

const (
	// BoundaryUnknown is a field that this build's schema does not know. It merges
	// as the register it says it is.
	BoundaryUnknown Boundary = iota
	// BoundaryExact is a register of the schema.
	BoundaryExact
	// BoundaryWrong is a known field cut elsewhere than at its register.
	BoundaryWrong
)

// KindInfo is what the engine must know of a kind.
type KindInfo struct {
	Kind     Kind
	Name     string // snake_case singular, for example home_visit
	Class    Class
	Boundary func(Path) Boundary
	// OfficeOnly: only the centre saves such records.
	OfficeOnly bool
}

// Schema tells which kinds this build knows.
type Schema interface {
	// Lookup returns the kind and whether it is known.
	Lookup(Kind) (KindInfo, bool)
}
