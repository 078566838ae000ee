// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
)

// agedYears is from when on a form counts a person among the aged: the forms of the
// third edition of the national specification (2017) say 65.
const agedYears = 65

// A walk looks at one form.
type walk struct {
	s         *scope
	person    *carev1.RulePerson
	confirmed map[confirmation]bool // nil until somebody asks
	out       []ranked
}

// schemaFindings returns what the schema checks of the pack find, in the order of the form.
func (s *scope) schemaFindings() []ranked {
	if len(s.k.checks) == 0 {
		return nil
	}
	w := &walk{s: s, person: s.person}
	w.message(s.k.plan, s.entry.Form.ProtoReflect(), "", nil)
	return w.out
}

// An issue is what a message of a schema check may name.
type issue struct {
	path            string
	field           *planned
	value, min, max string
	english         string // the value in English, where it differs
}

// report makes a finding of each rule for check.
func (w *walk) report(check carev1.SchemaCheck, i issue) {
	for _, r := range w.s.k.checks[check] {
		o := i.field.options
		zh := write(r.message.zh, []string{o.GetZh(), i.value, i.min, i.max, o.GetUnit()})
		en := write(r.message.en, []string{o.GetEn(), cmp.Or(i.english, i.value), i.min, i.max, o.GetUnit()})
		w.out = append(w.out, ranked{r.place, w.s.finding(r, zh, en, []string{i.path})})
	}
}

// message looks at the fields of m, which stand under prefix; wants are parts that
// the field around m wants besides what they want themselves.
func (w *walk) message(p *plan, m protoreflect.Message, prefix string, wants map[string]bool) {
	for _, f := range p.fields {
		if f.options == nil {
			continue
		}
		path := prefix + f.name
		if !f.filled(m) {
			if w.required(f, m, wants[f.name]) {
				w.report(carev1.SchemaCheck_SCHEMA_CHECK_REQUIRED, issue{path: path, field: f})
			}
			continue
		}
		w.field(f, m.Get(f.desc), path)
	}
}

// required reports whether an empty field is to be filled. A truth value cannot
// be told from an empty one.
func (w *walk) required(f *planned, m protoreflect.Message, wanted bool) bool {
	if f.desc.Kind() == protoreflect.BoolKind {
		return false
	}
	if wanted || f.options.GetRequirement() == schemav1.Requirement_REQUIREMENT_REQUIRED {
		return true
	}
	if f.options.GetRequirement() != schemav1.Requirement_REQUIREMENT_CONDITIONAL {
		return false
	}
	return slices.ContainsFunc(f.conditions, func(c condition) bool { return c.holds(m) }) ||
		slices.ContainsFunc(f.options.GetRequiredFor(), w.belongs)
}

func (w *walk) belongs(p schemav1.Population) bool {
	switch p {
	case schemav1.Population_POPULATION_AGED_65_AND_OVER:
		return w.person.AgeYears != nil && w.person.GetAgeYears() >= agedYears
	case schemav1.Population_POPULATION_RURAL:
		return w.person.GetRural()
	case schemav1.Population_POPULATION_FEMALE:
		return w.person.GetSex() == carev1.Sex_SEX_FEMALE
	case schemav1.Population_POPULATION_MALE:
		return w.person.GetSex() == carev1.Sex_SEX_MALE
	}
	return false
}

// field looks at a field that is filled.
func (w *walk) field(f *planned, v protoreflect.Value, path string) {
	switch {
	case f.desc.IsMap():
		w.keyed(f, v.Map(), path)
	case f.desc.IsList():
		w.list(f, v.List(), path)
	case f.parts != nil:
		w.message(f.parts, v.Message(), path+".", f.wants)
	default:
		w.single(f, v, path)
	}
}

func (w *walk) single(f *planned, v protoreflect.Value, path string) {
	switch f.desc.Kind() {
	case protoreflect.EnumKind:
		w.code(f, int32(v.Enum()), path)
	case protoreflect.StringKind:
		if most, n := int(f.options.GetMaxCharacters()), utf8.RuneCountInString(v.String()); most > 0 && n > most {
			w.report(carev1.SchemaCheck_SCHEMA_CHECK_SIZE, issue{path: path, field: f, value: strconv.Itoa(n), max: strconv.Itoa(most)})
		}
	case protoreflect.Int32Kind, protoreflect.Int64Kind:
		w.number(f, v.Int(), path)
	}
}

func (w *walk) code(f *planned, code int32, path string) {
	if _, ok := f.codes[code]; !ok {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_UNKNOWN_CODE, issue{path: path, field: f, value: strconv.Itoa(int(code))})
	}
}

func (w *walk) number(f *planned, n int64, path string) {
	if f.options.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE && !isDate(n) {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_DATE, issue{path: path, field: f, value: strconv.FormatInt(n, 10)})
		return
	}
	hard, warn := f.options.GetHard(), f.options.GetWarn()
	switch {
	case outside(hard, n):
		w.outOf(hard, carev1.SchemaCheck_SCHEMA_CHECK_HARD_RANGE, f, n, path)
	case outside(warn, n):
		w.outOf(warn, carev1.SchemaCheck_SCHEMA_CHECK_WARN_RANGE, f, n, path)
	}
}

func isDate(n int64) bool { return n > 0 && n <= lastDate && care.Date(n).Valid() }

func outside(r *schemav1.Range, n int64) bool {
	return r != nil && (r.Min != nil && n < r.GetMin() || r.Max != nil && n > r.GetMax())
}

// outOf reports a number that the person has not confirmed.
func (w *walk) outOf(r *schemav1.Range, check carev1.SchemaCheck, f *planned, n int64, path string) {
	if w.isConfirmed(path, n) {
		return
	}
	i := issue{path: path, field: f, value: f.text(n)}
	if r.Min != nil {
		i.min = f.text(r.GetMin())
	}
	if r.Max != nil {
		i.max = f.text(r.GetMax())
	}
	w.report(check, i)
}

// text writes a number of the field for people.
func (f *planned) text(n int64) string {
	if f.options.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE {
		return dateText(n)
	}
	return decimal(n, f.options.GetDecimals())
}

// A confirmation is of one number of one field.
type confirmation struct {
	field string
	value int64
}

// isConfirmed reports whether the form says that this number of this field stands.
func (w *walk) isConfirmed(path string, n int64) bool {
	if w.confirmed == nil {
		w.confirmed = map[confirmation]bool{}
		m := w.s.entry.Form.ProtoReflect()
		f := m.Descriptor().Fields().ByName("confirmed_values")
		if f == nil || !f.IsMap() || f.MapValue().Message() == nil {
			return false
		}
		m.Get(f).Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
			if c, ok := v.Message().Interface().(*carev1.ConfirmedValue); ok {
				w.confirmed[confirmation{c.GetField(), c.GetValue()}] = true
			}
			return true
		})
	}
	return w.confirmed[confirmation{path, n}]
}

func (w *walk) list(f *planned, list protoreflect.List, path string) {
	w.entries(f, list.Len(), path)
	var codes []int32
	for i := range min(list.Len(), mostEntries) {
		at := path + "[" + strconv.Itoa(i) + "]"
		switch {
		case f.parts != nil:
			w.message(f.parts, list.Get(i).Message(), at+".", nil)
		case f.codes != nil:
			code := int32(list.Get(i).Enum())
			codes = append(codes, code)
			w.code(f, code, path)
		default:
			w.single(f, list.Get(i), at)
		}
	}
	w.alone(f, f, codes, path)
}

// mostEntries of a list or map are looked at one by one; beyond it, that there are too many is all that is said.
const mostEntries = 256

func (w *walk) keyed(f *planned, entries protoreflect.Map, path string) {
	w.entries(f, entries.Len(), path)
	if f.parts == nil {
		return
	}
	var keys []string
	entries.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k.String())
		return true
	})
	slices.Sort(keys)
	codes := map[*planned][]int32{}
	for _, key := range keys[:min(len(keys), mostEntries)] {
		m := entries.Get(protoreflect.ValueOfString(key).MapKey()).Message()
		w.message(f.parts, m, path+"["+key+"].", nil)
		for _, part := range f.parts.fields {
			if part.codes != nil && !part.desc.IsList() && part.filled(m) {
				codes[part] = append(codes[part], int32(m.Get(part.desc).Enum()))
			}
		}
	}
	for _, part := range f.parts.fields {
		w.alone(f, part, codes[part], path)
	}
}

func (w *walk) entries(f *planned, n int, path string) {
	if most := int(f.options.GetMaxEntries()); most > 0 && n > most {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_SIZE, issue{path: path, field: f, value: strconv.Itoa(n), max: strconv.Itoa(most)})
	}
}

// alone reports codes of a list that stand alone and do not.
func (w *walk) alone(shown, list *planned, codes []int32, path string) {
	if len(codes) < 2 {
		return
	}
	for _, code := range codes {
		if list.codes[code] && slices.ContainsFunc(codes, func(other int32) bool { return other != code }) {
			zh, en := codeLabel(list.desc.Enum(), int64(code))
			w.report(carev1.SchemaCheck_SCHEMA_CHECK_EXCLUSIVE_CODE, issue{path: path, field: shown, value: zh, english: en})
			return
		}
	}
}
