// SPDX-License-Identifier: Apache-2.0

package authenticity_test

import (
	"context"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	law "github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/authenticity/trial"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/authenticity"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	seed  = 4711
	today = 20270115
)

// office is a module over a file, as the projection has it.
type office struct {
	*authenticity.Module
	t    *testing.T
	file *sqlitefile.File
}

func newOffice(t *testing.T) *office {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	m, err := authenticity.New(authenticity.Config{BuiltIn: pack.Content(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	var migrations fs.FS = fstest.MapFS{"0001_tables.sql": {Data: []byte(m.Schema())}}
	file, err := sqlitefile.Open(filepath.Join(t.TempDir(), "file.db"), sqlitefile.Schema{Name: "trial", ApplicationID: 7, Migrations: migrations}, sqlitefile.Options{Create: true, Readers: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	authenticity.ReadFrom(m, file)
	return &office{m, t, file}
}

// look has the module look at persons, and settle.
func (o *office) look(persons ...*projection.Person) {
	o.t.Helper()
	err := o.file.Update(o.t.Context(), func(conn *sqlite.Conn) error {
		for _, p := range persons {
			if err := o.Look(conn, p, today); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.settle()
}

func (o *office) settle() (pieces int) {
	o.t.Helper()
	for {
		done, err := o.Settle(o.t.Context(), o.file, today)
		if err != nil {
			o.t.Fatal(err)
		}
		if done {
			return pieces
		}
		pieces++
	}
}

var everything = authenticity.Sight{
	Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
}

// found returns the ids of all findings in sight, sorted.
func (o *office) found(sight authenticity.Sight, q authenticity.Filter) []record.ID {
	o.t.Helper()
	var ids []record.ID
	for from := int64(0); ; {
		l, err := o.List(context.Background(), sight, q, from, 7)
		if err != nil {
			o.t.Fatal(err)
		}
		for _, f := range l.Findings {
			ids = append(ids, record.ID(f.GetId()))
		}
		if from = l.Next; from == 0 {
			break
		}
	}
	slices.SortFunc(ids, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// cases are a few doctors, and what the pure rules find of them together.
func cases(t *testing.T, styles ...trial.Style) (persons []*projection.Person, found []law.Finding) {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := law.NewRules(pack.Content())
	if err != nil {
		t.Fatal(err)
	}
	county := trial.NewCounty(r, today)
	for number, style := range styles {
		one, err := trial.Doctor(seed, number, style, 2026)
		if err != nil {
			t.Fatal(err)
		}
		county.Add(one)
		for i, in := range one.Persons {
			persons = append(persons, person(one.People[i], in))
		}
	}
	return persons, county.Findings()
}

func person(id record.ID, in law.Input) *projection.Person {
	p := &projection.Person{ID: id, Residents: []record.ID{id}, Rules: in.Person, Rows: map[record.ID]projection.Row{}}
	for rec, place := range in.Places {
		p.Rows[rec] = projection.Row{
			Divisions: []record.Division{place.Division}, Class: place.Class,
			First: syncengine.Receipt{ReceivedAt: place.Received, SavedAt: place.Saved, Author: place.Author},
		}
	}
	return p
}

func idsOf(found []law.Finding) []record.ID {
	var ids []record.ID
	for i := range found {
		ids = append(ids, found[i].ID())
	}
	slices.SortFunc(ids, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

func TestTheTablesSayWhatThePureRulesSay(t *testing.T) {
	styles := []trial.Style{trial.Honest, trial.Digits, trial.Panels, trial.Phones, trial.OnePen, trial.Dead, trial.Photos, trial.Copied, trial.Twice, trial.Borrowed, trial.Gridded}
	persons, want := cases(t, styles...)
	o := newOffice(t)
	rnd := rand.New(rand.NewPCG(seed, 1))
	rnd.Shuffle(len(persons), func(i, j int) { persons[i], persons[j] = persons[j], persons[i] })
	o.look(persons[:len(persons)/2]...)
	o.look(persons[len(persons)/2:]...)
	if got := o.found(everything, authenticity.Filter{}); !slices.Equal(got, idsOf(want)) || len(got) < 50 {
		t.Fatalf("%d findings, the pure rules have %d", len(got), len(want))
	}
	for i := range want {
		f, err := o.Get(t.Context(), everything, want[i].ID())
		if err != nil || f.GetMessageEn() != want[i].EN || len(f.GetItems()) != len(want[i].Items) {
			t.Fatalf("%s: %v, %v, want %s", want[i].Rule, f.GetMessageEn(), err, want[i].EN)
		}
		if (f.GetTest() == nil) != (want[i].Test == nil) || want[i].Test != nil && (f.GetTest().GetQ() != want[i].Test.Q || f.GetTest().GetP() != want[i].Test.P) {
			t.Errorf("%s: test %v, want %+v", want[i].Rule, f.GetTest(), want[i].Test)
		}
	}
	counts, waiting, err := o.Count(t.Context(), everything, authenticity.Filter{})
	sum := 0
	for _, c := range counts {
		sum += c.Findings
	}
	if err != nil || waiting != 0 || sum != len(want) {
		t.Errorf("%v: %d counted of %d, %d waiting", err, sum, len(want), waiting)
	}
}

func TestWhatIsLookedAtAgainWithoutChangeMakesNothingDue(t *testing.T) {
	persons, _ := cases(t, trial.Digits, trial.Phones)
	o := newOffice(t)
	o.look(persons...)
	before := o.numbers()
	err := o.file.Update(t.Context(), func(conn *sqlite.Conn) error {
		for _, p := range persons {
			if err := o.Look(conn, p, today+1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pieces := o.settle(); pieces > 0 {
		t.Errorf("%d pieces of work", pieces)
	}
	if !slices.Equal(before, o.numbers()) {
		t.Error("rows moved")
	}
}

// numbers returns the rows' numbers.
func (o *office) numbers() (out []int64) {
	o.t.Helper()
	err := o.file.View(o.t.Context(), func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, `SELECT number FROM authenticity_found ORDER BY number`, func(*sqlite.Stmt) {}, func(s *sqlite.Stmt) bool {
			out = append(out, s.ColumnInt64(0))
			return true
		})
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

func TestWhoIsGoneTakesEverythingAlong(t *testing.T) {
	persons, want := cases(t, trial.OnePen, trial.Twice)
	o := newOffice(t)
	o.look(persons...)
	if len(want) == 0 || len(o.numbers()) != len(want) {
		t.Fatal("nothing is found at first")
	}
	for _, p := range persons {
		o.look(&projection.Person{ID: p.ID, Residents: p.Residents, Rules: rules.NewPerson(p.ID, nil), Rows: map[record.ID]projection.Row{}})
	}
	if left := o.numbers(); len(left) > 0 {
		t.Errorf("%d findings are left", len(left))
	}
	for _, table := range []string{"visits", "keys", "homes", "posts", "tests", "where", "about", "due"} {
		err := o.file.View(t.Context(), func(conn *sqlite.Conn) error {
			n := 0
			_, err := sqlitefile.One(conn, `SELECT count(*) FROM authenticity_`+table, func(*sqlite.Stmt) {}, func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
			if n > 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAReaderSeesItsDivisionsAndClassesOnly(t *testing.T) {
	persons, want := cases(t, trial.OnePen, trial.Digits)
	o := newOffice(t)
	o.look(persons...)
	for _, c := range []struct {
		name  string
		sight authenticity.Sight
		all   bool
	}{
		{"another township", authenticity.Sight{Divisions: []record.Division{"431124999"}, Classes: everything.Classes}, false},
		{"no class", authenticity.Sight{Divisions: []record.Division{""}}, false},
		{"the sensitive class alone", authenticity.Sight{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassSensitive}}, false},
		{"the county", authenticity.Sight{Divisions: []record.Division{"431124"}, Classes: everything.Classes}, true},
	} {
		n := len(o.found(c.sight, authenticity.Filter{}))
		if c.all && n != len(want) || !c.all && n > 0 {
			t.Errorf("%s sees %d of %d", c.name, n, len(want))
		}
	}
	village := authenticity.Sight{Divisions: []record.Division{"431124100200"}, Classes: everything.Classes}
	hidden := false
	for _, id := range o.found(village, authenticity.Filter{}) {
		f, err := o.Get(t.Context(), village, id)
		if err != nil {
			t.Fatal(err)
		}
		hidden = hidden || f.GetHidden() > 0
		for _, i := range f.GetItems() {
			if i.GetDivision() != "431124100200" {
				t.Errorf("%s shows a record of %s", f.GetRuleId(), i.GetDivision())
			}
		}
	}
	if !hidden {
		t.Error("nothing lies in two villages")
	}
}

func TestAFindingStaysRuledOnWhileItsEvidenceGrows(t *testing.T) {
	persons, _ := cases(t, trial.Borrowed)
	o := newOffice(t)
	o.look(persons[:len(persons)/2]...)
	o.look(persons[len(persons)-1]) // the staff list
	id := o.found(everything, authenticity.Filter{Rule: "A19"})[0]
	f, err := o.Get(t.Context(), everything, id)
	if err != nil {
		t.Fatal(err)
	}
	o.look(ruling(id, &carev1.AuthenticityRuling{
		RuleId: f.GetRuleId(), Decision: carev1.AuthenticityDecision_AUTHENTICITY_DECISION_CLEARED, Reason: "列表未更新", EvidenceSha256: f.GetEvidenceSha256(), RuledOn: 20270101,
	}))
	if f, err = o.Get(t.Context(), everything, id); err != nil || f.GetRuling().GetAuthorId() != "county" || f.GetRuling().GetEvidenceChanged() {
		t.Fatalf("%v, %v", f.GetRuling(), err)
	}
	if open := o.found(everything, authenticity.Filter{Rule: "A19", Open: true}); slices.Contains(open, id) {
		t.Error("it is still open")
	}
	o.look(persons...)
	if f, err = o.Get(t.Context(), everything, id); err != nil || f.GetRuling() == nil || !f.GetRuling().GetEvidenceChanged() {
		t.Errorf("%v, %v: the evidence has grown", f.GetRuling(), err)
	}
	o.look(&projection.Person{ID: id, Residents: []record.ID{id}, Rows: map[record.ID]projection.Row{}})
	if f, err = o.Get(t.Context(), everything, id); err != nil || f.GetRuling() != nil {
		t.Errorf("%v, %v: the ruling was taken back", f.GetRuling(), err)
	}
}

func ruling(id record.ID, form proto.Message) *projection.Person {
	return &projection.Person{
		ID: id, Residents: []record.ID{id}, Rules: rules.NewPerson(id, []rules.Entry{{ID: id, Kind: law.KindRuling, Form: form, CapturedAt: time.Unix(1, 0)}}),
		Rows: map[record.ID]projection.Row{id: {Last: syncengine.Receipt{Author: "county"}}},
	}
}

func TestADoctorsYearIsShown(t *testing.T) {
	persons, _ := cases(t, trial.Digits)
	o := newOffice(t)
	o.look(persons...)
	m, err := o.Doctor(t.Context(), everything, "D00000", 0, 0)
	if err != nil || m.GetYear() != 2026 || m.GetVisits() < 200 || len(m.GetTests()) < 12 || len(m.GetDays()) != 10 || len(m.GetDayVisits()) > 0 {
		t.Fatalf("%v, %v", m, err)
	}
	if eights, ones := m.GetSystolicDigits()[8], m.GetSystolicDigits()[1]; eights < 50 || ones > 0 {
		t.Errorf("digits %v", m.GetSystolicDigits())
	}
	day := care.Date(m.GetDays()[0].GetDay())
	if m, err = o.Doctor(t.Context(), everything, "D00000", 2026, day); err != nil || len(m.GetDayVisits()) != int(m.GetDays()[0].GetVisits()) {
		t.Errorf("%d visits, %v", len(m.GetDayVisits()), err)
	}
	part := authenticity.Sight{Divisions: []record.Division{"431124100200"}, Classes: everything.Classes}
	if m, err = o.Doctor(t.Context(), part, "D00000", 2026, 0); err != nil || m.GetVisits() == 0 || len(m.GetTests()) > 0 {
		t.Errorf("tests of what is out of sight: %v, %v", m.GetTests(), err)
	}
	if _, err = o.Doctor(t.Context(), everything, "nobody", 2026, 0); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Error(err)
	}
}

func TestAPackWithoutAThresholdIsRefusedByName(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	content := pack.Content()
	content.Thresholds = slices.DeleteFunc(content.Thresholds, func(th *carev1.Threshold) bool { return th.GetId() == "auth_run" })
	if _, err := authenticity.New(authenticity.Config{BuiltIn: content, Log: slog.New(slog.DiscardHandler)}); err == nil || err.Error() != "the rule pack cannot judge authenticity: it has no number auth_run" {
		t.Error(err)
	}
}

func TestWhoSignsForOthersIsFollowed(t *testing.T) {
	persons, _ := cases(t, trial.Honest)
	o := newOffice(t)
	o.look(persons...)
	if got := o.found(everything, authenticity.Filter{Rule: "A19.staff"}); len(got) > 0 {
		t.Fatalf("%d findings of somebody who is on the list", len(got))
	}
	person := func(kind record.Kind, name string, form proto.Message) *projection.Person {
		id := record.DerivedID(kind, []byte(name))
		return &projection.Person{
			ID: id, Residents: []record.ID{id}, Rules: rules.NewPerson(id, []rules.Entry{{ID: id, Kind: kind, Form: form, CapturedAt: time.Unix(1, 0)}}),
			Rows: map[record.ID]projection.Row{id: {Divisions: []record.Division{"431124100200"}, Class: record.ClassGeneral}},
		}
	}
	o.look(person(care.KindHypertensionFollowUp, "visit", &carev1.HypertensionFollowUp{ServiceDate: 20260301, DoctorId: "D00000", DoctorSignature: &carev1.Signature{StaffId: "nurse"}}))
	if got := o.found(everything, authenticity.Filter{Rule: "A19.staff"}); len(got) != 1 {
		t.Fatalf("%d findings of a nurse who is on no list", len(got))
	}
	o.look(person(48, "nurse", &carev1.Staff{StaffId: "nurse", Posts: map[string]*carev1.StaffPost{"a": {Since: 20200101}}}))
	if got := o.found(everything, authenticity.Filter{Rule: "A19.staff"}); len(got) > 0 {
		t.Errorf("%d findings after the nurse was put on the list", len(got))
	}
}
