// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// maxSave is how many bytes the values of a save may have: a revision has at most 48 KiB.
const maxSave = 40 << 10

// lay lays what a row says over what it is about, and decides by what differs.
func (r *Run) lay(d *decision) error {
	if d.target == nil {
		return r.create(d)
	}
	if d.target.Life() == record.LifeVoided {
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_VOIDED)
		return nil
	}
	if !r.mayAt(*d.target) {
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OUTSIDE)
		return nil
	}
	shown := d.target.Registers()
	was, err := care.Message(d.row.Kind, shown)
	if err != nil {
		return err
	}
	edited := proto.Clone(was)
	l := layer{}
	l.over(edited.ProtoReflect(), d.form.ProtoReflect(), "")
	changes, err := care.Diff(d.row.Kind, shown, edited)
	if err != nil {
		return err
	}
	r.judge(d, shown, changes, l.replaced)
	return nil
}

// create makes a new record of a row.
func (r *Run) create(d *decision) error {
	if d.row.Division == "" {
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_NO_DIVISION)
		return nil
	}
	r.stamp(d.form)
	changes, err := care.Diff(d.row.Kind, nil, d.form)
	if err != nil {
		return err
	}
	if size(changes) > maxSave {
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_FORM)
		return nil
	}
	changes = append(changes,
		record.Change{Path: record.PathScope, Value: record.Of([]byte(d.row.Division))},
		record.Change{Path: record.PathLife, Value: record.Active()})
	if !d.person.IsZero() {
		changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(d.person[:])})
	}
	d.changes = changes
	d.put(created, 0)
	return nil
}

func size(changes []record.Change) (n int) {
	for _, c := range changes {
		n += len(c.Value.Bytes) + len(c.Path)
	}
	return n
}

// stamp says on a new form that it was imported, and when.
func (r *Run) stamp(form proto.Message) {
	m, now := form.ProtoReflect(), r.i.cfg.Clock()
	fields := m.Descriptor().Fields()
	if f := fields.ByName("capture"); f != nil && f.Message() != nil && f.Message().Name() == "Capture" {
		m.Set(f, protoreflect.ValueOfMessage((&carev1.Capture{
			EnteredAtMs: now.UnixMilli(), Source: carev1.CaptureSource_CAPTURE_SOURCE_IMPORT,
		}).ProtoReflect()))
	}
	if f := fields.ByName("status"); f != nil && f.Enum() != nil && f.Enum().Name() == "FormStatus" {
		m.Set(f, protoreflect.ValueOfEnum(protoreflect.EnumNumber(carev1.FormStatus_FORM_STATUS_SUBMITTED)))
	}
	if v, ok := form.(*carev1.VitalEvent); ok {
		today := int32(care.DateOf(now))
		if r.b.Content == carev1.ImportSubject_IMPORT_SUBJECT_DEATHS && len(v.Evidence) == 0 {
			v.Evidence = []carev1.VitalEventEvidence{carev1.VitalEventEvidence_VITAL_EVENT_EVIDENCE_AUTHORITY}
		}
		if r.b.Content == carev1.ImportSubject_IMPORT_SUBJECT_DEATHS && v.ReportedBy == nil {
			v.ReportedBy = &carev1.VitalEventReporter{Role: carev1.VitalEventReporterRole_VITAL_EVENT_REPORTER_ROLE_AUTHORITY}
		}
		if v.ServiceDate == 0 {
			v.ServiceDate = today
		}
		if v.KnownDate == 0 {
			v.KnownDate = today
		}
	}
}

// judge decides about the changes that a row would make to a record. replaced are the fields
// in which it says something else than stands there; all other changes only add.
func (r *Run) judge(d *decision, shown []record.Register, changes []record.Change, replaced []string) {
	at := make(map[record.Path]record.Register, len(shown))
	for _, g := range shown {
		at[g.Path] = g
	}
	var keep []record.Change
	var differ, torn []string
	for _, c := range changes {
		g, there := at[c.Path]
		name := care.FormatPath(d.row.Kind, c.Path)
		switch {
		case !there || empty(g):
			keep = append(keep, c)
		case g.Conflict():
			torn = append(torn, name)
		case !slices.ContainsFunc(replaced, func(p string) bool { return p == name || strings.HasPrefix(p, name+".") }):
			keep = append(keep, c)
		case r.b.Prefer == officev1.ImportPreference_IMPORT_PREFERENCE_FILE, r.own(g):
			keep = append(keep, c)
		default:
			differ = append(differ, name)
		}
	}
	centre := r.b.Prefer == officev1.ImportPreference_IMPORT_PREFERENCE_CENTRE
	switch {
	case len(torn) > 0 && !centre:
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_CONFLICT)
		d.fields = torn[:min(len(torn), maxFields)]
	case len(differ) > 0 && !centre:
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_DIFFERS)
		d.fields = differ[:min(len(differ), maxFields)]
	case size(keep) > maxSave:
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_FORM)
	case len(keep) == 0:
		d.put(unchanged, 0)
	default:
		d.changes = keep
		d.put(updated, 0)
	}
}

func empty(g record.Register) bool {
	for _, s := range g.Siblings {
		if s.Value.Form == record.Present {
			return false
		}
	}
	return true
}

// own reports whether an import of the source wrote all that stands in a register.
func (r *Run) own(g record.Register) bool {
	for _, s := range g.Siblings {
		if !r.batch.made(s.Dot) {
			return false
		}
	}
	return true
}

// layer lays one form over another.
type layer struct {
	replaced []string // fields that said something else
}

// over lays what is filled in from over to: messages field by field, maps entry by entry. Text
// that differs only as files differ (blanks, width, traditional characters) is the same, and
// so are sets of codes in another order. What is empty in from stays.
func (l *layer) over(to, from protoreflect.Message, prefix string) {
	from.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := prefix + string(f.Name())
		switch {
		case f.IsMap():
			entries := to.Mutable(f).Map()
			v.Map().Range(func(k protoreflect.MapKey, one protoreflect.Value) bool {
				l.entry(entries, k, one, name)
				return true
			})
		case f.Message() != nil && !f.IsList():
			l.over(to.Mutable(f).Message(), v.Message(), name+".")
		case to.Has(f) && sameValue(f, to.Get(f), v):
		default:
			if to.Has(f) {
				l.replaced = append(l.replaced, name)
			}
			to.Set(f, v)
		}
		return true
	})
}

// entry lays an entry over that of the same key; one that is there under another key is not
// entered again.
func (l *layer) entry(entries protoreflect.Map, k protoreflect.MapKey, one protoreflect.Value, name string) {
	m, ok := one.Interface().(protoreflect.Message)
	switch {
	case !ok:
		entries.Set(k, one)
	case entries.Has(k):
		l.over(entries.Mutable(k).Message(), m, name+"."+k.String()+".")
	case !sameEntry(entries, m):
		entries.Set(k, one)
	}
}

// sameValue reports whether two values of a field mean the same.
func sameValue(f protoreflect.FieldDescriptor, a, b protoreflect.Value) bool {
	switch {
	case f.IsList():
		return sameSet(a.List(), b.List())
	case f.Kind() == protoreflect.StringKind:
		return care.NormaliseName(a.String()) == care.NormaliseName(b.String())
	}
	return a.Equal(b)
}

// sameEntry reports whether a map has an entry that says at least as much, under whatever key:
// the disease that a doctor entered is not entered again.
func sameEntry(entries protoreflect.Map, m protoreflect.Message) bool {
	found := false
	entries.Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
		merged := proto.Clone(v.Message().Interface())
		l := layer{}
		l.over(merged.ProtoReflect(), m, "")
		found = proto.Equal(merged, v.Message().Interface())
		return !found
	})
	return found
}

// sameSet reports whether two lists have the same elements.
func sameSet(a, b protoreflect.List) bool {
	if a.Len() != b.Len() {
		return false
	}
	for i := range b.Len() {
		found := false
		for j := range a.Len() {
			found = found || a.Get(j).Equal(b.Get(i))
		}
		if !found {
			return false
		}
	}
	return true
}
