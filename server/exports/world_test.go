// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	village  record.Division = "130403001001"
	village2 record.Division = "130403002001"
)

// world is a county in memory: a feed with one row a record, each at its latest position.
type world struct {
	t  testing.TB
	mu sync.Mutex

	position syncengine.Position
	rows     map[record.ID]syncengine.RecordRow
	listed   func(w *world, call int) // called before each page
	calls    int
	now      time.Time
	dir      string
	pack     *rules.Pack
}

var packOnce = sync.OnceValues(func() (*rules.Pack, error) { return rulepack.Load() })

func newWorld(t testing.TB) *world {
	t.Helper()
	pack, err := packOnce()
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, rows: map[record.ID]syncengine.RecordRow{}, now: time.Date(2026, 9, 1, 1, 0, 0, 0, time.UTC), dir: t.TempDir() + "/exports.tmp", pack: pack}
}

func (w *world) exports() *Exports {
	w.t.Helper()
	e, err := New(Config{
		Records: w, County: "130403", Dir: w.dir, Clock: func() time.Time { return w.now },
		Pack: func(context.Context) (Pack, error) { return w.pack, nil },
		Complete: func(context.Context, care.Date) (Completeness, error) {
			return Completeness{Tablets: 8, Heard: 7, OldestDays: 9}, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) Position() syncengine.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.position
}

// List returns rows in order of position, as the engine does.
func (w *world) List(_ context.Context, q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if w.listed != nil {
		w.calls++
		w.listed(w, w.calls)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []syncengine.RecordRow
	scope := Scope{q.Divisions, q.Classes}
	for _, row := range w.rows {
		if row.Position > q.After && (q.UpTo == 0 || row.Position <= q.UpTo) && (q.Kind == 0 || row.ID.Kind() == q.Kind) &&
			(q.Subject.IsZero() || row.Subject == q.Subject) && scope.has(row) {
			out = append(out, row)
		}
	}
	slices.SortFunc(out, func(a, b syncengine.RecordRow) int { return int(a.Position) - int(b.Position) })
	return out[:min(len(out), q.Limit)], nil
}

func (w *world) Rows(_ context.Context, ids []record.ID) (out []syncengine.RecordRow, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range ids {
		if row, ok := w.rows[id]; ok {
			out = append(out, row)
		}
	}
	return out, nil
}

func id(kind record.Kind, name string) record.ID { return record.DerivedID(kind, []byte(name)) }

// save saves a whole form; voided ones are voided.
func (w *world) save(of record.ID, subject record.ID, d record.Division, form proto.Message, voided ...bool) {
	w.t.Helper()
	changes, err := care.Diff(of.Kind(), nil, form)
	if err != nil {
		w.t.Fatal(err)
	}
	changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(d))})
	if !subject.IsZero() {
		changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(subject[:])})
	}
	if len(voided) > 0 {
		changes = append(changes, record.Change{Path: record.PathLife, Value: record.Voided("test")})
	}
	if changes, err = record.Normalise(changes); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.position++
	state := record.State{}.Apply(record.Revision{
		Dot: causal.Dot{Replica: causal.ReplicaID{1}, Counter: uint64(w.position)}, Record: of, ClockMs: w.now.UnixMilli(), Author: "li", Changes: changes,
	}, true)
	class := record.ClassGeneral
	w.rows[of] = syncengine.RecordRow{ID: of, Position: w.position, Class: class, Divisions: []record.Division{d}, Subject: subject, State: state.Append(nil)}
}

func i32(n int32) *int32 { return &n }

func (w *world) resident(name string, d record.Division, birth int32, tags ...carev1.PopulationCode) record.ID {
	of := id(care.KindResident, name)
	r := &carev1.Resident{
		Name: name, Sex: carev1.Sex_SEX_FEMALE, BirthDate: birth, Phone: "13800000001", DoctorId: "li", Address: &carev1.Address{DivisionCode: string(d), Text: "三组"},
		IdentityDocument: &carev1.IdentityDocument{Type: 1, Number: "130403195003150024"}, Tags: map[string]*carev1.PopulationTag{}, RegisteredOn: 20200101,
	}
	for i, code := range tags {
		r.Tags[string(rune('a'+i))] = &carev1.PopulationTag{Code: code, Since: 20210101}
	}
	w.save(of, record.ID{}, d, r)
	return of
}

func (w *world) checkup(name string, of record.ID, d record.Division, on int32) record.ID {
	c := id(care.KindCheckup, name)
	w.save(c, of, d, &carev1.Checkup{
		ServiceDate: on, DoctorId: "li", Status: carev1.FormStatus_FORM_STATUS_SUBMITTED,
		General: &carev1.CheckupGeneral{
			BloodPressureRight: &carev1.BloodPressure{SystolicMmhg: i32(138), DiastolicMmhg: i32(84)}, BodySize: &carev1.BodySize{BmiKgPerM2X10: i32(229)},
		},
		Tests:      &carev1.CheckupTests{FastingGlucose: &carev1.FastingGlucose{GlucoseMmolPerLX100: i32(610)}, BloodCount: &carev1.BloodCount{Refused: true}},
		Evaluation: &carev1.CheckupEvaluation{Assessment: &carev1.HealthAssessment{Result: 2, Abnormalities: []string{"=1+1", "血压偏高"}}},
	})
	return c
}

func (w *world) staff() {
	w.save(id(care.KindStaff, "li"), record.ID{}, "130403000000", &carev1.Staff{StaffId: "li", Name: "李医生"})
	w.save(id(kindOrganisation, "c"), record.ID{}, "130403001000", &carev1.Organisation{OrganisationCode: "C1", Name: "东街卫生院", DivisionPrefixes: []string{"130403001"}})
}

func request(name string) Request {
	return Request{Export: name, Period: indicators.Year(2026), Scope: everyone(), View: export.View{Sensitive: true}}
}
