// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"bytes"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// By the index of kinds.
const sqlPapers = `SELECT record, form FROM assessment_papers WHERE kind = ?1 ORDER BY record`

// eachPaper calls do with the forms of a kind, in order of record.
func eachPaper[M proto.Message](conn *sqlite.Conn, kind record.Kind, fresh func() M, do func(record.ID, M)) error {
	var failed error
	err := sqlitefile.Query(conn, sqlPapers, func(s *sqlite.Stmt) { s.BindInt64(1, int64(kind)) }, func(s *sqlite.Stmt) bool {
		var id record.ID
		s.ColumnBytes(0, id[:])
		form := fresh()
		if err := proto.Unmarshal(sqlitefile.Bytes(s, 1), form); err != nil {
			failed = fmt.Errorf("form of %s: %w", id, err)
			return false
		}
		do(id, form)
		return true
	})
	if failed != nil {
		return failed
	}
	return err
}

// names are what units and staff are called.
type names struct {
	units map[record.Division]named
	codes map[string]record.Division // of organisations: where they are
	staff map[string]string
}

// named is a name with how near it is to its unit: a hospital's name is better than a clinic's
// for a township.
type named struct {
	name string
	org  carev1.OrganisationType
}

func (c *counting) names() (names, error) {
	n := names{map[record.Division]named{}, map[string]record.Division{}, map[string]string{}}
	err := eachPaper(c.conn, kindOrg, func() *carev1.Organisation { return &carev1.Organisation{} }, func(_ record.ID, o *carev1.Organisation) {
		for i, text := range o.GetDivisionPrefixes() {
			d, err := care.ParseDivision(text)
			if err != nil {
				continue
			}
			if was, ok := n.units[d]; !ok || o.GetType() < was.org {
				n.units[d] = named{o.GetName(), o.GetType()}
			}
			if i == 0 {
				n.codes[o.GetOrganisationCode()] = d
			}
		}
	})
	if err != nil {
		return n, err
	}
	err = eachPaper(c.conn, kindStaff, func() *carev1.Staff { return &carev1.Staff{} }, func(_ record.ID, s *carev1.Staff) {
		n.staff[s.GetStaffId()] = s.GetName()
	})
	return n, err
}

// of returns what a unit is called, "" if no record says so.
func (n names) of(u Unit) string {
	if u.Doctor != "" {
		return n.staff[u.Doctor]
	}
	return n.units[u.Division].name
}

// targets are what units are to reach in a year.
type targets struct {
	rows map[targetKey]*carev1.AssessmentTarget
}

type targetKey struct {
	division record.Division
	code     indicators.Code
}

// targets returns the targets of a year.
func (c *counting) targets(year int, n names) (targets, error) {
	t := targets{map[targetKey]*carev1.AssessmentTarget{}}
	err := eachPaper(c.conn, indicators.KindAssessmentTarget, func() *carev1.AssessmentTarget { return &carev1.AssessmentTarget{} }, func(_ record.ID, one *carev1.AssessmentTarget) {
		if int(one.GetYear()) != year {
			return
		}
		d, err := care.ParseDivision(one.GetDivisionCode())
		if one.GetDivisionCode() == "" {
			if at, ok := n.codes[one.GetOrganisationCode()]; ok {
				d, err = at, nil
			}
		}
		if err == nil {
			t.rows[targetKey{d, indicators.Code(one.GetIndicatorCode())}] = one
		}
	})
	return t, err
}

// of returns the target of a unit: its own, else, for what does not grow with the unit, that of the
// nearest division above. A doctor has those of the county.
func (t targets) of(u Unit, one indicators.Indicator, county record.Division) *carev1.AssessmentTarget {
	d := u.Division
	if u.Doctor != "" {
		d = county
	}
	for at := d; at != ""; at = above(at) {
		if row, ok := t.rows[targetKey{at, one.Code}]; ok && (at == u.Division || scales(one)) {
			return row
		}
	}
	return nil
}

// scales reports whether a target of a whole is one of its parts, too: a rate is, a number is not.
func scales(one indicators.Indicator) bool {
	return one.Unit == indicators.Percent || one.Unit == indicators.PercentagePoints
}

// above returns the division one level up, "" for none.
func above(d record.Division) record.Division {
	for _, l := range []care.Level{care.LevelTownship, care.LevelCounty, care.LevelCity, care.LevelProvince} {
		if len(d) > int(l) {
			return d[:l]
		}
	}
	return ""
}

// owners are who is in charge of an indicator in a division, as tasks have it.
func (c *counting) owners(year int) (map[targetKey]string, error) {
	out := map[targetKey]string{}
	err := eachPaper(c.conn, kindTask, func() *carev1.Task { return &carev1.Task{} }, func(_ record.ID, t *carev1.Task) {
		if t.GetState() == carev1.TaskState_TASK_STATE_WITHDRAWN || care.Date(t.GetWindow().GetDueOn()).Year() != year {
			return
		}
		out[targetKey{trim(record.Division(t.GetDivisionCode())), indicators.Code(t.GetIndicatorCode())}] = t.GetOwnerId()
	})
	return out, err
}

// adjustment is a ScoreAdjustment of a window.
type adjustment struct {
	division record.Division
	form     *carev1.ScoreAdjustment
}

func (c *counting) adjustments(p indicators.Period) (all []adjustment, err error) {
	err = eachPaper(c.conn, kindAdjustment, func() *carev1.ScoreAdjustment { return &carev1.ScoreAdjustment{} }, func(_ record.ID, one *carev1.ScoreAdjustment) {
		if windowOf(one.GetWindow()) == p {
			all = append(all, adjustment{trim(record.Division(one.GetDivisionCode())), one})
		}
	})
	return all, err
}

func windowOf(w *carev1.FreezeWindow) indicators.Period {
	return indicators.Period{From: care.Date(w.GetStartsOn()), To: care.Date(w.GetEndsOn())}
}

func sortUnits(all []Unit) {
	slices.SortFunc(all, func(a, b Unit) int {
		return bytes.Compare([]byte(string(a.Division)+"\x00"+a.Doctor), []byte(string(b.Division)+"\x00"+b.Doctor))
	})
}

// AdjustmentID returns the id of the record of points by hand: there is one for each window, unit,
// indicator and reason, and setting it again changes it.
func AdjustmentID(a *carev1.ScoreAdjustment) record.ID {
	return record.DerivedID(kindAdjustment, fmt.Appendf(nil, "score_adjustment/%d/%d/%s/%s/%s",
		a.GetWindow().GetStartsOn(), a.GetWindow().GetEndsOn(), trim(record.Division(a.GetDivisionCode())), a.GetIndicatorCode(), a.GetTitle()))
}
