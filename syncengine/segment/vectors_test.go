// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const vectors = "../../proto/vectors/segment"

// hexed is bytes as lower-case hexadecimal digits.
type hexed []byte

func (h hexed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexed) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

type segmentVector struct {
	Name        string           `json:"name"`
	Seed        hexed            `json:"seed"`
	Shard       hexed            `json:"shard"`
	Replica     hexed            `json:"replica"`
	Certificate hexed            `json:"certificate_hash"`
	First       uint64           `json:"first_counter"`
	Previous    hexed            `json:"previous"`
	Revisions   []revisionVector `json:"revisions"`
	Root        hexed            `json:"root"`
	Signed      hexed            `json:"signed_message"`
	Signature   hexed            `json:"signature"`
	Hash        hexed            `json:"hash"`
	Wire        hexed            `json:"wire"`
	Proofs      [][]hexed        `json:"proofs"`
}

type revisionVector struct {
	Dot      string `json:"dot"`
	Record   string `json:"record"`
	Prev     uint64 `json:"prev_counter"`
	PrevHash hexed  `json:"prev_hash"`
	ClockMs  int64  `json:"clock_ms"`
	Author   string `json:"author"`
	SeenDot  string `json:"scope_seen_dot"`
	Seen     string `json:"scope_seen"`
	Skeleton hexed  `json:"skeleton"`
	Shape    hexed  `json:"shape"`
	Salt     hexed  `json:"salt"`
	Body     hexed  `json:"body"`
	BodyHash hexed  `json:"body_hash"`
	Leaf     hexed  `json:"leaf"`
	Erased   bool   `json:"erased"`
	Reads    string `json:"reads"` // ok, malformed or too_large
}

type refusedVector struct {
	Name string `json:"name"`
	Wire hexed  `json:"wire"`
}

func hexHash(h [32]byte) hexed {
	if h == [32]byte{} {
		return hexed{}
	}
	return h[:]
}

// segmentOf writes s down as it was read.
func segmentOf(t *testing.T, name, signer string, s *Segment) segmentVector {
	h := s.Header()
	seed := sha256.Sum256([]byte(signer))
	v := segmentVector{
		Name: name, Seed: seed[:], Shard: h.Shard[:], Replica: h.Replica[:], Certificate: hexHash(h.Certificate),
		First: h.First, Previous: hexHash(h.Previous), Root: hexHash(h.Root), Signed: s.head.message(),
		Signature: s.head.signature, Hash: hexHash(s.Hash()), Wire: s.Bytes(),
	}
	for i := range s.Len() {
		v.Revisions = append(v.Revisions, revisionOf(s, i))
		proof, _, _, err := s.Proof(i)
		if err != nil {
			t.Fatal(err)
		}
		path := []hexed{}
		for _, p := range proof {
			path = append(path, hexHash(p))
		}
		v.Proofs = append(v.Proofs, path)
	}
	return v
}

func revisionOf(s *Segment, i int) revisionVector {
	raw := s.raw(i)
	_, skeleton, body, _ := s.Proof(i)
	v := revisionVector{
		Dot: s.Dot(i).String(), Record: s.RecordID(i).String(), Prev: s.Prev(i).Counter, PrevHash: hexed{},
		ClockMs: raw.Head.ClockMs, Author: raw.Head.Author, Skeleton: skeleton, Shape: raw.Shape, Salt: raw.Salt[:],
		Body: raw.Body, BodyHash: hexHash(body), Leaf: hexHash(s.Leaf(i)), Erased: s.Erased(i), Reads: "ok",
	}
	if v.Prev > 0 {
		v.PrevHash = raw.Head.Prev.Hash[:]
	}
	if seen := raw.Head.ScopeSeen; !seen.Dot.IsZero() {
		v.SeenDot, v.Seen = seen.Dot.String(), string(seen.Division)
	}
	switch _, err := s.Revision(i); {
	case errors.Is(err, record.ErrTooLarge):
		v.Reads = "too_large"
	case err != nil:
		v.Reads = "malformed"
	}
	return v
}

func segmentVectors(t *testing.T) []segmentVector {
	one, err := Seal(key("tablet"), header(), saves(t, key("tablet"), 1, 2, 8))
	if err != nil {
		t.Fatal(err)
	}
	h := header()
	h.Previous, h.First = one.Hash(), 2
	later, err := Seal(key("tablet"), h, saves(t, key("tablet"), 6, 2, 8)[1:])
	if err != nil {
		t.Fatal(err)
	}
	erased, err := later.Erase(0, 3)
	if err != nil {
		t.Fatal(err)
	}
	odd, err := Seal(key("tablet"), header(), oddSaves(t))
	if err != nil {
		t.Fatal(err)
	}
	out := []segmentVector{
		segmentOf(t, "one new record", "tablet", one),
		segmentOf(t, "new records and edits, after another segment", "tablet", later),
		segmentOf(t, "the same with two bodies erased", "tablet", erased),
		segmentOf(t, "clocks out of range and out of order, empty and cleared values, map keys", "tablet", odd),
	}
	for _, p := range poisons[:12] {
		s, err := SealRaw(key("tablet"), header(), poisoned(t, p))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Bytes()) < 2000 {
			out = append(out, segmentOf(t, "the second of three has "+p.name, "tablet", s))
		}
	}
	return out
}

func oddSaves(t *testing.T) []Sealable {
	clocks := []int64{4_294_967_296_000, -1, 0, 1 << 52, -(1 << 52)}
	c := newChart(t, key("tablet"))
	var out []Sealable
	for i, clock := range clocks {
		s := c.save(recordID(t, "odd"),
			record.Change{Path: record.Field(1), Value: record.Of(nil)},
			record.Change{Path: record.Field(2, 7), Parents: c.dots},
			record.Change{Path: record.Field(12).Key("二甲双胍"), Value: record.Of([]byte{0x0a, byte(i)}), Parents: c.dots},
		)
		s.Revision.ClockMs = clock
		var err error
		if s.Revision, _, err = s.Revision.Seal(s.Salt[:]); err != nil {
			t.Fatal(err)
		}
		c.last[s.Revision.Record] = record.Prev{Counter: s.Revision.Dot.Counter, Hash: s.Revision.Dot.Hash}
		c.dots[i] = s.Revision.Dot
		out = append(out, s)
	}
	return out
}

func refusedVectors(t *testing.T) []refusedVector {
	revs := saves(t, key("tablet"), 3, 2, 8)
	good, err := Seal(key("tablet"), header(), revs)
	if err != nil {
		t.Fatal(err)
	}
	columns := good.Bytes()[good.head.size():]
	with := func(spoil func([]field) []field) []byte { return carried(3, joined(spoil(fieldsOf(columns))), nil) }
	return []refusedVector{
		{"nothing", hexed{}},
		{"a suite nobody knows", append([]byte{2}, good.Bytes()[1:]...)},
		{"no columns", good.Bytes()[:good.head.size()]},
		{"columns cut short", good.Bytes()[:len(good.Bytes())-1]},
		{"a byte after the columns", append(slices.Clone(good.Bytes()), 0)},
		{"a flipped bit in the last body", flip(good.Bytes(), len(good.Bytes())-1)},
		{"columns in another order", with(func(f []field) []field { f[0], f[1] = f[1], f[0]; return f })},
		{"a column nobody knows", with(func(f []field) []field { return append(f, field{16, []byte{1}}) })},
		{"a clock too many", with(func(f []field) []field { f[3].v = append(f[3].v, 0); return f })},
		{"a clock with a needless byte", with(func(f []field) []field { f[3].v[len(f[3].v)-1] |= 0x80; f[3].v = append(f[3].v, 0); return f })},
	}
}

type certificateVector struct {
	Name        string   `json:"name"`
	ShardSeed   hexed    `json:"shard_seed"`
	ShardKey    hexed    `json:"shard_public_key"`
	Shard       hexed    `json:"shard"`
	PublicKey   hexed    `json:"public_key"`
	Replica     hexed    `json:"replica"`
	Role        string   `json:"role"`
	Staff       []string `json:"staff"`
	Divisions   []string `json:"divisions"`
	Classes     []int    `json:"classes"`
	IssuedAtMs  int64    `json:"issued_at_ms"`
	ExpiresAtMs int64    `json:"expires_at_ms"`
	Successions int      `json:"successions"`
	Predecessor hexed    `json:"predecessor"`
	Label       string   `json:"label"`
	Body        hexed    `json:"body"`
	Signed      hexed    `json:"signed_message"`
	Raw         hexed    `json:"certificate"`
	Hash        hexed    `json:"hash"`
}

func certificateOf(t *testing.T, name string, c Certificate) certificateVector {
	seed := sha256.Sum256([]byte("county"))
	replica := c.Replica()
	signed, err := DecodeSigned(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	v := certificateVector{
		Name: name, ShardSeed: seed[:], ShardKey: hexed(key("county").Public()), Shard: c.Shard[:],
		PublicKey: hexed(c.PublicKey), Replica: replica[:], Role: c.Role.String(), Staff: append([]string{}, c.Staff...),
		Divisions: []string{}, Classes: []int{}, IssuedAtMs: c.IssuedAt.UnixMilli(), ExpiresAtMs: c.ExpiresAt.UnixMilli(),
		Successions: c.Successions, Predecessor: hexed{}, Label: c.Label, Body: signed.Body,
		Signed: DomainCertificate.Message(signed.Body), Raw: c.Raw, Hash: hexHash(c.Hash),
	}
	for _, d := range c.Divisions {
		v.Divisions = append(v.Divisions, string(d))
	}
	for _, k := range c.Classes {
		v.Classes = append(v.Classes, int(k))
	}
	if !c.Predecessor.IsZero() {
		v.Predecessor = c.Predecessor[:]
	}
	return v
}

type successionVector struct {
	OldSeed     hexed `json:"old_seed"`
	NewSeed     hexed `json:"new_seed"`
	Shard       hexed `json:"shard"`
	Certificate hexed `json:"certificate_hash"`
	NewKey      hexed `json:"new_public_key"`
	Signed      hexed `json:"signed_message"`
	Raw         hexed `json:"succession"`
}

func successionVectors(t *testing.T) []successionVector {
	s := succession(t)
	old, next := sha256.Sum256([]byte("tablet")), sha256.Sum256([]byte("new tablet"))
	f, err := decodeFields(s.Raw, 3)
	if err != nil {
		t.Fatal(err)
	}
	return []successionVector{{old[:], next[:], s.Shard[:], hexHash(s.Certificate), hexed(s.PublicKey), DomainSuccession.Message(f[0]), s.Raw}}
}

type gapVector struct {
	Seed        hexed  `json:"seed"`
	Shard       hexed  `json:"shard"`
	Certificate hexed  `json:"certificate_hash"`
	From        uint64 `json:"from_counter"`
	To          uint64 `json:"to_counter"`
	Signed      hexed  `json:"signed_message"`
	Raw         hexed  `json:"gap_statement"`
}

func gapVectors(t *testing.T) []gapVector {
	var out []gapVector
	for _, r := range [][2]uint64{{1, 1}, {300, 70_000}} {
		g, err := gap(t, r[0], r[1])
		if err != nil {
			t.Fatal(err)
		}
		seed := sha256.Sum256([]byte("tablet"))
		signed, err := DecodeSigned(g.Raw)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, gapVector{seed[:], g.Shard[:], hexHash(g.Certificate), r[0], r[1], DomainGap.Message(signed.Body), g.Raw})
	}
	return out
}

type envelopeVector struct {
	Private hexed `json:"recipient_private_key"`
	Public  hexed `json:"recipient_public_key"`
	Shard   hexed `json:"shard"`
	Info    hexed `json:"info"`
	Raw     hexed `json:"envelope"`
	Segment hexed `json:"segment"`
}

func newEnvelope(t *testing.T) envelopeVector {
	private, public, err := NewRecipientKey(bytes.NewReader(bytes.Repeat([]byte{5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	shard := ShardOf(key("county").Public())
	s := sealed(t, 1)
	e, err := SealEnvelope(public, shard, s)
	if err != nil {
		t.Fatal(err)
	}
	return envelopeVector{private, public, shard[:], DomainEnvelope.Message(shard[:]), e.Encode(), s.Bytes()}
}

// vectorsHold writes want to a file of vectors with -update, and else demands that
// the file is what would be written.
func vectorsHold(t *testing.T, file string, want any) {
	t.Helper()
	path := filepath.Join(vectors, file)
	text, err := json.MarshalIndent(want, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.MkdirAll(vectors, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, text) {
		t.Errorf("%s is not what this build writes: %v", file, err)
	}
}

// readVectors reads a file of vectors.
func readVectors[V any](t *testing.T, file string) []V {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, file))
	if err != nil {
		t.Fatal(err)
	}
	var out []V
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSegmentVectorsHold(t *testing.T) {
	vectorsHold(t, "segments.json", segmentVectors(t))
	for _, v := range readVectors[segmentVector](t, "segments.json") {
		s, err := Open(v.Wire)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if err := s.Verify(key("tablet").Public()); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		for i, r := range v.Revisions {
			leaf := record.LeafHash(r.Skeleton, [32]byte(r.BodyHash))
			d, err := causal.ParseDot(r.Dot)
			if err != nil || leaf != s.Leaf(i) || d != s.Dot(i) || d.Hash != causal.Short(leaf) {
				t.Errorf("%s: revision %d is %s: %v", v.Name, i, r.Dot, err)
			}
			if !r.Erased && record.BodyHash(r.Salt, r.Body) != [32]byte(r.BodyHash) {
				t.Errorf("%s: revision %d has another body hash", v.Name, i)
			}
		}
	}
}

func TestRefusedVectorsAreRefused(t *testing.T) {
	vectorsHold(t, "refused.json", refusedVectors(t))
	for _, v := range readVectors[refusedVector](t, "refused.json") {
		if _, err := Open(v.Wire); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestPaperVectorsHold(t *testing.T) {
	vectorsHold(t, "certificates.json", []certificateVector{
		certificateOf(t, "a succeeded tablet", issued(t, certificateFields())),
		certificateOf(t, "a hub that may do nothing yet", issued(t, Certificate{PublicKey: key("hub").Public(), Role: RoleHub})),
	})
	vectorsHold(t, "successions.json", successionVectors(t))
	vectorsHold(t, "gaps.json", gapVectors(t))
	for _, v := range readVectors[certificateVector](t, "certificates.json") {
		c, err := ParseCertificate(v.Raw, []byte(v.ShardKey))
		if err != nil || c.Hash != sha256.Sum256(v.Body) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

// An envelope is never twice the same: the one in the file stays while it opens.
func TestEnvelopeVectorOpens(t *testing.T) {
	if _, err := os.Stat(filepath.Join(vectors, "envelopes.json")); err != nil && *update {
		vectorsHold(t, "envelopes.json", []envelopeVector{newEnvelope(t)})
	}
	for _, v := range readVectors[envelopeVector](t, "envelopes.json") {
		e, err := DecodeEnvelope(v.Raw)
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenEnvelope(v.Private, ShardID(v.Shard), e)
		if err != nil || !bytes.Equal(s.Bytes(), v.Segment) {
			t.Errorf("opened: %v", err)
		}
	}
}
