// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// resident fills in what the number says, and compares it with the rest. Whose birth differs
// from the number keeps both: elders give the day of the old calendar.
func (r *rowReader) resident(m *carev1.Resident) {
	d := m.GetIdentityDocument()
	if m.GetName() == "" && d.GetNumber() == "" {
		r.whole(NoKey)
		return
	}
	if m.GetName() == "" {
		r.whole(NoName)
	}
	if d != nil && d.Number != "" {
		if d.Type == 0 {
			d.Type = guessDocument(d.Number)
		}
		r.document(m, d)
	}
	if d.GetNumber() == "" && m.GetBirthDate() == 0 {
		r.whole(NoBirth)
	}
	if m.GetAddress() == nil && r.out.Division != "" {
		m.Address = &carev1.Address{}
	}
	if m.GetAddress() != nil && m.Address.DivisionCode == "" {
		m.Address.DivisionCode = string(r.out.Division)
	}
	if m.GetAddress() != nil && proto.Size(m.Address) == 0 {
		m.Address = nil
	}
	if r.out.Division == "" {
		if why := r.out.Weight(); why == Note {
			r.whole(NoDivision)
		}
	}
	r.out.Person = Person{d.GetNumber(), m.GetName(), care.Date(m.GetBirthDate())}
}

// guessDocument says what a number without a type is of: what has as many characters as
// a resident number is meant for one.
func guessDocument(number string) carev1.IdentityType {
	switch n := len(number); {
	case n == 18 && (number[:2] == "81" || number[:2] == "82" || number[:2] == "83"):
		return carev1.IdentityType_IDENTITY_TYPE_HONG_KONG_MACAO_TAIWAN_PERMIT
	case n == 18 && number[0] == '9' && isProvince(number[1:3]), n == 15 && number[0] >= 'A':
		return carev1.IdentityType_IDENTITY_TYPE_FOREIGN_PERMANENT_RESIDENT
	case n == 10 && number[0] >= 'A' && number[0] <= 'Z':
		return carev1.IdentityType_IDENTITY_TYPE_BIRTH_CERTIFICATE
	}
	return carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD
}

// isProvince reports whether two digits are of a province: a foreigner's number has them behind
// its 9 (GB/T 2260) [K].
func isProvince(code string) bool {
	return code >= "11" && code <= "65" || code == "71" || code == "81" || code == "82"
}

// document holds a number against its document.
func (r *rowReader) document(m *carev1.Resident, d *carev1.IdentityDocument) {
	says, err := care.ReadDocument(d)
	if errors.Is(err, care.ErrNumberOld) {
		r.about("identity_document.number", OldNumber)
	} else if why := numberFault(err); why != "" {
		r.about("identity_document.number", why)
		return
	}
	if says.BirthDate != 0 && !says.ShortYear {
		if m.BirthDate == 0 {
			m.BirthDate = int32(says.BirthDate)
		} else if care.Date(m.BirthDate) != says.BirthDate {
			r.about("birth_date", BirthDiffers)
		}
	}
	if says.Sex != 0 {
		if m.Sex == 0 {
			m.Sex = says.Sex
		} else if m.Sex != says.Sex {
			r.about("sex", SexDiffers)
		}
	}
}

func numberFault(err error) Reason {
	switch {
	case err == nil, errors.Is(err, care.ErrNumberOld), errors.Is(err, care.ErrNoMother), errors.Is(err, care.ErrNoNumber):
		return ""
	case errors.Is(err, care.ErrNumberChecksum):
		return NumberCheck
	case errors.Is(err, care.ErrNumberDate):
		return NumberDate
	}
	return NumberForm
}

// about notes a doubt at the column of a field, or at the whole row.
func (r *rowReader) about(path string, why Reason) {
	for i := range r.plan.Columns {
		if c := &r.plan.Columns[i]; c.Field.Path == path {
			r.doubt(c, r.cell(c.At), why)
			return
		}
	}
	r.whole(why)
}

// service wants of a record about a resident who that is, and the day.
func (r *rowReader) service() {
	p := r.out.Person
	if p.Number == "" && p.Name == "" {
		r.whole(NoKey)
		return
	}
	if p.Number != "" {
		d := &carev1.IdentityDocument{Type: guessDocument(p.Number), Number: p.Number}
		says, err := care.ReadDocument(d)
		if why := numberFault(err); why != "" {
			r.about(Number, why)
		}
		if p.Birth == 0 && !says.ShortYear {
			r.out.Person.Birth = says.BirthDate
		}
	} else if p.Birth == 0 {
		r.whole(NoBirth)
	}
	day := protoreflect.Name("service_date")
	if v, ok := r.form.Interface().(*carev1.VitalEvent); ok {
		r.death(v)
		day = "event_date"
	}
	f := r.form.Descriptor().Fields().ByName(day)
	if f == nil {
		return
	}
	switch on := care.Date(r.form.Get(f).Int()); {
	case on == 0:
		r.whole(NoDate)
	case r.out.Person.Birth != 0 && on < r.out.Person.Birth:
		r.about(string(day), BeforeBirth)
	}
}

// death says that an event is a death, unless the file says what it is.
func (r *rowReader) death(v *carev1.VitalEvent) {
	if v.Type == 0 {
		v.Type = carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH
	}
}

// statistics makes one form a figure.
func (r *rowReader) statistics(m *carev1.Statistic) {
	if m.DivisionCode == "" && r.out.Division != "" && m.OrganisationCode == "" {
		m.DivisionCode = string(r.out.Division)
	}
	if m.DivisionCode == "" && m.OrganisationCode == "" {
		r.whole(NoDivision)
		return
	}
	if r.out.Division == "" {
		r.out.Division = care.FullCode(r.plan.Division)
		if m.DivisionCode != "" {
			r.out.Division = record.Division(m.DivisionCode)
		}
	}
	if r.item != 0 {
		m.Code = carev1.StatisticCode(r.item)
	}
	if m.GetValue().GetValueX1000() != 0 || m.GetValue() != nil && m.Value.ValueX1000 != nil {
		r.one(m)
	}
	value, err := parseField(r.plan.Kind, "value.value_x1000")
	if err != nil {
		return
	}
	for _, f := range r.figures {
		one := proto.Clone(m).(*carev1.Statistic)
		one.Code = carev1.StatisticCode(f.code)
		if f.year != 0 {
			year := f.year
			one.Year = &year
		}
		r.form, r.now = one.ProtoReflect(), f.column
		if why := r.integer(value, Tidy(f.cell.Text)); why != "" {
			r.doubt(f.column, f.cell, why)
			continue
		}
		r.one(one)
	}
	if len(r.out.Forms) == 0 && r.out.Weight() == Note {
		r.whole(NoKey)
	}
}

// one takes a figure, whose year may be said for the whole file.
func (r *rowReader) one(m *carev1.Statistic) {
	if m.Year == nil && r.plan.Year != 0 {
		year := int32(r.plan.Year)
		m.Year = &year
	}
	if m.Year == nil || m.Code == 0 {
		r.whole(NoDate)
		return
	}
	r.out.Forms = append(r.out.Forms, m)
}
