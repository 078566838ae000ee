// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/register"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The most of everything on a person's page.
const (
	mostPersonRecords = 500
	mostContracts     = 20
	mostDue           = 50
	mostMeasurements  = 24
)

// personPage is a page on its way to who asked.
type personPage struct {
	call  *call
	view  view
	page  register.Page
	whole bool

	counts map[record.ID]int // findings by record
}

// write writes the page with its records from one on.
func (w *personPage) write(ctx context.Context, m *officev1.GetPersonRequest, from int) (*officev1.GetPersonResponse, error) {
	out := &officev1.GetPersonResponse{Masked: !w.whole, Partial: w.page.Partial}
	severities, err := w.findings(ctx)
	if err != nil {
		return nil, err
	}
	out.Person = hitToWire(w.page.Hit)
	putNumbers(out.Person, w.page.Residents[0].Form, w.whole)
	w.records(m, out, from)
	if m.GetPageToken() != "" {
		return out, nil
	}
	out.Findings = severities
	w.registrations(out)
	w.kinds(out)
	w.contracts(out)
	w.measurements(out)
	w.due(out)
	return out, nil
}

func (w *personPage) records(m *officev1.GetPersonRequest, out *officev1.GetPersonResponse, from int) {
	size := pageSize(m.GetPageSize(), usualPage, mostPersonRecords)
	for i, r := range w.page.Records[from:] {
		if i == size {
			out.NextPageToken = place{after: uint64(from + i)}.token(m)
			return
		}
		one := &officev1.PersonRecord{
			RecordId: r.ID[:], Kind: uint32(r.ID.Kind()), Date: int32(r.Date), DoctorId: r.Doctor, Author: r.Row.Last.Author,
			ReceivedAtMs: millis(r.Row.First.ReceivedAt), Voided: r.Row.Voided, Findings: uint32(w.counts[r.ID]),
		}
		if r.Reviewed {
			one.Stage, one.Level = r.Standing.Stage.String(), uint32(r.Standing.Level)
		}
		for _, d := range r.Row.Divisions {
			one.Divisions = append(one.Divisions, string(d))
		}
		out.Records = append(out.Records, one)
	}
}

// registrations writes the residents who are linked.
func (w *personPage) registrations(out *officev1.GetPersonResponse) {
	for _, r := range w.page.Residents[:min(len(w.page.Residents), mostResidents)] {
		m := &officev1.FoundPerson{
			PersonId: w.page.Hit.Person[:], ResidentIds: [][]byte{r.ID[:]}, Name: r.Form.GetName(), Sex: r.Form.GetSex(), BirthDate: r.Form.GetBirthDate(),
		}
		for _, d := range r.Divisions {
			m.Divisions = append(m.Divisions, string(d))
		}
		if d := r.Form.GetDoctorId(); d != "" {
			m.DoctorIds = []string{d}
		}
		putNumbers(m, r.Form, w.whole)
		out.Residents = append(out.Residents, &officev1.PersonResident{
			Resident: m, RegisteredOn: r.Form.GetRegisteredOn(), OrganisationCode: r.Form.GetOrganisationCode(),
		})
	}
}

func (w *personPage) kinds(out *officev1.GetPersonResponse) {
	counts := map[record.Kind]*officev1.KindCount{}
	for _, r := range w.page.Records { // the newest first
		if r.Row.Voided {
			continue
		}
		one := counts[r.ID.Kind()]
		if one == nil {
			one = &officev1.KindCount{Kind: uint32(r.ID.Kind()), Newest: int32(r.Date)}
			counts[r.ID.Kind()] = one
		}
		one.Records++
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		out.Kinds = append(out.Kinds, counts[k])
	}
}

func (w *personPage) contracts(out *officev1.GetPersonResponse) {
	for _, c := range w.page.Contracts[:min(len(w.page.Contracts), mostContracts)] {
		out.Contracts = append(out.Contracts, &officev1.PersonContract{
			RecordId: c.ID[:], SignedOn: int32(c.Signed), From: int32(c.From), To: int32(c.To), DoctorId: c.Doctor, Current: c.Current,
		})
	}
}

func (w *personPage) measurements(out *officev1.GetPersonResponse) {
	all := w.page.Measured
	for _, m := range all[max(0, len(all)-mostMeasurements):] {
		out.Measurements = append(out.Measurements, &officev1.PersonMeasurement{
			On: int32(m.On), RecordId: m.Record[:], Kind: uint32(m.Record.Kind()), SystolicMmhg: m.Systolic, DiastolicMmhg: m.Diastolic,
			FastingGlucoseMmolPerLX10: m.Fasting,
		})
	}
}

// findings counts what is found about the person, as far as the caller may see it.
func (w *personPage) findings(ctx context.Context) ([]*officev1.SeverityCount, error) {
	w.counts = map[record.ID]int{}
	f, err := w.call.county.Findings()
	if errors.Is(err, county.ErrNoFindings) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	severities := map[carev1.Severity]uint32{}
	for after := findings.Position(0); ; {
		l, err := f.List(ctx, findings.Filter{Resident: w.page.Hit.Person}, after, mostSets)
		if err != nil {
			return nil, err
		}
		for _, set := range l.Sets {
			if !w.view.sees(set.Class, set.Divisions) {
				continue
			}
			w.counts[set.Record] += len(set.Findings)
			for _, one := range set.Findings {
				severities[one.GetSeverity()]++
			}
		}
		if after = l.Next; !l.More {
			break
		}
	}
	return severityCounts(severities), nil
}

// severityCounts orders counts, the gravest first.
func severityCounts(of map[carev1.Severity]uint32) (out []*officev1.SeverityCount) {
	for _, s := range slices.SortedFunc(maps.Keys(of), func(a, b carev1.Severity) int { return cmp.Compare(gravity(a), gravity(b)) }) {
		out = append(out, &officev1.SeverityCount{Severity: s, Findings: of[s]})
	}
	return out
}

func gravity(s carev1.Severity) int {
	order := []carev1.Severity{
		carev1.Severity_SEVERITY_ERROR, carev1.Severity_SEVERITY_WARNING, carev1.Severity_SEVERITY_SUSPICION, carev1.Severity_SEVERITY_INFO,
	}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// dueRules is a pack that says what is due; *rules.Pack is one.
type dueRules interface {
	Due(*rules.Person, care.Date) ([]rules.DueItem, []*carev1.Finding)
}

// due asks the pack in force what is due, by what the caller sees.
func (w *personPage) due(out *officev1.GetPersonResponse) {
	f, err := w.call.county.Findings()
	if err != nil {
		return
	}
	pack, ok := f.Pack().(dueRules)
	if !ok || w.page.Hit.Status == register.Dead {
		return
	}
	items, _ := pack.Due(w.page.Seen, care.DateOf(w.call.began))
	for _, item := range items[:min(len(items), mostDue)] {
		out.Due = append(out.Due, &officev1.PersonDue{
			RuleId: item.RuleID, Kind: uint32(item.Kind), On: int32(item.On), Overdue: item.Overdue,
			ReasonZh: item.ReasonZH, ReasonEn: item.ReasonEN,
		})
	}
}
