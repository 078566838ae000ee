// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	kindNote   record.Kind = 100
	kindSecret record.Kind = 101
	kindLater  record.Kind = 102
	kindOffice record.Kind = 103 // only the centre saves it

	villageA record.Division = "130403001001"
	villageB record.Division = "130403001002"
	county   record.Division = "130403"
)

var (
	phone   = record.Field(1)
	address = record.Field(2)
)

// schema knows three kinds, and a fourth once it was taught.
type schema struct{ later bool }

func (s *schema) Lookup(k record.Kind) (record.KindInfo, bool) {
	info := record.KindInfo{Kind: k, Name: "note", Class: record.ClassGeneral, Boundary: func(p record.Path) record.Boundary {
		if p == record.Field(9, 1) {
			return record.BoundaryWrong
		}
		return record.BoundaryExact
	}}
	switch {
	case k == kindNote, k == kindLater && s.later:
		return info, true
	case k == kindSecret:
		info.Class = record.ClassSensitive
		return info, true
	case k == kindOffice:
		info.OfficeOnly = true
		return info, true
	}
	return info, false
}

// centre is one engine in memory with a clock and randomness of its own.
type centre struct {
	*syncengine.Engine
	t      *testing.T
	cfg    syncengine.Config
	store  *memstore.Store
	now    time.Time
	schema *schema
}

func newCentre(t *testing.T) *centre {
	t.Helper()
	c := &centre{t: t, store: memstore.New(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), schema: &schema{}}
	rnd := rand.NewChaCha8([32]byte{1})
	seed := make([]byte, 32)
	rnd.Read(seed)
	c.cfg = syncengine.Config{
		Store: c.store, ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)),
		Clock: func() time.Time { return c.now }, Rand: rnd, Schema: c.schema,
	}
	var err error
	if c.Engine, err = syncengine.Create(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	return c
}

// device seals revisions by hand, so that tests can seal wrong ones too.
type device struct {
	c       *centre
	key     ed25519.PrivateKey
	cert    segment.Certificate
	rnd     *rand.ChaCha8
	counter uint64
	last    segment.Hash
	clock   int64
	prev    map[record.ID]causal.Dot
	pending []segment.Sealable
}

// blockedNow returns who waits for counters.
func (c *centre) blockedNow(t *testing.T) []syncengine.Blocked {
	t.Helper()
	all, err := c.Blocked(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (c *centre) enrol(n byte, rights syncengine.Rights) *device {
	c.t.Helper()
	d := &device{c: c, rnd: rand.NewChaCha8([32]byte{2, n}), prev: map[record.ID]causal.Dot{}, clock: c.now.UnixMilli()}
	seed := make([]byte, 32)
	d.rnd.Read(seed)
	d.key = ed25519.NewKeyFromSeed(seed)
	code, err := c.Invite(c.t.Context(), rights, time.Hour)
	if err != nil {
		c.t.Fatal(err)
	}
	if d.cert, err = c.Enrol(c.t.Context(), code, d.key.Public().(ed25519.PublicKey)); err != nil {
		c.t.Fatal(err)
	}
	return d
}

func doctor(staff string, divisions ...record.Division) syncengine.Rights {
	return syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{staff}, Divisions: divisions, Classes: []record.Class{record.ClassGeneral},
	}
}

// save adds a revision to what the next push seals. A zero id creates a record of
// kind in the scope of r's own PathScope change.
func (d *device) save(kind record.Kind, r record.Revision) (record.ID, causal.Dot) {
	d.c.t.Helper()
	var salt [16]byte
	d.rnd.Read(salt[:])
	if r.Record.IsZero() {
		var err error
		if r.Record, err = record.MakeID(kind, d.c.now, d.cert.Replica(), salt); err != nil {
			d.c.t.Fatal(err)
		}
	}
	if r.Author == "" {
		r.Author = d.cert.Staff[0]
	}
	d.counter++
	d.clock++
	if r.ClockMs == 0 {
		r.ClockMs = d.clock
	}
	r.Dot = causal.Dot{Replica: d.cert.Replica(), Counter: d.counter}
	if p, ok := d.prev[r.Record]; ok {
		r.Prev = record.Prev{Counter: p.Counter, Hash: p.Hash}
	}
	var err error
	if r.Changes, err = record.Normalise(r.Changes); err != nil {
		d.c.t.Fatal(err)
	}
	if r, _, err = r.Seal(salt[:]); err != nil {
		d.c.t.Fatal(err)
	}
	d.prev[r.Record] = r.Dot
	d.pending = append(d.pending, segment.Sealable{Revision: r, Salt: salt})
	return r.Record, r.Dot
}

// create saves a new record in a village with a phone.
func (d *device) create(kind record.Kind, village record.Division, number string) (record.ID, causal.Dot) {
	return d.save(kind, record.Revision{Changes: []record.Change{set(record.PathScope, string(village)), set(phone, number)}})
}

// edit saves a change of a record that was seen in a village by the dot scope.
func (d *device) edit(id record.ID, village record.Division, scope causal.Dot, changes ...record.Change) causal.Dot {
	_, dot := d.save(0, record.Revision{Record: id, ScopeSeen: record.ScopeSeen{Dot: scope, Division: village}, Changes: changes})
	return dot
}

func set(p record.Path, v string, parents ...causal.Dot) record.Change {
	return record.Change{Path: p, Value: record.Of([]byte(v)), Parents: parents}
}

// seal makes a segment of everything pending.
func (d *device) seal() *segment.Segment {
	d.c.t.Helper()
	s, err := segment.Seal(segment.KeySigner(d.key), segment.Header{
		Shard: d.c.Shard(), Certificate: d.cert.Hash, First: d.counter - uint64(len(d.pending)) + 1, Previous: d.last,
	}, d.pending)
	if err != nil {
		d.c.t.Fatal(err)
	}
	d.pending, d.last = nil, s.Hash()
	return s
}

func (c *centre) push(segs ...*segment.Segment) session.PushReply {
	c.t.Helper()
	q := session.PushRequest{}
	for _, s := range segs {
		q.Segments = append(q.Segments, s.Bytes())
	}
	reply, err := c.Push(c.t.Context(), q)
	if err != nil {
		c.t.Fatal(err)
	}
	return reply
}

// history returns all stored revisions of a record.
func (c *centre) history(id record.ID) (all []syncengine.RevisionView) {
	c.t.Helper()
	for from := (syncengine.HistoryPlace{}); ; {
		part, next, err := c.History(c.t.Context(), id, from, 2)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, part...)
		if from = next; from == (syncengine.HistoryPlace{}) {
			return all
		}
	}
}

// verdict returns the verdict of one stored revision.
func (c *centre) verdict(id record.ID, d causal.Dot) ledger.Verdict {
	c.t.Helper()
	for _, v := range c.history(id) {
		if v.Revision.Dot == d {
			return v.Verdict
		}
	}
	return 0
}

// live returns the live values at a path, displayed one first.
func (c *centre) live(id record.ID, p record.Path) []string {
	c.t.Helper()
	v, err := c.Get(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, e := range v.State.At(p) {
		out = append(out, string(e.Value.Bytes))
	}
	return out
}

// sound fails the test unless every invariant holds, replay included.
func (c *centre) sound() syncengine.VerifyReport {
	c.t.Helper()
	report, err := c.Verify(c.t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, v := range report.Violations {
		c.t.Errorf("%s: %s", v.Invariant, v.What)
	}
	return report
}

// pull takes every page for a device from a cursor on.
func (c *centre) pull(d *device, cursor []byte) (bases []session.Base, gone []session.Departure, last *session.Summary, next []byte) {
	c.t.Helper()
	for last == nil {
		page, err := c.PullPage(c.t.Context(), d.cert, session.PullRequest{Cursor: cursor, PageRecords: 2})
		if err != nil {
			c.t.Fatal(err)
		}
		bases, gone = append(bases, page.Bases...), append(gone, page.Departures...)
		last, cursor = page.Last, page.Cursor
	}
	return bases, gone, last, cursor
}

// The example of the design: two edit one phone, one also the address; a third
// save settles it.
func TestTwoTabletsEditTheSameFieldAndBothValuesStay(t *testing.T) {
	c := newCentre(t)
	t1, t2 := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	x, c1 := t1.create(kindNote, villageA, "139")
	c.push(t1.seal())

	d1 := t1.edit(x, villageA, c1, set(phone, "138", c1))
	d2 := t2.edit(x, villageA, c1, set(phone, "137", c1), set(address, "east"))
	s1, s2 := t1.seal(), t2.seal()
	c.push(s2)
	c.push(s1)
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"137", "138"}) {
		t.Fatalf("phones %v, want both", got)
	}
	if v, _ := c.Get(t.Context(), x); v.Row.Flags&syncengine.FlagConflict == 0 {
		t.Error("two phones are a conflict")
	}
	t1.edit(x, villageA, c1, set(phone, "138", d1, d2))
	c.push(t1.seal())
	if got := c.live(x, phone); !slices.Equal(got, []string{"138"}) {
		t.Errorf("phones %v after the resolution", got)
	}
	if got := c.live(x, address); !slices.Equal(got, []string{"east"}) {
		t.Errorf("address %v", got)
	}
	c.sound()
}

func TestPushTwiceIsOnce(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	d.create(kindNote, villageA, "139")
	s := d.seal()
	first, size := c.push(s), c.Size()
	again := c.push(s, s)
	if first.Results[0].Outcome != session.OutcomeStored || again.Results[1].Outcome != session.OutcomeAlready {
		t.Errorf("outcomes %v, %v", first.Results, again.Results)
	}
	if again.Results[0].Index != first.Results[0].Index || c.Size() != size {
		t.Error("a segment pushed again must change nothing")
	}
	acks, err := ledger.OpenAcks(again.Acks, c.ShardKey())
	if err != nil || acks.Segments[0].Hash != s.Hash() || acks.Segments[0].Position == 0 {
		t.Errorf("acks %+v, %v", acks, err)
	}
	c.sound()
}

func TestGapIsAnsweredStatedAndTheLostOneComesBack(t *testing.T) { // B14
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	first := d.seal()
	e2 := d.edit(x, villageA, c1, set(phone, "2", c1))
	lost := d.seal()
	e3 := d.edit(x, villageA, c1, set(phone, "3", e2))
	third := d.seal()

	c.push(first)
	r := c.push(third).Results[0]
	if r.Outcome != session.OutcomeGap || r.Expects != 2 {
		t.Fatalf("result %+v, want a gap at 2", r)
	}
	if b := c.blockedNow(t); len(b) != 1 || b[0].Missing.From != 2 || b[0].Missing.To != 2 {
		t.Errorf("blocked %v", b)
	}
	gap, err := segment.NewGap(segment.KeySigner(d.key), c.Shard(), d.cert.Hash, causal.Range{Replica: d.cert.Replica(), From: 2, To: 2})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := c.Push(t.Context(), session.PushRequest{Gaps: [][]byte{gap.Raw}, Segments: [][]byte{third.Bytes()}})
	if err != nil || reply.Results[0].Outcome != session.OutcomeStored {
		t.Fatalf("after the statement: %+v, %v", reply, err)
	}
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"1", "3"}) {
		t.Errorf("phones %v: 1 was replaced by the lost save only", got)
	}
	c.push(lost)
	if got := c.live(x, phone); !slices.Equal(got, []string{"3"}) {
		t.Errorf("phones %v after the original came back", got)
	}
	if v := c.verdict(x, e3); !v.Admitted() {
		t.Errorf("verdict %s", v)
	}
	c.sound()
}

func TestVerdicts(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	other := c.enrol(2, doctor("li", villageB))
	x, c1 := d.create(kindNote, villageA, "1")
	c.push(d.seal())

	for name, row := range map[string]struct {
		want ledger.Verdict
		make func() (record.ID, causal.Dot)
	}{
		"an author who is not on the staff list": {ledger.HeldAuthor, func() (record.ID, causal.Dot) {
			return d.save(0, record.Revision{Record: x, Author: "wang", ScopeSeen: record.ScopeSeen{Dot: c1, Division: villageA}, Changes: []record.Change{set(phone, "2", c1)}})
		}},
		"a village outside the certificate": {ledger.HeldScope, func() (record.ID, causal.Dot) { return d.create(kindNote, villageB, "1") }},
		"a class the certificate lacks":     {ledger.HeldClass, func() (record.ID, causal.Dot) { return d.create(kindSecret, villageA, "1") }},
		"a kind this build does not know":   {ledger.HeldUnknownKind, func() (record.ID, causal.Dot) { return d.create(kindLater, villageA, "1") }},
		"an act of the centre": {ledger.HeldNotCentre, func() (record.ID, causal.Dot) {
			return d.create(syncengine.KindRelease, villageA, "1")
		}},
		"a kind that only the centre saves": {ledger.HeldNotCentre, func() (record.ID, causal.Dot) {
			return d.create(kindOffice, villageA, "1")
		}},
		"a known field cut in pieces": {ledger.HeldBoundary, func() (record.ID, causal.Dot) {
			return x, d.edit(x, villageA, c1, set(record.Field(9, 1), "1"))
		}},
		"a scope that its bearer does not bear": {ledger.HeldScopeMismatch, func() (record.ID, causal.Dot) {
			return x, d.edit(x, villageB, c1, set(phone, "2", c1))
		}},
		"a scope nobody has sent yet": {ledger.HeldScopeUnknown, func() (record.ID, causal.Dot) {
			return x, d.edit(x, villageA, causal.Dot{Replica: c1.Replica, Counter: 77}, set(phone, "2", c1))
		}},
		"somebody else's record said to be new": {ledger.HeldScope, func() (record.ID, causal.Dot) {
			return other.save(0, record.Revision{Record: x, Changes: []record.Change{set(record.PathScope, string(villageB))}})
		}},
		"an own record made with parents": {ledger.HeldScope, func() (record.ID, causal.Dot) {
			return d.save(kindNote, record.Revision{Changes: []record.Change{set(record.PathScope, string(villageA), c1)}})
		}},
	} {
		id, dot := row.make()
		for _, v := range []*device{d, other} {
			if len(v.pending) > 0 {
				c.push(v.seal())
			}
		}
		if got := c.verdict(id, dot); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
	if got := c.live(x, phone); !slices.Equal(got, []string{"1"}) {
		t.Errorf("phones %v: held saves replace nothing", got)
	}
	c.sound()
}

// Two saves without rights must not add up to one with rights: a scope that its
// own author could not set lends nothing.
func TestAHeldScopeLendsNoAuthority(t *testing.T) {
	c := newCentre(t)
	d, thief := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageB))
	x, c1 := d.create(kindNote, villageA, "1")
	c.push(d.seal())
	_, bogus := thief.save(0, record.Revision{Record: x, Changes: []record.Change{set(record.PathScope, string(villageB))}})
	taken := thief.edit(x, villageB, bogus, set(phone, "stolen", c1))
	c.push(thief.seal())
	if got := c.verdict(x, taken); got != ledger.HeldScope {
		t.Errorf("verdict %s, want held", got)
	}
	if got := c.live(x, phone); !slices.Equal(got, []string{"1"}) {
		t.Errorf("phones %v", got)
	}
	bases, _, _, _ := c.pull(thief, nil)
	if len(bases) != 0 {
		t.Error("the record reached a village that has no part in it")
	}
	c.sound()
}

func TestHeldParentThenRelease(t *testing.T) { // B4
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, v1 := d.create(kindNote, villageA, "1")
	_, v2 := d.save(0, record.Revision{Record: x, Author: "wang", ScopeSeen: record.ScopeSeen{Dot: v1, Division: villageA}, Changes: []record.Change{set(phone, "2", v1)}})
	d.edit(x, villageA, v1, set(phone, "3", v2))
	c.push(d.seal())
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"1", "3"}) {
		t.Fatalf("phones %v, want 1 beside 3", got)
	}
	if err := c.Release(t.Context(), syncengine.Ruling{Record: x, Dot: v2, Author: "office"}); err != nil {
		t.Fatal(err)
	}
	if got := c.live(x, phone); !slices.Equal(got, []string{"3"}) {
		t.Errorf("phones %v after the release", got)
	}
	if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: x, Dot: v2, Author: "office"}); err != nil {
		t.Fatal(err)
	}
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"1", "3"}) {
		t.Errorf("phones %v after the withdrawal", got)
	}
	if v := c.verdict(x, v2); v != ledger.HeldWithdrawn {
		t.Errorf("verdict %s", v)
	}
	c.sound()
}

func TestAKindLearntLaterIsReleased(t *testing.T) { // B15
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindLater, villageA, "1")
	d.edit(x, villageA, c1, set(record.Field(70), "unknown field", c1))
	c.push(d.seal())
	if v, _ := c.Get(t.Context(), x); v.Row.Flags&syncengine.FlagHeld == 0 || len(v.State.Live) != 0 {
		t.Fatalf("row %+v", v.Row)
	}
	c.schema.later = true
	n, err := c.LearnKinds(t.Context())
	if err != nil || n != 2 {
		t.Fatalf("released %d, %v", n, err)
	}
	if got := c.live(x, record.Field(70)); !slices.Equal(got, []string{"unknown field"}) {
		t.Errorf("carried %q", got)
	}
	c.sound()
}

func TestForkKeepsBothHistories(t *testing.T) { // B3
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	c.push(d.seal())
	clone := *d
	clone.prev = map[record.ID]causal.Dot{x: c1}
	clone.rnd = rand.NewChaCha8([32]byte{9})
	a := d.edit(x, villageA, c1, set(phone, "a", c1))
	b := clone.edit(x, villageA, c1, set(phone, "b", c1))
	if a.Counter != b.Counter || a == b {
		t.Fatal("the two saves must share their counter and nothing else")
	}
	c.push(d.seal())
	r := c.push(clone.seal()).Results[0]
	if r.Outcome != session.OutcomeStored || !r.Fork {
		t.Errorf("result %+v", r)
	}
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"a", "b"}) {
		t.Errorf("phones %v, want both branches", got)
	}
	d.edit(x, villageA, c1, set(phone, "a2", a))
	clone.edit(x, villageA, c1, set(phone, "b2", b))
	c.push(clone.seal(), d.seal())
	if got := c.live(x, phone); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"a2", "b2"}) {
		t.Errorf("phones %v, want the ends of both", got)
	}
	c.sound()
}

func TestFenceHoldsWhatComesLaterAndReleasesNothingElse(t *testing.T) { // B23
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	c.push(d.seal())
	if err := c.Fence(t.Context(), "office", d.cert.Replica(), "lost"); err != nil {
		t.Fatal(err)
	}
	late := d.edit(x, villageA, c1, set(phone, "late", c1))
	s := d.seal()
	c.push(s)
	if v := c.verdict(x, late); v != ledger.HeldFence {
		t.Errorf("late save: %s", v)
	}
	if v := c.verdict(x, c1); !v.Admitted() {
		t.Errorf("save from before: %s", v)
	}
	_, err := c.PullPage(t.Context(), d.cert, session.PullRequest{})
	if syncengine.ReasonOf(err) != syncengine.ReasonRevoked {
		t.Errorf("pull of a revoked tablet: %v", err)
	}
	if err := c.LiftFence(t.Context(), "office", d.cert.Replica(), "found"); err != nil {
		t.Fatal(err)
	}
	if v := c.verdict(x, late); !v.Admitted() {
		t.Errorf("after lifting: %s", v)
	}
	c.sound()
}

func TestMoveSendsADepartureAndTheRecordToItsNewVillage(t *testing.T) { // B5, B22
	c := newCentre(t)
	a, b := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageB))
	wide := c.enrol(3, doctor("wang", county))
	x, c1 := a.create(kindNote, villageA, "1")
	a.create(kindNote, villageA, "2")
	a.create(kindNote, villageA, "3")
	c.push(a.seal())
	bases, _, last, curA := c.pull(a, nil)
	if len(bases) != 3 || len(last.Sums) != 1 || last.Sums[0].Count != 3 {
		t.Fatalf("bases %d, sums %+v", len(bases), last.Sums)
	}
	_, _, _, curWide := c.pull(wide, nil)
	if _, err := c.Save(t.Context(), "office", syncengine.OfficeSave{Record: x, Changes: []record.Change{set(record.PathScope, string(villageB), c1)}}); err != nil {
		t.Fatal(err)
	}
	bases, gone, last, curA := c.pull(a, curA)
	if len(bases) != 0 || len(gone) != 1 || gone[0].ID != x || last.Sums[0].Count != 2 {
		t.Errorf("old village: %d bases, departures %v", len(bases), gone)
	}
	if bases, _, _, _ = c.pull(b, nil); len(bases) != 1 || bases[0].ID != x {
		t.Errorf("new village: %v", bases)
	}
	if _, gone, _, _ = c.pull(wide, curWide); len(gone) != 0 {
		t.Error("a departure inside a wider scope is none")
	}
	late := a.edit(x, villageA, c1, set(phone, "late", c1)) // B21: had not heard of the move
	c.push(a.seal())
	if v := c.verdict(x, late); !v.Admitted() {
		t.Errorf("an honest edit after a move: %s", v)
	}
	if bases, gone, _, _ = c.pull(a, curA); len(bases)+len(gone) != 0 {
		t.Errorf("old village hears again: %v %v", bases, gone)
	}
	c.sound()
}

func TestOneMoreVillageDownloadsJustThat(t *testing.T) { // B24
	c := newCentre(t)
	a := c.enrol(1, doctor("zhang", villageA))
	b := c.enrol(2, doctor("li", villageB))
	a.create(kindNote, villageA, "1")
	y, _ := b.create(kindNote, villageB, "2")
	c.push(a.seal(), b.seal())
	_, _, _, cur := c.pull(a, nil)
	more := syncengine.Rights{Role: segment.RoleTablet, Staff: a.cert.Staff, Divisions: []record.Division{villageA, villageB}, Classes: a.cert.Classes}
	cert, err := c.Certify(t.Context(), more, a.cert.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	if bases, _, _, _ := c.pull(a, cur); len(bases) != 1 || bases[0].ID != y {
		t.Errorf("bases %v, want the other village only", bases)
	}
}

func TestRestoreTakesBackWhatItLostTheCentresOwnActsIncluded(t *testing.T) { // B6, B7
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	first := d.seal()
	c.push(first)
	backup := c.store.Clone()
	held, _ := d.save(kindNote, record.Revision{Author: "wang", Changes: []record.Change{set(record.PathScope, string(villageA))}})
	heldDot := d.prev[held]
	e2 := d.edit(x, villageA, c1, set(phone, "2", c1))
	second := d.seal()
	c.push(second)
	if err := c.Release(t.Context(), syncengine.Ruling{Record: held, Dot: heldDot, Author: "office"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Save(t.Context(), "office", syncengine.OfficeSave{Record: x, Changes: []record.Change{set(phone, "3", e2)}}); err != nil {
		t.Fatal(err)
	}
	page, err := c.PullPage(t.Context(), d.cert, session.PullRequest{})
	if err != nil || page.Last == nil {
		t.Fatal(err)
	}
	before, _ := c.Get(t.Context(), x)

	c.cfg.Store = backup
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	_, err = c.Hello(t.Context(), d.cert, session.HelloRequest{Checkpoint: page.Last.Checkpoint})
	if syncengine.ReasonOf(err) != syncengine.ReasonRolledBack { // B27
		t.Fatalf("an older file under a running county: %v", err)
	}
	if _, err := c.Push(t.Context(), session.PushRequest{Segments: [][]byte{second.Bytes()}}); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack {
		t.Errorf("push into a rolled back file: %v", err)
	}
	if err := c.Restore(t.Context(), "operator"); err != nil {
		t.Fatal(err)
	}
	if c.Epoch().Number != 2 {
		t.Errorf("epoch %s", c.Epoch())
	}
	hello, err := c.Hello(t.Context(), d.cert, session.HelloRequest{
		Checkpoint: page.Last.Checkpoint, Offers: []session.Offer{{Hash: first.Hash()}, {Hash: second.Hash()}},
	})
	if err != nil || !slices.Equal(hello.Wants, []segment.Hash{second.Hash()}) {
		t.Fatalf("hello %+v, %v", hello, err)
	}
	if _, err = c.Push(t.Context(), session.PushRequest{Segments: append(slices.Clone(page.Segments), second.Bytes())}); err != nil {
		t.Fatal(err)
	}
	after, _ := c.Get(t.Context(), x)
	if string(after.Row.State) != string(before.Row.State) {
		t.Error("the record is not what it was")
	}
	if v := c.verdict(held, heldDot); !v.Admitted() {
		t.Errorf("the release did not come back: %s", v)
	}
	c.sound()
}

func TestErasureLeavesEverythingElseVerifying(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	e2 := d.edit(x, villageA, c1, set(phone, "secret", c1))
	s := d.seal()
	c.push(s)
	if err := c.Erase(t.Context(), syncengine.Ruling{Record: x, Dot: e2, Author: "office", Reason: "court order 7"}); err != nil {
		t.Fatal(err)
	}
	v, _ := c.Get(t.Context(), x)
	if e := v.State.At(phone); len(e) != 1 || e[0].Value.Form != record.Erased {
		t.Errorf("value %+v", e)
	}
	c.push(s) // a tablet that still has it offers it again
	for _, h := range c.history(x) {
		if ch, ok := h.Revision.Change(phone); ok && string(ch.Value.Bytes) == "secret" {
			t.Error("the body is still there")
		}
	}
	c.sound()
}

// Taking a body out of a segment needs no key; a courier that does it is refused,
// and the author's own copy is taken later.
func TestASegmentStrippedOnItsWayIsRefused(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, _ := d.create(kindNote, villageA, "1")
	s := d.seal()
	bare, err := s.Erase(0)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.push(bare).Results[0]; r.Outcome != session.OutcomeRefused {
		t.Errorf("stripped: %+v", r)
	}
	if r := c.push(s).Results[0]; r.Outcome != session.OutcomeStored {
		t.Errorf("whole: %+v", r)
	}
	if got := c.live(x, phone); !slices.Equal(got, []string{"1"}) {
		t.Errorf("phones %v", got)
	}
	c.sound()
}

func TestPoisonAtTheHeadOfASegmentBlocksNothing(t *testing.T) { // B13
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, c1 := d.create(kindNote, villageA, "1")
	c.push(d.seal())
	id, poison := d.create(kindSecret, villageB, "poison")
	good := d.edit(x, villageA, c1, set(phone, "2", c1))
	c.push(d.seal())
	if v := c.verdict(id, poison); !v.Held() {
		t.Errorf("poison: %s", v)
	}
	if v := c.verdict(x, good); !v.Admitted() {
		t.Errorf("the rest: %s", v)
	}
	if held, _, err := c.Held(t.Context(), syncengine.HeldPlace{}, 10); err != nil || len(held) != 1 || held[0].Record != id {
		t.Errorf("held %v, %v", held, err)
	}
	c.sound()
}

func TestWhatHasNoGoodSignatureTakesNoDot(t *testing.T) {
	c := newCentre(t)
	d, other := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	d.create(kindNote, villageA, "1")
	good := d.seal()
	other.cert.Hash, other.last = d.cert.Hash, segment.Hash{}
	other.create(kindNote, villageA, "1")
	forged := other.seal()
	size := c.Size()
	broken := slices.Clone(good.Bytes())
	broken[len(broken)-1] ^= 1
	for name, wire := range map[string][]byte{"garbage": []byte("garbage"), "a flipped bit": broken, "a forged one": forged.Bytes(), "nothing": nil} {
		reply, err := c.Push(t.Context(), session.PushRequest{Segments: [][]byte{wire}})
		if err != nil || reply.Results[0].Outcome != session.OutcomeRefused {
			t.Errorf("%s: %+v, %v", name, reply, err)
		}
	}
	if c.Size() != size {
		t.Error("something was stored")
	}
	c.sound()
}

func TestReasonsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range syncengine.Reasons() {
		if r.String() == "" || seen[r.String()] {
			t.Errorf("reason %d is called %q", r, r)
		}
		seen[r.String()] = true
	}
}

func TestACancelledCallStoresNothing(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	d.create(kindNote, villageA, "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Push(ctx, session.PushRequest{Segments: [][]byte{d.seal().Bytes()}}); err == nil {
		t.Error("a cancelled push must say so")
	}
}
