// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// setsAtOnce is how many sets of findings are looked up together.
const setsAtOnce = 200

// deadlines says until when what was found is to be put right, by record and rule.
type deadlines map[record.ID]map[string]care.Date

// fillFindings lists what stands now; a record's day must lie in the period.
func fillFindings(ctx context.Context, j *job) error {
	if j.cfg.Found == nil {
		return ErrNoFound
	}
	rows, err := j.table(export.Findings().Table(j.q.View))
	if err != nil {
		return err
	}
	due, err := j.deadlines(ctx)
	if err != nil {
		return err
	}
	seen := map[setKey]int64{} // by the order in which they came: the last one of a set counts
	for after, more := findings.Position(0), true; more; {
		page, err := j.cfg.Found.List(ctx, findings.Filter{Division: j.q.Division}, after, setsAtOnce)
		if err != nil {
			return err
		}
		if err := j.sets(ctx, rows, due, seen, page.Sets); err != nil {
			return err
		}
		j.tell(len(rows.rows), 0)
		after, more = page.Next, page.More
	}
	return nil
}

type setKey struct {
	record, person record.ID
	combined       bool
}

// deadlines reads the rectifications that wait; the earliest of several counts.
func (j *job) deadlines(ctx context.Context) (deadlines, error) {
	all, err := j.all(ctx, kindRectification)
	if err != nil {
		return nil, err
	}
	out := deadlines{}
	for _, f := range all {
		r, ok := f.form.(*carev1.Rectification)
		if !ok || len(r.GetTargetRecordId()) != len(record.ID{}) || r.GetDueOn() == 0 {
			continue
		}
		id := record.ID(r.GetTargetRecordId())
		if out[id] == nil {
			out[id] = map[string]care.Date{}
		}
		if at := out[id][r.GetRuleId()]; at == 0 || care.Date(r.GetDueOn()) < at {
			out[id][r.GetRuleId()] = care.Date(r.GetDueOn())
		}
	}
	return out, nil
}

// of returns the deadline of a finding: of the rule's own rectification, else of one about the
// whole record.
func (d deadlines) of(id record.ID, rule string) care.Date {
	if at := d[id][rule]; at != 0 {
		return at
	}
	return d[id][""]
}

// sets writes the findings of some sets. Sets that moved to the end while the list was read
// come twice: the row of before is left where it is only if the set did not change.
func (j *job) sets(ctx context.Context, rows *spool, due deadlines, seen map[setKey]int64, sets []findings.Set) error {
	forms, err := j.looked(ctx, sets)
	if err != nil {
		return err
	}
	sheet := export.Findings()
	for _, s := range sets {
		key := setKey{s.Record, s.Person, s.Combined}
		if !j.sees(s) {
			continue
		}
		if _, again := seen[key]; again {
			rows.dropSet(key.text())
		}
		seen[key] = int64(s.Position)
		line := j.findingLine(s, forms)
		if line.Day != 0 && !j.q.Period.Has(line.Day) {
			continue
		}
		for _, one := range s.Findings {
			line.Finding, line.Deadline = one, due.of(s.Record, one.GetRuleId())
			if err := rows.addOf(key.text(), line.Order(), sheet.Row(j.q.View, line)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k setKey) text() string {
	if k.combined {
		return string(k.record[:]) + string(k.person[:]) + "c"
	}
	return string(k.record[:]) + string(k.person[:])
}

func (j *job) sees(s findings.Set) bool {
	if !slices.Contains(j.q.Scope.Classes, s.Class) {
		return false
	}
	return slices.Contains(j.q.Scope.Divisions, "") || slices.ContainsFunc(s.Divisions, func(d record.Division) bool { return d.WithinAny(j.q.Scope.Divisions) })
}

// looked reads the records and the residents that sets are about.
func (j *job) looked(ctx context.Context, sets []findings.Set) (map[record.ID]rules.Entry, error) {
	var ids []record.ID
	for _, s := range sets {
		ids = append(ids, s.Person)
		if !s.Record.IsZero() {
			ids = append(ids, s.Record)
		}
	}
	rows, err := j.cfg.Records.Rows(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[record.ID]rules.Entry{}
	for _, row := range rows {
		if !j.q.Scope.has(row) {
			continue
		}
		if e, err := entryOf(row); err == nil {
			out[row.ID] = e
		}
	}
	return out, nil
}

func (j *job) findingLine(s findings.Set, forms map[record.ID]rules.Entry) export.FindingLine {
	line := export.FindingLine{Unit: j.unit(s.Divisions), Since: s.ChangedOn, Person: s.Person}
	if r, ok := forms[s.Person].Form.(*carev1.Resident); ok {
		line.Resident, line.Doctor = r, j.question.Names.Staff(r.GetDoctorId())
	}
	if s.Record.IsZero() {
		return line
	}
	line.Kind = export.KindLabel(s.Record.Kind())
	form := forms[s.Record].Form
	if m, ok := form.(interface{ GetServiceDate() int32 }); ok {
		line.Day = care.Date(m.GetServiceDate())
	}
	if m, ok := form.(interface{ GetDoctorId() string }); ok && m.GetDoctorId() != "" {
		line.Doctor = j.question.Names.Staff(m.GetDoctorId())
	}
	return line
}
