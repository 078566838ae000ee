// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Populations says which populations a person belongs to on a day: *rules.Pack does.
type Populations interface {
	Populations(p *rules.Person, asOf care.Date) ([]rules.Membership, []*carev1.Finding)
}

// Question is what of the persons is asked for.
type Question struct {
	Period indicators.Period
	AsOf   care.Date // today, by the centre's clock
	Names  Names
	Rules  Populations
}

// Until returns the day as of which people are looked at: the last of the period that has come.
func (q Question) Until() care.Date { return min(q.Period.To, q.AsOf) }

// Person is somebody who may be in a table.
type Person struct {
	question *Question
	resident *carev1.Resident // of the smallest of the linked ids that has one
	division record.Division  // where it is kept; may be empty
	rules    *rules.Person
	entries  []rules.Entry
	groups   []carev1.PopulationCode // on Until, each once, in order
}

// NewPerson takes a person and where its resident's record is kept. It returns nil for one
// without a resident's record: there is nobody to name.
func NewPerson(q *Question, p *rules.Person, division record.Division) *Person {
	out := &Person{question: q, division: division, rules: p, entries: p.Entries()}
	for _, e := range out.entries {
		if r, ok := e.Form.(*carev1.Resident); ok && out.resident == nil {
			out.resident = r
		}
	}
	if out.resident == nil {
		return nil
	}
	members, _ := q.Rules.Populations(p, q.Until())
	for _, m := range members {
		out.groups = append(out.groups, m.Population)
	}
	slices.Sort(out.groups)
	out.groups = slices.Compact(out.groups)
	return out
}

// Order is what rows of persons are sorted by: the division, the name, then the id.
func (p *Person) Order() string {
	return string(p.division) + "\x00" + p.resident.GetName() + "\x00" + p.rules.ID().String()
}

func (p *Person) in(group carev1.PopulationCode) bool { return slices.Contains(p.groups, group) }

// age returns the full years on a day; false where the birth date does not say.
func (p *Person) age(on care.Date) (int, bool) {
	birth := care.Date(p.resident.GetBirthDate())
	if !birth.Whole() || !on.Whole() || on < birth {
		return 0, false
	}
	return birth.AgeOn(on), true
}

// dated is a form that says its day and how far it has come.
type dated interface {
	proto.Message
	GetServiceDate() int32
	GetStatus() carev1.FormStatus
}

// served returns the forms of one kind whose day is in the period and has come, drafts left
// out, by day and id.
func served[M dated](p *Person) []M {
	var out []M
	for _, e := range p.entries { // by id
		m, ok := e.Form.(M)
		if !ok || m.GetStatus() == carev1.FormStatus_FORM_STATUS_DRAFT {
			continue
		}
		if d := care.Date(m.GetServiceDate()); d.Whole() && p.question.Period.Has(d) && d <= p.question.AsOf {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b M) int { return cmp.Compare(a.GetServiceDate(), b.GetServiceDate()) })
	return out
}

// last returns the last of a list, the zero value of an empty one.
func last[T any](all []T) (one T) {
	if len(all) > 0 {
		one = all[len(all)-1]
	}
	return one
}

// aboutPerson are the columns that every register of persons begins with.
func aboutPerson[S any](of func(S) *Person, on func(S) care.Date) []field[S] {
	resident := func(s S) *carev1.Resident { return of(s).resident }
	return []field[S]{
		{Column{ID: "name", ZH: "姓名", EN: "name", Width: 10, FromZH: "个人基本信息表 姓名", FromEN: "resident.name"}, func(s S) Cell { return text(resident(s).GetName()) }},
		{Column{ID: "sex", ZH: "性别", EN: "sex", Width: 6, FromZH: "个人基本信息表 性别", FromEN: "resident.sex"}, func(s S) Cell { return label(resident(s).GetSex()) }},
		{Column{ID: "id_number", ZH: "身份证号", EN: "number of the identity document", Width: 21, Mask: Number, FromZH: "个人基本信息表 证件号码，始终为文本", FromEN: "resident.identity_document.number, always a text"}, func(s S) Cell {
			return text(resident(s).GetIdentityDocument().GetNumber())
		}},
		{Column{ID: "age", ZH: "年龄", EN: "age", Width: 6, Format: Whole, FromZH: "出生日期到服务当日（无服务时到统计截止日）的周岁", FromEN: "full years between the birth date and the day of the service, or the last day counted"}, func(s S) Cell {
			if n, ok := of(s).age(on(s)); ok {
				return number(int64(n))
			}
			return Cell{}
		}},
		{Column{ID: "phone", ZH: "电话", EN: "telephone", Width: 14, Mask: Phone, FromZH: "个人基本信息表 本人电话，缺失时联系人电话", FromEN: "resident.phone, else contact_person.phone"}, func(s S) Cell {
			r := resident(s)
			return text(cmp.Or(r.GetPhone(), r.GetContactPerson().GetPhone()))
		}},
		{Column{ID: "township", ZH: "乡镇（街道）", EN: "township", Width: 22, FromZH: "档案所在区划（9 位），由机构名称得名", FromEN: "the record's division (9 digits), named after the organisation that serves it"}, func(s S) Cell {
			township, _ := of(s).question.Names.Village(of(s).division)
			return text(township)
		}},
		{Column{ID: "village", ZH: "村（居）", EN: "village", Width: 26, FromZH: "档案所在区划（12 位），由机构名称得名", FromEN: "the record's division (12 digits), named after the organisation that serves it"}, func(s S) Cell {
			_, village := of(s).question.Names.Village(of(s).division)
			return text(village)
		}},
		{Column{ID: "address", ZH: "组/详细住址", EN: "address", Width: 20, FromZH: "个人基本信息表 现住址", FromEN: "resident.address.text"}, func(s S) Cell { return text(resident(s).GetAddress().GetText()) }},
	}
}

// pressure writes a blood pressure as doctors do.
func pressure(b *carev1.BloodPressure) Cell {
	if b == nil || b.SystolicMmhg == nil || b.DiastolicMmhg == nil {
		return Cell{}
	}
	return Cell{Text: decimal(int64(b.GetSystolicMmhg()), 0) + "/" + decimal(int64(b.GetDiastolicMmhg()), 0)}
}
