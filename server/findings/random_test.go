// SPDX-License-Identifier: Apache-2.0

package findings_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

var tuberculosis = func() record.Kind {
	kind, _ := care.KindNamed("tuberculosis_follow_up")
	return kind
}()

// history is a county in which anything happens.
type history struct {
	*county
	r         *rand.Rand
	residents []record.ID
	visits    []record.ID
	pairs     [][2]record.ID
	held      []syncengine.Ruling
	packs     int
	receivers []*receiver
}

// Whatever happens, and however often the follower is cut off between, the rows are those that
// follow from the records as they stand; a file that is made anew has the same; and whoever pulled
// has what is in its scope.
func TestRowsFollowFromRecordsInRandomHistories(t *testing.T) {
	runs := 12
	if testing.Short() {
		runs = 4
	}
	for seed := range uint64(runs) {
		h := &history{county: newCounty(t), r: rand.New(rand.NewPCG(seed, 1)), receivers: receivers()}
		for range 4 {
			h.residents = append(h.residents, h.register("甲", h.division()))
		}
		for range 120 {
			h.step()
		}
		h.follow()
		before := h.everything()
		if diff := cmp.Diff(h.expected(), before); diff != "" {
			t.Fatalf("seed %d: rows are not what follows from the records:\n%s", seed, diff)
		}
		for _, r := range h.receivers {
			r.pull(t, h.f, h.r)
			if diff := cmp.Diff(h.visible(r.scope), r.texts()); diff != "" {
				t.Fatalf("seed %d: receiver %v has not what it may see:\n%s", seed, r.scope, diff)
			}
		}
		if err := errors.Join(h.p.Close(), projection.Remove(h.path)); err != nil {
			t.Fatal(err)
		}
		h.open()
		h.follow()
		if diff := cmp.Diff(before, h.everything()); diff != "" {
			t.Fatalf("seed %d: a file made anew has other rows:\n%s", seed, diff)
		}
	}
}

func (h *history) division() string {
	return []string{village, otherVillage, "431125100200"}[h.r.IntN(3)]
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }

// step does one thing.
func (h *history) step() {
	switch h.r.IntN(14) {
	case 0:
		h.residents = append(h.residents, h.register("乙", h.division()))
	case 1, 2:
		h.visits = append(h.visits, h.visit(pick(h.r, h.residents), h.division(), h.day(), h.systolic(), 80))
	case 3:
		day := h.day()
		h.visits = append(h.visits, h.save(record.ID{}, tuberculosis, &carev1.TuberculosisFollowUp{ServiceDate: day},
			scope(h.division()), about(pick(h.r, h.residents))).Record)
	case 4:
		h.edit()
	case 5:
		id := pick(h.r, slices.Concat(h.residents, h.visits))
		life := record.Voided("typed twice")
		if h.r.IntN(2) == 0 {
			life = record.Active()
		}
		h.change(id, record.Change{Path: record.PathLife, Value: life})
	case 6:
		h.join()
	case 7:
		h.change(pick(h.r, slices.Concat(h.residents, h.visits)), scope(h.division()))
	case 8:
		if len(h.visits) > 0 {
			h.change(pick(h.r, h.visits), about(pick(h.r, h.residents)))
		}
	case 9:
		h.hold()
	case 10:
		h.now = h.now.Add(time.Duration(h.r.IntN(60)) * time.Hour)
	case 11:
		h.packUp()
	case 12:
		h.work()
	case 13:
		pick(h.r, h.receivers).pull(h.t, h.f, h.r)
	}
}

func (h *history) day() int32 { return int32(care.DateOf(h.now).AddDays(h.r.IntN(6) - 3)) }

func (h *history) systolic() int32 { return 150 + 10*h.r.Int32N(6) }

func (h *history) edit() {
	if len(h.visits) == 0 {
		return
	}
	id := pick(h.r, h.visits)
	var form proto.Message = pressure(h.day(), h.systolic(), 80)
	if id.Kind() == tuberculosis {
		form = &carev1.TuberculosisFollowUp{ServiceDate: h.day()}
	}
	saved := h.save(id, id.Kind(), form)
	if saved.Dot == (causal.Dot{}) {
		return
	}
	h.held = append(h.held, syncengine.Ruling{Record: id, Dot: saved.Dot, Author: "head"})
}

// join links two residents, or takes a link back.
func (h *history) join() {
	if len(h.pairs) > 0 && h.r.IntN(2) == 0 {
		p := pick(h.r, h.pairs)
		h.link(p[0], p[1], carev1.LinkState(1+h.r.IntN(2)))
		return
	}
	a, b := pick(h.r, h.residents), pick(h.r, h.residents)
	if a == b {
		return
	}
	h.pairs = append(h.pairs, [2]record.ID{a, b})
	h.link(a, b, carev1.LinkState_LINK_STATE_LINKED)
}

// hold withdraws a save, or releases one.
func (h *history) hold() {
	if len(h.held) == 0 {
		return
	}
	act := h.Withdraw
	if h.r.IntN(2) == 0 {
		act = h.Release
	}
	if err := act(h.t.Context(), pick(h.r, h.held)); err != nil {
		h.t.Fatal(err)
	}
}

// packUp gives the county another pack.
func (h *history) packUp() {
	h.packs++
	text := strings.Replace(trial, `version: "1"`, `version: "`+strings.Repeat("i", h.packs)+`"`, 1)
	text = strings.Replace(text, ">= 180", []string{">= 160", ">= 180", ">= 190"}[h.r.IntN(3)], 1)
	form, err := load(h.t, text).Record()
	if err != nil {
		h.t.Fatal(err)
	}
	h.save(record.ID{}, care.KindRulePack, form, scope("431124000000"))
}

// work lets the follower do some pieces, and sometimes ends it there.
func (h *history) work() {
	for range h.r.IntN(6) {
		if _, err := h.p.Step(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
	if h.r.IntN(3) == 0 {
		h.reopen()
	}
}

// current returns the pack of the county's newest record.
func (h *history) current() findings.Rules {
	var newest findings.Rules = h.cfg.BuiltIn
	var id record.ID
	for _, row := range h.all() {
		if row.ID.Kind() == care.KindRulePack && bytes.Compare(row.ID[:], id[:]) > 0 {
			state, _ := record.DecodeState(row.State)
			m, _ := care.Message(care.KindRulePack, state.Registers())
			pack, err := rules.LoadRecord(m.(*carev1.RulePack))
			if err != nil {
				h.t.Fatal(err)
			}
			newest, id = pack, row.ID
		}
	}
	return newest
}

func (h *history) all() []syncengine.RecordRow {
	rows, err := h.List(h.t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Limit: 10_000,
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return rows
}

// expected is what follows from the records as they stand: everybody is looked at, by code
// that knows no feed, no queue and no file.
func (h *history) expected() map[string]string {
	person := map[record.ID]record.ID{}
	of := func(id record.ID) record.ID {
		for {
			up, ok := person[id]
			if !ok {
				return id
			}
			id = up
		}
	}
	rows := h.all()
	entries := map[record.ID]rules.Entry{}
	at := map[record.ID]syncengine.RecordRow{}
	for _, row := range rows {
		kind := row.ID.Kind()
		if _, ok := care.Kinds().Lookup(kind); !ok || kind == care.KindRulePack {
			continue
		}
		state, err := record.DecodeState(row.State)
		if err != nil {
			h.t.Fatal(err)
		}
		m, err := care.Message(kind, state.Registers())
		if err != nil {
			h.t.Fatal(err)
		}
		subject := row.Subject
		if subject.IsZero() {
			subject = row.ID
		}
		at[row.ID] = row
		entries[row.ID] = rules.Entry{
			ID: row.ID, Kind: kind, Subject: subject, Form: m, Voided: state.Life() == record.LifeVoided, CapturedAt: care.CapturedAt(state.Registers()),
		}
		if link, ok := m.(*carev1.ResidentLink); ok && link.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED && state.Life() != record.LifeVoided {
			a, b := of(record.ID(link.GetResidentA())), of(record.ID(link.GetResidentB()))
			if bytes.Compare(a[:], b[:]) > 0 {
				a, b = b, a
			}
			if a != b {
				person[b] = a
			}
		}
	}
	people := map[record.ID][]rules.Entry{}
	for _, e := range entries {
		people[of(e.Subject)] = append(people[of(e.Subject)], e)
	}
	pack := h.current()
	sets := map[string]*findings.Set{}
	for id, all := range people {
		home := at[id].Divisions
		if len(home) == 0 {
			for _, e := range slices.SortedFunc(slices.Values(all), func(a, b rules.Entry) int { return bytes.Compare(a.ID[:], b.ID[:]) }) {
				if len(home) == 0 && e.Kind == care.KindResident && of(e.ID) == id {
					home = at[e.ID].Divisions
				}
			}
		}
		for _, f := range pack.Findings(rules.NewPerson(id, all), care.DateOf(h.now)) {
			row := at[record.ID(f.GetRecordId())]
			s := findings.Set{Record: row.ID, Person: id, Class: row.Class, Divisions: row.Divisions}
			switch f.GetRuleId() {
			case "T.both":
				s.Combined, s.Class, s.Divisions = true, record.ClassSensitive, home
			case "T.earlier":
				s.Combined, s.Divisions = true, home
			}
			if known, ok := sets[key(s)]; ok {
				s.Class = max(s.Class, known.Class)
				s.Findings = known.Findings
			}
			s.Findings = append(s.Findings, f)
			sets[key(s)] = &s
		}
	}
	out := map[string]string{}
	for k, s := range sets {
		out[k] = describe(*s)
	}
	return out
}

// visible is what of everything may be seen in a scope.
func (h *history) visible(scope findings.Scope) map[string]string {
	h.t.Helper()
	l, err := h.f.List(h.t.Context(), findings.Filter{}, 0, 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]string{}
	for _, s := range l.Sets {
		if sees(scope, s) {
			out[key(s)] = describe(s)
		}
	}
	return out
}

func sees(scope findings.Scope, s findings.Set) bool {
	return slices.Contains(scope.Classes, s.Class) &&
		(slices.Contains(scope.Divisions, "") || slices.ContainsFunc(s.Divisions, func(d record.Division) bool { return d.WithinAny(scope.Divisions) }))
}

// receiver is who pulls and keeps.
type receiver struct {
	scope  findings.Scope
	cursor []byte
	kept   map[string]findings.Set
}

func receivers() []*receiver {
	general, all := []record.Class{record.ClassGeneral}, []record.Class{record.ClassGeneral, record.ClassSensitive}
	var out []*receiver
	for _, scope := range []findings.Scope{
		{Divisions: []record.Division{village}, Classes: general},
		{Divisions: []record.Division{village}, Classes: all},
		{Divisions: []record.Division{otherVillage, "431125"}, Classes: all},
		{Divisions: []record.Division{"431124"}, Classes: general},
		{Divisions: []record.Division{""}, Classes: all},
	} {
		out = append(out, &receiver{scope: scope, kept: map[string]findings.Set{}})
	}
	return out
}

// pull keeps page after page, and sometimes stops in between.
func (r *receiver) pull(t testing.TB, f *findings.Findings, rnd *rand.Rand) {
	t.Helper()
	for {
		page, err := f.Pull(t.Context(), r.scope, r.cursor, 1+rnd.IntN(4))
		if err != nil {
			t.Fatal(err)
		}
		if page.Anew {
			r.kept = map[string]findings.Set{}
		}
		for _, s := range page.Sets {
			if r.kept[key(s)] = s; len(s.Findings) == 0 {
				delete(r.kept, key(s))
			} else if !sees(r.scope, s) {
				t.Fatalf("%v is sent %s", r.scope, describe(s))
			}
		}
		if r.cursor = page.Cursor; page.Complete {
			return
		}
	}
}

func (r *receiver) texts() map[string]string {
	out := map[string]string{}
	for k, s := range maps.All(r.kept) {
		out[k] = describe(s)
	}
	return out
}
