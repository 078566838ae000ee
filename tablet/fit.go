// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// fit lets records go until what is here is within the limits, the least wanted first, and
// says in the report how many. Records that are about nobody, such as staff, tasks and the
// rule pack, stay, and so does what was saved here.
func (t *Tablet) fit(ctx context.Context, out *SyncReport) error {
	n, err := t.limitsNoted(ctx)
	if err != nil {
		return err
	}
	stock, err := t.rep().Stock(ctx)
	out.Beyond = stock.Trimmed
	if err != nil || int64(stock.Records) <= withSlack(n.records()) && int64(stock.StateBytes) <= withSlack(n.bytes()) {
		return err
	}
	ranked, held, err := t.ranked(ctx, n)
	if err != nil {
		return err
	}
	many, size := int64(stock.Records), held
	for _, one := range ranked {
		size += int64(one.bytes)
	}
	var gone []record.ID
	for i := len(ranked) - 1; i >= 0 && (many > n.records() || size > n.bytes()); i-- {
		gone = append(gone, ranked[i].id)
		many, size = many-1, size-int64(ranked[i].bytes)
	}
	for part := range slices.Chunk(gone, trimStep) {
		let, err := t.rep().Trim(ctx, part)
		out.Dropped, out.Beyond = out.Dropped+let, out.Beyond+let
		if err != nil {
			return err
		}
	}
	t.mu.Lock()
	t.forgetPeople()
	t.mu.Unlock()
	n.ByRecords, n.ByBytes = n.records(), n.bytes()
	return t.writeNote(ctx, noteLimits, n)
}

// withSlack is what a limit may be passed by before anything is let go, 2 %: to rank all that
// is here for the sake of one new record would have each sync take seconds more.
func withSlack(limit int64) int64 { return limit + limit/50 }

// trimStep is how many records are let go in one transaction.
const trimStep = 2000

// wantedRecord is a record that may be let go, with what its rank follows from.
type wantedRecord struct {
	id      record.ID
	kind    record.Kind
	person  record.ID // the resident it is about, or is
	bytes   int
	village record.Division
	day     care.Date
	recent  bool
	rank    int
}

// ranked returns what may be let go, the most wanted first, and how many bytes of what is
// about people stays in any case.
func (t *Tablet) ranked(ctx context.Context, n limitsNote) (all []wantedRecord, held int64, err error) {
	r := ranking{t: t, note: n, spare: map[record.ID]int{}, managed: map[record.ID]bool{}, due: map[record.ID]bool{}, own: map[record.Division]bool{}}
	if r.book, err = t.rules(ctx); err != nil {
		return nil, 0, err
	}
	err = t.rep().Spare(ctx, func(id record.ID, bytes int) error {
		r.spare[id] = bytes
		return nil
	})
	if err == nil {
		err = t.eachScreen(ctx, replica.Query{}, func(s replica.Screen) (bool, error) {
			r.see(s)
			return true, ctx.Err()
		})
	}
	if err == nil {
		err = r.plan(ctx)
	}
	if err != nil {
		return nil, 0, err
	}
	return r.order(), r.held, nil
}

// ranking finds out how much each record is wanted.
type ranking struct {
	t       *Tablet
	book    *rulebook
	note    limitsNote
	spare   map[record.ID]int // bytes
	managed map[record.ID]bool
	due     map[record.ID]bool
	own     map[record.Division]bool
	all     []wantedRecord
	held    int64
}

// see takes one record in.
func (r *ranking) see(s replica.Screen) {
	e, ok := entryOf(s)
	village := s.Shown.Scope.Division
	size, spare := r.spare[s.Record]
	about := s.Record.Kind() == care.KindResident || !e.Subject.IsZero()
	if !spare && about && village != "" && r.note.Villages == "" {
		r.own[village] = true
	}
	if !ok || !about || !spare {
		r.held += int64(size)
		return
	}
	one := wantedRecord{id: s.Record, kind: e.Kind, person: e.Subject, bytes: size, village: village, day: e.Day()}
	if who, is := e.Form.(*carev1.Resident); is {
		one.person, one.recent = s.Record, !e.Voided
		r.managed[s.Record] = len(who.GetTags()) > 0
	}
	r.all = append(r.all, one)
}

// plan finds out for whom something is due soon. Linked residents are one person.
func (r *ranking) plan(ctx context.Context) error {
	a, err := r.t.plan(ctx, nil)
	if err != nil {
		return err
	}
	until := a.day.AddDays(int(r.book.number("device_due_days", DueAheadDays)))
	for _, p := range a.persons {
		managed := slices.ContainsFunc(p.ids, func(id record.ID) bool { return r.managed[id] })
		due := slices.ContainsFunc(p.due, func(d *Due) bool { return d.on <= until })
		for _, id := range p.ids {
			r.managed[id], r.due[id] = managed, due
		}
	}
	return nil
}

// order sorts by rank, in each rank the newest first. The newest record of each kind of a
// person counts as recent however old it is: without it, what was done would seem due.
func (r *ranking) order() []wantedRecord {
	since := r.t.today().AddDays(-365 * int(r.book.number("device_recent_years", 2)))
	rows := strings.Fields(r.book.threshold("device_kept").GetText())
	slices.SortFunc(r.all, func(a, b wantedRecord) int { return cmp.Or(cmp.Compare(b.day, a.day), bytes.Compare(a.id[:], b.id[:])) })
	type latest struct {
		person record.ID
		kind   record.Kind
	}
	seen := map[latest]bool{}
	for i := range r.all {
		one := &r.all[i]
		key := latest{one.person, one.kind}
		one.recent = one.recent || one.day >= since || !seen[key]
		seen[key] = true
		one.rank = r.rank(rows, *one)
	}
	slices.SortStableFunc(r.all, func(a, b wantedRecord) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(residentFirst(a), residentFirst(b)))
	})
	return r.all
}

// residentFirst: what is about a person says little without who it is.
func residentFirst(w wantedRecord) int {
	if w.kind == care.KindResident {
		return 0
	}
	return 1
}

// rank returns the first row that a record fits, or one behind the last.
func (r *ranking) rank(rows []string, w wantedRecord) int {
	has := map[string]bool{"own": r.isOwn(w.village), "managed": r.managed[w.person], "due": r.due[w.person], "recent": w.recent}
	for i, row := range rows {
		if !slices.ContainsFunc(strings.Split(row, "."), func(word string) bool { return !has[word] }) {
			return i
		}
	}
	return len(rows)
}

func (r *ranking) isOwn(d record.Division) bool {
	if r.note.Villages == "" {
		return r.own[d]
	}
	return slices.ContainsFunc(strings.Split(r.note.Villages, ","), func(code string) bool { return strings.HasPrefix(string(d), code) })
}
