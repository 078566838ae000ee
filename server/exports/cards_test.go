// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func (w *world) Epoch() ledger.Epoch      { return ledger.Epoch{} }
func (w *world) Changed() <-chan struct{} { return nil }
func (w *world) Receipts(_ context.Context, rows []syncengine.RecordRow) ([]syncengine.Receipts, error) {
	return make([]syncengine.Receipts, len(rows)), nil
}

// carded returns cards of the world that follow when follow is called.
func (w *world) carded() (cards *Module, follow func()) {
	w.t.Helper()
	cards = NewModule()
	p, err := projection.Open(w.t.Context(), projection.Config{
		Shard: w, Path: filepath.Join(w.t.TempDir(), "projections.db"), Modules: []projection.Module{cards},
		Clock: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close() })
	return cards, func() {
		if err := p.Follow(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// bustle saves something about one of twelve residents: a resident, a follow-up, a checkup, a
// contract, a link, or a void of one of them, in or out of the year.
func (w *world) bustle(r *rand.Rand) {
	pick := func(n int) string { return fmt.Sprint(r.IntN(n)) }
	who := pick(12)
	of := id(care.KindResident, who)
	d := []record.Division{village, village2}[r.IntN(2)]
	on := int32((2024+r.IntN(3))*10000 + (1+r.IntN(8))*100 + 1 + r.IntN(28))
	voided := r.IntN(6) == 0
	switch r.IntN(7) {
	case 0, 1:
		birth := int32((1930+r.IntN(60))*10000 + 101)
		if r.IntN(8) == 0 {
			birth = 0
		}
		form := &carev1.Resident{Name: "人" + who, BirthDate: birth, Tags: map[string]*carev1.PopulationTag{}}
		for _, name := range slices.Sorted(maps.Keys(diseaseGroups())) {
			code := diseaseGroups()[name]
			if r.IntN(4) == 0 {
				form.Tags[code.String()] = &carev1.PopulationTag{Code: code, Since: 20210101}
			}
		}
		w.save(of, record.ID{}, d, form, whether(voided)...)
	case 2:
		kinds := []record.Kind{care.KindHypertensionFollowUp, kindDiabetesFollowUp}
		kind := kinds[r.IntN(2)]
		if kind == kindDiabetesFollowUp {
			w.save(id(kind, pick(30)), of, d, &carev1.DiabetesFollowUp{ServiceDate: on, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED}, whether(voided)...)
			return
		}
		w.save(id(kind, pick(30)), of, d, &carev1.HypertensionFollowUp{ServiceDate: on, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED}, whether(voided)...)
	case 3:
		w.save(id(care.KindCheckup, pick(30)), of, d, &carev1.Checkup{ServiceDate: on, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED}, whether(voided)...)
	case 4:
		w.save(id(kindContract, pick(30)), of, d, &carev1.Contract{
			Term: &carev1.ContractTerm{Since: on, Until: on + 10000}, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		}, whether(voided)...)
	case 5:
		w.save(id(kindVitalEvent, pick(30)), of, d, &carev1.VitalEvent{}, whether(voided)...)
	case 6:
		other := id(care.KindResident, pick(12))
		if other == of {
			return
		}
		state := carev1.LinkState_LINK_STATE_LINKED
		if r.IntN(2) == 0 {
			state = carev1.LinkState_LINK_STATE_UNLINKED
		}
		w.save(id(care.KindResidentLink, pick(6)), record.ID{}, d, &carev1.ResidentLink{
			ResidentA: of[:], ResidentB: other[:], Ruling: &carev1.LinkRuling{State: state},
		}, whether(voided)...)
	}
}

func whether(voided bool) []bool {
	if voided {
		return []bool{true}
	}
	return nil
}

// The law: a table that is made by cards is the one that is made by reading everything, whatever
// was saved before the cards were written, after it, and while the table is made.
func TestATableIsTheSameByCardsAndWithoutThem(t *testing.T) {
	rows, named := 0, 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		cards, follow := w.carded()
		for range 60 + r.IntN(60) {
			w.bustle(r)
		}
		follow()
		for range r.IntN(20) {
			w.bustle(r)
		}
		if ok := w.named(cards); ok {
			named++
		}
		for _, name := range []string{"checkups", "chronic hypertension", "chronic diabetes", "contracts", "monthly"} {
			export, disease, _ := strings.Cut(name, " ")
			q := request(export)
			q.Disease, q.Format, q.RowsOnly = disease, CSV, true
			if r.IntN(3) == 0 {
				q.Division = village
			}
			if r.IntN(3) == 0 {
				q.Scope.Divisions = []record.Division{village2}
				q.Division = ""
			}
			w.calls, w.listed = 0, func(w *world, call int) {
				if call <= 6 && r.IntN(2) == 0 {
					w.bustle(r)
				}
			}
			quick := w.text(cards, q)
			w.listed = nil
			slow := w.text(nil, q)
			if quick != slow {
				t.Fatalf("seed %d, %s: by cards\n%swithout\n%s", seed, name, quick, slow)
			}
			rows += strings.Count(slow, "\n") - 1
		}
	}
	if rows < 300 || named < 30 {
		t.Errorf("only %d rows, and %d times by cards: the test has become weak", rows, named)
	}
}

// named reports whether cards say what is to be read.
func (w *world) named(cards *Module) bool {
	_, ok, err := cards.choose(w.t.Context(), selection{picks: func(card) bool { return true }})
	if err != nil {
		w.t.Fatal(err)
	}
	return ok
}

func (w *world) text(cards *Module, q Request) string {
	w.t.Helper()
	e := w.exports()
	e.cfg.Cards = cards
	f, err := e.Make(w.t.Context(), q, func(int, int) {})
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // the folder is the test's
	all, err := io.ReadAll(f)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(all)
}

func TestACardSaysWhatWasWrittenDown(t *testing.T) {
	c := card{residents: []record.ID{id(care.KindResident, "a"), id(care.KindResident, "c")}, born: 19501231, tags: []carev1.PopulationCode{1, 7}, records: []dated{{id(care.KindResident, "a"), 0, 0}, {id(kindContract, "b"), 20250101, 20251231}}}
	b := c.append(nil)
	got, err := readCard(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(c) {
		t.Fatalf("%v, %v; want %v", got, err, c)
	}
	for n := range b {
		if got, err := readCard(b[:n]); err == nil && fmt.Sprint(got) == fmt.Sprint(c) {
			t.Errorf("%d of %d bytes are as good as all", n, len(b))
		}
	}
}

// Nobody is looked up in cards while somebody's is missing.
func TestCardsAreNotAskedBeforeEverybodyHasOne(t *testing.T) {
	w := newWorld(t)
	cards, follow := w.carded()
	w.resident("张三", village, 19500101)
	if w.named(cards) {
		t.Error("cards answer before the first was written")
	}
	follow()
	if !w.named(cards) {
		t.Error("cards do not answer")
	}
}
