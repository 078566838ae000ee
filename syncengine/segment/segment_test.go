// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// revisions reads all of s; those that cannot be read fail the test.
func revisions(t rapid.TB, s *Segment) []record.Revision {
	t.Helper()
	out := make([]record.Revision, s.Len())
	for i := range out {
		var err error
		if out[i], err = s.Revision(i); err != nil {
			t.Fatalf("revision %d: %v", i, err)
		}
	}
	return out
}

func sameRevision(t rapid.TB, got, want record.Revision) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("another revision (-want +got):\n%s", diff)
	}
}

func TestOpenGivesWhatWasSealed(t *testing.T) {
	for _, n := range []int{1, 2, 3, 64, 65} {
		t.Run(fmt.Sprintf("%d revisions", n), func(t *testing.T) {
			revs := saves(t, key("tablet"), n, 6, 60)
			made, err := Seal(key("tablet"), header(), revs)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := Open(made.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if err := opened.Verify(key("tablet").Public()); err != nil {
				t.Error(err)
			}
			if opened.Hash() != made.Hash() || opened.Header() != made.Header() {
				t.Errorf("opened %v %v, sealed %v %v", opened.Hash(), opened.Header(), made.Hash(), made.Header())
			}
			if opened.Len() != n || opened.Last() != uint64(n) || opened.AnyErased() {
				t.Errorf("%d revisions to counter %d", opened.Len(), opened.Last())
			}
			for i, r := range revisions(t, opened) {
				sameRevision(t, r, revs[i].Revision)
				checkAccessors(t, opened, i, revs[i])
			}
		})
	}
}

func checkAccessors(t *testing.T, s *Segment, i int, want Sealable) {
	t.Helper()
	_, leaf, err := want.Revision.Seal(want.Salt[:])
	if err != nil {
		t.Fatal(err)
	}
	if s.Leaf(i) != leaf || s.Dot(i) != want.Revision.Dot || s.Salt(i) != want.Salt {
		t.Errorf("revision %d is %v", i, s.Dot(i))
	}
	if s.RecordID(i) != want.Revision.Record || s.Prev(i) != want.Revision.Prev || s.Erased(i) {
		t.Errorf("revision %d is of record %v after %v", i, s.RecordID(i), s.Prev(i))
	}
	raw := want.Raw()
	if size := len(want.Revision.AppendHead(nil)) + len(raw.Shape) + len(raw.Body); s.Size(i) != size {
		t.Errorf("revision %d has %d bytes, want %d", i, s.Size(i), size)
	}
}

func TestHeaderAndColumnsAreTheProtobufMessages(t *testing.T) {
	revs := saves(t, key("tablet"), 7, 4, 40)
	h := header()
	h.Previous = Hash{1, 2, 3}
	s, err := Seal(key("tablet"), h, revs)
	if err != nil {
		t.Fatal(err)
	}
	got := s.Header()
	message := marshal(t, &syncv1.SegmentHeader{
		Shard: got.Shard[:], Replica: got.Replica[:], CertificateHash: got.Certificate[:], FirstCounter: 1, Count: 7,
		Previous: got.Previous[:], Root: got.Root[:], ColumnsSize: uint32(got.ColumnsSize),
	})
	wire := protowire.AppendBytes([]byte{1}, message)
	signed := append([]byte("xunzhen/segment/1\x00\x01"), message...)
	wire = append(wire, key("tablet").Sign(signed)...)
	if Hash(hashOf(wire)) != s.Hash() {
		t.Error("the segment's hash is not of everything before the columns")
	}
	wire = append(wire, marshal(t, columnsMessage(revs))...)
	if !bytes.Equal(wire, s.Bytes()) {
		t.Error("the segment is not suite, header, signature and columns as protobuf writes them")
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// columnsMessage puts columns together as the proto's comments say, without the
// code under test.
func columnsMessage(revs []Sealable) *syncv1.SegmentColumns {
	m := &syncv1.SegmentColumns{}
	authors, scopes, shapes := map[string]uint32{}, map[record.ScopeSeen]uint32{}, map[string]uint32{}
	clock := int64(0)
	for _, s := range revs {
		r := s.Revision
		shape, body := record.AppendShape(nil, r.Changes), record.AppendBody(nil, r.Changes)
		m.Records = append(m.Records, r.Record[:]...)
		m.PrevCounters = append(m.PrevCounters, r.Prev.Counter)
		if r.Prev.Counter > 0 {
			m.PrevHashes = append(m.PrevHashes, r.Prev.Hash[:]...)
		}
		m.ClockDeltasMs = append(m.ClockDeltasMs, r.ClockMs-clock)
		clock = r.ClockMs
		if _, ok := authors[r.Author]; !ok {
			authors[r.Author], m.Authors = uint32(len(m.Authors)), append(m.Authors, []byte(r.Author))
		}
		m.AuthorRefs = append(m.AuthorRefs, authors[r.Author])
		if _, ok := scopes[r.ScopeSeen]; !ok && r.ScopeSeen.Dot.Counter > 0 {
			m.Scopes = append(m.Scopes, &syncv1.ScopeSeen{Dot: r.ScopeSeen.Dot.Append(nil), Division: []byte(r.ScopeSeen.Division)})
			scopes[r.ScopeSeen] = uint32(len(m.Scopes))
		}
		m.ScopeRefs = append(m.ScopeRefs, scopes[r.ScopeSeen])
		if _, ok := shapes[string(shape)]; !ok {
			shapes[string(shape)], m.Shapes = uint32(len(m.Shapes)), append(m.Shapes, shape)
		}
		m.ShapeRefs = append(m.ShapeRefs, shapes[string(shape)])
		m.Salts = append(m.Salts, s.Salt[:]...)
		m.BodySizes = append(m.BodySizes, uint32(len(body)))
		m.Bodies = append(m.Bodies, body...)
	}
	return m
}

func TestRootAndProofsAreThoseOfRFC6962(t *testing.T) {
	for n := 1; n <= 20; n++ {
		s := sealed(t, n)
		root := tlog.Hash(s.Header().Root)
		if want := treeHash(t, s); root != want {
			t.Fatalf("root of %d is %v, tlog says %v", n, root, want)
		}
		for i := range n {
			proof, skeleton, body, err := s.Proof(i)
			if err != nil {
				t.Fatal(err)
			}
			leaf := tlog.Hash(record.LeafHash(skeleton, body))
			if err := tlog.CheckRecord(proof, int64(n), root, int64(i), leaf); err != nil {
				t.Errorf("proof of %d in %d: %v", i, n, err)
			}
			if n > 1 && tlog.CheckRecord(proof, int64(n), root, int64((i+1)%n), leaf) == nil {
				t.Errorf("proof of %d in %d also shows another place", i, n)
			}
		}
		for _, i := range []int{-1, n} {
			if _, _, _, err := s.Proof(i); err == nil {
				t.Errorf("proof of %d in %d", i, n)
			}
		}
	}
}

// treeHash computes the root with tlog, leaf by leaf.
func treeHash(t *testing.T, s *Segment) tlog.Hash {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i := range s.Len() {
		more, err := tlog.StoredHashesForRecordHash(int64(i), s.Leaf(i), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(int64(s.Len()), reader)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestVerifyWantsTheReplicasOwnKey(t *testing.T) {
	s := sealed(t, 3)
	for name, pub := range map[string]ed25519.PublicKey{"another key": key("other").Public(), "no key": nil, "a short key": key("tablet").Public()[:31]} {
		if err := s.Verify(pub); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wire := slices.Clone(s.Bytes())
	wire[s.head.size()-1] ^= 1
	forged, err := Open(wire)
	if err != nil {
		t.Fatal(err)
	}
	if err := forged.Verify(key("tablet").Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("forged signature: %v", err)
	}
	if forged.Hash() == s.Hash() {
		t.Error("another signature, the same hash")
	}
}

func TestSealRefuses(t *testing.T) {
	long := func(revs []Sealable) []Sealable {
		revs[1].Revision.Author = string(bytes.Repeat([]byte("a"), 200))
		return revs
	}
	cases := []struct {
		name string
		h    func(*Header)
		revs func([]Sealable) []Sealable
		want error // nil: any
	}{
		{"no revisions", nil, func([]Sealable) []Sealable { return nil }, ErrFull},
		{"more revisions than a segment holds", nil, func([]Sealable) []Sealable { return tiny(t, MaxCount+1) }, ErrFull},
		{"more bytes than a segment holds", nil, func([]Sealable) []Sealable { return saves(t, key("tablet"), 4, 2, 40_000) }, ErrFull},
		{"a hole in the counters", nil, func(r []Sealable) []Sealable { return append(r[:1], r[2:]...) }, nil},
		{"revisions of another replica", nil, func([]Sealable) []Sealable { return saves(t, key("other"), 2, 1, 1) }, nil},
		{"another first counter", func(h *Header) { h.First = 2 }, nil, nil},
		{"first counter 0", func(h *Header) { h.First = 0 }, func(r []Sealable) []Sealable { r[0].Revision.Dot.Counter = 0; return r[:1] }, nil},
		{"the last counter of all", func(h *Header) { h.First = MaxCounter }, func(r []Sealable) []Sealable { r[0].Revision.Dot.Counter = MaxCounter; return r[:1] }, nil},
		{"another salt than at the save", nil, func(r []Sealable) []Sealable { r[1].Salt[0] ^= 1; return r }, nil},
		{"an author whose name is too long", nil, long, record.ErrMalformed},
		{"a revision nobody could save", nil, func([]Sealable) []Sealable {
			s := newChart(t, key("tablet")).save(recordID(t, "x"), form(1, 1)...)
			s.Revision.Changes[0].Value = record.Of(make([]byte, record.MaxRevision))
			s.Revision.Dot.Hash = causal.Hash8{}
			return []Sealable{s}
		}, record.ErrTooLarge},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h, revs := header(), saves(t, key("tablet"), 3, 2, 8)
			if c.h != nil {
				c.h(&h)
			}
			if c.revs != nil {
				revs = c.revs(revs)
			}
			s, err := Seal(key("tablet"), h, revs)
			if err == nil || s != nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("sealed: %v", err)
			}
		})
	}
}

func TestPlanSaysWhatFits(t *testing.T) {
	h := header()
	for name, revs := range map[string][]Sealable{
		"small saves":           saves(t, key("tablet"), 300, 5, 400),
		"edits":                 saves(t, key("tablet"), 200, 30, 600),
		"large saves":           saves(t, key("tablet"), 5, 3, 30_000),
		"tiny saves":            tiny(t, MaxCount+5),
		"all fit":               saves(t, key("tablet"), 5, 1, 1),
		"the greatest revision": greatest(t),
		"shared shapes":         fanOut(t, 300),
	} {
		t.Run(name, func(t *testing.T) {
			n := Plan(revs)
			if n == 0 {
				t.Fatal("nothing fits")
			}
			s, err := Seal(key("tablet"), h, revs[:n])
			if err != nil {
				t.Fatalf("%d of %d were to fit: %v", n, len(revs), err)
			}
			t.Logf("%d revisions in %d bytes", n, len(s.Bytes()))
			if n == len(revs) {
				return
			}
			if _, err := Seal(key("tablet"), h, revs[:n+1]); err == nil && len(s.Bytes()) < MaxSize-maxHeader {
				t.Errorf("%d of %d fit, Plan says %d", n+1, len(revs), n)
			}
		})
	}
	if n := Plan(nil); n != 0 {
		t.Errorf("of none %d fit", n)
	}
}

// greatest returns a save of exactly the size limit.
func greatest(t testing.TB) []Sealable {
	c := newChart(t, key("tablet"))
	id, changes := recordID(t, "greatest"), form(1, 1)
	small := c.save(id, changes...).Raw()
	room := record.MaxRevision - len(small.Head.AppendHead(nil)) - len(small.Shape) - len(small.Body)
	changes[2].Value = record.Of(make([]byte, room+1-2)) // its length takes two bytes more
	s := newChart(t, key("tablet")).save(id, changes...)
	if _, _, err := s.Revision.Seal(s.Salt[:]); err != nil {
		t.Fatal(err)
	}
	return []Sealable{s}
}

// fanOut returns saves that share one very long shape, so that they are much
// longer read than sealed.
func fanOut(t testing.TB, n int) []Sealable {
	var parents []causal.Dot
	for i := range 300 {
		parents = append(parents, causal.Dot{Replica: causal.ReplicaID{7}, Counter: uint64(i + 1)})
	}
	c := newChart(t, key("tablet"))
	var out []Sealable
	for i := range n {
		out = append(out, c.save(recordID(t, fmt.Sprint(i)), form(1, 1, parents...)...))
	}
	return out
}

// poison is a save that its own tablet would have refused, and what is wrong with it.
type poison struct {
	name  string
	spoil func(*Raw)
	want  error
}

var poisons = []poison{
	{"no author", func(r *Raw) { r.Head.Author = "" }, record.ErrMalformed},
	{"an author that is no text", func(r *Raw) { r.Head.Author = "\xff" }, record.ErrMalformed},
	{"an author as long as a book", func(r *Raw) { r.Head.Author = string(make([]byte, 5000)) }, record.ErrMalformed},
	{"a record id of no kind", func(r *Raw) { r.Head.Record = record.ID{} }, record.ErrMalformed},
	{"prev after itself", func(r *Raw) { r.Head.Prev.Counter = 99 }, record.ErrMalformed},
	{"a division of letters", func(r *Raw) { r.Head.ScopeSeen = record.ScopeSeen{Dot: causal.Dot{Counter: 1}, Division: "Chongqing"} }, record.ErrMalformed},
	{"no division", func(r *Raw) { r.Head.ScopeSeen = record.ScopeSeen{Dot: causal.Dot{Counter: 1}} }, record.ErrMalformed},
	{"no shape", func(r *Raw) { r.Shape = nil }, record.ErrMalformed},
	{"a shape of noise", func(r *Raw) { r.Shape = []byte("noise, nothing but noise") }, record.ErrMalformed},
	{"no body", func(r *Raw) { r.Body = nil }, record.ErrMalformed},
	{"a body with something after it", func(r *Raw) { r.Body = append(r.Body, 0) }, record.ErrMalformed},
	{"a body that claims to be erased", func(r *Raw) { r.Body[0] = 1 }, record.ErrMalformed},
	{"a scope that is none", func(r *Raw) { r.Body[len(r.Body)-1] = 'x' }, record.ErrMalformed},
	{"a path of 10^4 steps", func(r *Raw) { r.Shape = append([]byte{0, 1}, bytes.Repeat([]byte{5}, 10_000)...) }, record.ErrMalformed},
	{"a shape that says it has 10^6 changes", func(r *Raw) { r.Shape = []byte{0, 0xc0, 0x84, 0x3d} }, record.ErrMalformed},
	{"a shape that says it has 10^6 parents", func(r *Raw) { r.Shape = []byte{0xc0, 0x84, 0x3d, 0} }, record.ErrMalformed},
	{"more bytes than a save may have", func(r *Raw) { r.Body = make([]byte, record.MaxRevision) }, record.ErrTooLarge},
}

// poisoned returns three saves of which the middle one is spoilt: its scope is the
// last of its values.
func poisoned(t testing.TB, p poison) []Raw {
	c := newChart(t, key("tablet"))
	var out []Raw
	for i := range 3 {
		out = append(out, c.save(recordID(t, fmt.Sprint(i)), record.Change{Path: record.PathScope, Value: record.Of([]byte("512301001001"))}).Raw())
	}
	p.spoil(&out[1])
	return out
}

// B13: the engine holds such a revision; it can because all that it needs is
// there, and the rest of the segment is as good as ever.
func TestRevisionThatCannotBeReadBlocksNothing(t *testing.T) {
	for _, p := range poisons {
		t.Run(p.name, func(t *testing.T) {
			raws := poisoned(t, p)
			made, err := SealRaw(key("tablet"), header(), raws)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(made.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Revision(1); !errors.Is(err, p.want) {
				t.Errorf("read as %v", err)
			}
			skeleton := append(raws[1].Head.AppendHead(nil), raws[1].Shape...)
			leaf := record.LeafHash(skeleton, record.BodyHash(raws[1].Salt[:], raws[1].Body))
			if want := (causal.Dot{Replica: s.Header().Replica, Counter: 2, Hash: causal.Short(leaf)}); s.Dot(1) != want {
				t.Errorf("dot %v, want %v", s.Dot(1), want)
			}
			if s.RecordID(1) != raws[1].Head.Record || s.Prev(1).Counter != raws[1].Head.Prev.Counter {
				t.Errorf("record %v after %v", s.RecordID(1), s.Prev(1))
			}
			for _, i := range []int{0, 2} {
				if _, err := s.Revision(i); err != nil {
					t.Errorf("revision %d beside it: %v", i, err)
				}
			}
		})
	}
}

func TestSegmentIsSafeForConcurrentReaders(t *testing.T) {
	s := sealed(t, 30)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range s.Len() {
				if _, err := s.Revision(i); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
