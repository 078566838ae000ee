// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"strconv"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const columnsRecord = `SELECT id, ref, position, class, flags, divisions, subject, places, state FROM xz_records`

// recordRow is a row as it is scanned.
type recordRow struct {
	id, divisions, subject, places, state []byte
	ref, position                         int64
	class, flags                          int16
}

func (r *recordRow) columns() []any {
	return []any{&r.id, &r.ref, &r.position, &r.class, &r.flags, &r.divisions, &r.subject, &r.places, &r.state}
}

// row returns the row, which must be one of ours, and forgets it.
func (r *recordRow) row() syncengine.RecordRow {
	out := syncengine.RecordRow{
		Ref: r.ref, ID: record.ID(r.id), Position: syncengine.Position(r.position), Class: record.Class(r.class), Flags: syncengine.Flags(r.flags),
		Divisions: divisionsOf(r.divisions), State: r.state, Places: r.places,
	}
	if len(r.subject) == len(out.Subject) {
		out.Subject = record.ID(r.subject)
	}
	*r = recordRow{}
	return out
}

// Record returns one record.
func (r *reader) Record(id record.ID) (syncengine.RecordRow, bool, error) {
	var row recordRow
	ok, err := r.one(columnsRecord+` WHERE shard = $1 AND id = $2`, []any{r.shard, id[:]}, row.columns()...)
	if err != nil || !ok {
		return syncengine.RecordRow{}, false, err
	}
	return row.row(), true, nil
}

// pageRows is how many rows of the feed are asked for at once where their bytes are bounded.
const pageRows = 256

// Feed returns records in order of position.
func (r *reader) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if err := atLeastOne(q.Limit); err != nil || len(q.Divisions) == 0 || len(q.Classes) == 0 {
		return nil, err
	}
	var out []syncengine.RecordRow
	size := 0
	after, ref := signed(q.After), int64(1<<62)
	for {
		n := q.Limit - len(out)
		if q.Bytes > 0 {
			n = min(n, pageRows)
		}
		page, full, err := r.feedPage(q, after, ref, n, &size)
		out = append(out, page...)
		if err != nil || full || len(page) < n || len(out) == q.Limit {
			return out, err
		}
		last := page[len(page)-1]
		after, ref = int64(last.Position), last.Ref
	}
}

// feedPage returns at most n rows behind a place; full: q.Bytes were reached.
func (r *reader) feedPage(q syncengine.FeedQuery, after, ref int64, n int, size *int) (out []syncengine.RecordRow, full bool, err error) {
	k := ask(columnsRecord+` WHERE shard = $1 AND position >= $2 AND (position > $2 OR ref > $3) AND position > 0`, r.shard, after, ref)
	if q.UpTo != 0 {
		k.add(" AND position <= ?", signed(q.UpTo))
	}
	k.among("class", q.Classes)
	k.within("divisions", q.Divisions)
	if q.Kind != 0 {
		k.add(" AND kind = ?", int32(q.Kind))
	}
	if !q.Subject.IsZero() {
		k.add(" AND subject = ?", q.Subject[:])
	}
	if q.Flags != 0 {
		k.add(" AND flags & ? <> 0", int16(q.Flags))
	}
	k.text.WriteString(" ORDER BY position, ref LIMIT " + strconv.Itoa(n))
	var row recordRow
	err = r.each(k, row.columns(), func() error {
		one := row.row()
		if !full {
			out, *size = append(out, one), *size+one.Size()
			full = q.Bytes > 0 && *size >= q.Bytes
		}
		return nil
	})
	return out, full, err
}

// within appends a condition that divisions, each after a space, lie under one of the prefixes;
// an empty one takes all.
func (q *question) within(column string, prefixes []record.Division) {
	for _, p := range prefixes {
		if p == "" {
			return
		}
	}
	q.text.WriteString(" AND (")
	for i, p := range prefixes {
		if i > 0 {
			q.text.WriteString(" OR ")
		}
		q.add("position(? in "+column+") > 0", []byte(" "+string(p)))
	}
	q.text.WriteString(")")
}

// Departures returns departures in order of position.
func (r *reader) Departures(after, upTo syncengine.Position, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.Departure, error) {
	if err := atLeastOne(limit); err != nil || len(prefixes) == 0 || len(classes) == 0 {
		return nil, err
	}
	q := ask(`SELECT record, division, class, position FROM xz_departures WHERE shard = $1 AND position > $2`, r.shard, signed(after))
	if upTo != 0 {
		q.add(" AND position <= ?", signed(upTo))
	}
	q.among("class", classes)
	q.within("(' '::bytea || division)", prefixes)
	q.text.WriteString(" ORDER BY position, record, division LIMIT " + strconv.Itoa(limit))
	var out []syncengine.Departure
	var id, division []byte
	var class int16
	var position int64
	err := r.each(q, []any{&id, &division, &class, &position}, func() error {
		out = append(out, syncengine.Departure{
			Record: record.ID(id), Division: record.Division(division), Class: record.Class(class), Position: syncengine.Position(position),
		})
		return nil
	})
	return out, err
}

// Sums returns every pile that is not empty.
func (r *reader) Sums() (map[syncengine.SumKey]syncengine.Sum, error) {
	out := map[syncengine.SumKey]syncengine.Sum{}
	var division, total []byte
	var class int16
	var count int64
	q := ask(`SELECT division, class, count, total FROM xz_sums WHERE shard = $1`, r.shard)
	err := r.each(q, []any{&division, &class, &count, &total}, func() error {
		out[syncengine.SumKey{Division: record.Division(division), Class: record.Class(class)}] = syncengine.Sum{
			Count: uint64(count), Total: [32]byte(total),
		}
		return nil
	})
	return out, err
}
