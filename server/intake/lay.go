// SPDX-License-Identifier: Apache-2.0

package intake

import (
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
	over(edited.ProtoReflect(), d.form.ProtoReflect())
	changes, err := care.Diff(d.row.Kind, shown, edited)
	if err != nil {
		return err
	}
	r.judge(d, shown, changes)
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
		if v.ServiceDate == 0 {
			v.ServiceDate = today
		}
		if v.KnownDate == 0 {
			v.KnownDate = today
		}
	}
}

// judge decides about the changes that a row would make to a record.
func (r *Run) judge(d *decision, shown []record.Register, changes []record.Change) {
	at := make(map[record.Path]record.Register, len(shown))
	for _, g := range shown {
		at[g.Path] = g
	}
	var keep []record.Change
	var differ, torn []string
	for _, c := range changes {
		g, there := at[c.Path]
		switch {
		case !there || empty(g):
			keep = append(keep, c)
		case g.Conflict():
			torn = append(torn, care.FormatPath(d.row.Kind, c.Path))
		case r.b.Prefer == officev1.ImportPreference_IMPORT_PREFERENCE_FILE, r.own(g):
			keep = append(keep, c)
		default:
			differ = append(differ, care.FormatPath(d.row.Kind, c.Path))
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

// over lays what is filled in from over to: messages field by field, maps entry by entry. Text
// that differs only as files differ (blanks, width, traditional characters) is the same, and
// so are sets of codes in another order. What is empty in from stays.
func over(to, from protoreflect.Message) {
	from.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			entries := to.Mutable(f).Map()
			v.Map().Range(func(k protoreflect.MapKey, one protoreflect.Value) bool {
				if !sameEntry(entries, one) {
					entries.Set(k, one)
				}
				return true
			})
		case f.IsList():
			if !sameSet(to.Get(f).List(), v.List()) {
				to.Set(f, v)
			}
		case f.Message() != nil:
			over(to.Mutable(f).Message(), v.Message())
		case f.Kind() == protoreflect.StringKind && to.Has(f) && care.NormaliseName(to.Get(f).String()) == care.NormaliseName(v.String()):
		default:
			to.Set(f, v)
		}
		return true
	})
}

// sameEntry reports whether a map has an entry that says at least as much already, under
// whatever key: the disease that a doctor entered is not entered again.
func sameEntry(entries protoreflect.Map, one protoreflect.Value) bool {
	m, ok := one.Interface().(protoreflect.Message)
	if !ok {
		return false
	}
	found := false
	entries.Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
		merged := proto.Clone(v.Message().Interface())
		over(merged.ProtoReflect(), m)
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
