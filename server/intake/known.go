// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	careintake "github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func kindsOf(c carev1.ImportSubject) []record.Kind { return careintake.KindsOf(c, "") }

// known is what the centre has of organisations, staff, teams and statistics, whoever saved them.
type known struct {
	records       map[string]record.ID // by natural key
	staff         map[string]bool      // by id
	staffNames    map[string][]string  // ids by name
	organisations map[string]bool      // by code
	orgNames      map[string][]string  // codes by name
}

// naturalKey tells a record from all others of its kind, whatever its source; ok is false for
// kinds of which the form does not say.
func naturalKey(m proto.Message) (key string, ok bool) {
	switch m := m.(type) {
	case *carev1.Organisation:
		return "organisation\x00" + m.GetOrganisationCode(), true
	case *carev1.Staff:
		return "staff\x00" + m.GetStaffId(), true
	case *carev1.Team:
		return "team\x00" + m.GetOrganisationCode() + "\x00" + care.NormaliseName(m.GetName()), true
	case *carev1.Statistic:
		place := "organisation " + m.GetOrganisationCode()
		if m.GetDivisionCode() != "" {
			place = string(care.FullCode(record.Division(m.GetDivisionCode())))
		}
		return fmt.Sprintf("statistic\x00%s\x00%d\x00%d\x00%d\x00%s", place, m.GetYear(), m.GetMonth(), m.GetCode(), m.GetCodeOther()), true
	}
	return "", false
}

// readKnown reads what rows of this import may mean.
func (r *Run) readKnown(ctx context.Context) (known, error) {
	k := known{
		records: map[string]record.ID{}, staff: map[string]bool{}, staffNames: map[string][]string{},
		organisations: map[string]bool{}, orgNames: map[string][]string{},
	}
	kinds := careintake.KindsOf(carev1.ImportSubject_IMPORT_SUBJECT_ORGANISATIONS, "")
	if r.b.Content == carev1.ImportSubject_IMPORT_SUBJECT_STATISTICS {
		kinds = append(kinds, kindsOf(r.b.Content)...)
	}
	for _, kind := range kinds {
		err := r.each(ctx, kind, func(id record.ID, _ record.State, m proto.Message) {
			if natural, ok := naturalKey(m); ok {
				if was, there := k.records[natural]; !there || id.String() < was.String() {
					k.records[natural] = id
				}
			}
			switch m := m.(type) {
			case *carev1.Staff:
				k.staff[m.GetStaffId()] = true
				name := care.NormaliseName(m.GetName())
				k.staffNames[name] = append(k.staffNames[name], m.GetStaffId())
			case *carev1.Organisation:
				k.organisations[m.GetOrganisationCode()] = true
				name := care.NormaliseName(m.GetName())
				k.orgNames[name] = append(k.orgNames[name], m.GetOrganisationCode())
			}
		})
		if err != nil {
			return k, err
		}
	}
	return k, nil
}

// names puts ids and codes in place of the names of staff and organisations that files have. A
// name that nobody or more than one bears keeps the row aside.
func (r *Run) names(d *decision) {
	if d.settled() || r.b.Content == carev1.ImportSubject_IMPORT_SUBJECT_ORGANISATIONS {
		return
	}
	m := d.form.ProtoReflect()
	for _, one := range []struct {
		field  protoreflect.Name
		ids    map[string]bool
		byName map[string][]string
		doubt  officev1.ImportDoubt
	}{
		{"doctor_id", r.known.staff, r.known.staffNames, officev1.ImportDoubt_IMPORT_DOUBT_STAFF},
		{"registered_by_id", r.known.staff, r.known.staffNames, officev1.ImportDoubt_IMPORT_DOUBT_STAFF},
		{"organisation_code", r.known.organisations, r.known.orgNames, officev1.ImportDoubt_IMPORT_DOUBT_ORGANISATION},
		{"registering_organisation_code", r.known.organisations, r.known.orgNames, officev1.ImportDoubt_IMPORT_DOUBT_ORGANISATION},
	} {
		f := m.Descriptor().Fields().ByName(one.field)
		if f == nil || !m.Has(f) || one.ids[m.Get(f).String()] || !hasHan(m.Get(f).String()) {
			continue // an id that is not known yet may come later; a name may not stand for one
		}
		ids := one.byName[care.NormaliseName(m.Get(f).String())]
		if len(ids) != 1 {
			d.put(aside, one.doubt)
			d.fields = []string{string(one.field)}
			return
		}
		m.Set(f, protoreflect.ValueOfString(ids[0]))
	}
}

func hasHan(text string) bool {
	for _, c := range text {
		if c >= 0x3400 {
			return true
		}
	}
	return false
}

// dayOf returns the day that a record is about; 0 where it has none.
func dayOf(m proto.Message) care.Date {
	if v, ok := m.(*carev1.VitalEvent); ok {
		return care.Date(v.GetEventDate())
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	for _, name := range []protoreflect.Name{"service_date", "visit_date", "signed_on"} {
		if f := fields.ByName(name); f != nil && f.Kind() == protoreflect.Int32Kind {
			return care.Date(m.ProtoReflect().Get(f).Int())
		}
	}
	return 0
}

// beside looks at what else is known of the person: the same service saved on a tablet, a death
// with another day, and who was seen after it.
func (r *Run) beside(ctx context.Context, d *decision) error {
	event, death := d.form.(*carev1.VitalEvent)
	death = death && event.GetType() == carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH
	q := syncengine.FeedQuery{
		Subject: d.person, Limit: 500, Bytes: 4 << 20, Divisions: []record.Division{""},
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	}
	if !death {
		q.Kind = d.row.Kind
	}
	rows, err := r.i.cfg.Shard.List(ctx, q)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.ID == d.id {
			continue
		}
		state, err := record.DecodeState(row.State)
		if err != nil {
			return err
		}
		m, err := care.Message(row.ID.Kind(), state.Registers())
		if err != nil || state.Life() == record.LifeVoided {
			continue // of a kind that this build does not know, or taken back
		}
		if r.speaks(d, row.ID, m, death) {
			return nil
		}
	}
	return nil
}

// speaks settles a row by another record of the person, and reports whether it did.
func (r *Run) speaks(d *decision, id record.ID, m proto.Message, death bool) bool {
	day := dayOf(m)
	other, event := m.(*carev1.VitalEvent)
	switch {
	case death && event && other.GetType() == carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH:
		if day != dayOf(d.form) {
			d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OTHER_DAY)
			d.detail = uint64(day)
			return true
		}
		d.id = id
		return false
	case death && !event && day > dayOf(d.form) && sawPerson(m):
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_SEEN_LATER)
		d.detail = uint64(day)
		return true
	case !death && d.row.Key == "" && id.Kind() == d.row.Kind && day == dayOf(d.form) && day != 0 && !r.mine(d, id):
		d.id = id
	}
	return false
}

// mine reports whether id is that of another row of this source.
func (r *Run) mine(d *decision, id record.ID) bool { return id == d.id }

// sawPerson reports whether a record says that somebody met the person: a visit at which
// nobody was met does not.
func sawPerson(m proto.Message) bool {
	if v, ok := m.(*carev1.HomeVisit); ok {
		return v.GetMetResident() == carev1.MetResident_MET_RESIDENT_RESIDENT
	}
	return true
}
