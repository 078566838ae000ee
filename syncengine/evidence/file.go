// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Domain is what a shard signs proofs for.
const Domain segment.Domain = "xunzhen/proof/1"

// MaxFile is the greatest file in bytes.
const MaxFile = 4 << 20

const format = 1

// ErrTooLarge is returned by Encode for what makes a larger file than MaxFile.
var ErrTooLarge = errors.New("proof too large")

// File is what a proof file has.
type File struct {
	Shard        segment.ShardID
	Record       record.ID
	Only         causal.Dot // the one revision it is about; zero: all of the record
	MadeAt       time.Time  // by the centre's clock, in whole milliseconds, UTC
	Checkpoint   []byte     // signed
	Certificates [][]byte   // signed, each once
	Leaves       []Leaf     // by ascending index
	Revisions    []Revision // of the record, by leaf, then place
	Acts         []Revision // of the office about them, in the same order
}

// Leaf is an entry of the ledger with its way to the checkpoint's root.
type Leaf struct {
	Index   ledger.Index
	Hashed  []byte // see ledger.Hashed
	Path    tlog.RecordProof
	Front   []byte // see segment.OpenFront; nil when none of its revisions are in the file
	Changed []Changed
}

// Changed is one verdict that a leaf changed, with its way to the leaf.
type Changed struct {
	ledger.Changed
	Place int
	Path  tlog.RecordProof
}

// Revision is a revision with its way to its segment.
type Revision struct {
	Leaf     ledger.Index
	Place    int // in the segment, from 0
	Skeleton []byte
	Hidden   bool // Salt and Body are not shown, BodyHash is
	Salt     [16]byte
	Body     []byte
	BodyHash [32]byte
	Path     tlog.RecordProof
}

// Encode returns the bytes of f, signed by the shard. Its error wraps ErrTooLarge for
// more than MaxFile bytes.
func (f File) Encode(shard segment.Signer) ([]byte, error) {
	body, err := canonical(fileToWire(f))
	if err != nil {
		return nil, fmt.Errorf("proof: %w", err)
	}
	raw := segment.SignBody(shard, Domain, body).Encode()
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(raw), MaxFile, ErrTooLarge)
	}
	return raw, nil
}

// canonical returns the one serialised form of m: fields in order, nothing twice,
// nothing that says zero.
func canonical(m *syncv1.ProofBody) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}

// decode reads what Encode writes under the shard's key. The signature is checked
// before the body is read, so that nobody but the shard can make a reader work.
func decode(raw []byte, shard ed25519.PublicKey) (File, error) {
	if len(raw) > MaxFile {
		return File{}, failed(ClaimFile, "%d bytes, at most %d", len(raw), MaxFile)
	}
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return File{}, failed(ClaimFile, "%v", err)
	}
	if err := signed.Verify(shard, Domain); err != nil {
		return File{}, failed(ClaimSignature, "%v", err)
	}
	var m syncv1.ProofBody
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(signed.Body, &m); err != nil {
		return File{}, failed(ClaimFile, "%v", err)
	}
	if m.GetFormat() != format {
		return File{}, failed(ClaimFormat, "format %d", m.GetFormat())
	}
	if same, err := canonical(&m); err != nil || !bytes.Equal(same, signed.Body) {
		return File{}, failed(ClaimFile, "not canonical, or with unknown fields: %v", err)
	}
	f, err := fileFromWire(&m)
	if err != nil {
		return File{}, failed(ClaimFile, "%v", err)
	}
	return f, nil
}

func fileToWire(f File) *syncv1.ProofBody {
	m := &syncv1.ProofBody{
		Shard: f.Shard[:], Format: format, Record: f.Record[:], MadeAtMs: f.MadeAt.UnixMilli(),
		Checkpoint: f.Checkpoint, Certificates: f.Certificates,
	}
	if !f.Only.IsZero() {
		m.Only = f.Only.Append(nil)
	}
	for _, l := range f.Leaves {
		m.Leaves = append(m.Leaves, leafToWire(l))
	}
	for _, r := range f.Revisions {
		m.Revisions = append(m.Revisions, revisionToWire(r))
	}
	for _, r := range f.Acts {
		m.Acts = append(m.Acts, revisionToWire(r))
	}
	return m
}

func leafToWire(l Leaf) *syncv1.ProofLeaf {
	m := &syncv1.ProofLeaf{Index: uint64(l.Index), Hashed: l.Hashed, Path: pathToWire(l.Path), Front: l.Front}
	for _, c := range l.Changed {
		m.Changed = append(m.Changed, &syncv1.ProofChanged{
			Place: uint64(c.Place), Path: pathToWire(c.Path),
			Changed: &syncv1.ChangedVerdict{Record: c.Record[:], Dot: c.Dot.Append(nil), Verdict: syncv1.Verdict(c.Verdict)},
		})
	}
	return m
}

func revisionToWire(r Revision) *syncv1.ProofRevision {
	m := &syncv1.ProofRevision{Index: uint64(r.Leaf), Place: uint32(r.Place), Skeleton: r.Skeleton, Path: pathToWire(r.Path)}
	if r.Hidden {
		m.BodyHash = r.BodyHash[:]
	} else {
		m.Salt, m.Body = r.Salt[:], r.Body
	}
	return m
}

func pathToWire(p tlog.RecordProof) [][]byte {
	var out [][]byte
	for _, h := range p {
		out = append(out, h[:])
	}
	return out
}

var errField = errors.New("field")

func fileFromWire(m *syncv1.ProofBody) (f File, err error) {
	if len(m.GetShard()) != len(f.Shard) || len(m.GetRecord()) != len(f.Record) {
		return f, fmt.Errorf("shard or record: %w", errField)
	}
	f = File{
		Shard: segment.ShardID(m.GetShard()), Record: record.ID(m.GetRecord()), MadeAt: time.UnixMilli(m.GetMadeAtMs()).UTC(),
		Checkpoint: m.GetCheckpoint(), Certificates: m.GetCertificates(),
	}
	if len(m.GetOnly()) > 0 {
		if f.Only, err = dotFromWire(m.GetOnly()); err != nil {
			return f, err
		}
	}
	for _, l := range m.GetLeaves() {
		leaf, err := leafFromWire(l)
		if err != nil {
			return f, err
		}
		f.Leaves = append(f.Leaves, leaf)
	}
	if f.Revisions, err = revisionsFromWire(m.GetRevisions()); err != nil {
		return f, err
	}
	f.Acts, err = revisionsFromWire(m.GetActs())
	return f, err
}

func dotFromWire(b []byte) (causal.Dot, error) {
	d, rest, err := causal.DecodeDot(b)
	if err != nil || len(rest) > 0 || d.IsZero() {
		return causal.Dot{}, fmt.Errorf("dot: %w", errField)
	}
	return d, nil
}

func leafFromWire(m *syncv1.ProofLeaf) (l Leaf, err error) {
	if l.Index, err = indexFromWire(m.GetIndex()); err != nil {
		return l, err
	}
	l.Hashed, l.Front = m.GetHashed(), m.GetFront()
	if l.Path, err = pathFromWire(m.GetPath()); err != nil {
		return l, err
	}
	for _, c := range m.GetChanged() {
		one, err := changedFromWire(c)
		if err != nil {
			return l, err
		}
		l.Changed = append(l.Changed, one)
	}
	return l, nil
}

func changedFromWire(m *syncv1.ProofChanged) (c Changed, err error) {
	v := ledger.Verdict(min(uint32(m.GetChanged().GetVerdict()), math.MaxUint8))
	if len(m.GetChanged().GetRecord()) != len(c.Record) || !v.Valid() || m.GetPlace() > math.MaxInt32 {
		return c, fmt.Errorf("changed verdict: %w", errField)
	}
	c.Place, c.Record, c.Verdict = int(m.GetPlace()), record.ID(m.GetChanged().GetRecord()), v
	if c.Dot, err = dotFromWire(m.GetChanged().GetDot()); err != nil {
		return c, err
	}
	c.Path, err = pathFromWire(m.GetPath())
	return c, err
}

func indexFromWire(i uint64) (ledger.Index, error) {
	if i > math.MaxInt64 {
		return 0, fmt.Errorf("index: %w", errField)
	}
	return ledger.Index(i), nil
}

func pathFromWire(raw [][]byte) (tlog.RecordProof, error) {
	out := make(tlog.RecordProof, len(raw))
	for i, h := range raw {
		if len(h) != tlog.HashSize {
			return nil, fmt.Errorf("path: %w", errField)
		}
		out[i] = tlog.Hash(h)
	}
	return out, nil
}

func revisionsFromWire(in []*syncv1.ProofRevision) ([]Revision, error) {
	var out []Revision
	for _, m := range in {
		r, err := revisionFromWire(m)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func revisionFromWire(m *syncv1.ProofRevision) (r Revision, err error) {
	if m.GetPlace() >= segment.MaxCount {
		return r, fmt.Errorf("place: %w", errField)
	}
	r.Place, r.Skeleton, r.Body = int(m.GetPlace()), m.GetSkeleton(), m.GetBody()
	switch {
	case len(m.GetBodyHash()) == len(r.BodyHash) && len(m.GetSalt()) == 0 && len(m.GetBody()) == 0:
		r.Hidden, r.BodyHash = true, [32]byte(m.GetBodyHash())
	case len(m.GetBodyHash()) == 0 && len(m.GetSalt()) == len(r.Salt):
		r.Salt = [16]byte(m.GetSalt())
	default:
		return r, fmt.Errorf("body: %w", errField)
	}
	if r.Leaf, err = indexFromWire(m.GetIndex()); err != nil {
		return r, err
	}
	r.Path, err = pathFromWire(m.GetPath())
	return r, err
}
