// SPDX-License-Identifier: Apache-2.0

package register

import (
	"bytes"
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Sight is what somebody may see of persons.
type Sight struct {
	Divisions []record.Division // prefixes
	Classes   []record.Class
}

// sees reports whether a record may be shown.
func (s Sight) sees(r projection.Row) bool {
	return slices.Contains(s.Classes, r.Class) &&
		(slices.Contains(s.Divisions, "") || slices.ContainsFunc(r.Divisions, func(d record.Division) bool { return d.WithinAny(s.Divisions) }))
}

// Page is everything of one person, as far as somebody may see it.
type Page struct {
	Hit       Hit
	Residents []Resident // in order of id; at least one
	Records   []Record   // the newest first
	Contracts []Contract // the newest first
	Measured  []Measured // the oldest first
	// Partial: records of the person are left out, because they are not for the caller.
	Partial bool
	// Seen has the records that are shown, for rules: what is due follows from them alone.
	Seen *rules.Person
}

// Resident is one registration of a person.
type Resident struct {
	ID        record.ID
	Form      *carev1.Resident
	Divisions []record.Division
}

// Record is one record on a page.
type Record struct {
	ID       record.ID
	Date     care.Date // that it is about; of one that is void or cannot be read, the day it came
	Standing care.Standing
	Reviewed bool // its kind has a Standing
	Doctor   string
	Row      projection.Row
}

// Contract is a contract with a family doctor.
type Contract struct {
	ID       record.ID
	Signed   care.Date
	From, To care.Date // 0: open
	Doctor   string
	Current  bool
}

// Measured is what one visit measured; nil: not.
type Measured struct {
	On                  care.Date
	Record              record.ID
	Systolic, Diastolic *int32 // mmHg
	Fasting             *int32 // glucose, tenths of mmol/L
}

// PageOf returns a person's page as of a day; false when the caller sees none of its residents.
func PageOf(p *projection.Person, s Sight, today care.Date) (Page, bool) {
	if p.Rules == nil {
		return Page{}, false
	}
	var page Page
	var seen []rules.Entry
	for _, e := range p.Rules.Entries() {
		row := p.Rows[e.ID]
		if !s.sees(row) {
			page.Partial = true
			continue
		}
		seen = append(seen, e)
		page.add(e, row, today)
	}
	if len(page.Residents) == 0 {
		return Page{}, false
	}
	page.rest(p, s)
	page.Seen = rules.NewPerson(p.ID, seen)
	page.Hit = page.hit(p, s, today)
	page.sort()
	return page, true
}

// add puts a readable record on the page.
func (p *Page) add(e rules.Entry, row projection.Row, today care.Date) {
	r := Record{ID: e.ID, Date: dateOf(e), Row: row}
	r.Standing, r.Reviewed = care.StandingOf(e.Form)
	if named, ok := e.Form.(interface{ GetDoctorId() string }); ok {
		r.Doctor = named.GetDoctorId()
	}
	p.Records = append(p.Records, r)
	switch form := e.Form.(type) {
	case *carev1.Resident:
		p.Residents = append(p.Residents, Resident{e.ID, form, row.Divisions})
	case *carev1.Contract:
		p.Contracts = append(p.Contracts, contractOf(e.ID, form, today))
	}
	if m, ok := measuredOn(e.ID, r.Date, e.Form); ok {
		p.Measured = append(p.Measured, m)
	}
}

// rest adds what is void or cannot be read: there is a row of it, and no form.
func (p *Page) rest(of *projection.Person, s Sight) {
	has := map[record.ID]bool{}
	for _, r := range p.Records {
		has[r.ID] = true
	}
	for id, row := range of.Rows {
		gone := row.Voided || slices.Contains(of.Unreadable, id)
		switch {
		case has[id] || !gone:
		case !s.sees(row):
			p.Partial = true
		default:
			p.Records = append(p.Records, Record{ID: id, Date: care.DateOf(row.First.ReceivedAt), Row: row})
		}
	}
}

// hit is the person in short, made of the residents that are shown.
func (p *Page) hit(of *projection.Person, s Sight, today care.Date) Hit {
	shown := *of
	shown.Rules = p.Seen
	known := personOf(&shown)
	sensitive := slices.Contains(s.Classes, record.ClassSensitive)
	return (&search{query: Query{Today: today, Sensitive: sensitive}}).hit(known.row(of.ID))
}

func (p *Page) sort() {
	slices.SortFunc(p.Records, func(a, b Record) int { return cmp.Or(cmp.Compare(b.Date, a.Date), bytes.Compare(b.ID[:], a.ID[:])) })
	slices.SortFunc(p.Contracts, func(a, b Contract) int {
		return cmp.Or(cmp.Compare(b.Signed, a.Signed), bytes.Compare(b.ID[:], a.ID[:]))
	})
	slices.SortFunc(p.Measured, func(a, b Measured) int {
		return cmp.Or(cmp.Compare(a.On, b.On), bytes.Compare(a.Record[:], b.Record[:]))
	})
}

// dateOf returns the day that a form is about: the one in its first field, where that is a day, or else when it was
// captured.
func dateOf(e rules.Entry) care.Date {
	m := e.Form.ProtoReflect()
	if f := m.Descriptor().Fields().ByNumber(1); f != nil && f.Kind() == protoreflect.Int32Kind && !f.IsList() {
		if d := care.Date(m.Get(f).Int()); d.Whole() {
			return d
		}
	}
	return care.DateOf(e.CapturedAt)
}

func contractOf(id record.ID, m *carev1.Contract, today care.Date) Contract {
	c := Contract{
		ID: id, Signed: care.Date(m.GetSignedOn()), From: care.Date(m.GetTerm().GetSince()), To: care.Date(m.GetTerm().GetUntil()), Doctor: m.GetDoctorId(),
	}
	if ended := care.Date(m.GetTermination().GetEndedOn()); ended != 0 && (c.To == 0 || ended < c.To) {
		c.To = ended
	}
	from := cmp.Or(c.From, c.Signed)
	c.Current = m.GetState() == carev1.ContractState_CONTRACT_STATE_SIGNED && from != 0 && from <= today && (c.To == 0 || today <= c.To)
	return c
}

// measuredOn returns what a form says of blood pressure and fasting glucose.
func measuredOn(id record.ID, on care.Date, form proto.Message) (Measured, bool) {
	m := Measured{On: on, Record: id}
	if one, ok := form.(interface{ GetBloodPressure() *carev1.BloodPressure }); ok {
		m.pressure(one.GetBloodPressure())
	}
	switch form := form.(type) {
	case *carev1.Checkup:
		general := form.GetGeneral()
		m.pressure(general.GetBloodPressureRight())
		if m.Systolic == nil {
			m.pressure(general.GetBloodPressureLeft())
		}
	case *carev1.DiabetesFollowUp:
		m.Fasting = form.FastingGlucoseMmolPerLX10
	}
	return m, m.Systolic != nil || m.Diastolic != nil || m.Fasting != nil
}

func (m *Measured) pressure(p *carev1.BloodPressure) {
	if p != nil {
		m.Systolic, m.Diastolic = p.SystolicMmhg, p.DiastolicMmhg
	}
}
