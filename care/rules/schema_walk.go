// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
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
	trail     []step                // to the field that is looked at
	out       []ranked
}

// schemaFindings returns what the schema checks of the pack find, in the order of the form.
func (s *scope) schemaFindings() []ranked {
	if len(s.k.checks) == 0 {
		return nil
	}
	w := &walk{s: s, person: s.person}
	w.message(s.k.plan, s.entry.Form.ProtoReflect(), nil)
	return w.out
}

// A step leads to a field, or to an entry of one.
type step struct {
	field *planned
	key   string // of an entry of a map
	at    int    // the place in a list, or one of those below
}

// What at says besides a place in a list: the field as a whole, or an entry of a map.
const (
	asWhole = -1
	inEntry = -2
)

// path writes where the walk is; only for what is found.
func (w *walk) path() string {
	var b strings.Builder
	for i, s := range w.trail {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s.field.name)
		switch {
		case s.at == inEntry:
			b.WriteString("[" + s.key + "]")
		case s.at >= 0:
			b.WriteString("[" + strconv.Itoa(s.at) + "]")
		}
	}
	return b.String()
}

// here returns the field that is looked at.
func (w *walk) here() *planned { return w.trail[len(w.trail)-1].field }

func (w *walk) push(f *planned, key string, at int) { w.trail = append(w.trail, step{f, key, at}) }
func (w *walk) pop()                                { w.trail = w.trail[:len(w.trail)-1] }

// An issue is what a message of a schema check may name.
type issue struct {
	value, min, max string
	english         string // the value in English, where it differs
}

// report makes a finding of each rule for check.
func (w *walk) report(check carev1.SchemaCheck, i issue) {
	for _, r := range w.s.k.checks[check] {
		o := w.here().options
		zh := write(r.message.zh, []string{o.GetZh(), i.value, i.min, i.max, o.GetUnit()})
		en := write(r.message.en, []string{o.GetEn(), cmp.Or(i.english, i.value), i.min, i.max, o.GetUnit()})
		w.out = append(w.out, ranked{r.place, w.s.finding(r, zh, en, []string{w.path()})})
	}
}

// message looks at the fields of m; wants are parts that the field around m wants
// besides what they want themselves.
func (w *walk) message(p *plan, m protoreflect.Message, wants map[string]bool) {
	for _, f := range p.fields {
		if !f.looked && !wants[f.name] {
			continue
		}
		w.push(f, "", asWhole)
		if f.filled(m) {
			w.field(f, m.Get(f.desc))
		} else if w.required(f, m, wants[f.name]) {
			w.report(carev1.SchemaCheck_SCHEMA_CHECK_REQUIRED, issue{})
		}
		w.pop()
	}
}

// required reports whether an empty field is to be filled. A truth value cannot
// be told from an empty one.
func (w *walk) required(f *planned, m protoreflect.Message, wanted bool) bool {
	if f.kind == protoreflect.BoolKind {
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
func (w *walk) field(f *planned, v protoreflect.Value) {
	switch {
	case f.isMap:
		w.keyed(f, v.Map())
	case f.isList:
		w.list(f, v.List())
	case f.parts != nil:
		w.message(f.parts, v.Message(), f.wants)
	default:
		w.single(f, v)
	}
}

func (w *walk) single(f *planned, v protoreflect.Value) {
	switch f.kind {
	case protoreflect.EnumKind:
		w.code(f, int32(v.Enum()))
	case protoreflect.StringKind:
		w.text(f, v.String())
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind:
		w.number(f, v.Int())
	}
}

func (w *walk) text(f *planned, text string) {
	most := int(f.options.GetMaxCharacters())
	if most == 0 || len(text) <= most {
		return
	}
	if n := utf8.RuneCountInString(text); n > most {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_SIZE, issue{value: strconv.Itoa(n), max: strconv.Itoa(most)})
	}
}

func (w *walk) code(f *planned, code int32) {
	if _, ok := f.codes[code]; !ok {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_UNKNOWN_CODE, issue{value: strconv.Itoa(int(code))})
	}
}

func (w *walk) number(f *planned, n int64) {
	if f.options.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE && !isDate(n) {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_DATE, issue{value: strconv.FormatInt(n, 10)})
		return
	}
	hard, warn := f.options.GetHard(), f.options.GetWarn()
	switch {
	case outside(hard, n):
		w.outOf(hard, carev1.SchemaCheck_SCHEMA_CHECK_HARD_RANGE, f, n)
	case outside(warn, n):
		w.outOf(warn, carev1.SchemaCheck_SCHEMA_CHECK_WARN_RANGE, f, n)
	}
}

func isDate(n int64) bool { return n > 0 && n <= lastDate && care.Date(n).Valid() }

func outside(r *schemav1.Range, n int64) bool {
	return r != nil && (r.Min != nil && n < r.GetMin() || r.Max != nil && n > r.GetMax())
}

// outOf reports a number that the person has not confirmed.
func (w *walk) outOf(r *schemav1.Range, check carev1.SchemaCheck, f *planned, n int64) {
	if w.isConfirmed(n) {
		return
	}
	i := issue{value: f.text(n)}
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
func (w *walk) isConfirmed(n int64) bool {
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
	return w.confirmed[confirmation{w.path(), n}]
}

func (w *walk) list(f *planned, list protoreflect.List) {
	w.entries(f, list.Len())
	var codes []int32
	last := &w.trail[len(w.trail)-1]
	for i := range min(list.Len(), mostEntries) {
		if f.codes != nil {
			code := int32(list.Get(i).Enum())
			codes = append(codes, code)
			w.code(f, code)
			continue
		}
		last.at = i
		if f.parts != nil {
			w.message(f.parts, list.Get(i).Message(), nil)
		} else {
			w.single(f, list.Get(i))
		}
		last = &w.trail[len(w.trail)-1]
	}
	last.at = asWhole
	w.alone(f, codes)
}

// mostEntries of a list or map are looked at one by one; beyond it, that there are too many is all that is said.
const mostEntries = 256

type keyedMessage struct {
	key     string
	message protoreflect.Message
}

func (w *walk) keyed(f *planned, entries protoreflect.Map) {
	w.entries(f, entries.Len())
	if f.parts == nil {
		return
	}
	all := make([]keyedMessage, 0, entries.Len())
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		all = append(all, keyedMessage{k.String(), v.Message()})
		return true
	})
	slices.SortFunc(all, func(a, b keyedMessage) int { return strings.Compare(a.key, b.key) })
	var codes map[*planned][]int32
	if len(all) > 1 {
		codes = map[*planned][]int32{}
	}
	for _, e := range all[:min(len(all), mostEntries)] {
		w.trail[len(w.trail)-1] = step{f, e.key, inEntry}
		w.message(f.parts, e.message, nil)
		for _, part := range f.parts.exclusive {
			if codes != nil && part.filled(e.message) {
				codes[part] = append(codes[part], int32(e.message.Get(part.desc).Enum()))
			}
		}
	}
	w.trail[len(w.trail)-1] = step{f, "", asWhole}
	for _, part := range f.parts.exclusive {
		w.alone(part, codes[part])
	}
}

func (w *walk) entries(f *planned, n int) {
	if most := int(f.options.GetMaxEntries()); most > 0 && n > most {
		w.report(carev1.SchemaCheck_SCHEMA_CHECK_SIZE, issue{value: strconv.Itoa(n), max: strconv.Itoa(most)})
	}
}

// alone reports codes of a list that stand alone and do not, at the field that is looked at.
func (w *walk) alone(list *planned, codes []int32) {
	if len(codes) < 2 {
		return
	}
	for _, code := range codes {
		if list.codes[code] && slices.ContainsFunc(codes, func(other int32) bool { return other != code }) {
			zh, en := codeLabel(list.desc.Enum(), int64(code))
			w.report(carev1.SchemaCheck_SCHEMA_CHECK_EXCLUSIVE_CODE, issue{value: zh, english: en})
			return
		}
	}
}
