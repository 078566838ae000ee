// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// What the county's office waits for at most, on one processor.
const (
	figureLimit = 300 * time.Millisecond
	pageLimit   = 300 * time.Millisecond
)

// TestAtTheSizeOfACounty counts 500,000 invented persons, or as many as XUNZHEN_PERSONS says, and
// holds the answers against what the office waits for. It takes minutes: only when asked.
func TestAtTheSizeOfACounty(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("XUNZHEN_PERSONS"))
	if err != nil {
		t.Skip("XUNZHEN_PERSONS=500000 runs it")
	}
	w := newWorld(t)
	file, err := sqlitefile.Open(t.TempDir()+"/facts.db", assessment.SchemaOf(w.module.Schema()), sqlitefile.Options{Create: true, Readers: 2, ReaderCache: 8 << 20, WriterCache: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	day := care.DateOf(w.now)
	began := time.Now()
	for i := 0; i < n; {
		err := file.Update(t.Context(), func(conn *sqlite.Conn) error {
			for end := min(i+5000, n); i < end; i++ {
				if err := w.module.Look(conn, invented(i), day); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	facts := time.Since(began)
	began = time.Now()
	for done := false; !done; {
		if done, err = w.module.Settle(t.Context(), file, day); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d persons: facts in %v (%.0f/s), tallies of %d windows in %v (%.0f/s)", n, facts, float64(n)/facts.Seconds(),
		len(assessment.Windows(day)), time.Since(began), float64(n)/time.Since(began).Seconds())
	a := assessment.New(assessment.Config{
		Module: w.module, Projection: still{file}, Shard: w.Engine, County: countyCode, Clock: func() time.Time { return w.now }, BuiltIn: w.pack,
	})
	answer := func(what string, limit time.Duration, do func() error) {
		t.Helper()
		began := time.Now()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%-40s %v", what, took)
		if limit > 0 && took > limit {
			t.Errorf("%s took %v, more than %v", what, took, limit)
		}
	}
	figures := func(q assessment.Query) func() error {
		return func() error {
			_, err := a.Figures(t.Context(), q, quiet)
			return err
		}
	}
	for _, l := range []assessment.Level{assessment.County, assessment.Township, assessment.Village, assessment.Doctor} {
		answer(fmt.Sprintf("one indicator at level %d", l), figureLimit, figures(w.query(l, "H01")))
	}
	answer("all indicators of the county", 0, figures(w.query(assessment.County)))
	answer("all indicators of the townships", 0, figures(w.query(assessment.Township)))
	late := w.query(assessment.County, "H01")
	late.ReceivedBy = day
	answer("one indicator from facts", 0, figures(late))
	for _, s := range []assessment.Selection{assessment.Everybody, assessment.Failed} {
		answer("a page of people", pageLimit, func() error {
			_, err := a.People(t.Context(), assessment.PeopleQuery{Query: w.query(assessment.County), Code: "H01", Selection: s, Classes: everyClass, Limit: 100})
			return err
		})
	}
}

// still is a file of facts that nobody follows.
type still struct{ *sqlitefile.File }

func (still) Standing(*sqlite.Conn) (assessment.Standing, error) { return assessment.Standing{}, nil }

func (s still) Person(_ context.Context, id record.ID) (*projection.Person, error) {
	return &projection.Person{ID: id, Rules: rules.NewPerson(id, nil)}, nil
}

// invented makes a person with four visits, one in four with hypertension.
func invented(i int) *projection.Person {
	id := record.DerivedID(care.KindResident, fmt.Appendf(nil, "person %d", i))
	division := record.Division(fmt.Sprintf("431124%03d%03d", 101+i%20, 201+i/20%25))
	doctor := fmt.Sprintf("d%d", i%1000)
	form := patient("王试", string(division), doctor, int32(19400101+10000*(i%60)))
	if i%4 != 0 {
		form.Tags = nil
	}
	entries := []rules.Entry{{ID: id, Kind: care.KindResident, Form: form}}
	p := &projection.Person{ID: id, Residents: []record.ID{id}, Rows: map[record.ID]projection.Row{id: {Divisions: []record.Division{division}}}}
	for v := 0; v < 4 && i%4 == 0; v++ {
		s, d := int32(125+(i+v)%40), int32(80)
		visit := record.DerivedID(care.KindHypertensionFollowUp, fmt.Appendf(nil, "visit %d %d", i, v))
		entries = append(entries, rules.Entry{ID: visit, Kind: care.KindHypertensionFollowUp, Subject: id, Form: &carev1.HypertensionFollowUp{
			ServiceDate: int32(20260110 + 100*v), Way: carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, DoctorId: doctor,
			BloodPressure: &carev1.BloodPressure{SystolicMmhg: &s, DiastolicMmhg: &d},
		}})
		p.Rows[visit] = projection.Row{Divisions: []record.Division{division}}
	}
	p.Rules = rules.NewPerson(id, entries)
	return p
}
