// SPDX-License-Identifier: Apache-2.0

package tasks_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/tasks"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const county record.Division = "130403"

// world is a centre in memory: who is eligible and what is done is what the test says.
type world struct {
	*syncengine.Engine
	*tasks.Tasks
	t      *testing.T
	now    time.Time
	p      *projection.Projection
	counts []quota.Count
	done   map[quota.Unit]int64
	fail   error
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), done: map[quota.Unit]int64{}}
	random := rand.NewChaCha8([32]byte{5})
	seed := make([]byte, ed25519.SeedSize)
	_, _ = random.Read(seed)
	clock := func() time.Time { return w.now }
	var err error
	w.Engine, err = syncengine.Create(t.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)), Clock: clock, Rand: random, Schema: care.Kinds(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.p, err = projection.Open(t.Context(), projection.Config{
		Shard: w.Engine, Path: filepath.Join(t.TempDir(), "p.db"), Modules: []projection.Module{tasks.Module{}}, Clock: clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.p.Close() })
	w.Tasks = tasks.New(tasks.Config{County: county, Records: w, Parts: w, People: w, Figures: w, Clock: clock})
	w.counts = []quota.Count{
		{Village: "130403001001", Doctor: "li", Eligible: 200},
		{Village: "130403001001", Doctor: "wang", Eligible: 100},
		{Village: "130403001002", Doctor: "zhao", Eligible: 300},
		{Village: "130403002001", Doctor: "sun", Eligible: 400},
	}
	return w
}

func (w *world) View(ctx context.Context, do func(*sqlite.Conn) error) error {
	return w.p.View(ctx, do)
}

func (w *world) Follow(ctx context.Context) (bool, error) { return false, w.p.Follow(ctx) }

func (w *world) Eligible(context.Context, carev1.PopulationCode, record.Division) ([]quota.Count, error) {
	return w.counts, nil
}

func (w *world) Done(_ context.Context, code string, _, _, _ care.Date, _ []quota.Unit) (map[quota.Unit]int64, bool, error) {
	return w.done, code == "T01", nil
}

// Save fails when the test says so.
func (w *world) Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	if w.fail != nil {
		return nil, w.fail
	}
	return w.Engine.Save(ctx, author, saves...)
}

func order() tasks.Order {
	return tasks.Order{
		Set: "checkups-2026", Title: "65岁及以上老年人体检", Indicator: "T01", Population: carev1.PopulationCode_POPULATION_CODE_AGED, Total: 500, Owner: "head",
		Season: quota.Season{From: 20260501, To: 20261031, DaysAWeek: 5},
	}
}

func (w *world) split(o tasks.Order) tasks.Division {
	w.t.Helper()
	d, faults, err := w.Split(w.t.Context(), "chen", o, false)
	if err != nil || len(faults) > 0 {
		w.t.Fatal(faults, err)
	}
	return d
}

func (w *world) list(q tasks.Query) []tasks.Listed {
	w.t.Helper()
	l, err := w.Tasks.List(w.t.Context(), q, tasks.Sight{""}, 0, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	return l.Parts
}

func quotas(parts []tasks.Listed) (out []int32) {
	for _, p := range parts {
		out = append(out, p.Form.GetQuota().GetQuota())
	}
	return out
}

func TestATreeIsSavedInOneTransactionOrNotAtAll(t *testing.T) {
	w := newWorld(t)
	w.fail = errors.New("disk full")
	if _, _, err := w.Split(t.Context(), "chen", order(), false); !errors.Is(err, w.fail) {
		t.Fatal(err)
	}
	if got := w.list(tasks.Query{Set: "checkups-2026"}); len(got) != 0 {
		t.Fatalf("%d parts of a task that was not saved", len(got))
	}
	w.fail = nil
	d := w.split(order())
	if d.Added != 10 || d.Changed != 0 {
		t.Fatalf("%+v", d)
	}
	parts := w.list(tasks.Query{Set: "checkups-2026"})
	if got := quotas(parts); !slices.Equal(got, []int32{500, 300, 150, 100, 50, 150, 150, 200, 200, 200}) {
		t.Fatalf("%v", got)
	}
	for _, p := range parts {
		view, err := w.Get(t.Context(), p.ID)
		if err != nil || len(view.Row.Divisions) != 1 || view.Row.Divisions[0] != care.FullCode(p.Unit.Division) {
			t.Errorf("%+v is sent to %v", p.Unit, view.Row.Divisions)
		}
		if p.Uneven || p.OnTablet || tasks.UnitOf(p.ID, p.Form) != p.Unit {
			t.Errorf("%+v", p)
		}
	}
	if size := w.Size(); w.split(order()).Added != 0 || w.Size() != size {
		t.Error("the same order saves again")
	}
}

func TestWhatWasSetByHandAndWhoIsInChargeStays(t *testing.T) {
	w := newWorld(t)
	o := order()
	o.Charges = map[quota.Unit]quota.Charge{{Division: "130403001"}: {Owner: "first", DueOn: 20260930}}
	w.split(o)
	first := quota.Unit{Division: "130403001"}
	d := w.split(tasks.Order{Set: o.Set, Overrides: []quota.Override{{Unit: first, Quota: 320, Reason: "flood in the other", By: "chen"}}})
	if d.Parts[1].Quota != 320 || d.Parts[1].Proposed != 300 || d.Parts[7].Quota != 180 || d.Parts[1].Owner != "first" || d.Parts[3].DueOn != 20260930 {
		t.Fatalf("%+v", d.Parts)
	}
	// People changed: the number set by hand stays, the rest follows, a doctor who left has no part any more.
	w.counts = append(w.counts[:1:1], quota.Count{Village: "130403001002", Doctor: "zhao", Eligible: 300}, quota.Count{Village: "130403002001", Doctor: "sun", Eligible: 400})
	dry, faults, err := w.Split(t.Context(), "chen", tasks.Order{Set: o.Set}, true)
	if err != nil || len(faults) > 0 || dry.Withdrawn != 1 || dry.Parts[1].Quota != 320 || *dry.Parts[2].Before != 160 {
		t.Fatalf("%+v %v %v", dry, faults, err)
	}
	if len(w.list(tasks.Query{Set: o.Set})) != 10 {
		t.Error("a dry run saves")
	}
	w.split(tasks.Order{Set: o.Set})
	if got := w.list(tasks.Query{Set: o.Set}); len(got) != 9 {
		t.Errorf("%v", quotas(got))
	}
	w.split(tasks.Order{Set: o.Set, Clear: []quota.Unit{first}})
	if got := quotas(w.list(tasks.Query{Set: o.Set, Depth: quota.LevelTownship})); !slices.Equal(got, []int32{500, 278, 222}) {
		t.Errorf("%v", got)
	}
	if _, faults, err := w.Split(t.Context(), "chen", tasks.Order{Set: o.Set, Overrides: []quota.Override{
		{Unit: first, Quota: 300, Reason: "x", By: "c"}, {Unit: quota.Unit{Division: "130403002"}, Quota: 220, Reason: "x", By: "c"},
	}}, false); err != nil || len(faults) != 1 || faults[0] != (quota.Fault{Code: quota.FaultExceed, Unit: quota.Unit{Division: county}, A: 520, B: 500}) {
		t.Errorf("%+v %v", faults, err)
	}
	// Whom a part was in charge of before its unit had nobody left is left out, and said.
	w.counts = w.counts[:2]
	if d := w.split(tasks.Order{Set: o.Set}); d.Withdrawn != 3 {
		t.Errorf("%+v", d)
	}
}

func TestANewTaskNeedsItsWords(t *testing.T) {
	w := newWorld(t)
	for name, o := range map[string]tasks.Order{"no code": {}, "nothing": {Set: "x"}, "a code of signs": {Set: "x y"}} {
		if _, faults, err := w.Split(t.Context(), "chen", o, false); err != nil || len(faults) == 0 {
			t.Errorf("%s: %v %v", name, faults, err)
		}
	}
	o := order()
	o.Total = 0
	if d := w.split(o); d.Parts[0].Quota != 1000 {
		t.Errorf("%+v", d.Parts[0])
	}
}

func TestProgressAndWhoIsBehind(t *testing.T) {
	w := newWorld(t)
	w.split(order())
	w.done = map[quota.Unit]int64{
		{Division: county}: 300, {Division: "130403001"}: 120, {Division: "130403002"}: 180, {Division: "130403001001"}: 60,
		{Division: "130403001001", Doctor: "li"}: 60, {Division: "130403001002"}: 60, {Division: "130403001002", Doctor: "zhao"}: 60,
		{Division: "130403002001"}: 180, {Division: "130403002001", Doctor: "sun"}: 180,
	}
	w.now = time.Date(2026, 7, 31, 4, 0, 0, 0, time.UTC) // 66 of 131 working days
	var red []record.Division
	for _, p := range w.list(tasks.Query{Set: "checkups-2026", RedOnly: true, Depth: quota.LevelVillage}) {
		red = append(red, p.Unit.Division)
	}
	if !slices.Equal(red, []record.Division{"130403001", "130403001001", "130403001002"}) {
		t.Errorf("%v", red)
	}
	li := w.list(tasks.Query{Set: "checkups-2026", Doctor: "li"})
	if len(li) != 1 || li[0].Progress.Done != 60 || li[0].Progress.Expected != 50 || li[0].Progress.PerDay != 1 {
		t.Errorf("%+v", li)
	}
	o := order()
	o.Set, o.Indicator = "other", "none"
	w.split(o)
	l, err := w.Tasks.List(t.Context(), tasks.Query{}, tasks.Sight{""}, 0, 10)
	if err != nil || len(l.Parts) != 2 || !slices.Equal(l.NotCounted, []string{"none"}) {
		t.Errorf("%+v %v", l, err)
	}
	if l, err := w.Tasks.List(t.Context(), tasks.Query{Set: "other"}, tasks.Sight{"130403002"}, 0, 10); err != nil || len(l.Parts) != 3 {
		t.Errorf("a township's desk sees %d parts: %v", len(l.Parts), err)
	}
	if l, err := w.Tasks.List(t.Context(), tasks.Query{Set: "other"}, tasks.Sight{""}, 4, 3); err != nil || len(l.Parts) != 3 || !l.More || l.Parts[0].Unit.Doctor != "wang" {
		t.Errorf("%+v %v", l, err)
	}
}

func TestAPartThatSomebodySavedByItselfIsSeen(t *testing.T) {
	w := newWorld(t)
	w.split(order())
	unit := quota.Unit{Division: "130403001001", Doctor: "li"}
	id := tasks.NodeID(county, "checkups-2026", unit)
	view, err := w.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	m, err := care.Message(tasks.KindTask, view.State.Registers())
	if err != nil {
		t.Fatal(err)
	}
	edited := proto.Clone(m).(*carev1.Task)
	edited.Quota = &carev1.TaskQuota{Quota: proto.Int32(7)}
	changes, err := care.Diff(tasks.KindTask, view.State.Registers(), edited)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Save(t.Context(), "li", syncengine.OfficeSave{Record: id, Changes: changes}); err != nil {
		t.Fatal(err)
	}
	for _, p := range w.list(tasks.Query{Set: "checkups-2026"}) {
		if p.Uneven != (p.Unit == quota.Unit{Division: "130403001001"}) {
			t.Errorf("%+v: %v", p.Unit, p.Uneven)
		}
	}
	if d := w.split(order()); d.Changed != 1 {
		t.Errorf("%+v", d)
	}
}
