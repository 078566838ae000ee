// SPDX-License-Identifier: Apache-2.0

package evidence_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// key returns a key that is the same in every run.
func key(name string) segment.Signer {
	seed := sha256.Sum256([]byte(name))
	return segment.KeySigner(ed25519.NewKeyFromSeed(seed[:]))
}

// world is a ledger of three leaves, made by hand: a tablet's segment of three saves, of
// which the middle one is the record's, the centre's erasure of it, and a later
// change of its verdict.
type world struct {
	t      *testing.T
	id     record.ID
	dot    causal.Dot
	certs  map[string]segment.Certificate
	leaves [][]byte
	saves  *segment.Segment
	order  *segment.Segment
	file   evidence.File
}

var phone = record.Field(1)

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, id: record.DerivedID(100, []byte("resident")), certs: map[string]segment.Certificate{}}
	w.certify("tablet", segment.RoleTablet)
	w.certify("centre", segment.RoleCentre)
	w.saves = w.seal("tablet",
		w.save("tablet", 1, record.DerivedID(100, []byte("one")), record.Change{Path: phone, Value: record.Of([]byte("secret one"))}),
		w.save("tablet", 2, w.id, record.Change{Path: phone, Value: record.Of([]byte("139"))}),
		w.save("tablet", 3, record.DerivedID(100, []byte("two")), record.Change{Path: phone, Value: record.Of([]byte("secret two"))}))
	w.dot = w.saves.Dot(1)
	act, err := proto.Marshal(&syncv1.ErasureAct{Erasure: &syncv1.Ruling{Record: w.id[:], Dot: w.dot.Append(nil), Reason: "order 7"}})
	w.must(err)
	w.order = w.seal("centre", w.save("centre", 1, record.DerivedID(6, []byte("order")), record.Change{Path: record.Field(1), Value: record.Of(act)}))
	w.leaf(ledger.Leaf{Segment: w.saves.Hash(), ReceivedAt: at(1), Verdicts: []ledger.Verdict{1, ledger.HeldAuthor, 1}})
	w.leaf(ledger.Leaf{Segment: w.order.Hash(), ReceivedAt: at(2), Verdicts: []ledger.Verdict{1}})
	w.leaf(ledger.Leaf{Segment: segment.Hash{7}, ReceivedAt: at(3), Verdicts: []ledger.Verdict{1}, ByRoot: true, Changed: []ledger.Changed{
		{Record: record.DerivedID(100, []byte("three")), Dot: causal.Dot{Counter: 9}, Verdict: 1}, {Record: w.id, Dot: w.dot, Verdict: 1},
	}})
	w.assemble()
	return w
}

func at(hour int) time.Time { return time.Date(2026, 3, 1, hour, 0, 0, 0, time.UTC) }

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) certify(name string, role segment.Role) {
	c, err := segment.IssueCertificate(key("shard"), segment.Certificate{PublicKey: key(name).Public(), Role: role, Staff: []string{"zhang"}, IssuedAt: at(0), ExpiresAt: at(23), Label: name})
	w.must(err)
	w.certs[name] = c
}

func (w *world) save(by string, counter uint64, id record.ID, changes ...record.Change) segment.Sealable {
	return segment.Sealable{Salt: [16]byte{byte(counter)}, Revision: record.Revision{
		Dot: causal.Dot{Replica: causal.ReplicaOf(key(by).Public()), Counter: counter}, Record: id,
		ClockMs: at(0).UnixMilli(), Author: "zhang", Changes: changes,
	}}
}

func (w *world) seal(by string, saves ...segment.Sealable) *segment.Segment {
	s, err := segment.Seal(key(by), segment.Header{
		Shard: segment.ShardOf(key("shard").Public()), Certificate: w.certs[by].Hash, First: saves[0].Revision.Dot.Counter,
	}, saves)
	w.must(err)
	return s
}

func (w *world) leaf(l ledger.Leaf) { w.leaves = append(w.leaves, l.Encode()) }

// assemble makes the file of what there is.
func (w *world) assemble() {
	var stored hashes
	for i, l := range w.leaves {
		more, err := ledger.Append(stored, ledger.Size(i), l)
		w.must(err)
		stored = append(stored, more...)
	}
	size := ledger.Size(len(w.leaves))
	root, err := ledger.Root(stored, size)
	w.must(err)
	shard := segment.ShardOf(key("shard").Public())
	point, err := ledger.Sign(ledger.Checkpoint{Shard: shard, Epoch: ledger.Epoch{Number: 1}, Size: size, Root: root}, key("shard"))
	w.must(err)
	w.file = evidence.File{
		Shard: shard, Record: w.id, MadeAt: at(5), Checkpoint: point, Certificates: [][]byte{w.certs["tablet"].Raw, w.certs["centre"].Raw},
		Revisions: []evidence.Revision{w.revision(w.saves, 0, 1)}, Acts: []evidence.Revision{w.revision(w.order, 1, 0)},
	}
	for i, l := range w.leaves {
		path, err := ledger.ProveRecord(stored, size, ledger.Index(i))
		w.must(err)
		w.file.Leaves = append(w.file.Leaves, evidence.Leaf{Index: ledger.Index(i), Hashed: ledger.Hashed(l), Path: path})
	}
	w.file.Leaves[0].Front, w.file.Leaves[1].Front = w.saves.Front(), w.order.Front()
	proofs, err := ledger.ProveChanged(w.leaves[2], 1)
	w.must(err)
	w.file.Leaves[2].Changed = []evidence.Changed{{Changed: ledger.Changed{Record: w.id, Dot: w.dot, Verdict: 1}, Place: 1, Path: proofs[0]}}
}

func (w *world) revision(s *segment.Segment, leaf ledger.Index, place int) evidence.Revision {
	path, skeleton, _, err := s.Proof(place)
	w.must(err)
	return evidence.Revision{Leaf: leaf, Place: place, Skeleton: skeleton, Salt: s.Salt(place), Body: s.Body(place), Path: path}
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, h[i])
	}
	return out, nil
}

// body returns the signed body of the file.
func (w *world) body() []byte {
	raw, err := w.file.Encode(key("shard"))
	w.must(err)
	signed, err := segment.DecodeSigned(raw)
	w.must(err)
	return signed.Body
}

// erased returns the body of the file without the record's values.
func (w *world) erased() []byte {
	w.hide(&w.file.Revisions[0])
	return w.body()
}

func (w *world) hide(r *evidence.Revision) {
	r.BodyHash = record.BodyHash(r.Salt[:], r.Body)
	r.Hidden, r.Salt, r.Body = true, [16]byte{}, nil
}

func (w *world) check() (evidence.Report, error) {
	raw, err := w.file.Encode(key("shard"))
	w.must(err)
	return evidence.Check(raw, key("shard").Public())
}

func TestAFileIsFollowedLinkByLink(t *testing.T) {
	w := newWorld(t)
	report, err := w.check()
	w.must(err)
	s := report.Saves[0]
	if len(report.Saves) != 1 || s.Dot != w.dot || s.Revision.Author != "zhang" || s.ReceivedAt != at(1) || s.Certificate.Label != "tablet" {
		t.Errorf("%+v", report)
	}
	if len(s.Verdicts) != 2 || s.Verdicts[0].Verdict != ledger.HeldAuthor || s.Verdict() != ledger.Admitted || s.Verdicts[1].At != at(3) {
		t.Errorf("verdicts %+v", s.Verdicts)
	}
	if len(report.Acts) != 1 || report.Acts[0].Reason != "order 7" || report.Acts[0].Target != w.dot || report.Acts[0].Kind != evidence.ActErasure {
		t.Errorf("acts %+v", report.Acts)
	}
	w.hide(&w.file.Revisions[0])
	if report, err = w.check(); err != nil || !report.Saves[0].Erased || report.Saves[0].Changes[0].Value.Form != record.Erased {
		t.Errorf("%+v, %v", report.Saves, err)
	}
}

// Each of these is a file that the shard signed though it is wrong.
func TestEachClaimIsHeldAgainstTheFile(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *world)
		want   evidence.Claim
	}{
		"another shard in the body":     {func(w *world) { w.file.Shard[0] ^= 1 }, evidence.ClaimShard},
		"no record":                     {func(w *world) { w.file.Record = record.ID{} }, evidence.ClaimFile},
		"checkpoint of another key":     {func(w *world) { w.file.Checkpoint = append(w.file.Checkpoint, '\n') }, evidence.ClaimCheckpoint},
		"no certificate":                {func(w *world) { w.file.Certificates = w.file.Certificates[1:] }, evidence.ClaimCertificate},
		"a certificate twice":           {func(w *world) { w.file.Certificates[1] = w.file.Certificates[0] }, evidence.ClaimFile},
		"a certificate of nobody":       {func(w *world) { w.file.Certificates[0] = []byte("x") }, evidence.ClaimCertificate},
		"a leaf at another place":       {func(w *world) { w.file.Leaves = w.file.Leaves[1:]; w.file.Leaves[0].Index = 0 }, evidence.ClaimLedger},
		"leaves out of order":           {func(w *world) { w.file.Leaves[1].Index = 0 }, evidence.ClaimFile},
		"another leaf":                  {func(w *world) { w.file.Leaves[0].Hashed = ledger.Hashed(w.leaves[1]) }, evidence.ClaimLedger},
		"the segment of another leaf":   {func(w *world) { w.file.Leaves[1].Front = w.saves.Front() }, evidence.ClaimSegment},
		"half a front":                  {func(w *world) { w.file.Leaves[1].Front = w.order.Front()[:9] }, evidence.ClaimSegment},
		"no leaf for a revision":        {func(w *world) { w.file.Revisions[0].Leaf = 9 }, evidence.ClaimSegment},
		"another body":                  {func(w *world) { w.file.Revisions[0].Body = []byte("138") }, evidence.ClaimRevision},
		"another salt":                  {func(w *world) { w.file.Revisions[0].Salt[3]++ }, evidence.ClaimRevision},
		"another place":                 {func(w *world) { w.file.Revisions[0].Place = 2 }, evidence.ClaimRevision},
		"no such place":                 {func(w *world) { w.file.Revisions[0].Place = 3 }, evidence.ClaimRevision},
		"a revision of another record":  {func(w *world) { w.file.Revisions[0] = w.revision(w.saves, 0, 0) }, evidence.ClaimRevision},
		"no revision":                   {func(w *world) { w.file.Revisions = nil }, evidence.ClaimRevision},
		"a revision twice":              {func(w *world) { w.file.Revisions = append(w.file.Revisions, w.file.Revisions[0]) }, evidence.ClaimFile},
		"about a revision not there":    {func(w *world) { w.file.Only = w.saves.Dot(0) }, evidence.ClaimRevision},
		"another verdict":               {func(w *world) { w.file.Leaves[2].Changed[0].Verdict = ledger.HeldFence }, evidence.ClaimVerdict},
		"a verdict at another place":    {func(w *world) { w.file.Leaves[2].Changed[0].Place = 0 }, evidence.ClaimVerdict},
		"an act of a tablet":            {func(w *world) { w.file.Acts[0] = w.revision(w.saves, 0, 0) }, evidence.ClaimAct},
		"an act without its words":      {func(w *world) { w.hide(&w.file.Acts[0]) }, evidence.ClaimAct},
		"values gone without an order":  {func(w *world) { w.hide(&w.file.Revisions[0]); w.file.Acts = nil }, evidence.ClaimBody},
		"a verdict about somebody else": {func(w *world) { w.showOther() }, evidence.ClaimVerdict},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.change(w)
			_, err := w.check()
			var f *evidence.Failure
			if !errors.As(err, &f) || f.Claim != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// showOther shows the changed verdict of another record with its good path.
func (w *world) showOther() {
	proofs, err := ledger.ProveChanged(w.leaves[2], 0)
	w.must(err)
	w.file.Leaves[2].Changed[0] = evidence.Changed{
		Changed: ledger.Changed{Record: record.DerivedID(100, []byte("three")), Dot: causal.Dot{Counter: 9}, Verdict: 1}, Path: proofs[0],
	}
}

func TestTheFileItselfIsHeldAgainstItsKey(t *testing.T) {
	w := newWorld(t)
	raw, err := w.file.Encode(key("shard"))
	w.must(err)
	body := w.body()
	future := append(slices.Clone(body), 0x7a, 0x01, 'x') // field 15
	for name, c := range map[string]struct {
		raw  []byte
		want evidence.Claim
	}{
		"another key's signature": {segment.SignBody(key("thief"), evidence.Domain, body).Encode(), evidence.ClaimSignature},
		"another domain":          {segment.SignBody(key("shard"), segment.DomainGap, body).Encode(), evidence.ClaimSignature},
		"bytes after it":          {append(slices.Clone(raw), 0), evidence.ClaimFile},
		"not a file":              {[]byte("PK\x03\x04"), evidence.ClaimFile},
		"too large":               {make([]byte, evidence.MaxFile+1), evidence.ClaimFile},
		"a field of the future":   {segment.SignBody(key("shard"), evidence.Domain, future).Encode(), evidence.ClaimFile},
	} {
		var f *evidence.Failure
		if _, err := evidence.Check(c.raw, key("shard").Public()); !errors.As(err, &f) || f.Claim != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	var m syncv1.ProofBody
	w.must(proto.Unmarshal(body, &m))
	m.Format = 2
	body, err = proto.Marshal(&m)
	w.must(err)
	var f *evidence.Failure
	if _, err := evidence.Check(segment.SignBody(key("shard"), evidence.Domain, body).Encode(), key("shard").Public()); !errors.As(err, &f) || f.Claim != evidence.ClaimFormat {
		t.Errorf("format 2: %v", err)
	}
}

func TestATooLargeFileIsNotMade(t *testing.T) {
	w := newWorld(t)
	w.file.Certificates = append(w.file.Certificates, make([]byte, evidence.MaxFile))
	if _, err := w.file.Encode(key("shard")); !errors.Is(err, evidence.ErrTooLarge) {
		t.Error(err)
	}
}

func TestClaimsAndActsHaveNames(t *testing.T) {
	for _, c := range evidence.Claims() {
		if c.String() == "" {
			t.Errorf("claim %d", c)
		}
	}
	for _, k := range []evidence.ActKind{evidence.ActFence, evidence.ActRelease, evidence.ActWithdrawal, evidence.ActErasure} {
		if k.String() == "act" {
			t.Errorf("act %d", k)
		}
	}
}
