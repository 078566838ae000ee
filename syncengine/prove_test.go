// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// story is a record with all that can happen to one, between those of others.
type story struct {
	*centre
	id, other                        record.ID
	made, edited, stranger, late, by causal.Dot
}

func newStory(t *testing.T) *story {
	t.Helper()
	c := newCentre(t)
	s := &story{centre: c}
	zhang, li := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	zhang.create(kindNote, villageA, "neighbour one")
	s.id, s.made = zhang.create(kindNote, villageA, "139")
	s.other, _ = zhang.create(kindNote, villageA, "neighbour two")
	c.push(zhang.seal())
	c.now = c.now.Add(time.Hour)
	s.edited = li.edit(s.id, villageA, s.made, set(phone, "138", s.made), set(address, "east"))
	li.create(kindNote, villageA, "neighbour three")
	_, s.stranger = li.save(0, record.Revision{
		Record: s.id, Author: "nobody", ScopeSeen: record.ScopeSeen{Dot: s.made, Division: villageA}, Changes: []record.Change{set(address, "west", s.edited)},
	})
	c.push(li.seal())
	c.now = c.now.Add(time.Hour)
	c.must(c.Release(t.Context(), syncengine.Ruling{Record: s.id, Dot: s.stranger, Author: "head", Reason: "she works here now"}))
	s.late = zhang.edit(s.id, villageA, s.made, set(phone, "137", s.edited))
	s.by = zhang.edit(s.id, villageA, s.made, set(phone, "136", s.late))
	c.push(zhang.seal())
	c.must(c.Fence(t.Context(), "head", li.cert.Replica(), "stolen"))
	cut, _ := li.create(kindNote, villageA, "neighbour four")
	li.edit(s.id, villageA, s.made, set(address, "north"))
	c.push(li.seal())
	c.must(c.LiftFence(t.Context(), "head", li.cert.Replica(), "found again")) // changes verdicts of two records
	if got := c.history(cut); !got[0].Verdict.Admitted() {
		t.Fatalf("neighbour four is %s", got[0].Verdict)
	}
	c.must(c.Withdraw(t.Context(), syncengine.Ruling{Record: s.id, Dot: s.late, Author: "head", Reason: "wrong person"}))
	c.must(c.Erase(t.Context(), syncengine.Ruling{Record: s.id, Dot: s.made, Author: "head", Reason: "order 7"}))
	c.sound()
	return s
}

func (c *centre) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) key() ed25519.PublicKey { return c.ShardKey() }

func (c *centre) prove(id record.ID, only causal.Dot) []byte {
	c.t.Helper()
	raw, err := c.Prove(c.t.Context(), id, only)
	c.must(err)
	return raw
}

func checked(t *testing.T, raw []byte, key ed25519.PublicKey) evidence.Report {
	t.Helper()
	report, err := evidence.Check(raw, key)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func verdictsOf(s evidence.Save) (out []string) {
	for _, v := range s.Verdicts {
		out = append(out, v.Verdict.String())
	}
	return out
}

func TestAProofTellsWhatHappenedToARecord(t *testing.T) {
	s := newStory(t)
	report := checked(t, s.prove(s.id, causal.Dot{}), s.key())
	history := s.history(s.id)
	if len(report.Saves) != len(history) || report.Checkpoint.Size != s.Size() || report.Record != s.id {
		t.Fatalf("%d saves at %d, want %d at %d", len(report.Saves), report.Checkpoint.Size, len(history), s.Size())
	}
	for i, v := range history {
		got := report.Saves[i]
		if got.Dot != v.Revision.Dot || got.Verdict() != v.Verdict || !got.ReceivedAt.Equal(v.ReceivedAt) || got.Revision.ClockMs != v.Revision.ClockMs {
			t.Errorf("save %d: %+v, want %+v", i, got, v)
		}
		if diff := cmp.Diff(v.Revision, got.Revision); diff != "" {
			t.Error(diff)
		}
	}
	wants := map[causal.Dot][]string{
		s.made: {"admitted"}, s.edited: {"admitted"}, s.stranger: {"held_author", "admitted"}, s.late: {"admitted", "held_withdrawn"}, s.by: {"admitted"},
		history[5].Revision.Dot: {"held_fence", "admitted"},
	}
	for _, save := range report.Saves {
		if got := verdictsOf(save); !slices.Equal(got, wants[save.Dot]) {
			t.Errorf("%s: verdicts %v, want %v", save.Dot, got, wants[save.Dot])
		}
		if save.Erased != (save.Dot == s.made) || save.Unreadable || save.Missing != nil {
			t.Errorf("%s: %+v", save.Dot, save)
		}
	}
	if got := report.Saves[1].Certificate.Staff; !slices.Equal(got, []string{"li"}) {
		t.Errorf("staff %v", got)
	}
}

func TestAProofTellsWhatReplacedAValue(t *testing.T) {
	s := newStory(t)
	report := checked(t, s.prove(s.id, causal.Dot{}), s.key())
	replaced := map[string][]causal.Dot{}
	for _, save := range report.Saves {
		for _, c := range save.Changes {
			if c.Path != record.PathScope {
				replaced[fmt.Sprint(save.Dot, c.Path)] = c.ReplacedBy
			}
		}
	}
	for _, w := range []struct {
		dot  causal.Dot
		path record.Path
		by   []causal.Dot
	}{
		{s.made, phone, []causal.Dot{s.edited}},
		{s.edited, phone, nil}, // what replaced it was withdrawn
		{s.edited, address, []causal.Dot{s.stranger}},
		{s.late, phone, []causal.Dot{s.by}},
		{s.by, phone, nil},
	} {
		if got := replaced[fmt.Sprint(w.dot, w.path)]; !slices.Equal(got, w.by) {
			t.Errorf("%s %s was replaced by %v, want %v", w.dot, w.path, got, w.by)
		}
	}
	var acts []string
	for _, a := range report.Acts {
		acts = append(acts, fmt.Sprint(a.Kind, " ", a.Author, " ", a.Reason))
	}
	want := []string{"release head she works here now", "fence head stolen", "fence head found again", "withdrawal head wrong person", "erasure head order 7"}
	if !slices.Equal(acts, want) || report.Acts[0].Target != s.stranger || report.Acts[4].Target != s.made {
		t.Errorf("acts %q", acts)
	}
	if cut, lifted := report.Acts[1], report.Acts[2]; cut.Lifted || !lifted.Lifted || cut.Replica != s.edited.Replica {
		t.Errorf("fences %+v, %+v", cut, lifted)
	}
}

func TestAProofShowsNothingOfOthers(t *testing.T) {
	s := newStory(t)
	raw := s.prove(s.id, causal.Dot{})
	rows, err := s.List(t.Context(), syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}, Limit: 100})
	s.must(err)
	if len(rows) != 5 {
		t.Fatalf("%d records", len(rows))
	}
	for _, r := range rows {
		if bytes.Contains(raw, r.ID[:]) != (r.ID == s.id) {
			t.Errorf("record %s shows, or does not", r.ID)
		}
		for _, v := range s.history(r.ID) {
			if r.ID != s.id && bytes.Contains(raw, v.Revision.Dot.Append(nil)) {
				t.Errorf("dot %s shows", v.Revision.Dot)
			}
		}
	}
	if bytes.Contains(raw, []byte("neighbour")) || bytes.Contains(raw, []byte("139")) {
		t.Error("a value of another record shows, or one that was erased")
	}
}

func TestAProofOfOneRevisionHidesTheOthersValues(t *testing.T) {
	s := newStory(t)
	raw := s.prove(s.id, s.edited)
	report := checked(t, raw, s.key())
	var dots []causal.Dot
	for _, save := range report.Saves {
		dots = append(dots, save.Dot)
		if save.Hidden == (save.Dot == s.edited) {
			t.Errorf("%s: hidden %t", save.Dot, save.Hidden)
		}
	}
	if !slices.Equal(dots, []causal.Dot{s.edited, s.stranger, s.late}) || report.Only != s.edited {
		t.Errorf("saves %v", dots)
	}
	for _, value := range []string{"west", "137"} {
		if bytes.Contains(raw, []byte(value)) {
			t.Errorf("%q shows", value)
		}
	}
	if !bytes.Contains(raw, []byte("138")) {
		t.Error("the value it is about does not show")
	}
}

// Nobody but the shard makes a file that is accepted.
func TestAnyByteOfAProofChangedIsFound(t *testing.T) {
	s := newStory(t)
	raw := s.prove(s.id, s.edited)
	for i := range raw {
		bad := bytes.Clone(raw)
		bad[i] ^= 1 << (i % 8)
		if _, err := evidence.Check(bad, s.key()); err == nil {
			t.Errorf("byte %d", i)
		}
	}
	for _, cut := range []int{0, 1, len(raw) / 2, len(raw) - 1} {
		if _, err := evidence.Check(raw[:cut], s.key()); err == nil {
			t.Errorf("cut at %d", cut)
		}
	}
	if _, err := evidence.Check(append(bytes.Clone(raw), 0), s.key()); err == nil {
		t.Error("a byte more")
	}
}

var everyByte = flag.Bool("every-byte", false, "change every byte of a proof, not one in thirteen: half a minute")

// The shard itself cannot change what authors signed and the ledger has: it signs each
// body anew here, as a dishonest centre would. The time of the file is its own word.
func TestTheShardItselfCannotChangeAProof(t *testing.T) {
	s := newStory(t)
	for _, only := range []causal.Dot{{}, s.made} {
		raw := s.prove(s.id, only)
		want := checked(t, raw, s.key())
		signed, err := segment.DecodeSigned(raw)
		s.must(err)
		step := 13
		if *everyByte {
			step = 1
		}
		for i := 0; i < len(signed.Body); i += step {
			bad := bytes.Clone(signed.Body)
			bad[i] ^= 1 << (i % 8)
			got, err := evidence.Check(segment.SignBody(s.cfg.ShardKey, evidence.Domain, bad).Encode(), s.key())
			if err != nil {
				continue
			}
			got.MadeAt = want.MadeAt
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("byte %d changed, and accepted: %s", i, diff)
			}
		}
	}
}

func claimOf(err error) evidence.Claim {
	var f *evidence.Failure
	if errors.As(err, &f) {
		return f.Claim
	}
	return 0
}

func TestAProofOfAnotherShardIsNotOurs(t *testing.T) {
	s := newStory(t)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32)).Public().(ed25519.PublicKey)
	if _, err := evidence.Check(s.prove(s.id, causal.Dot{}), key); claimOf(err) != evidence.ClaimShard {
		t.Error(err)
	}
}

func TestWhatIsNotThereIsNotProven(t *testing.T) {
	s := newStory(t)
	missing := record.DerivedID(kindNote, []byte("nobody"))
	if _, err := s.Prove(t.Context(), missing, causal.Dot{}); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("no record: %v", err)
	}
	if _, err := s.Prove(t.Context(), s.other, s.made); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("a revision of another record: %v", err)
	}
}

func TestWaitingAndUnreadableSavesAreProvenToo(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, made := d.create(kindNote, villageA, "139")
	nobodys := causal.Dot{Replica: d.cert.Replica(), Counter: 1, Hash: causal.Hash8{9}}
	d.prev[id] = nobodys
	waiting := d.edit(id, villageA, made, set(phone, "138", made))
	c.push(d.seal())
	report := checked(t, c.prove(id, causal.Dot{}), c.key())
	if len(report.Saves) != 2 || report.Saves[1].Dot != waiting || report.Saves[1].Verdict() != ledger.Waiting || !slices.Equal(report.Saves[1].Missing, []causal.Dot{nobodys}) {
		t.Errorf("%+v", report.Saves)
	}
	raw := segment.Raw{Head: record.Revision{
		Dot: causal.Dot{Replica: d.cert.Replica(), Counter: 3}, Record: id, Author: "zhang", ClockMs: 7,
	}, Shape: []byte("no shape"), Body: []byte("no body")}
	bad, err := segment.SealRaw(segment.KeySigner(d.key), segment.Header{Shard: c.Shard(), Certificate: d.cert.Hash, First: 3, Previous: d.last}, []segment.Raw{raw})
	c.must(err)
	c.push(bad)
	report = checked(t, c.prove(id, causal.Dot{}), c.key())
	if last := report.Saves[2]; !last.Unreadable || last.Verdict() != ledger.HeldMalformed || last.Revision.Record != id {
		t.Errorf("%+v", last)
	}
}

// provenCounty has 50,000 records of about 400 bytes in 24 fields, in segments of 100,
// and returns one that was saved twice.
func provenCounty(b *testing.B) (*syncengine.Engine, record.ID) {
	b.Helper()
	e, d := benchCounty(b)
	var id record.ID
	for i := range 250 {
		first := d.segment(b, 100)
		second := d.edit(b, first)
		if _, err := e.Push(b.Context(), session.PushRequest{Segments: [][]byte{first.Bytes(), second.Bytes()}}); err != nil {
			b.Fatal(err)
		}
		if i == 100 {
			id = first.RecordID(50)
		}
	}
	return e, id
}

// BenchmarkProve makes a proof of two saves of one record.
func BenchmarkProve(b *testing.B) {
	e, id := provenCounty(b)
	var raw []byte
	for b.Loop() {
		var err error
		if raw, err = e.Prove(b.Context(), id, causal.Dot{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(raw))/2, "bytes/revision")
}

// BenchmarkCheck checks it.
func BenchmarkCheck(b *testing.B) {
	e, id := provenCounty(b)
	raw, err := e.Prove(b.Context(), id, causal.Dot{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if report, err := evidence.Check(raw, e.ShardKey()); err != nil || len(report.Saves) != 2 {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(len(raw))/2, "bytes/revision")
}
