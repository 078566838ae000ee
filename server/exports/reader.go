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
	"github.com/xunzhen/xunzhen/care/indicators"
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

// selection says whose records are read, and which of them.
type selection struct {
	within  record.Division // where the person's record is kept; empty: anywhere
	drivers []record.Kind   // whoever has a record of these that picks is glad of is read, too
	picks   func(card) bool // whether a table may have who has such a card; it may take too many
	kinds   []record.Kind   // what else is read of them, beside residents and drivers
	served  []record.Kind   // of these, what was served in the period
	period  indicators.Period
}

// wanted reports whether records of a kind are read, some of them at least.
func (s selection) wanted(kind record.Kind) bool {
	return kind == care.KindResident || slices.Contains(s.kinds, kind) || slices.Contains(s.drivers, kind) || slices.Contains(s.served, kind)
}

// reads reports whether a record of somebody who was picked is read.
func (s selection) reads(d dated) bool {
	kind := d.id.Kind()
	if slices.Contains(s.served, kind) && !slices.Contains(s.kinds, kind) {
		return s.period.Has(d.from)
	}
	return s.wanted(kind)
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
	pageIDs   = 500
)

// reading is one walk over the records of a county. What it has read is kept in a file; in
// memory there is a line of some 70 bytes for each record.
type reading struct {
	records Records
	cards   *Module
	scope   Scope
	sel     selection
	pieces  *blobs
	lines   []line
	wanted  map[record.ID]bool // residents whose records are read
	links   map[record.ID]care.Link
	latest  map[record.ID]syncengine.Position // of records that changed since the reading began
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
func persons(ctx context.Context, records Records, cards *Module, scope Scope, sel selection, dir string, tell func(int), each func(person) error) (syncengine.Position, error) {
	pieces, err := newBlobs(dir)
	if err != nil {
		return 0, err
	}
	r := &reading{
		records: records, cards: cards, scope: scope, sel: sel, pieces: pieces, wanted: map[record.ID]bool{}, links: map[record.ID]care.Link{}, latest: map[record.ID]syncengine.Position{},
		end: records.Position(), tell: tell,
	}
	err = r.all(ctx, each)
	return r.end, errors.Join(err, pieces.close())
}

func (r *reading) all(ctx context.Context, each func(person) error) error {
	named, ok, err := r.cards.choose(ctx, r.sel)
	switch {
	case err != nil:
		return err
	case ok:
		r.end = named.at
		err = r.named(ctx, named)
	default:
		err = r.everybody(ctx)
	}
	if err != nil {
		return err
	}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	if err := r.pieces.flush(); err != nil {
		return err
	}
	return r.group(ctx, each)
}

// named reads what cards name.
func (r *reading) named(ctx context.Context, what chosen) error {
	if err := r.pages(ctx, everyone(), care.KindResidentLink, r.takeLink); err != nil {
		return err
	}
	for _, id := range what.residents {
		r.wanted[id] = true
	}
	slices.SortFunc(what.records, record.ID.Compare) // as they lie
	err := inOrder(ctx, slices.Chunk(what.records, pageIDs), r.records.Rows, func(rows []syncengine.RecordRow) error {
		for _, row := range rows {
			if !r.scope.has(row) {
				continue
			}
			if err := r.keep(row); err != nil {
				return err
			}
		}
		r.read += len(rows)
		r.tell(r.read)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	for _, id := range what.people {
		if err := r.everythingOf(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range r.linked() { // one who was not picked may come to be one person with somebody who was
		if !r.wanted[id] {
			if err := r.everythingOf(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// linked returns the residents who are one person with others, each as often as links say so.
func (r *reading) linked() (all []record.ID) {
	for _, l := range r.links {
		if l.Same {
			all = append(all, l.A, l.B)
		}
	}
	return all
}

// everybody reads everything that may be of somebody who is picked.
func (r *reading) everybody(ctx context.Context) error {
	if err := r.pages(ctx, everyone(), care.KindResidentLink, r.takeLink); err != nil {
		return err
	}
	for _, id := range r.linked() { // any of them may be who makes the others picked
		r.wanted[id] = true
	}
	for _, k := range r.sel.drivers {
		if err := r.pages(ctx, r.scope, k, r.takeDriver); err != nil {
			return err
		}
	}
	if err := r.pages(ctx, r.scope, care.KindResident, func(row syncengine.RecordRow) error { _, err := r.takeResident(row); return err }); err != nil {
		return err
	}
	others := append(slices.Clone(r.sel.kinds), r.sel.served...)
	slices.Sort(others)
	for _, k := range slices.Compact(others) {
		if slices.Contains(r.sel.drivers, k) {
			continue // they were read
		}
		if err := r.pages(ctx, r.scope, k, r.takeOther); err != nil {
			return err
		}
	}
	return nil
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
	if !e.Voided && r.sel.picks(cardOf([]rules.Entry{e})) {
		r.wanted[residentOf(row)] = true
	}
	return r.keep(row)
}

// takeResident keeps a resident's record, and wants what else there is if it is selected. It
// reports whether that is new.
func (r *reading) takeResident(row syncengine.RecordRow) (anew bool, err error) {
	selected := r.wanted[row.ID]
	if !selected {
		e, err := entryOf(row)
		if err != nil {
			return false, err
		}
		selected = !e.Voided && r.sel.picks(cardOf([]rules.Entry{e})) && r.within(row.Divisions)
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
	r.latest[row.ID] = row.Position
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
	case r.sel.wanted(kind):
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
		if !r.scope.has(row) || !r.sel.wanted(row.ID.Kind()) {
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
	put := func(_ context.Context, of [][]line) ([]person, error) { return r.persons(of) }
	return inOrder(ctx, slices.Chunk(r.byPerson(), somePersons), put, func(some []person) error {
		for _, p := range some {
			if err := each(p); err != nil {
				return err
			}
		}
		return nil
	})
}

// somePersons is how many persons are put together at a time by one goroutine.
const somePersons = 32

// byPerson returns the lines of each person, in order.
func (r *reading) byPerson() (all [][]line) {
	for from := 0; from < len(r.lines); {
		to := from
		for to < len(r.lines) && r.lines[to].person == r.lines[from].person {
			to++
		}
		all = append(all, r.lines[from:to])
		from = to
	}
	return all
}

// persons reads those of some persons who live here.
func (r *reading) persons(of [][]line) (all []person, err error) {
	for _, lines := range of {
		p, ok, err := r.person(lines)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, p)
		}
	}
	return all, nil
}

// person reads one person; false for one who lives elsewhere, or of whom no resident's record is in sight.
func (r *reading) person(lines []line) (person, bool, error) {
	p := person{rows: map[record.ID]syncengine.RecordRow{}}
	var entries []rules.Entry
	var divisions []record.Division
	resident := false
	for i, l := range lines {
		if l.size == 0 || i+1 < len(lines) && lines[i+1].id == l.id || l.position < r.latest[l.id] { // a later one takes its place, maybe elsewhere
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
	b := make([]byte, l.size)
	if _, err := r.pieces.file.ReadAt(b, l.at); err != nil {
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
	row.State = b
	return row, nil
}
