// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

var update = flag.Bool("update", false, "write the vectors and the seeds of the fuzz targets anew")

// seeds are inputs that the targets should know from the start; those of
// testdata/fuzz are these and what fuzzing found.
func seeds(t testing.TB) map[string][][]byte {
	small, err := Seal(key("tablet"), header(), saves(t, key("tablet"), 3, 2, 8))
	if err != nil {
		t.Fatal(err)
	}
	erased, err := small.Erase(1)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][][]byte{
		"FuzzOpen":       {small.Bytes(), erased.Bytes()},
		"FuzzColumns":    {small.Bytes()[small.head.size():], erased.Bytes()[erased.head.size():]},
		"FuzzOpenPart":   {small.Part(), small.Part(1), small.Part(0, 1, 2), erased.Part(0, 1)},
		"FuzzDecompress": {NewCompressor().Compress(small.Bytes())},
	}
	for _, p := range poisons {
		s, err := SealRaw(key("tablet"), header(), poisoned(t, p))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Bytes()) < 2000 {
			out["FuzzColumns"] = append(out["FuzzColumns"], s.Bytes()[s.head.size():])
		}
	}
	for _, stored := range bombs(t) {
		if len(stored) < 1000 {
			out["FuzzDecompress"] = append(out["FuzzDecompress"], stored)
		}
	}
	for name, target := range map[string]string{"certificate": "FuzzParseCertificate", "succession": "FuzzParseSuccession", "gap": "FuzzParseGap"} {
		out[target] = [][]byte{papers(t)[name].raw}
	}
	out["FuzzParseCertificate"] = append(out["FuzzParseCertificate"], issued(t, Certificate{PublicKey: key("hub").Public(), Role: RoleHub}).Raw)
	out["FuzzParseCertificate"] = append(out["FuzzParseCertificate"], badCertificates(t)...)
	out["FuzzParseGap"] = append(out["FuzzParseGap"], badGaps(t)...)
	out["FuzzDecodeEnvelope"] = [][]byte{Envelope{small.Hash(), small.Bytes()}.Encode(), Envelope{Hash{1}, []byte{2}}.Encode()}
	return out
}

// badCertificates are bodies of certificates, each with one thing that is out of its
// limits.
func badCertificates(t testing.TB) (out [][]byte) {
	for _, spoil := range []func(*syncv1.CertificateBody){
		func(m *syncv1.CertificateBody) { m.PublicKey = m.PublicKey[1:] },
		func(m *syncv1.CertificateBody) { m.Role = 9 },
		func(m *syncv1.CertificateBody) { m.Staff = []string{""} },
		func(m *syncv1.CertificateBody) { m.Divisions = []string{"13040"} },
		func(m *syncv1.CertificateBody) { m.Classes = []uint32{1, 1} },
		func(m *syncv1.CertificateBody) { m.Successions = MaxSuccessions },
		func(m *syncv1.CertificateBody) { m.Predecessor = []byte{1} },
		func(m *syncv1.CertificateBody) { m.Label = strings.Repeat("x", maxLabel+1) },
	} {
		m := &syncv1.CertificateBody{Shard: make([]byte, 16), PublicKey: make([]byte, 32), Role: syncv1.Role(RoleHub)}
		spoil(m)
		out = append(out, body(t, m))
	}
	return out
}

// badGaps are bodies of gap statements of the same kind.
func badGaps(t testing.TB) (out [][]byte) {
	for _, spoil := range []func(*syncv1.GapBody){
		func(m *syncv1.GapBody) { m.CertificateHash = nil },
		func(m *syncv1.GapBody) { m.FromCounter = 0 },
		func(m *syncv1.GapBody) { m.ToCounter = 1 },
		func(m *syncv1.GapBody) { m.ToCounter = MaxCounter + 1 },
		func(m *syncv1.GapBody) { m.Replica = make([]byte, 16) }, // not the signer's
	} {
		id := causal.ReplicaOf(key("tablet").Public())
		m := &syncv1.GapBody{Shard: make([]byte, 16), Replica: id[:], CertificateHash: make([]byte, 32), FromCounter: 2, ToCounter: 3}
		spoil(m)
		out = append(out, body(t, m))
	}
	return append(out, []byte{0xff}, body(t, &syncv1.GapBody{}))
}

func body(t testing.TB, m proto.Message) []byte {
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Seeds are files, so that other tools can use them too.
func TestSeedsAreCommitted(t *testing.T) {
	for target, inputs := range seeds(t) {
		dir := filepath.Join("testdata", "fuzz", target)
		for i, input := range inputs {
			if !*update {
				break
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", input)
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("seed-%02d", i)), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if files, err := os.ReadDir(dir); err != nil || len(files) < len(inputs) {
			t.Errorf("%s: %d of %d seeds: %v; run with -update", target, len(files), len(inputs), err)
		}
	}
}

// walk uses everything a segment offers and checks what must hold for each one
// that Open lets in.
func walk(t *testing.T, s *Segment) {
	t.Helper()
	var leaves []int
	for i := range s.Len() {
		leaves = append(leaves, i)
		r, err := s.Revision(i)
		switch {
		case errors.Is(err, record.ErrMalformed), errors.Is(err, record.ErrTooLarge):
		case err != nil:
			t.Fatalf("revision %d: %v", i, err)
		case r.Dot != s.Dot(i) || r.Record != s.RecordID(i) || r.Prev != s.Prev(i):
			t.Fatalf("revision %d is %v of %v after %v", i, r.Dot, r.Record, r.Prev)
		case !s.Erased(i):
			salt := s.Salt(i)
			if _, leaf, err := r.Seal(salt[:]); err != nil || leaf != s.Leaf(i) {
				t.Fatalf("revision %d is read, but not the one that was signed: %v", i, err)
			}
		}
	}
	erased, err := s.Erase(leaves...)
	if err != nil {
		t.Fatalf("erased: %v", err)
	}
	if erased.Hash() != s.Hash() || erased.Header() != s.Header() || len(erased.Bytes()) > MaxWire {
		t.Fatalf("erased: %v of %d bytes", erased.Hash(), len(erased.Bytes()))
	}
}

func FuzzOpen(f *testing.F) {
	f.Fuzz(func(t *testing.T, wire []byte) {
		s, err := Open(wire)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(s.Bytes(), wire) {
			t.Fatal("other bytes")
		}
		_ = s.Verify(key("tablet").Public())
		walk(t, s)
	})
}

// FuzzColumns gives any columns the header they ask for, so that fuzzing gets
// past the root.
func FuzzColumns(f *testing.F) {
	f.Fuzz(func(t *testing.T, columns []byte) {
		for _, count := range []uint32{1, 3} {
			s, err := Open(carried(count, columns, nil))
			if err != nil {
				if !errors.Is(err, ErrUnreadable) {
					t.Fatal(err)
				}
				continue
			}
			walk(t, s)
		}
	})
}

func FuzzDecompress(f *testing.F) {
	c := NewCompressor()
	f.Fuzz(func(t *testing.T, stored []byte) {
		wire, err := c.Decompress(stored)
		if err != nil && !errors.Is(err, ErrUnreadable) || len(wire) > MaxWire {
			t.Fatalf("%d bytes: %v", len(wire), err)
		}
		if err != nil {
			return
		}
		if again, err := c.Decompress(c.Compress(wire)); err != nil || !bytes.Equal(again, wire) {
			t.Fatal(err)
		}
	})
}

// FuzzParseCertificate takes the bytes for a certificate and for its body, signed.
func FuzzParseCertificate(f *testing.F) {
	county := key("county")
	f.Fuzz(func(t *testing.T, raw []byte) {
		signed, err := DecodeSigned(raw)
		if err == nil && !bytes.Equal(signed.Encode(), raw) {
			t.Fatal("not canonical")
		}
		body := raw
		if err == nil {
			body = signed.Body
		}
		for _, b := range [][]byte{raw, SignBody(county, DomainCertificate, body).Encode()} {
			c, err := ParseCertificate(b, county.Public())
			if err != nil {
				if !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrSignature) {
					t.Fatal(err)
				}
				continue
			}
			again, err := IssueCertificate(county, c)
			if err != nil || again.Replica() != c.Replica() {
				t.Fatalf("issued again: %v", err)
			}
		}
	})
}

func FuzzParseSuccession(f *testing.F) {
	old, next := key("tablet"), key("new tablet")
	f.Fuzz(func(t *testing.T, raw []byte) {
		message := DomainSuccession.Message(raw)
		for _, b := range [][]byte{raw, encodeFields(raw, old.Sign(message), next.Sign(message))} {
			if _, err := ParseSuccession(b, old.Public()); err != nil && !errors.Is(err, ErrUnreadable) && !errors.Is(err, ErrSignature) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzParseGap(f *testing.F) {
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, b := range [][]byte{raw, SignBody(key("tablet"), DomainGap, raw).Encode()} {
			g, err := ParseGap(b)
			if err != nil {
				if !errors.Is(err, ErrUnreadable) {
					t.Fatal(err)
				}
				continue
			}
			if g.Range.From == 0 || g.Range.To < g.Range.From || !bytes.Equal(g.Raw, b) {
				t.Fatalf("%+v", g)
			}
			_ = g.Verify(key("tablet").Public())
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	private, _, err := NewRecipientKey(bytes.NewReader(bytes.Repeat([]byte{5}, 32)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := DecodeEnvelope(raw)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(e.Encode(), raw) {
			t.Fatal("not canonical")
		}
		s, err := OpenEnvelope(private, ShardID{}, e)
		if err != nil && !errors.Is(err, ErrUnreadable) || err == nil && s.Hash() != e.Segment {
			t.Fatalf("%v: %v", s, err)
		}
	})
}
