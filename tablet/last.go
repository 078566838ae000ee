// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
)

// LastValue is what the newest record of a kind has in a field that has something there.
type LastValue struct {
	Path     string
	LabelZH  string
	LabelEN  string
	TextZH   string // the value in words
	TextEN   string
	On       string // the day that record is about, yyyy-mm-dd
	RecordID string
	Carried  bool // NewDocument takes it over, or the part of it that is no measurement
}

// Last returns the last values that a resident's records of a kind have, each with its
// day, in the order of the form. Void records do not count. Reasons: subject,
// unknown_kind, unknown_record, locked.
func (t *Tablet) Last(residentID, kind string) (*LastValueList, error) {
	l, err := t.last(residentID, kind)
	return l, fail("last", err)
}

func (t *Tablet) last(residentID, kind string) (*LastValueList, error) {
	k, _, err := t.known(context.Background(), residentID)
	if err != nil {
		return nil, err
	}
	line, err := timeline(k.entries, kind)
	if err != nil {
		return nil, err
	}
	out := &LastValueList{}
	if len(line) == 0 {
		return out, nil
	}
	lastValues(out, line, line[0].Form.ProtoReflect().Descriptor(), nil)
	return out, nil
}

// timeline returns the entries of a kind that are not void, newest first.
func timeline(all []rules.Entry, kind string) ([]rules.Entry, error) {
	number, ok := care.KindNamed(kind)
	if !ok || !care.AboutResident(number) {
		return nil, fmt.Errorf("kind %q: %w", kind, care.ErrUnknownKind)
	}
	var line []rules.Entry
	for _, e := range all {
		if e.Kind == number && !e.Voided {
			line = append(line, e)
		}
	}
	slices.SortFunc(line, func(a, b rules.Entry) int {
		return cmp.Or(cmp.Compare(dayOf(b), dayOf(a)), b.CapturedAt.Compare(a.CapturedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	return line, nil
}

// dayOf returns the day an entry is about: the date that stands first on its form, or the
// day on which it was captured.
func dayOf(e rules.Entry) care.Date {
	m := e.Form.ProtoReflect()
	if f := m.Descriptor().Fields().ByNumber(1); f != nil && fieldOptions(f).GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE {
		if d := care.Date(m.Get(f).Int()); d.Whole() {
			return d
		}
	}
	return care.DateOf(e.CapturedAt)
}

// paperwork are fields that say how a form came about and nothing of the resident.
func paperwork(name protoreflect.Name) bool {
	switch name {
	case "service_date", "status", "doctor_id", "organisation_code", "capture", "confirmed_values", "reviews", "stay", "position", "photos":
		return true
	}
	return strings.HasSuffix(string(name), "signature") || strings.HasSuffix(string(name), "_id")
}

// lastValues adds what stands in the registers of a message under the fields in above.
func lastValues(out *LastValueList, line []rules.Entry, desc protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor) {
	for _, f := range inOrder(desc) {
		if paperwork(f.Name()) {
			continue
		}
		path := append(slices.Clone(above), f)
		if fieldOptions(f).GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS {
			lastValues(out, line, f.Message(), path)
			continue
		}
		for _, e := range line {
			if v, ok := valueIn(e.Form.ProtoReflect(), path); ok {
				out.all = append(out.all, lastValue(e, path, v))
				break
			}
		}
	}
}

// valueIn returns what a form has under fields that lie in each other.
func valueIn(m protoreflect.Message, path []protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	last := len(path) - 1
	for _, f := range path[:last] {
		m = m.Get(f).Message()
	}
	return m.Get(path[last]), m.Has(path[last])
}

func lastValue(e rules.Entry, path []protoreflect.FieldDescriptor, v protoreflect.Value) *LastValue {
	var names, zh, en []string
	for _, f := range path {
		o := fieldOptions(f)
		names, zh, en = append(names, string(f.Name())), append(zh, o.GetZh()), append(en, o.GetEn())
	}
	f := path[len(path)-1]
	return &LastValue{
		Path: strings.Join(names, "."), LabelZH: strings.Join(zh, "·"), LabelEN: strings.Join(en, ", "),
		TextZH: wording{true}.field(f, v), TextEN: wording{}.field(f, v),
		On: dayOf(e).String(), RecordID: e.ID.String(), Carried: carriedOver(f) || f.Name() == "body_size",
	}
}

// carriedOver reports whether the content of a field holds from one form to the next until
// somebody says otherwise: drugs, aims, arrangements. Nothing that was measured, observed
// or judged on a day is.
func carriedOver(f protoreflect.FieldDescriptor) bool {
	name := string(f.Name())
	switch name {
	case "medications", "advised_medications", "drugs", "insulin", "body_target", "regimen", "supervisor", "oxygen_therapy",
		"non_invasive_ventilation", "household_id", "organisation_code":
		return true
	}
	return strings.HasSuffix(name, "_target") || strings.Contains(name, "_target_")
}

// adultYears is from when on height is taken over: the checks of the rule pack hold
// heights of adults against each other from this age on.
const adultYears = 18

// NewDocument returns a new form of a kind for a resident, as SaveDocument takes it, with
// what may be carried over from earlier ones: drugs, aims, arrangements, and the height
// of an adult; nothing else that was measured. The day is today and the doctor who
// unlocked the tablet. Reasons: subject, unknown_kind, unknown_record, locked.
func (t *Tablet) NewDocument(residentID, kind string) (string, error) {
	text, err := t.newDocument(residentID, kind)
	return text, fail("new document", err)
}

func (t *Tablet) newDocument(residentID, kind string) (string, error) {
	k, id, err := t.known(context.Background(), residentID)
	if err != nil {
		return "", err
	}
	line, err := timeline(k.entries, kind)
	if err != nil {
		return "", err
	}
	number, _ := care.KindNamed(kind)
	form, err := care.New(number)
	if err != nil {
		return "", err
	}
	m := form.ProtoReflect()
	t.beginForm(m)
	carryOver(m, line, nil, k.isAdult(t.today()))
	values, err := care.FormatJSON(form)
	if err != nil {
		return "", err
	}
	d := document{Kind: kind, Subject: id.String(), Division: string(k.division), Values: json.RawMessage(values)}
	text, err := json.MarshalIndent(d, "", "  ")
	return string(text), err
}

// beginForm fills in whose form it is and of which day.
func (t *Tablet) beginForm(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	if f := fields.ByName("service_date"); f != nil {
		m.Set(f, protoreflect.ValueOfInt32(int32(t.today())))
	}
	if f := fields.ByName("doctor_id"); f != nil && t.unlockedBy() != "" {
		m.Set(f, protoreflect.ValueOfString(t.unlockedBy()))
	}
}

// isAdult reports whether the person is known to be of age.
func (k *known) isAdult(today care.Date) bool {
	for _, e := range k.entries {
		r, ok := e.Form.(interface{ GetBirthDate() int32 })
		if ok && e.Kind == care.KindResident && !e.Voided {
			birth := care.Date(r.GetBirthDate())
			return birth.Whole() && birth <= today && birth.AgeOn(today) >= adultYears
		}
	}
	return false
}

// carryOver puts into a new form what may be carried over from the newest that has it.
func carryOver(to protoreflect.Message, line []rules.Entry, above []protoreflect.FieldDescriptor, adult bool) {
	for _, f := range inOrder(to.Descriptor()) {
		path := append(slices.Clone(above), f)
		inside := f.Message() != nil && !f.IsList() && !f.IsMap()
		switch {
		case carriedOver(f), adult && f.Name() == "height_cm_x10":
			carryField(to, line, path)
		case !inside || len(path) > mostDeep || !holdsCarried(f.Message(), adult, len(path)):
		default:
			part := to.NewField(f).Message()
			carryOver(part, line, path, adult)
			if proto.Size(part.Interface()) > 0 {
				to.Set(f, protoreflect.ValueOfMessage(part))
			}
		}
	}
}

// mostDeep is how deep messages lie in each other where something may be carried over.
const mostDeep = 3

func holdsCarried(desc protoreflect.MessageDescriptor, adult bool, depth int) bool {
	for _, f := range inOrder(desc) {
		inside := f.Message() != nil && !f.IsList() && !f.IsMap()
		if carriedOver(f) || adult && f.Name() == "height_cm_x10" || inside && depth < mostDeep && holdsCarried(f.Message(), adult, depth+1) {
			return true
		}
	}
	return false
}

func carryField(to protoreflect.Message, line []rules.Entry, path []protoreflect.FieldDescriptor) {
	f := path[len(path)-1]
	for _, e := range line {
		if v, ok := valueIn(proto.Clone(e.Form).ProtoReflect(), path); ok {
			to.Set(f, v)
			return
		}
	}
}
