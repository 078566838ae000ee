// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func certificateFields() Certificate {
	return Certificate{
		PublicKey:   key("tablet").Public(),
		Role:        RoleTablet,
		Staff:       []string{"doctor-1", "护士-2"},
		Divisions:   []record.Division{"512301001", "512301002001", ""},
		Classes:     []record.Class{record.ClassGeneral, record.ClassSensitive},
		IssuedAt:    time.UnixMilli(1_790_000_000_000).UTC(),
		ExpiresAt:   time.UnixMilli(1_821_536_000_000).UTC(),
		Successions: 2,
		Predecessor: causal.ReplicaOf(key("old tablet").Public()),
		Label:       "虹桥村卫生室 3",
	}
}

func issued(t testing.TB, fields Certificate) Certificate {
	t.Helper()
	c, err := IssueCertificate(key("county"), fields)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateSaysWhatWasIssued(t *testing.T) {
	minimal := Certificate{PublicKey: key("hub").Public(), Role: RoleHub, IssuedAt: time.UnixMilli(0).UTC(), ExpiresAt: time.UnixMilli(0).UTC()}
	for name, fields := range map[string]Certificate{"all fields": certificateFields(), "as few as can be": minimal} {
		t.Run(name, func(t *testing.T) {
			c := issued(t, fields)
			if c.Replica() != causal.ReplicaOf(fields.PublicKey) || c.Shard != ShardOf(key("county").Public()) || c.Hash.IsZero() {
				t.Errorf("replica %v of shard %v, hash %v", c.Replica(), c.Shard, c.Hash)
			}
			parsed, err := ParseCertificate(c.Raw, key("county").Public())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, parsed); diff != "" {
				t.Error(diff)
			}
			parsed.Shard, parsed.Raw, parsed.Hash = ShardID{}, nil, Hash{}
			if diff := cmp.Diff(fields, parsed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCertificateAllows(t *testing.T) {
	c := certificateFields()
	if !c.AllowsAuthor("doctor-1") || c.AllowsAuthor("doctor-9") || c.AllowsAuthor("") {
		t.Error("authors")
	}
	c.Classes = []record.Class{record.ClassGeneral}
	if !c.AllowsClass(record.ClassEveryone) || !c.AllowsClass(record.ClassGeneral) || c.AllowsClass(record.ClassSensitive) {
		t.Error("classes")
	}
}

func TestCertificatesBeyondTheLimitsAreNotIssued(t *testing.T) {
	numbered := func(n int, format string) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return out
	}
	for name, spoil := range map[string]func(*Certificate){
		"no key":                  func(c *Certificate) { c.PublicKey = nil },
		"half a key":              func(c *Certificate) { c.PublicKey = c.PublicKey[:16] },
		"no role":                 func(c *Certificate) { c.Role = 0 },
		"a role nobody knows":     func(c *Certificate) { c.Role = 5 },
		"65 staff":                func(c *Certificate) { c.Staff = numbered(65, "doctor-%d") },
		"staff without id":        func(c *Certificate) { c.Staff = []string{""} },
		"staff twice":             func(c *Certificate) { c.Staff = []string{"a", "b", "a"} },
		"staff with a long id":    func(c *Certificate) { c.Staff = []string{strings.Repeat("a", 129)} },
		"staff that is no text":   func(c *Certificate) { c.Staff = []string{"\xff"} },
		"257 divisions":           func(c *Certificate) { c.Divisions = divisions(numbered(257, "%012d")) },
		"a division of 13 digits": func(c *Certificate) { c.Divisions = []record.Division{"5123010010010"} },
		"a division of letters":   func(c *Certificate) { c.Divisions = []record.Division{"hongqiao"} },
		"a division twice":        func(c *Certificate) { c.Divisions = []record.Division{"51", "51"} },
		"a class twice":           func(c *Certificate) { c.Classes = []record.Class{1, 1} },
		"17 classes": func(c *Certificate) {
			c.Classes = []record.Class{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}
		},
		"four successions":             func(c *Certificate) { c.Successions = 4 },
		"successions below none":       func(c *Certificate) { c.Successions = -1 },
		"succession of nobody":         func(c *Certificate) { c.Predecessor = causal.ReplicaID{} },
		"a label as long as a letter":  func(c *Certificate) { c.Label = strings.Repeat("a", 257) },
		"more than a certificate says": func(c *Certificate) { c.Label = strings.Repeat("a", MaxCertificate) },
	} {
		fields := certificateFields()
		spoil(&fields)
		if _, err := IssueCertificate(key("county"), fields); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
	full := certificateFields()
	full.Staff, full.Divisions = numbered(MaxStaff, strings.Repeat("a", 125)+"%03d"), divisions(numbered(MaxDivisions, "%012d"))
	full.Label = strings.Repeat("l", 256)
	if c, err := IssueCertificate(key("county"), full); err != nil {
		t.Errorf("as full as it may be: %v", err)
	} else {
		t.Logf("as full as it may be: %d bytes", len(c.Raw))
	}
}

func divisions(codes []string) []record.Division {
	var out []record.Division
	for _, c := range codes {
		out = append(out, record.Division(c))
	}
	return out
}

func TestCertificateOfAnotherShardIsRefused(t *testing.T) {
	c := issued(t, certificateFields())
	if _, err := ParseCertificate(c.Raw, key("other county").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("another shard's key: %v", err)
	}
	if _, err := ParseCertificate(c.Raw, nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: %v", err)
	}
	signed, err := DecodeSigned(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	// The other county's own key under this county's words.
	forged := SignBody(key("other county"), DomainCertificate, signed.Body).Encode()
	if _, err := ParseCertificate(forged, key("other county").Public()); !errors.Is(err, ErrUnreadable) {
		t.Errorf("another shard's name: %v", err)
	}
}

func succession(t testing.TB) Succession {
	t.Helper()
	s, err := NewSuccession(key("tablet"), key("new tablet"), issued(t, certificateFields()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuccessionIsSignedByBothKeys(t *testing.T) {
	s := succession(t)
	c := issued(t, certificateFields())
	if s.Shard != c.Shard || s.Certificate != c.Hash || !s.PublicKey.Equal(key("new tablet").Public()) {
		t.Errorf("%+v", s)
	}
	if _, err := ParseSuccession(s.Raw, key("new tablet").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("under another old key: %v", err)
	}
	f, err := decodeFields(s.Raw, 3)
	if err != nil {
		t.Fatal(err)
	}
	stolen := encodeFields(f[0], f[1], key("thief").Sign(DomainSuccession.Message(f[0])))
	if _, err := ParseSuccession(stolen, key("tablet").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("without the new key: %v", err)
	}
	if _, err := NewSuccession(key("other"), key("new tablet"), c); err == nil {
		t.Error("made by another key than the certificate's")
	}
	if _, err := NewSuccession(key("tablet"), key("tablet"), c); err == nil {
		t.Error("from a key to itself")
	}
}

func gap(t testing.TB, from, to uint64) (Gap, error) {
	t.Helper()
	lost := causal.Range{Replica: causal.ReplicaOf(key("tablet").Public()), From: from, To: to}
	return NewGap(key("tablet"), ShardOf(key("county").Public()), Hash{9}, lost)
}

func TestGapIsTheReplicasOwnWord(t *testing.T) {
	g, err := gap(t, 3, MaxCounter)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(key("tablet").Public()); err != nil {
		t.Error(err)
	}
	if err := g.Verify(key("other").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	if g.Shard != ShardOf(key("county").Public()) || g.Certificate != (Hash{9}) || g.Range.From != 3 || g.Range.To != MaxCounter {
		t.Errorf("%+v", g)
	}
	for name, r := range map[string][2]uint64{"from 0": {0, 3}, "backwards": {4, 3}, "without end": {1, math.MaxUint64}} {
		if _, err := gap(t, r[0], r[1]); err == nil {
			t.Errorf("a gap %s", name)
		}
	}
	lost := causal.Range{Replica: causal.ReplicaOf(key("other").Public()), From: 1, To: 2}
	if _, err := NewGap(key("tablet"), g.Shard, g.Certificate, lost); err == nil {
		t.Error("a gap of somebody else")
	}
	forged, err := ParseGap(flip(g.Raw, len(g.Raw)-1))
	if err != nil {
		t.Fatal(err)
	}
	if err := forged.Verify(key("tablet").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("forged: %v", err)
	}
}

func flip(b []byte, at int) []byte {
	b = slices.Clone(b)
	b[at] ^= 1
	return b
}

// Every paper, with what reads and checks it.
func papers(t testing.TB) map[string]struct {
	raw   []byte
	check func([]byte) error
} {
	g, err := gap(t, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	type paper = struct {
		raw   []byte
		check func([]byte) error
	}
	return map[string]paper{
		"certificate": {issued(t, certificateFields()).Raw, func(b []byte) error {
			_, err := ParseCertificate(b, key("county").Public())
			return err
		}},
		"succession": {succession(t).Raw, func(b []byte) error {
			_, err := ParseSuccession(b, key("tablet").Public())
			return err
		}},
		"gap": {g.Raw, func(b []byte) error {
			g, err := ParseGap(b)
			if err == nil {
				err = g.Verify(key("tablet").Public())
			}
			return err
		}},
	}
}

func TestAlteredPapersAreRefused(t *testing.T) {
	for name, p := range papers(t) {
		t.Run(name, func(t *testing.T) {
			if err := p.check(p.raw); err != nil {
				t.Fatal(err)
			}
			refused := func(what string, raw []byte) {
				if err := p.check(raw); !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrSignature) {
					t.Errorf("%s: %v", what, err)
				}
			}
			for at := range p.raw {
				refused(fmt.Sprintf("byte %d flipped", at), flip(p.raw, at))
				refused(fmt.Sprintf("cut at %d", at), p.raw[:at])
			}
			refused("with a byte more", append(slices.Clone(p.raw), 0))
			refused("with a field more", append(slices.Clone(p.raw), 0x22, 1, 0))
			refused("with 2^20 bytes more", append(slices.Clone(p.raw), make([]byte, 1<<20)...))
		})
	}
}

// A signature under one domain is none under another: no paper can be read as
// another, and none as a segment.
func TestSignaturesDoNotCrossDomains(t *testing.T) {
	domains := []Domain{DomainSegment, DomainCertificate, DomainSuccession, DomainGap, DomainEnvelope}
	for _, a := range domains {
		for _, b := range domains {
			err := SignBody(key("county"), a, []byte("body")).Verify(key("county").Public(), b)
			if (err == nil) != (a == b) {
				t.Errorf("signed under %s, read under %s: %v", a, b, err)
			}
		}
		for _, b := range domains {
			if a != b && bytes.HasPrefix(a.Message(), b.Message()) {
				t.Errorf("domain %s begins as %s", a, b)
			}
		}
	}
}

func TestEnvelopeIsOpenedByItsRecipientOnly(t *testing.T) {
	private, public, err := NewRecipientKey(bytes.NewReader(bytes.Repeat([]byte{5}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := NewRecipientKey(bytes.NewReader(bytes.Repeat([]byte{6}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	shard := ShardOf(key("county").Public())
	s := sealed(t, 3)
	e, err := SealEnvelope(public, shard, s)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(e.Sealed, s.Bytes()[200:232]) {
		t.Error("the segment is there to be read")
	}
	decoded, err := DecodeEnvelope(e.Encode())
	if err != nil || decoded.Segment != s.Hash() {
		t.Fatalf("decoded %v: %v", decoded.Segment, err)
	}
	opened, err := OpenEnvelope(private, shard, decoded)
	if err != nil || !bytes.Equal(opened.Bytes(), s.Bytes()) {
		t.Fatalf("opened: %v", err)
	}
	for name, open := range map[string]func() (*Segment, error){
		"another key":    func() (*Segment, error) { return OpenEnvelope(other, shard, e) },
		"another shard":  func() (*Segment, error) { return OpenEnvelope(private, ShardID{}, e) },
		"another hash":   func() (*Segment, error) { return OpenEnvelope(private, shard, Envelope{Hash{1}, e.Sealed}) },
		"a flipped byte": func() (*Segment, error) { return OpenEnvelope(private, shard, Envelope{e.Segment, flip(e.Sealed, 40)}) },
		"nothing sealed": func() (*Segment, error) { return OpenEnvelope(private, shard, Envelope{e.Segment, nil}) },
		"too many bytes": func() (*Segment, error) {
			return OpenEnvelope(private, shard, Envelope{e.Segment, make([]byte, 1<<20)})
		},
		"a low-order point": func() (*Segment, error) { return OpenEnvelope(private, shard, Envelope{e.Segment, make([]byte, 100)}) },
	} {
		if _, err := open(); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range [][]byte{nil, make([]byte, 31), make([]byte, 33), make([]byte, 32)} {
		if _, err := SealEnvelope(bad, shard, s); err == nil {
			t.Errorf("sealed to a key of %d bytes", len(bad))
		}
	}
	if _, err := OpenEnvelope(nil, shard, e); err == nil {
		t.Error("opened without key")
	}
}

func TestEnvelopesAreDecodedStrictly(t *testing.T) {
	raw := Envelope{Hash{1}, []byte("sealed")}.Encode()
	for name, b := range map[string][]byte{
		"nothing": nil, "a byte less": raw[:len(raw)-1], "a byte more": append(slices.Clone(raw), 0),
		"a hash of 31 bytes": encodeFields([]byte("sealed"), make([]byte, 31)),
		"too many bytes":     encodeFields(make([]byte, MaxWire+200), make([]byte, 32)),
	} {
		if _, err := DecodeEnvelope(b); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecipientKeyNeedsRandomness(t *testing.T) {
	if _, _, err := NewRecipientKey(bytes.NewReader(make([]byte, 31))); err == nil {
		t.Error("a key of 31 random bytes")
	}
}

func TestNamesAreReadAsTheyAreWritten(t *testing.T) {
	h, s := hashOf([]byte("a")), ShardOf(key("county").Public())
	if got, err := ParseHash(h.String()); err != nil || got != h {
		t.Errorf("hash %v: %v", got, err)
	}
	if got, err := ParseShardID(s.String()); err != nil || got != s {
		t.Errorf("shard %v: %v", got, err)
	}
	for _, text := range []string{"", "00", h.String() + "00", "zz" + h.String()[2:]} {
		if _, err := ParseHash(text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("hash %q: %v", text, err)
		}
		if _, err := ParseShardID(text); !errors.Is(err, ErrUnreadable) {
			t.Errorf("shard %q: %v", text, err)
		}
	}
	if !(Hash{}).IsZero() || h.IsZero() || !(ShardID{}).IsZero() || s.IsZero() {
		t.Error("zero")
	}
	for want, r := range map[string]Role{"centre": RoleCentre, "tablet": RoleTablet, "hub": RoleHub, "role 7": 7} {
		if r.String() != want {
			t.Errorf("role %d is called %s", r, r)
		}
	}
}
