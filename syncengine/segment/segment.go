// SPDX-License-Identifier: Apache-2.0

// Package segment is what travels: signed runs of saves, and the signed papers
// that say who may save.
//
// A segment holds consecutive revisions of one replica. On the wire it is
//
//	suite (1) | length of header (uvarint) | header | signature (64) | columns
//
// The header is signed and bears the root of the RFC 6962 tree over the
// revisions' hashes; the columns are only a carrier from which each revision is
// put together and checked against that root. The segment's hash covers
// everything before the columns, so it stays when a body is erased.
//
// The one invariant: a [Segment] never changes, and whatever [Open] returns has
// exactly the revisions that its header was made for. Open does not know keys;
// [Segment.Verify] says whose header it is.
//
// The package is pure: no clock, disk, network or logger, and randomness is
// handed in, except to [SealEnvelope], whose cipher draws its own. DESIGN.md
// beside this file has the byte tables.
package segment

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

var (
	// ErrUnreadable is wrapped by every error about bytes that do not follow the
	// formats of this package. Such bytes are refused and take no dot.
	ErrUnreadable = errors.New("unreadable")
	// ErrSignature is wrapped when bytes do not bear the signature they should.
	ErrSignature = errors.New("bad signature")
	// ErrFull is wrapped when revisions do not fit in one segment.
	ErrFull = errors.New("segment full")
)

const (
	// MaxSize is the greatest segment as sealed, in bytes on the wire.
	MaxSize = 64 << 10
	// MaxCount is the greatest number of revisions in a segment.
	MaxCount = 1024
	// MaxWire is the greatest segment in any form. One with erased bodies can be
	// longer than it was sealed: a place and a hash stand for each short body.
	MaxWire = MaxSize + 35*MaxCount
	// MaxExpanded bounds the sum of the sizes of a segment's revisions. Saves that
	// share a shape are longer together than their segment, and this bounds the
	// work a hostile segment can ask for.
	MaxExpanded = 1 << 20
	// MaxCounter is the greatest counter of a revision.
	MaxCounter = 1<<63 - 1
)

// Segment is a signed run of revisions of one replica. It is immutable and safe
// for concurrent use. It shares memory with the bytes it was opened from.
type Segment struct {
	wire    []byte
	head    head
	hash    Hash
	columns columns
	rows    []row
}

// row is one revision as the columns give it, with its hash.
type row struct {
	leaf     [32]byte
	id       record.ID
	prev     record.Prev
	clockMs  int64
	author   int
	scope    int // place in the table plus 1; 0: none
	shape    int
	salt     []byte
	body     []byte
	bodyHash []byte // of an erased body; else nil
	size     int
}

// Open reads a segment and checks that its revisions are those of its header. It
// does not check the signature. Every error wraps ErrUnreadable. The segment
// keeps wire, which must not be changed afterwards.
//
// A revision that cannot be read though it is the one that was signed is no
// error here: see [Segment.Revision].
func Open(wire []byte) (*Segment, error) {
	h, rest, err := cutHead(wire)
	if err != nil {
		return nil, err
	}
	s := &Segment{wire: wire, head: h, hash: hashOf(wire[:h.size()])}
	root, err := s.read(rest)
	if err != nil {
		return nil, err
	}
	if !s.AnyErased() && (len(rest) != h.ColumnsSize || len(wire) > MaxSize) {
		return nil, unreadable("columns of %d bytes, header says %d", len(rest), h.ColumnsSize)
	}
	if root != h.Root {
		return nil, unreadable("revisions are not those of the header")
	}
	return s, nil
}

// hashOf returns the hash of a segment from what stands before its columns.
func hashOf(front []byte) Hash { return sha256.Sum256(front) }

// read takes the columns apart, hashes every revision and returns their root.
func (s *Segment) read(columns []byte) (Hash, error) {
	if err := s.columns.scan(columns, s.head.Count); err != nil {
		return Hash{}, err
	}
	rows, err := s.columns.readRows(s.head.Count)
	if err != nil {
		return Hash{}, err
	}
	s.rows = rows
	var t treeRoot
	var scratch []byte
	for i, left := 0, MaxExpanded; i < len(rows); i++ {
		s.hashRow(i, &scratch)
		if left -= rows[i].size; left < 0 {
			return Hash{}, unreadable("more than %d bytes of revisions", MaxExpanded)
		}
		t.add(rows[i].leaf)
	}
	return t.root(), nil
}

// hashRow sets leaf and size of row i.
func (s *Segment) hashRow(i int, scratch *[]byte) {
	r := &s.rows[i]
	*scratch = s.appendSkeleton(append((*scratch)[:0], leafPrefix), i)
	n := len(*scratch)
	body := s.bodyHash(i, scratch)
	*scratch = append((*scratch)[:n], body[:]...)
	r.leaf, r.size = sha256.Sum256(*scratch), n-1+len(r.body)
}

// leafPrefix tells leaves from nodes in RFC 6962 trees.
const leafPrefix = 0

// bodyHash returns the body hash of revision i and uses the space after scratch.
func (s *Segment) bodyHash(i int, scratch *[]byte) [32]byte {
	if h := s.rows[i].bodyHash; h != nil {
		return [32]byte(h)
	}
	n := len(*scratch)
	*scratch = append(append(*scratch, s.rows[i].salt...), s.rows[i].body...)
	return sha256.Sum256((*scratch)[n:])
}

func (s *Segment) appendSkeleton(b []byte, i int) []byte {
	b = s.revisionHead(i).AppendHead(b)
	return append(b, s.columns.shapes[s.rows[i].shape].raw...)
}

// revisionHead returns revision i without its changes and without its hash.
func (s *Segment) revisionHead(i int) record.Revision {
	r := &s.rows[i]
	out := record.Revision{
		Dot:     causal.Dot{Replica: s.head.Replica, Counter: s.head.First + uint64(i)},
		Record:  r.id,
		Prev:    r.prev,
		ClockMs: r.clockMs,
		Author:  s.columns.authors[r.author],
	}
	if r.scope > 0 {
		out.ScopeSeen = s.columns.scopes[r.scope-1]
	}
	return out
}

// Verify returns an error that wraps ErrSignature unless pub is the key of the
// segment's replica and signed its header.
func (s *Segment) Verify(pub ed25519.PublicKey) error { return s.head.verify(pub) }

// Header returns what was signed.
func (s *Segment) Header() Header { return s.head.Header }

// Hash returns the segment's name: SHA-256 of everything before the columns.
func (s *Segment) Hash() Hash { return s.hash }

// Bytes returns the segment as it goes over the wire. The caller must not change them.
func (s *Segment) Bytes() []byte { return s.wire }

// Len returns the number of revisions, at least 1. Places i below go from 0 to Len-1.
func (s *Segment) Len() int { return len(s.rows) }

// Last returns the counter of the last revision.
func (s *Segment) Last() uint64 { return s.head.First + uint64(len(s.rows)) - 1 }

// Leaf returns the hash of revision i, which is its leaf in the header's tree.
func (s *Segment) Leaf(i int) [32]byte { return s.rows[i].leaf }

// Dot returns the name of revision i.
func (s *Segment) Dot(i int) causal.Dot {
	return causal.Dot{Replica: s.head.Replica, Counter: s.head.First + uint64(i), Hash: causal.Short(s.rows[i].leaf)}
}

// RecordID returns the record of revision i. It need not be a valid id.
func (s *Segment) RecordID(i int) record.ID { return s.rows[i].id }

// Creates reports whether revision i says that it makes its record: it is its
// author's first one there, and its author saw no scope.
func (s *Segment) Creates(i int) bool { return s.rows[i].prev.Counter == 0 && s.rows[i].scope == 0 }

// Prev returns the author replica's previous revision of that record, as stated.
// Where Revision(i) gives an error it need not make sense.
func (s *Segment) Prev(i int) record.Prev { return s.rows[i].prev }

// Salt returns the salt of revision i; of an erased one it is zero.
func (s *Segment) Salt(i int) [16]byte { return [16]byte(s.rows[i].salt) }

// Size returns the size of revision i as record.MaxRevision limits it: skeleton
// and body, or the skeleton alone when the body is erased.
func (s *Segment) Size(i int) int { return s.rows[i].size }

// Erased reports whether the body of revision i is gone. Whoever carries a
// segment can take bodies out of it: whether an order stands behind that is for
// the caller to know.
func (s *Segment) Erased(i int) bool { return s.rows[i].bodyHash != nil }

// AnyErased reports whether a body is gone.
func (s *Segment) AnyErased() bool { return len(s.columns.plain[colErased]) > 0 }

// Revision returns revision i. Its values share memory with the segment's bytes,
// its paths and parents with other revisions: the caller must not change them.
// In an erased revision every value has the form Erased.
//
// The error wraps record.ErrTooLarge or record.ErrMalformed when the revision is
// authentic but cannot be read; its dot, record and prev can.
func (s *Segment) Revision(i int) (record.Revision, error) { return s.RevisionIn(i, nil) }

// RevisionIn is Revision with its changes in the memory of buf, as far as that
// reaches. They are good until buf is used again.
func (s *Segment) RevisionIn(i int, buf []record.Change) (record.Revision, error) {
	r := &s.rows[i]
	if r.size > record.MaxRevision {
		return record.Revision{}, fmt.Errorf("revision %d: %d bytes, at most %d: %w", s.head.First+uint64(i), r.size, record.MaxRevision, record.ErrTooLarge)
	}
	out := s.revisionHead(i)
	out.Dot.Hash = causal.Short(r.leaf)
	var err error
	if out.Changes, err = s.changes(i, buf); err == nil {
		err = out.Check()
	}
	if err != nil {
		return record.Revision{}, fmt.Errorf("revision %d: %w", out.Dot.Counter, err)
	}
	return out, nil
}

// Head returns revision i without its changes, be they readable or not.
func (s *Segment) Head(i int) record.Revision {
	out := s.revisionHead(i)
	out.Dot = s.Dot(i)
	return out
}

func (s *Segment) changes(i int, buf []record.Change) ([]record.Change, error) {
	shared, err := s.columns.shapes[s.rows[i].shape].decode(buf)
	if err != nil {
		return nil, err
	}
	if s.Erased(i) {
		return erasedBody(buf, shared), nil
	}
	return decodeBody(buf, shared, s.rows[i].body)
}

// shape is an entry of the table of shapes. One that several revisions share is
// decoded at most once.
type shape struct {
	raw     []byte
	users   int
	once    sync.Once
	changes []record.Change
	err     error
}

// decode returns the changes of the shape, without values: in the memory of buf when
// nobody else will ask for them.
func (p *shape) decode(buf []record.Change) ([]record.Change, error) {
	if p.users == 1 {
		return record.DecodeShapeIn(buf, p.raw)
	}
	p.once.Do(func() { p.changes, p.err = record.DecodeShape(p.raw) })
	return p.changes, p.err
}

func unreadable(format string, args ...any) error {
	return fmt.Errorf("segment: %s: %w", fmt.Sprintf(format, args...), ErrUnreadable)
}
