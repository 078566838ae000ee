// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// What identifies the residents of the tests; no desk may read it whole.
const (
	wholeNumber = "130403195003150024"
	wholePhone  = "13800000001"
)

// foundOne is one set of findings.
type foundOne struct{ set findings.Set }

func (f foundOne) List(context.Context, findings.Filter, findings.Position, int) (findings.Listing, error) {
	return findings.Listing{Sets: []findings.Set{f.set}}, nil
}

// figured has one figure and one line of a score sheet, and knows whether the sensitive class was asked for.
type figured struct{ sensitive bool }

func (f *figured) Figures(_ context.Context, q FiguresQuery, _ []indicators.Code) ([]Figure, uint64, error) {
	f.sensitive = q.Sensitive
	return []Figure{{Code: "T01", Division: "130403001", Numerator: 7, Denominator: 9}}, 0, nil
}

func (f *figured) Scores(_ context.Context, q FiguresQuery) ([]export.ScoreLine, uint64, error) {
	f.sensitive = q.Sensitive
	return []export.ScoreLine{{
		Unit: export.UnitName{Division: "130403001"}, Code: "T01", Indicator: "老年人体检率", Numerator: 7, Denominator: 9, ValueX100: 7778, Valued: true,
		TargetX100: 7000, WeightX100: 500, PointsX100: 500, Scored: true, Unitary: "%",
	}}, 0, nil
}

// ten fills the world so that each of the ten tables has a row, and returns what makes them.
func (w *world) ten() *Exports {
	w.staff()
	a := w.resident("甲", village, 19500315, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, carev1.PopulationCode_POPULATION_CODE_DIABETES, carev1.PopulationCode_POPULATION_CODE_COPD)
	c := w.checkup("1", a, village, 20260310)
	w.save(id(kindContract, "1"), a, village, &carev1.Contract{
		SignedOn: 20260101, State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: 20260101, Until: 20261231}, DoctorId: "li",
	})
	w.save(id(kindVerification, "1"), a, "130403000000", &carev1.Verification{ServiceDate: 20260501, Mode: 1, CallResult: 6, Contact: 1, TruthVerdict: 1})
	w.save(id(kindSurvey, "1"), record.ID{}, village, &carev1.SatisfactionSurvey{ServiceDate: 20260201, Overall: 5})
	w.save(id(kindOutreachEvent, "1"), record.ID{}, village, &carev1.OutreachEvent{ServiceDate: 20260201, Topic: "高血压讲座"})
	w.save(id(kindStatistic, "1"), record.ID{}, "130403001000", &carev1.Statistic{
		DivisionCode: "130403001000", Year: i32(2026), Month: i32(5), Code: carev1.StatisticCode_STATISTIC_CODE_DIABETES_AT_END, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(1000)},
	})
	e := w.exports()
	e.cfg.Figures = &figured{}
	e.cfg.Found = foundOne{findings.Set{
		Record: c, Person: a, Divisions: []record.Division{village}, Class: record.ClassGeneral, Position: 1, ChangedOn: 20260401,
		Findings: []*carev1.Finding{{RuleId: "Q05", Severity: 2, MessageZh: "收缩压 138 mmHg，舒张压 84 mmHg", MessageEn: "pressure 138/84 mmHg"}},
	}}
	return e
}

// one is a request for one table of one sheet.
func one(name string) Request {
	q := request(name)
	if name == "chronic" {
		q.Disease = "hypertension"
	}
	return q
}

func (w *world) rowsBy(e *Exports, q Request) [][]string {
	w.t.Helper()
	q.Format, q.RowsOnly = CSV, true
	f, err := e.Make(w.t.Context(), q, func(int, int) {})
	if err != nil {
		w.t.Fatalf("%s: %v", q.Export, err)
	}
	defer f.Close() //nolint:errcheck // the folder is the test's
	return rowsIn(w.t, f)[1:]
}

// A desk reads numbers of documents and telephones in part, in every table that has them, and has
// as many rows and no fewer other cells.
func TestNoTableShowsADeskAWholeNumber(t *testing.T) {
	w := newWorld(t)
	e := w.ten()
	if len(Names()) != 10 {
		t.Fatalf("there are %d tables: %v", len(Names()), Names())
	}
	has := func(rows [][]string, what string) bool {
		return slices.ContainsFunc(rows, func(row []string) bool {
			return slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, what) })
		})
	}
	var personal []string
	for _, name := range Names() {
		q := one(name)
		whole := w.rowsBy(e, q)
		q.View.Masked = true
		masked := w.rowsBy(e, q)
		if len(whole) == 0 || len(masked) != len(whole) || len(masked[0]) != len(whole[0]) {
			t.Errorf("%s: %d rows, masked %d", name, len(whole), len(masked))
			continue
		}
		if has(whole, wholeNumber) {
			personal = append(personal, name)
			if !has(whole, wholePhone) || !has(masked, care.MaskNumber(wholeNumber)) || !has(masked, care.MaskPhone(wholePhone)) {
				t.Errorf("%s: the numbers are not where they were: %q", name, masked)
			}
		}
		if has(masked, wholeNumber) || has(masked, wholePhone) {
			t.Errorf("%s: a desk reads %q", name, masked)
		}
		for i, row := range whole {
			for k, cell := range row {
				if cell != wholeNumber && cell != wholePhone && masked[i][k] != cell {
					t.Errorf("%s: %q became %q", name, cell, masked[i][k])
				}
			}
		}
	}
	if want := []string{"checkups", "chronic", "contracts"}; !slices.Equal(personal, want) {
		t.Errorf("tables with numbers of persons are %v, were %v", personal, want)
	}
}

// Nothing of the sensitive class is in a table of who may not see it.
func TestNoTableHasASensitiveRecordForWhoMayNotSeeIt(t *testing.T) {
	w := newWorld(t)
	e := w.ten()
	for of, row := range w.rows {
		if of.Kind() != care.KindStaff && of.Kind() != kindOrganisation {
			row.Class = record.ClassSensitive
			w.rows[of] = row
		}
	}
	f := e.cfg.Found.(foundOne)
	f.set.Class = record.ClassSensitive
	e.cfg.Found = f
	for _, name := range Names() {
		q := one(name)
		all := w.rowsBy(e, q)
		q.Scope.Classes, q.View.Sensitive = []record.Class{record.ClassEveryone, record.ClassGeneral}, false
		rest := w.rowsBy(e, q)
		switch name {
		case "progress", "scores": // the assessment leaves out what is not asked for
			if len(rest) == 0 || e.cfg.Figures.(*figured).sensitive {
				t.Errorf("%s: figures of the sensitive class are asked for", name)
			}
		case "monthly": // has a line for what was not reported
			if slices.EqualFunc(all, rest, slices.Equal) {
				t.Errorf("%s: %q", name, rest)
			}
		default:
			if len(all) == 0 || len(rest) != 0 {
				t.Errorf("%s: %d rows, without the sensitive class %d", name, len(all), len(rest))
			}
		}
	}
}
