// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	sqlNewestYear = `SELECT max(year) FROM authenticity_visits WHERE doctor = ?1`
	// By the primary key of each of four quarters.
	sqlDoctorTests = `SELECT quarter, rule, n, statistic, df, p, q, large FROM authenticity_tests WHERE quarter BETWEEN ?1 AND ?2 AND doctor = ?3 ORDER BY quarter, rule`
)

const (
	mostDays   = 10
	mostOfADay = 500
)

// Doctor returns what a doctor's year looks like, of the records in sight; year 0 is the newest.
// The visits of one day are listed, too, unless it is 0. An error with ReasonNotFound: there are
// no visits of this doctor and year in sight.
func (m *Module) Doctor(ctx context.Context, sight Sight, doctor string, year int, day care.Date) (*officev1.GetAuthenticityDoctorResponse, error) {
	out := &officev1.GetAuthenticityDoctorResponse{}
	err := m.view(ctx, func(conn *sqlite.Conn) error {
		if year == 0 {
			_, err := sqlitefile.One(conn, sqlNewestYear, func(s *sqlite.Stmt) { s.BindText(1, doctor) }, func(s *sqlite.Stmt) { year = s.ColumnInt(0) })
			if err != nil {
				return err
			}
		}
		all, err := visitsOf(conn, doctor, year)
		if err != nil {
			return err
		}
		seen := slices.DeleteFunc(all, func(v authenticity.Visit) bool { return !sight.sees(v.Division, v.Class) })
		if len(seen) == 0 {
			return &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "doctor"}
		}
		picture(out, authenticity.PictureOf(seen))
		out.Year, out.Visits = int32(year), uint32(len(seen))
		out.DayVisits = dayLine(seen, day)
		if len(seen) < len(all) {
			return nil // tests are of all records, so those who do not see them see no test
		}
		return doctorTests(conn, doctor, year, out)
	})
	if err != nil {
		return nil, fmt.Errorf("doctor's year: %w", err)
	}
	return out, nil
}

func picture(out *officev1.GetAuthenticityDoctorResponse, p authenticity.Picture) {
	out.SystolicDigits, out.DiastolicDigits = p.SystolicDigits[:], p.DiastolicDigits[:]
	out.SystolicSteps, out.StartHours = p.SystolicSteps[:], p.StartHours[:]
	for _, d := range p.Days[:min(len(p.Days), mostDays)] {
		out.Days = append(out.Days, &officev1.AuthenticityDay{Day: int32(d.Day), Visits: uint32(d.Visits)})
	}
}

// dayLine returns the visits of a day in the order in which they began.
func dayLine(visits []authenticity.Visit, day care.Date) []*officev1.AuthenticityVisit {
	var of []authenticity.Visit
	for _, v := range visits {
		if v.Day == day {
			of = append(of, v)
		}
	}
	slices.SortStableFunc(of, func(a, b authenticity.Visit) int { return cmp.Compare(a.Began, b.Began) })
	var out []*officev1.AuthenticityVisit
	for i, v := range of[:min(len(of), mostOfADay)] {
		one := &officev1.AuthenticityVisit{
			RecordId: v.Record[:], Division: string(v.Division), BeganMs: v.Began, EndedMs: v.Ended, EnteredMs: v.Entered, AtHome: v.AtHome, ByPhone: v.Phone,
		}
		if i > 0 {
			if far, ok := authenticity.Metres(of[i-1].Point, v.Point); ok {
				one.DistanceM = uint32(far)
			}
		}
		out = append(out, one)
	}
	return out
}

func doctorTests(conn *sqlite.Conn, doctor string, year int, out *officev1.GetAuthenticityDoctorResponse) error {
	return sqlitefile.Query(conn, sqlDoctorTests, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(year*10+1))
		s.BindInt64(2, int64(year*10+quartersOfYear))
		s.BindText(3, doctor)
	}, func(s *sqlite.Stmt) bool {
		out.Tests = append(out.Tests, &officev1.AuthenticityDoctorTest{
			Quarter: authenticity.Quarter(s.ColumnInt64(0)).String(), RuleId: s.ColumnText(1),
			Test: &officev1.AuthenticityTest{
				N: uint32(s.ColumnInt64(2)), Statistic: s.ColumnFloat(3), DegreesOfFreedom: s.ColumnFloat(4), P: s.ColumnFloat(5), Q: s.ColumnFloat(6), Large: s.ColumnBool(7),
			},
		})
		return true
	})
}
