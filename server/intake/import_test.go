// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	careintake "github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const village = record.Division("431124001001")

// world is a county whose saves can be made to fail.
type world struct {
	*syncengine.Engine
	t       *testing.T
	i       *Importer
	failing int  // saves until one fails; -1: none does
	after   bool // it fails when it is on disk already: the answer was lost
}

var errCut = errors.New("killed")

func (w *world) Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	w.failing--
	if w.failing == 0 && !w.after {
		return nil, errCut
	}
	out, err := w.Engine.Save(ctx, author, saves...)
	if w.failing == 0 {
		return nil, errCut
	}
	return out, err
}

func newWorld(t *testing.T) *world {
	t.Helper()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	rnd := rand.NewChaCha8([32]byte{7})
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rnd.Read(seed)
	clock := func() time.Time { now = now.Add(time.Second); return now }
	e, err := syncengine.Create(t.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)), Clock: clock, Rand: rnd, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Engine: e, t: t, failing: -1}
	w.i = New(Config{
		Shard: w, People: followers.NewPeople(e, make([]byte, 32), slog.New(slog.DiscardHandler)), County: "431124",
		Holds: func(d record.Division) bool { return d.WithinAny([]record.Division{"431124"}) }, Clock: clock,
	})
	return w
}

func roster() Begin {
	return Begin{
		Author: "zhao", Content: carev1.ImportSubject_IMPORT_SUBJECT_ROSTER, FileName: "a.xlsx", Sha256: make([]byte, 32), Source: "police",
		Divisions: []record.Division{""},
	}
}

// person is row n: an invented resident with a telephone.
func person(t *testing.T, n int, phone string) Row {
	t.Helper()
	number := ""
	for _, check := range "0123456789X" {
		if r, err := care.ParseResidentNumber(fmt.Sprintf("99000019500305%03d%c", n, check)); err == nil {
			number = string(r)
		}
	}
	m := &carev1.Resident{
		Name: fmt.Sprintf("张试%d", n), BirthDate: 19500305, Phone: phone, Sex: carev1.Sex_SEX_MALE,
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: number},
	}
	wire, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return Row{
		Number: uint64(n + 2), Kind: care.KindResident, Form: wire, Division: village,
		Person: careintake.Person{Number: number, Name: m.Name, Birth: 19500305},
	}
}

// run imports chunks of rows, and returns the report or what cut it off.
func (w *world) run(b Begin, chunks ...[]Row) (*officev1.ImportReport, error) {
	w.t.Helper()
	r, err := w.i.Begin(w.t.Context(), b)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	for _, c := range chunks {
		if _, err := r.Take(w.t.Context(), c, 1, 0); err != nil {
			return nil, err
		}
	}
	return r.End(w.t.Context(), 0, 1)
}

func (w *world) residents() int {
	w.t.Helper()
	rows, err := w.List(w.t.Context(), syncengine.FeedQuery{Kind: care.KindResident, Limit: 10000, Divisions: []record.Division{""}, Classes: []record.Class{1}})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(rows)
}

func chunks(t *testing.T, phone string) (out [][]Row) {
	for c := range 5 {
		var rows []Row
		for i := range 10 {
			rows = append(rows, person(t, c*10+i, phone))
		}
		out = append(out, rows)
	}
	return out
}

func TestAnImportThatIsKilledAnywhereGoesOn(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 1; at <= 6; at++ {
			w := newWorld(t)
			w.failing, w.after = at, after
			if _, err := w.run(roster(), chunks(t, "10000000001")...); !errors.Is(err, errCut) {
				t.Fatalf("save %d: %v", at, err)
			}
			w.failing = -1
			report, err := w.run(roster(), chunks(t, "10000000001")...)
			if err != nil {
				t.Fatal(err)
			}
			before := (at - 1) * 10
			if after {
				before = min(at*10, 50)
			}
			if int(report.GetSame()) != before || int(report.GetCreated()) != 50-before || report.GetRows() != 56 || w.residents() != 50 {
				t.Errorf("killed at save %d, after %v: %+v, %d residents", at, after, report, w.residents())
			}
			// What the killed run had saved is the source's own: a corrected file corrects it.
			b := roster()
			b.Sha256 = append([]byte{1}, b.Sha256[1:]...)
			if report, err = w.run(b, chunks(t, "10000000002")...); err != nil || report.GetUpdated() != 50 {
				t.Errorf("killed at save %d, after %v, then corrected: %+v %v", at, after, report, err)
			}
		}
	}
}

func TestTheSameFileTwiceChangesNothing(t *testing.T) {
	w := newWorld(t)
	if _, err := w.run(roster(), chunks(t, "10000000001")...); err != nil {
		t.Fatal(err)
	}
	was := w.Position()
	report, err := w.run(roster(), chunks(t, "10000000001")...)
	if err != nil || report.GetSame() != 50 || w.Position() != was {
		t.Errorf("%+v %v, position %d, then %d", report, err, was, w.Position())
	}
}

func TestADryRunSavesNothing(t *testing.T) {
	w := newWorld(t)
	b, was := roster(), w.Position()
	b.DryRun = true
	report, err := w.run(b, chunks(t, "1")...)
	if err != nil || report.GetCreated() != 50 || w.Position() != was || len(report.GetBatch()) != 0 {
		t.Errorf("%+v %v", report, err)
	}
}

func TestEveryRowIsAccountedForOnce(t *testing.T) {
	w := newWorld(t)
	outside := person(t, 5, "1")
	outside.Division = "130403001001"
	twice := person(t, 1, "1")
	twice.Number = 9
	broken := person(t, 6, "1")
	broken.Number, broken.Form = 12, []byte("\xff\xff")
	nowhere := person(t, 7, "1")
	nowhere.Number, nowhere.Division = 13, ""
	r, err := w.i.Begin(t.Context(), roster())
	if err != nil {
		t.Fatal(err)
	}
	results, err := r.Take(t.Context(), []Row{person(t, 1, "1"), outside, twice, broken, nowhere}, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []officev1.ImportDoubt{
		0, officev1.ImportDoubt_IMPORT_DOUBT_OUTSIDE, officev1.ImportDoubt_IMPORT_DOUBT_TWICE, officev1.ImportDoubt_IMPORT_DOUBT_FORM, officev1.ImportDoubt_IMPORT_DOUBT_NO_DIVISION,
	} {
		if results[i].GetDoubt() != want {
			t.Errorf("row %d: %v, want %v", i, results[i], want)
		}
	}
	if results[2].GetDetail() != 3 {
		t.Errorf("%v", results[2])
	}
	report, err := r.End(t.Context(), 0, 0)
	if err != nil || report.GetRows() != 10 || report.GetCreated() != 1 || report.GetAside() != 5 || report.GetRefused() != 4 {
		t.Errorf("%+v %v", report, err)
	}
}

func TestAVoidedRecordIsNotRevived(t *testing.T) {
	w := newWorld(t)
	if _, err := w.run(roster(), []Row{person(t, 1, "1")}); err != nil {
		t.Fatal(err)
	}
	id := (&Run{b: roster()}).derived(care.KindResident, residentKey(person(t, 1, "1")))
	view, err := w.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	void := record.Change{Path: record.PathLife, Value: record.Voided("wrong"), Parents: []causal.Dot{view.State.At(record.PathLife)[0].Dot}}
	if _, err := w.Engine.Save(t.Context(), "zhao", syncengine.OfficeSave{Record: id, Changes: []record.Change{void}}); err != nil {
		t.Fatal(err)
	}
	if report, err := w.run(roster(), []Row{person(t, 1, "2")}); err != nil || report.GetAside() != 2 || report.GetUpdated() != 0 {
		t.Errorf("%+v %v", report, err)
	}
}

func TestWhatIsNoBeginningIsRefused(t *testing.T) {
	w := newWorld(t)
	for what, change := range map[string]func(*Begin){
		"no content": func(b *Begin) { b.Content = 0 }, "a content of tomorrow": func(b *Begin) { b.Content = 77 },
		"no source": func(b *Begin) { b.Source = "" }, "no hash": func(b *Begin) { b.Sha256 = nil }, "no file": func(b *Begin) { b.FileName = "" },
		"another kind": func(b *Begin) { b.Kind = care.KindRulePack }, "records of no kind": func(b *Begin) { b.Content = carev1.ImportSubject_IMPORT_SUBJECT_RECORDS },
		"a rule pack as a record": func(b *Begin) {
			b.Content, b.Kind = carev1.ImportSubject_IMPORT_SUBJECT_RECORDS, care.KindRulePack
		},
	} {
		b := roster()
		change(&b)
		if _, err := w.i.Begin(t.Context(), b); syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	r, err := w.i.Begin(t.Context(), roster())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	visit := person(t, 1, "1")
	visit.Kind = care.KindHomeVisit
	if _, err := r.Take(t.Context(), []Row{visit}, 0, 0); syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
		t.Errorf("a kind that is not imported: %v", err)
	}
	if _, err := r.Take(t.Context(), []Row{person(t, 2, "1"), person(t, 1, "1")}, 0, 0); syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
		t.Errorf("rows out of order: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.i.Begin(ctx, roster()); !errors.Is(err, context.Canceled) {
		t.Errorf("two at a time: %v", err)
	}
}

func TestSpansSayWhichSavesAreTheSources(t *testing.T) {
	r, other := causal.ReplicaID{1}, causal.ReplicaID{2}
	b := batch{spans: map[causal.ReplicaID][]span{}}
	for _, s := range []span{{10, 12}, {3, 5}, {6, 7}, {11, 20}} {
		b.add(r, s)
	}
	b.spansSorted()
	for counter, want := range map[uint64]bool{2: false, 3: true, 7: true, 8: false, 9: false, 10: true, 20: true, 21: false} {
		if b.made(causal.Dot{Replica: r, Counter: counter}) != want || b.made(causal.Dot{Replica: other, Counter: counter}) {
			t.Errorf("save %d: %v of %v", counter, !want, b.spans)
		}
	}
}
