// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// carried returns a segment of other columns under a header that is right for
// them in every other way, signed or not: the root is that of the revisions the
// columns give, if they give any.
func carried(count uint32, columns []byte, spoil func(*syncv1.SegmentHeader)) []byte {
	h := header()
	h.Replica, h.Count, h.ColumnsSize = [16]byte{1}, int(count), min(len(columns), MaxSize)
	s := &Segment{head: head{Header: h}}
	if root, err := s.read(columns); err == nil {
		h.Root = root
	}
	m := &syncv1.SegmentHeader{
		Shard: h.Shard[:], Replica: h.Replica[:], CertificateHash: h.Certificate[:], FirstCounter: h.First,
		Count: count, Root: h.Root[:], ColumnsSize: uint32(h.ColumnsSize),
	}
	if spoil != nil {
		spoil(m)
	}
	return framed(marshalHeader(m), columns)
}

func marshalHeader(m *syncv1.SegmentHeader) []byte {
	var b []byte
	b = appendBytes(b, 1, m.Shard)
	b = appendBytes(b, 2, m.Replica)
	b = appendBytes(b, 3, m.CertificateHash)
	b = appendNumber(b, 4, m.FirstCounter)
	b = appendNumber(b, 5, uint64(m.Count))
	if m.Previous != nil {
		b = appendBytes(b, 6, m.Previous)
	}
	b = appendBytes(b, 7, m.Root)
	return appendNumber(b, 8, uint64(m.ColumnsSize))
}

func framed(header, columns []byte) []byte {
	wire := protowire.AppendBytes([]byte{suite}, header)
	wire = append(wire, make([]byte, 64)...)
	return append(wire, columns...)
}

func TestOpenRefusesOtherHeaders(t *testing.T) {
	columns := marshal(t, columnsMessage(saves(t, key("tablet"), 3, 2, 8)))
	if _, err := Open(carried(3, columns, nil)); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	for name, spoil := range map[string]func(*syncv1.SegmentHeader){
		"short shard":                 func(m *syncv1.SegmentHeader) { m.Shard = m.Shard[1:] },
		"no replica":                  func(m *syncv1.SegmentHeader) { m.Replica = nil },
		"long certificate hash":       func(m *syncv1.SegmentHeader) { m.CertificateHash = make([]byte, 33) },
		"previous hash of zeros":      func(m *syncv1.SegmentHeader) { m.Previous = make([]byte, 32) },
		"empty previous hash":         func(m *syncv1.SegmentHeader) { m.Previous = []byte{} },
		"half a previous hash":        func(m *syncv1.SegmentHeader) { m.Previous = make([]byte, 16) },
		"first counter 0":             func(m *syncv1.SegmentHeader) { m.FirstCounter = 0 },
		"counters without end":        func(m *syncv1.SegmentHeader) { m.FirstCounter = 1<<64 - 2 },
		"no revisions":                func(m *syncv1.SegmentHeader) { m.Count = 0 },
		"fewer revisions":             func(m *syncv1.SegmentHeader) { m.Count = 2 },
		"more revisions":              func(m *syncv1.SegmentHeader) { m.Count = 4 },
		"10^6 revisions":              func(m *syncv1.SegmentHeader) { m.Count = 1e6 },
		"another root":                func(m *syncv1.SegmentHeader) { m.Root = bytes.Repeat([]byte{1}, 32) },
		"no root":                     func(m *syncv1.SegmentHeader) { m.Root = nil },
		"fewer bytes of columns":      func(m *syncv1.SegmentHeader) { m.ColumnsSize-- },
		"four gibibytes of columns":   func(m *syncv1.SegmentHeader) { m.ColumnsSize = 1<<32 - 1 },
		"other counters than before":  func(m *syncv1.SegmentHeader) { m.FirstCounter = 2 },
		"another replica than before": func(m *syncv1.SegmentHeader) { m.Replica = bytes.Repeat([]byte{2}, 16) },
	} {
		if _, err := Open(carried(3, columns, spoil)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := carried(3, columns, nil)
	_, n := protowire.ConsumeBytes(good[1:])
	header := good[2 : 1+n]
	for name, wire := range map[string][]byte{
		"nothing":                     {},
		"a suite nobody knows":        append([]byte{2}, good[1:]...),
		"a suite alone":               {suite},
		"a header cut short":          good[:40],
		"a signature cut short":       good[:n+40],
		"no columns":                  good[:1+n+64],
		"a header field nobody knows": framed(appendNumber(slices.Clone(header), 9, 1), columns),
		"a header field twice":        framed(append(slices.Clone(header), 0x40, 1), columns),
		"a length in two bytes more":  slices.Concat([]byte{suite, byte(len(header)&0x7f) | 0x80, byte(len(header)>>7) | 0x80, 0}, good[1+n-len(header):]),
		"too many bytes":              append(slices.Clone(good), make([]byte, MaxWire)...),
	} {
		if _, err := Open(wire); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// field is one field of a columns message, so that tests can move them about.
type field struct {
	num protowire.Number
	v   []byte
}

func fieldsOf(columns []byte) []field {
	var out []field
	for len(columns) > 0 {
		num, _, n := protowire.ConsumeTag(columns)
		v, m := protowire.ConsumeBytes(columns[n:])
		out, columns = append(out, field{num, slices.Clone(v)}), columns[n+m:]
	}
	return out
}

func joined(fields []field) []byte {
	var b []byte
	for _, f := range fields {
		b = appendBytes(b, f.num, f.v)
	}
	return b
}

func TestOpenRefusesOtherColumns(t *testing.T) {
	columns := marshal(t, columnsMessage(saves(t, key("tablet"), 6, 2, 8)))
	at := func(fs []field, num protowire.Number) *field {
		return &fs[slices.IndexFunc(fs, func(f field) bool { return f.num == num })]
	}
	more := func(num protowire.Number, b ...byte) func([]field) []field {
		return func(fs []field) []field { f := at(fs, num); f.v = append(f.v, b...); return fs }
	}
	less := func(num protowire.Number, n int) func([]field) []field {
		return func(fs []field) []field { f := at(fs, num); f.v = f.v[:len(f.v)-n]; return fs }
	}
	without := func(num protowire.Number) func([]field) []field {
		return func(fs []field) []field {
			return slices.DeleteFunc(fs, func(f field) bool { return f.num == num })
		}
	}
	ref := func(num protowire.Number, v byte) func([]field) []field {
		return func(fs []field) []field { at(fs, num).v[0] = v; return fs }
	}
	cases := map[string]func([]field) []field{
		"fields out of order":           func(fs []field) []field { fs[0], fs[1] = fs[1], fs[0]; return fs },
		"a column twice":                func(fs []field) []field { return append([]field{fs[0]}, fs...) },
		"a field nobody knows":          func(fs []field) []field { return append(fs, field{16, []byte{1}}) },
		"a record id too many":          more(colRecords, make([]byte, 16)...),
		"a record id cut short":         less(colRecords, 1),
		"no records":                    without(colRecords),
		"a prev too many":               more(colPrevCounters, 0),
		"a prev too few":                less(colPrevCounters, 1),
		"a prev without hash":           less(colPrevHashes, 8),
		"a prev hash for nobody":        more(colPrevHashes, make([]byte, 8)...),
		"half a prev hash":              less(colPrevHashes, 4),
		"a clock too many":              more(colClockDeltas, 0),
		"a clock cut short":             more(colClockDeltas, 0x80),
		"no clocks":                     without(colClockDeltas),
		"no authors":                    without(colAuthors),
		"an author that is not there":   ref(colAuthorRefs, 9),
		"no scopes":                     without(colScopes),
		"a scope that is not there":     ref(colScopeRefs, 9),
		"a scope under half a dot":      func(fs []field) []field { at(fs, colScopes).v[1]--; return fs },
		"a scope under no dot":          func(fs []field) []field { clear(at(fs, colScopes).v[18:26]); return fs },
		"a scope with another field":    more(colScopes, 0x18, 1),
		"a scope with a division twice": more(colScopes, 0x12, 0),
		"a scope with a number in it":   func(fs []field) []field { at(fs, colScopes).v[34] = 0x10; return fs },
		"no shapes":                     without(colShapes),
		"a shape that is not there":     ref(colShapeRefs, 9),
		"a salt too few":                less(colSalts, 16),
		"a body longer than there is":   func(fs []field) []field { at(fs, colBodySizes).v[5]++; return fs },
		"a body shorter than there is":  func(fs []field) []field { at(fs, colBodySizes).v[5]--; return fs },
		"a body of 2^63 bytes":          func(fs []field) []field { f := at(fs, colBodySizes); f.v = append(f.v[:5], maxVarint...); return fs },
		"bytes after the bodies":        more(colBodies, 1),
		"erased, but its body is there": func(fs []field) []field {
			return append(fs, field{colErased, []byte{0}}, field{colErasedHashes, make([]byte, 32)})
		},
		"erased, but no hash":      func(fs []field) []field { return append(fs, field{colErased, []byte{0}}) },
		"a hash of nothing erased": func(fs []field) []field { return append(fs, field{colErasedHashes, make([]byte, 32)}) },
		"erased, but not there": func(fs []field) []field {
			return append(fs, field{colErased, []byte{6}}, field{colErasedHashes, make([]byte, 32)})
		},
		"more table entries than needed": func(fs []field) []field { return slices.Insert(fs, 9, slices.Repeat([]field{{colShapes, nil}}, 7)...) },
	}
	for name, spoil := range cases {
		if _, err := Open(carried(6, joined(spoil(fieldsOf(columns))), nil)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, raw := range map[string][]byte{
		"cut short":           columns[:len(columns)-1],
		"a number for a list": append(slices.Clone(columns), 0x70, 1),
		"a broken tag":        append(slices.Clone(columns), 0xff),
	} {
		if _, err := Open(carried(6, raw, nil)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var maxVarint = bytes.Repeat([]byte{0xff}, 9)

// Whoever encodes tables badly loses nothing: what is signed is the revisions.
func TestUntidyTablesGiveTheSameRevisions(t *testing.T) {
	revs := saves(t, key("tablet"), 6, 2, 8)
	want, err := Seal(key("tablet"), header(), revs)
	if err != nil {
		t.Fatal(err)
	}
	m := columnsMessage(revs)
	m.Authors = append(m.Authors, []byte("unused"), m.Authors[0])
	m.AuthorRefs[3] = uint32(len(m.Authors) - 1)
	m.Shapes = append([][]byte{[]byte("unused, and no shape at all")}, m.Shapes...)
	for i := range m.ShapeRefs {
		m.ShapeRefs[i]++
	}
	untidy := marshal(t, m)
	s := &Segment{head: head{Header: want.Header()}}
	if root, err := s.read(untidy); err != nil || root != want.Header().Root {
		t.Fatalf("root %v, %v; want %v", root, err, want.Header().Root)
	}
	for i, r := range revs {
		got, err := s.Revision(i)
		if err != nil {
			t.Fatal(err)
		}
		sameRevision(t, got, r.Revision)
	}
}

// A byte that changed on the way is noticed, or did not matter.
func TestFlippedByteIsRefusedOrChangesNothing(t *testing.T) {
	s, err := Seal(key("tablet"), header(), saves(t, key("tablet"), 4, 2, 8))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = s.Erase(1); err != nil {
		t.Fatal(err)
	}
	same := 0
	for at := range s.Bytes() {
		for _, flip := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
			wire := slices.Clone(s.Bytes())
			wire[at] ^= flip
			got, err := Open(wire)
			if errors.Is(err, ErrUnreadable) {
				continue
			}
			if err != nil {
				t.Fatalf("byte %d, flip %d: %v", at, flip, err)
			}
			if got.Hash() != s.Hash() {
				if err := got.Verify(key("tablet").Public()); !errors.Is(err, ErrSignature) {
					t.Fatalf("byte %d, flip %d: another segment, well signed: %v", at, flip, err)
				}
				continue
			}
			same++
			for i := range s.Len() {
				want, wantErr := s.Revision(i)
				have, err := got.Revision(i)
				if (err == nil) != (wantErr == nil) || got.Leaf(i) != s.Leaf(i) || got.Erased(i) != s.Erased(i) {
					t.Fatalf("byte %d, flip %d: revision %d differs", at, flip, i)
				}
				sameRevision(t, have, want)
			}
		}
	}
	t.Logf("%d flips in %d bytes did not matter", same, len(s.Bytes()))
}

func TestErasedBodyIsGoneAndEverythingStillVerifies(t *testing.T) {
	revs := saves(t, key("tablet"), 9, 3, 90)
	s, err := Seal(key("tablet"), header(), revs)
	if err != nil {
		t.Fatal(err)
	}
	for name, places := range map[string][]int{"one": {4}, "some, out of order and twice": {8, 2, 2, 0}, "all": {0, 1, 2, 3, 4, 5, 6, 7, 8}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			e, err := s.Erase(places...)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Verify(key("tablet").Public()); err != nil || e.Hash() != s.Hash() || e.Header() != s.Header() {
				t.Errorf("hash %v, %v", e.Hash(), err)
			}
			if e.AnyErased() != (len(places) > 0) {
				t.Errorf("any erased: %v", e.AnyErased())
			}
			for i, r := range revisions(t, e) {
				checkErasure(t, e, s, i, r, slices.Contains(places, i))
			}
			again, err := e.Erase(places...)
			if err != nil || !bytes.Equal(again.Bytes(), e.Bytes()) {
				t.Errorf("erased again: %v", err)
			}
		})
	}
	for _, i := range []int{-1, 9} {
		if _, err := s.Erase(i); err == nil {
			t.Errorf("erased revision %d", i)
		}
	}
}

func checkErasure(t *testing.T, e, s *Segment, i int, r record.Revision, gone bool) {
	t.Helper()
	want, err := s.Revision(i)
	if err != nil {
		t.Fatal(err)
	}
	if e.Erased(i) != gone || e.Dot(i) != s.Dot(i) || e.Leaf(i) != s.Leaf(i) {
		t.Errorf("revision %d: erased %v, dot %v", i, e.Erased(i), e.Dot(i))
	}
	salt, raw := s.Salt(i), s.raw(i)
	if gone {
		if bytes.Contains(e.Bytes(), salt[:]) || bytes.Contains(e.Bytes(), raw.Body) || e.Salt(i) != [16]byte{} {
			t.Errorf("revision %d: body or salt is still there", i)
		}
		want.Changes = slices.Clone(want.Changes)
		for k := range want.Changes {
			want.Changes[k].Value = record.Value{Form: record.Erased}
		}
	}
	sameRevision(t, r, want)
	proof, skeleton, body, err := e.Proof(i)
	was, wasSkeleton, wasBody, _ := s.Proof(i)
	if err != nil || !slices.Equal(proof, was) || !bytes.Equal(skeleton, wasSkeleton) || body != wasBody {
		t.Errorf("revision %d: another proof: %v", i, err)
	}
}

// Short bodies make an erased segment longer than it was; it still has its place.
func TestErasingEveryShortBodyFits(t *testing.T) {
	revs := tiny(t, MaxCount)
	revs = revs[:Plan(revs)]
	s, err := Seal(key("tablet"), header(), revs)
	if err != nil {
		t.Fatal(err)
	}
	places := make([]int, len(revs))
	for i := range places {
		places[i] = i
	}
	e, err := s.Erase(places...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d revisions: %d bytes sealed, %d erased, at most %d", len(revs), len(s.Bytes()), len(e.Bytes()), MaxWire)
}

func TestErasedRevisionMustHaveLostItsSalt(t *testing.T) {
	e, err := sealed(t, 3).Erase(1)
	if err != nil {
		t.Fatal(err)
	}
	wire := slices.Clone(e.Bytes())
	at := bytes.Index(wire, make([]byte, 16))
	wire[at] = 1
	if _, err := Open(wire); !errors.Is(err, ErrUnreadable) {
		t.Errorf("an erased revision with a salt: %v", err)
	}
}

// cost runs f and returns what it allocated and how long it took.
func cost(f func()) (int64, time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	f()
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc), took
}

// hostile segments are as large as one may be and say what costs most.
func hostile(t testing.TB) map[string][]byte {
	out := map[string][]byte{}
	table := func(num protowire.Number, entry []byte, n int) []byte {
		var b []byte
		for range n {
			b = appendBytes(b, num, entry)
		}
		return b
	}
	for name, num := range map[string]protowire.Number{"authors": colAuthors, "scopes": colScopes, "shapes": colShapes} {
		out["nothing but empty "+name] = carried(MaxCount, table(num, nil, 32_000), nil)
	}
	scope := appendBytes(nil, 1, append(make([]byte, 23), append([]byte{1}, make([]byte, 8)...)...))
	out["nothing but scopes"] = carried(MaxCount, table(colScopes, scope, 1800), nil)
	out["one long list"] = carried(MaxCount, appendBytes(nil, colPrevCounters, make([]byte, 64_000)), nil)
	out["one long shape for all"] = sameShape(t, append([]byte{0, 1}, make([]byte, 24_000)...), 500)
	out["paths of 10^4 steps"] = sameShape(t, append([]byte{0, 1}, bytes.Repeat([]byte{5}, 10_000)...), 2)
	nested := []byte{0, 0x80, 0x20} // 4096 changes, each at a map key of field 1
	for i := range 4096 {
		nested = append(nested, 1<<2|1, 2<<2|2, byte(i>>8), byte(i), 0)
	}
	out["4096 nested paths"] = sameShape(t, nested, 2)
	crowd := protowire.AppendVarint(nil, 1000) // parents, each change naming all of them
	for i := range 1000 {
		crowd = causal.Dot{Counter: uint64(i + 1)}.Append(crowd)
	}
	crowd = protowire.AppendVarint(crowd, 8)
	for p := range 8 {
		crowd = protowire.AppendVarint(append(crowd, byte(p+1)<<2), 1000)
		for i := range 1000 {
			crowd = protowire.AppendVarint(crowd, uint64(i))
		}
	}
	out["a thousand parents everywhere"] = sameShape(t, crowd, 2)
	return out
}

// sameShape returns a signed segment whose n revisions all have one shape.
func sameShape(t testing.TB, shape []byte, n int) []byte {
	var b builder
	c := newChart(t, key("tablet"))
	for i := range n {
		r := c.save(recordID(t, string(rune(i))), form(1, 1)...).Raw()
		r.Shape = shape
		b.add(r)
	}
	return carried(uint32(n), b.appendColumns(nil), nil)
}

func TestHostileSegmentsCostLittle(t *testing.T) {
	const most = 4 << 20
	for name, wire := range hostile(t) {
		var err error
		allocated, took := cost(func() {
			var s *Segment
			if s, err = Open(wire); err != nil {
				return
			}
			for i := range s.Len() {
				_, err = s.Revision(i)
			}
		})
		t.Logf("%s: %d KiB of wire, %d KiB allocated, %v: %v", name, len(wire)>>10, allocated>>10, took, err)
		if allocated > most {
			t.Errorf("%s: %d bytes allocated", name, allocated)
		}
		if took > time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
