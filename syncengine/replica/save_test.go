// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func TestWhatIsRefusedTakesNoDot(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	change := func(p record.Path, size int) []record.Change {
		return []record.Change{{Path: p, Value: record.Of(make([]byte, size))}}
	}
	for _, c := range []struct {
		name string
		q    replica.SaveRequest
		want error
	}{
		{"too large", replica.SaveRequest{Kind: kindPerson, Author: "li", Scope: villageA, Changes: change(phone, record.MaxRevision)}, record.ErrTooLarge},
		{"no author", replica.SaveRequest{Kind: kindPerson, Scope: villageA, Changes: change(phone, 1)}, record.ErrMalformed},
		{"no path", replica.SaveRequest{Kind: kindPerson, Author: "li", Scope: villageA, Changes: change("", 1)}, record.ErrMalformed},
		{"half a division", replica.SaveRequest{Kind: kindPerson, Author: "li", Scope: county, Changes: change(phone, 1)}, record.ErrMalformed},
		{"no scope", replica.SaveRequest{Kind: kindPerson, Author: "li", Changes: change(phone, 1)}, replica.ErrNoScope},
		{"an existing record without its screen", replica.SaveRequest{
			Record: a.create(villageA, phone, "1").Record, Author: "li", Scope: villageA, Changes: change(phone, 1),
		}, replica.ErrNoForm},
	} {
		if _, err := a.Save(t.Context(), c.q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if s := a.create(villageA, phone, "2"); s.Dot.Counter != 2 {
		t.Errorf("next save has counter %d, want 2", s.Dot.Counter)
	}
}

func TestAFirstSaveSetsTheHeaderAndALaterOneNamesWhatItSaw(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	person := a.create(villageA, phone, "139")
	visit := must(a.Save(t.Context(), replica.SaveRequest{
		Kind: kindSecret, Author: "li", Scope: villageA, Subject: person.Record,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("120/80"))}},
	}))(w)
	later := a.edit(visit.Record, phone, "130/80")
	first, second := a.revision(visit.Dot), a.revision(later.Dot)
	if !first.ScopeSeen.Dot.IsZero() || !first.Record.MadeBy(visit.Dot.Replica, a.salt(visit.Dot)) {
		t.Errorf("first save: scope seen %v, made by its replica: no", first.ScopeSeen)
	}
	for _, p := range []record.Path{record.PathScope, record.PathSubject, record.PathLife} {
		if _, ok := first.Change(p); !ok {
			t.Errorf("first save does not set %s", p)
		}
	}
	if got := second.ScopeSeen; got.Dot != visit.Dot || got.Division != villageA {
		t.Errorf("second save saw the scope %v", got)
	}
	life, ok := second.Change(record.PathLife)
	if !ok || len(life.Parents) != 1 || life.Parents[0] != visit.Dot || len(second.Changes) != 2 {
		t.Errorf("second save writes %+v", second.Changes)
	}
	if second.PrevDot() != visit.Dot || first.Prev.Counter != 0 {
		t.Errorf("prev of the second save is %v", second.PrevDot())
	}
	about := must(a.List(t.Context(), replica.Query{Subject: person.Record}))(w)
	if len(about) != 1 || about[0].Record != visit.Record {
		t.Errorf("%d records about the resident", len(about))
	}
}

// revision returns an own save as it was sealed.
func (d *device) revision(dot causal.Dot) record.Revision {
	d.w.Helper()
	seg, i := d.sealed(dot)
	return must(seg.Revision(i))(d.w)
}

func (d *device) salt(dot causal.Dot) [16]byte {
	d.w.Helper()
	seg, i := d.sealed(dot)
	return seg.Salt(i)
}

func (d *device) sealed(dot causal.Dot) (found *segment.Segment, at int) {
	d.w.Helper()
	must(d.Seal(d.w.Context()))(d.w)
	d.w.ok(d.store.View(d.w.Context(), func(r replica.Reader) error {
		rows, err := r.Scan(replica.Segments, nil, nil, 1000)
		for _, row := range rows {
			got, _, gerr := r.Get(replica.Segments, row.Key)
			seg, serr := segment.Open(got.Body)
			if err = errors.Join(err, gerr, serr); err != nil {
				return err
			}
			for i := range seg.Len() {
				if seg.Dot(i) == dot {
					found, at = seg, i
				}
			}
		}
		return err
	}))
	if found == nil {
		d.w.Fatalf("save %v is in no segment", dot)
	}
	return found, at
}

func TestAScopeOfItsOwnThatTheCentreHasNotSeenCounts(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA, villageB)
	x := a.create(villageA, phone, "139")
	a.move(x.Record, villageB)
	moved := a.view(x.Record).Shown.Scope
	s := a.edit(x.Record, phone, "138")
	if got := a.revision(s.Dot).ScopeSeen; got != moved || got.Division != villageB {
		t.Errorf("saw %v, want %v", got, moved)
	}
	a.sync()
	if at := a.where(x.Record, s.Dot); at.Held {
		t.Errorf("held: %v", at.Verdict)
	}
}

// While people disagree about the scope any one suffices, so a save names one that
// this replica may write in.
func TestOfSiblingScopesTheOneInReachIsNamed(t *testing.T) {
	w := newWorld(t)
	a, k1, k2 := w.tablet("li", villageA), w.tablet("chen", county), w.tablet("zhao", county)
	x := a.create(villageA, phone, "139")
	for _, d := range []*device{a, k1, k2} {
		d.sync()
	}
	const elsewhere record.Division = "130403009001"
	k1.move(x.Record, villageB)
	w.clock.now = w.clock.now.Add(time.Hour)
	k2.move(x.Record, elsewhere)
	b := w.tablet("wang", villageB)
	for _, d := range []*device{k1, k2, b} {
		d.sync()
	}
	if g, _ := b.view(x.Record).Register(record.PathScope); len(g.Siblings) != 2 || string(g.Siblings[0].Value.Bytes) != string(elsewhere) {
		t.Fatalf("scope register %+v", g)
	}
	s := b.edit(x.Record, phone, "138")
	b.sync()
	if at := b.where(x.Record, s.Dot); at.Held {
		t.Errorf("held: %v", at.Verdict)
	}
}

func TestADerivedRecordIsOneForTwoMakers(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	id := record.DerivedID(kindPerson, []byte("the same pair"))
	for _, d := range []*device{a, b} {
		must(d.Save(t.Context(), replica.SaveRequest{
			Record: id, Author: d.staff, Scope: villageA,
			Changes: []record.Change{{Path: phone, Value: record.Of([]byte("linked"))}},
		}))(w)
	}
	a.sync()
	b.sync()
	a.sync()
	a.shows(id, phone, "linked", "linked")
	if l := must(a.List(t.Context(), replica.Query{Conflicts: true}))(w); len(l) != 0 {
		t.Error("equal values are listed as a conflict")
	}
}

func TestAnErasedValueIsSavedAsEmpty(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := must(a.Save(t.Context(), replica.SaveRequest{
		Kind: kindPerson, Author: "li", Scope: villageA,
		Changes: []record.Change{{Path: phone, Value: record.Value{Form: record.Erased}}},
	}))(w)
	if g, ok := a.view(x.Record).Register(phone); !ok || g.Siblings[0].Value.Form != record.Clear {
		t.Errorf("register %+v", g)
	}
	a.sync()
	a.shows(x.Record, phone, "")
}

func TestManySavesMakeAChainOfSegmentsSentByteForByte(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	value := bytes.Repeat([]byte("x"), 20<<10)
	for range 10 {
		a.create(villageA, phone, string(value))
	}
	before := must(a.Status(t.Context()))(w)
	n := must(a.Seal(t.Context()))(w)
	after := must(a.Status(t.Context()))(w)
	if n < 4 || before.Unsent != 10 || before != after {
		t.Errorf("%d segments; status %+v, then %+v", n, before, after)
	}
	if rest := a.store.Rows(replica.Revisions); rest != 0 {
		t.Errorf("%d saves left loose", rest)
	}
	if again := must(a.Seal(t.Context()))(w); again != 0 {
		t.Errorf("sealed %d segments of nothing", again)
	}
	if rep := a.sync(); rep.Pushed != n || rep.Blocked > 0 {
		t.Errorf("report %+v", rep)
	}
}

func TestListGoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	for range 7 {
		a.create(villageA, phone, "1")
	}
	var after record.ID
	seen := map[record.ID]bool{}
	for range 4 {
		l := must(a.List(t.Context(), replica.Query{Kind: kindPerson, After: after, Limit: 2}))(w)
		for _, s := range l {
			seen[s.Record], after = true, s.Record
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d records in pages of 2, want 7", len(seen))
	}
	if l := must(a.List(t.Context(), replica.Query{Kind: kindSecret}))(w); len(l) != 0 {
		t.Errorf("%d records of another kind", len(l))
	}
}

func TestNothingIsSentBeforeEnrolment(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	fresh := a.clone()
	fresh.store = memstore.New()
	fresh.cfg.Store = fresh.store
	fresh.open()
	x := fresh.create(villageA, phone, "139") // saving needs nobody
	if _, err := fresh.Sync(t.Context(), a.line(), replica.Options{}); !errors.Is(err, replica.ErrNotEnrolled) {
		t.Errorf("sync: %v, want %v", err, replica.ErrNotEnrolled)
	}
	if _, err := fresh.Certificate(t.Context()); !errors.Is(err, replica.ErrNotEnrolled) {
		t.Errorf("certificate: %v", err)
	}
	cert := must(w.engine.Certify(t.Context(), rights("li", segment.RoleTablet, villageA), must(fresh.PublicKey(t.Context()))(w)))(w)
	w.ok(fresh.Enrol(t.Context(), w.engine.ShardKey(), cert.Raw))
	if err := fresh.Enrol(t.Context(), w.engine.ShardKey(), must(a.Certificate(t.Context()))(w).Raw); err == nil {
		t.Error("took somebody else's certificate")
	}
	fresh.sync()
	if at := fresh.where(x.Record, x.Dot); at.Place != replica.PlaceCentre || at.Held {
		t.Errorf("save from before enrolment: %+v", at)
	}
}
