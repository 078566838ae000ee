// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Records are those of a county; *syncengine.Engine has them.
type Records interface {
	Position() syncengine.Position
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	Rows(context.Context, []record.ID) ([]syncengine.RecordRow, error)
}

// Scope is what of the records may be read.
type Scope struct {
	Divisions []record.Division // prefixes
	Classes   []record.Class
}

func (s Scope) has(row syncengine.RecordRow) bool {
	return slices.Contains(s.Classes, row.Class) && (slices.Contains(s.Divisions, "") ||
		slices.ContainsFunc(row.Divisions, func(d record.Division) bool { return d.WithinAny(s.Divisions) }))
}

// selection says whose records are read.
type selection struct {
	within  record.Division // where the person's record is kept; empty: anywhere
	drivers []record.Kind   // whoever has a record of these that drives selects is read
	drives  func(form any) bool
	wants   func(*carev1.Resident) bool // whoever's record says so is read, too
	kinds   []record.Kind               // what else is read of them
}

// person is one person as the reader found it.
type person struct {
	rules    *rules.Person
	division record.Division // of the first of the residents that is anywhere
	rows     map[record.ID]syncengine.RecordRow
}

// Pages of the feed.
const (
	pageRows  = 2000
	pageBytes = 4 << 20
)

// reading is one walk over the records of a county. What it has read is kept in a file; in
// memory there is a line of some 70 bytes for each record.
type reading struct {
	records Records
	scope   Scope
	sel     selection
	pieces  *blobs
	lines   []line
	wanted  map[record.ID]bool // residents whose records are read
	links   map[record.ID]care.Link
	near    map[record.ID]bool // residents that are linked; nil: to be made anew
	end     syncengine.Position
	read    int
	tell    func(read int)
}

// line is one record that was read; a later one of the same record takes its place.
type line struct {
	resident, id record.ID
	person       record.ID // whose it is by the links; set at the end
	position     syncengine.Position
	at           int64
	size         int32 // 0: it is out of sight
}

// everyone is who may read everything: links and changes are looked for in all of it.
func everyone() Scope {
	return Scope{[]record.Division{""}, []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}}
}

// persons calls each with every selected person, in order of id, as of the position that it
// returns. Records that change meanwhile are read again.
func persons(ctx context.Context, records Records, scope Scope, sel selection, dir string, tell func(int), each func(person) error) (syncengine.Position, error) {
	pieces, err := newBlobs(dir)
	if err != nil {
		return 0, err
	}
	r := &reading{
		records: records, scope: scope, sel: sel, pieces: pieces, wanted: map[record.ID]bool{}, links: map[record.ID]care.Link{},
		end: records.Position(), tell: tell,
	}
	err = r.all(ctx, each)
	return r.end, errors.Join(err, pieces.close())
}

func (r *reading) all(ctx context.Context, each func(person) error) error {
	if err := r.pages(ctx, everyone(), care.KindResidentLink, r.takeLink); err != nil {
		return err
	}
	for _, k := range r.sel.drivers {
		if err := r.pages(ctx, r.scope, k, r.takeDriver); err != nil {
			return err
		}
	}
	if err := r.pages(ctx, r.scope, care.KindResident, func(row syncengine.RecordRow) error { _, err := r.takeResident(row); return err }); err != nil {
		return err
	}
	for _, k := range r.sel.kinds {
		if err := r.pages(ctx, r.scope, k, r.takeOther); err != nil {
			return err
		}
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	if err := r.pieces.flush(); err != nil {
		return err
	}
	return r.group(ctx, each)
}

// pages reads the records of a kind up to where the reading began.
func (r *reading) pages(ctx context.Context, scope Scope, kind record.Kind, take func(syncengine.RecordRow) error) error {
	if r.end == 0 {
		return nil
	}
	return feed(ctx, r.records, syncengine.FeedQuery{Divisions: scope.Divisions, Classes: scope.Classes, Kind: kind, UpTo: r.end}, func(row syncengine.RecordRow) error {
		if r.read++; r.read%progressEach == 0 {
			r.tell(r.read)
		}
		return take(row)
	})
}

// feed calls take with every row that is asked for, in order of position.
func feed(ctx context.Context, records Records, q syncengine.FeedQuery, take func(syncengine.RecordRow) error) error {
	q.Limit, q.Bytes = pageRows, pageBytes
	for {
		rows, err := records.List(ctx, q)
		if err != nil {
			return fmt.Errorf("read records: %w", err)
		}
		for _, row := range rows {
			if err := take(row); err != nil {
				return err
			}
		}
		if !q.Full(rows) {
			return nil
		}
		q.After = rows[len(rows)-1].Position
	}
}

// entryOf reads a record. One whose registers nobody can read has an empty form.
func entryOf(row syncengine.RecordRow) (rules.Entry, error) {
	state, err := record.DecodeState(row.State)
	if err != nil {
		return rules.Entry{}, fmt.Errorf("record %s: %w", row.ID, err)
	}
	registers := state.Registers()
	form, err := care.Message(row.ID.Kind(), registers)
	if err != nil {
		return rules.Entry{}, fmt.Errorf("record %s: %w", row.ID, err)
	}
	return rules.Entry{
		ID: row.ID, Kind: row.ID.Kind(), Subject: residentOf(row), Form: form, Voided: state.Life() == record.LifeVoided,
		CapturedAt: care.CapturedAt(registers),
	}, nil
}

// residentOf returns whose record it is: a resident's is its own.
func residentOf(row syncengine.RecordRow) record.ID {
	if row.Subject.IsZero() || row.ID.Kind() == care.KindResident {
		return row.ID
	}
	return row.Subject
}

func (r *reading) takeLink(row syncengine.RecordRow) error {
	e, err := entryOf(row)
	if err != nil {
		return err
	}
	delete(r.links, row.ID)
	if l, ok := linkOf(e); ok {
		r.links[row.ID] = l
	}
	r.near = nil
	return nil
}

// linkOf returns what a record says of two residents; false where it says nothing.
func linkOf(e rules.Entry) (l care.Link, ok bool) {
	form, ok := e.Form.(*carev1.ResidentLink)
	if !ok || e.Voided || len(form.GetResidentA()) != len(l.A) || len(form.GetResidentB()) != len(l.B) {
		return l, false
	}
	l = care.Link{A: record.ID(form.GetResidentA()), B: record.ID(form.GetResidentB())}
	switch form.GetRuling().GetState() {
	case carev1.LinkState_LINK_STATE_LINKED:
		l.Same = true
	case carev1.LinkState_LINK_STATE_UNLINKED:
	default:
		return l, false
	}
	return l, true
}

func (r *reading) takeDriver(row syncengine.RecordRow) error {
	e, err := entryOf(row)
	if err != nil {
		return err
	}
	if !e.Voided && (r.sel.drives == nil || r.sel.drives(e.Form)) {
		r.wanted[residentOf(row)] = true
	}
	return r.keep(row)
}

// takeResident keeps a resident's record, and wants what else there is if it is selected. It
// reports whether that is new.
func (r *reading) takeResident(row syncengine.RecordRow) (anew bool, err error) {
	selected := r.wanted[row.ID] || r.linked(row.ID)
	if !selected && r.sel.wants != nil {
		e, err := entryOf(row)
		if err != nil {
			return false, err
		}
		selected = !e.Voided && r.sel.wants(e.Form.(*carev1.Resident)) && r.within(row.Divisions)
	}
	if !selected {
		return false, nil
	}
	anew = !r.wanted[row.ID]
	r.wanted[row.ID] = true
	return anew, r.keep(row)
}

func (r *reading) within(divisions []record.Division) bool {
	return r.sel.within == "" || slices.ContainsFunc(divisions, func(d record.Division) bool { return d.Within(r.sel.within) })
}

// linked reports whether a resident is one of several: then all of them are read.
func (r *reading) linked(id record.ID) bool {
	if r.near == nil {
		r.near = map[record.ID]bool{}
		for _, l := range r.links {
			if l.Same {
				r.near[l.A], r.near[l.B] = true, true
			}
		}
	}
	return r.near[id]
}

func (r *reading) takeOther(row syncengine.RecordRow) error {
	if !r.wanted[residentOf(row)] {
		return nil
	}
	return r.keep(row)
}

// keep writes a record down.
func (r *reading) keep(row syncengine.RecordRow) error {
	piece := binary.AppendUvarint(nil, uint64(row.Class))
	piece = binary.AppendUvarint(piece, uint64(len(row.Divisions)))
	for _, d := range row.Divisions {
		piece = binary.AppendUvarint(piece, uint64(len(d)))
		piece = append(piece, d...)
	}
	piece = append(piece, row.State...)
	at, err := r.pieces.add(piece)
	r.lines = append(r.lines, line{resident: residentOf(row), id: row.ID, position: row.Position, at: at, size: int32(len(piece))})
	return err
}

// catchUp reads what changed since the reading began, until nothing did.
func (r *reading) catchUp(ctx context.Context) error {
	for {
		var late []record.ID
		all, last := everyone(), r.end
		err := feed(ctx, r.records, syncengine.FeedQuery{Divisions: all.Divisions, Classes: all.Classes, After: r.end}, func(row syncengine.RecordRow) error {
			last = row.Position
			more, err := r.changed(row)
			late = append(late, more...)
			return err
		})
		if err != nil || last == r.end {
			return err
		}
		r.end = last
		for _, id := range late {
			if err := r.everythingOf(ctx, id); err != nil {
				return err
			}
		}
	}
}

// changed takes in a record that changed; it returns whose others must be read now.
func (r *reading) changed(row syncengine.RecordRow) (late []record.ID, err error) {
	kind := row.ID.Kind()
	switch {
	case kind == care.KindResidentLink:
		before := r.links[row.ID]
		if err := r.takeLink(row); err != nil {
			return nil, err
		}
		for _, l := range []care.Link{before, r.links[row.ID]} {
			for _, id := range []record.ID{l.A, l.B} {
				if !id.IsZero() && !r.wanted[id] {
					late = append(late, id)
				}
			}
		}
	case !r.scope.has(row):
		r.lines = append(r.lines, line{resident: residentOf(row), id: row.ID, position: row.Position})
	case kind == care.KindResident:
		anew, err := r.takeResident(row)
		if anew {
			late = append(late, row.ID)
		}
		return late, err
	case slices.Contains(r.sel.drivers, kind):
		was := r.wanted[residentOf(row)]
		if err := r.takeDriver(row); err != nil {
			return nil, err
		}
		if id := residentOf(row); !was && r.wanted[id] {
			late = append(late, id)
		}
	case slices.Contains(r.sel.kinds, kind):
		return nil, r.takeOther(row)
	}
	return late, nil
}

// everythingOf reads all records of a resident that came to be wanted while others were read.
func (r *reading) everythingOf(ctx context.Context, id record.ID) error {
	r.wanted[id] = true
	rows, err := r.records.Rows(ctx, []record.ID{id})
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	take := func(row syncengine.RecordRow) error {
		kind := row.ID.Kind()
		if !r.scope.has(row) || kind != care.KindResident && !slices.Contains(r.sel.kinds, kind) && !slices.Contains(r.sel.drivers, kind) {
			return nil
		}
		return r.keep(row)
	}
	for _, row := range rows {
		if err := take(row); err != nil {
			return err
		}
	}
	return feed(ctx, r.records, syncengine.FeedQuery{Divisions: r.scope.Divisions, Classes: r.scope.Classes, Subject: id}, take)
}

// group puts together what belongs to one person.
func (r *reading) group(ctx context.Context, each func(person) error) error {
	links := make([]care.Link, 0, len(r.links))
	for _, l := range r.links {
		links = append(links, l)
	}
	people := care.NewPeople(links)
	for i := range r.lines {
		r.lines[i].person = people.Person(r.lines[i].resident)
	}
	slices.SortFunc(r.lines, func(a, b line) int {
		return cmp.Or(bytes.Compare(a.person[:], b.person[:]), bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.position, b.position))
	})
	for from := 0; from < len(r.lines); {
		to := from
		for to < len(r.lines) && r.lines[to].person == r.lines[from].person {
			to++
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p, ok, err := r.person(r.lines[from:to])
		if err != nil {
			return err
		}
		if ok {
			if err := each(p); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}

// person reads one person; false for one who lives elsewhere, or of whom no resident's record is in sight.
func (r *reading) person(lines []line) (person, bool, error) {
	p := person{rows: map[record.ID]syncengine.RecordRow{}}
	var entries []rules.Entry
	var divisions []record.Division
	resident := false
	for i, l := range lines {
		if l.size == 0 || i+1 < len(lines) && lines[i+1].id == l.id { // a later one takes its place
			continue
		}
		row, err := r.row(l)
		if err != nil {
			return p, false, err
		}
		e, err := entryOf(row)
		if err != nil {
			return p, false, err
		}
		entries, p.rows[l.id] = append(entries, e), row
		if l.id.Kind() == care.KindResident && !e.Voided {
			resident = true
			if len(divisions) == 0 {
				divisions = row.Divisions
			}
		}
	}
	if !resident || !r.within(divisions) {
		return p, false, nil
	}
	if len(divisions) > 0 {
		p.division = divisions[0]
	}
	p.rules = rules.NewPerson(lines[0].person, entries)
	return p, true, nil
}

// row reads what keep wrote.
func (r *reading) row(l line) (syncengine.RecordRow, error) {
	b, err := r.pieces.read(l.at, l.size)
	if err != nil {
		return syncengine.RecordRow{}, err
	}
	row := syncengine.RecordRow{ID: l.id, Position: l.position, Subject: l.resident}
	class, n := binary.Uvarint(b)
	row.Class, b = record.Class(class), b[n:]
	count, n := binary.Uvarint(b)
	b = b[n:]
	for range count {
		size, n := binary.Uvarint(b)
		row.Divisions = append(row.Divisions, record.Division(b[n:n+int(size)]))
		b = b[n+int(size):]
	}
	row.State = bytes.Clone(b)
	return row, nil
}
