// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	created   = officev1.ImportOutcome_IMPORT_OUTCOME_CREATED
	updated   = officev1.ImportOutcome_IMPORT_OUTCOME_UPDATED
	unchanged = officev1.ImportOutcome_IMPORT_OUTCOME_SAME
	aside     = officev1.ImportOutcome_IMPORT_OUTCOME_ASIDE
	refused   = officev1.ImportOutcome_IMPORT_OUTCOME_REFUSED
)

// maxFields is how many fields an answer names at most.
const maxFields = 16

// decision is what becomes of one form.
type decision struct {
	row        Row
	form       proto.Message
	outcome    officev1.ImportOutcome
	rowOutcome officev1.ImportOutcome // of all forms of the row
	doubt      officev1.ImportDoubt
	id         record.ID
	fields     []string
	detail     uint64
	changes    []record.Change

	target *record.State // what it is laid over; nil: a new record
	person record.ID     // whom it is about; zero: nobody
}

func (d *decision) put(o officev1.ImportOutcome, why officev1.ImportDoubt) {
	d.outcome, d.doubt = o, why
}

func (d *decision) settled() bool { return d.outcome != 0 }

func (d *decision) result() *officev1.ImportResult {
	m := &officev1.ImportResult{Number: d.row.Number, Outcome: d.rowOutcome, Doubt: d.doubt, Fields: d.fields, Detail: d.detail}
	if !d.id.IsZero() && d.rowOutcome < aside {
		m.Record = d.id[:]
	}
	return m
}

// plan decides about the rows of a chunk. Nothing is saved.
func (r *Run) plan(ctx context.Context, rows []Row) ([]*decision, error) {
	all := make([]*decision, len(rows))
	for i, row := range rows {
		d := &decision{row: row}
		all[i] = d
		if i > 0 && row.Number < rows[i-1].Number {
			return nil, invalid("row %d behind %d", row.Number, rows[i-1].Number)
		}
		if !r.allowed(row.Kind) {
			return nil, invalid("kind %d", row.Kind)
		}
		var err error
		if d.form, err = row.decode(); err != nil {
			d.put(refused, officev1.ImportDoubt_IMPORT_DOUBT_FORM)
			continue
		}
		if row.Division != "" && !r.mayIn(row.Division) {
			d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OUTSIDE)
		}
		r.names(d)
	}
	if err := r.match(ctx, all); err != nil {
		return nil, err
	}
	if err := r.targets(ctx, all); err != nil {
		return nil, err
	}
	for _, d := range all {
		if !d.settled() {
			if err := r.lay(d); err != nil {
				return nil, err
			}
		}
	}
	together(all)
	return all, nil
}

// allowed reports whether rows of this import may be of a kind.
func (r *Run) allowed(kind record.Kind) bool {
	if r.b.Kind != 0 {
		return kind == r.b.Kind
	}
	return slices.Contains(kindsOf(r.b.Content), kind)
}

// mayIn reports whether the caller may save in a division.
func (r *Run) mayIn(d record.Division) bool {
	return d.Valid() && r.i.cfg.Holds(d) && d.WithinAny(r.b.Divisions)
}

// together gives all forms of a row the outcome of the row: it is taken whole or not at all.
func together(all []*decision) {
	for from := 0; from < len(all); {
		to, worst := from, unchanged
		for ; to < len(all) && all[to].row.Number == all[from].row.Number; to++ {
			switch o := all[to].outcome; {
			case o >= aside || worst >= aside:
				worst = max(worst, o)
			case o == created || worst == unchanged:
				worst = o
			}
		}
		for ; from < to; from++ {
			all[from].rowOutcome = worst
		}
	}
}

// match finds the residents that rows are about, all in one look.
func (r *Run) match(ctx context.Context, all []*decision) error {
	var wanted []followers.Wanted
	var whose []*decision
	for _, d := range all {
		if d.settled() || d.row.Kind != care.KindResident && !care.AboutResident(d.row.Kind) {
			continue
		}
		p := d.row.Person
		wanted = append(wanted, followers.Wanted{Number: p.Number, Name: p.Name, Birth: p.Birth, Division: d.row.Division})
		whose = append(whose, d)
	}
	if len(wanted) == 0 {
		return nil
	}
	found, err := r.i.cfg.People.Match(ctx, wanted)
	if err != nil {
		return err
	}
	for i, d := range whose {
		r.meet(d, found[i])
	}
	return nil
}

// meet decides which resident a row is about.
func (r *Run) meet(d *decision, m followers.Matched) {
	found := m.ByNumber
	if len(found) == 0 {
		found = m.ByPerson
	}
	switch {
	case len(found) > 1:
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_SEVERAL)
		return
	case len(found) == 0 && d.row.Kind == care.KindResident:
		return
	case len(found) == 0:
		d.put(refused, officev1.ImportDoubt_IMPORT_DOUBT_NOBODY)
		return
	}
	one := found[0]
	known := one.Form.GetIdentityDocument()
	switch {
	case d.row.Person.Name != "" && one.Form.GetName() != "" && care.NormaliseName(d.row.Person.Name) != care.NormaliseName(one.Form.GetName()):
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OTHER_NAME)
	case len(m.ByNumber) == 0 && d.row.Person.Number != "" && known.GetNumber() != "":
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OTHER_NUMBER)
	case !r.mayAt(one.State):
		d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_OUTSIDE)
	}
	if d.settled() {
		return
	}
	if d.row.Kind == care.KindResident {
		d.id, d.target = one.ID, &one.State
		return
	}
	d.person = one.ID
	if d.row.Division == "" {
		if at := one.State.Divisions(); len(at) > 0 {
			d.row.Division = at[0]
		}
	}
}

// mayAt reports whether the caller may save a record where it stands.
func (r *Run) mayAt(s record.State) bool {
	at := s.Divisions()
	return len(at) > 0 && slices.ContainsFunc(at, func(d record.Division) bool { return d.WithinAny(r.b.Divisions) })
}

// targets finds the records that rows are about.
func (r *Run) targets(ctx context.Context, all []*decision) error {
	var ids []record.ID
	for _, d := range all {
		if d.settled() {
			continue
		}
		if d.target == nil {
			if err := r.identify(ctx, d); err != nil {
				return err
			}
		}
		if d.settled() {
			continue
		}
		if row, twice := r.once(d.id, d.row.Number); twice {
			d.put(aside, officev1.ImportDoubt_IMPORT_DOUBT_TWICE)
			d.detail = row
			continue
		}
		if d.target == nil {
			ids = append(ids, d.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := r.i.cfg.Shard.Rows(ctx, ids)
	if err != nil {
		return err
	}
	there := map[record.ID]*record.State{}
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err != nil {
			return err
		}
		there[row.ID] = &state
	}
	for _, d := range all {
		if !d.settled() && d.target == nil {
			d.target = there[d.id]
		}
	}
	return nil
}

// identify names the record that a row is about: one that the centre has under another id, or
// the one that the row makes.
func (r *Run) identify(ctx context.Context, d *decision) error {
	if natural, shared := naturalKey(d.form); shared {
		if id, ok := r.known.records[natural]; ok {
			d.id = id
			return nil
		}
		d.id = r.derived(d.row.Kind, natural)
		return nil
	}
	if d.row.Kind == care.KindResident {
		d.id = r.derived(d.row.Kind, residentKey(d.row))
		return nil
	}
	if !care.AboutResident(d.row.Kind) || d.person.IsZero() {
		d.put(refused, officev1.ImportDoubt_IMPORT_DOUBT_NOBODY)
		return nil
	}
	key := d.row.Key
	if key == "" {
		key = d.person.String() + "\x00" + dateText(int32(dayOf(d.form)))
	}
	d.id = r.derived(d.row.Kind, key)
	return r.beside(ctx, d)
}

// residentKey tells a resident from others of the source.
func residentKey(row Row) string {
	p := row.Person
	if key := care.MatchKey(&carev1.IdentityDocument{Type: 1, Number: p.Number}); key != "" {
		return "number\x00" + key
	}
	return "person\x00" + care.NormaliseName(p.Name) + "\x00" + p.Birth.String() + "\x00" + string(row.Division)
}
