// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// maxDepartures is about how many departures a page has.
const maxDepartures = 4096

// departures returns those records that left a division of these parts in (from,
// end] and are, as they stand now, in no division of the caller's. It stops where a
// page has enough of them, and returns how far it came. Not in order of position.
func (p *pager) departures(caller segment.Certificate, parts []int, from, end Position) ([]session.Departure, Position, error) {
	d := departing{p: p, caller: caller, seen: map[session.Departure]bool{}}
	for _, i := range parts {
		var err error
		if end, err = d.from(p.cursor.parts[i], from, end); err != nil {
			return nil, from, err
		}
	}
	return d.out, end, nil
}

// departing collects departures, each of a record and position once.
type departing struct {
	p      *pager
	caller segment.Certificate
	seen   map[session.Departure]bool
	out    []session.Departure
}

// from adds those of one part in (after, end] and returns how far it came.
func (d *departing) from(o part, after, end Position) (Position, error) {
	for limit := scanLimit; after < end; {
		list, err := d.p.r.Departures(after, end, []record.Division{o.prefix}, []record.Class{o.class}, limit)
		if err != nil {
			return after, err
		}
		next := end
		if len(list) == limit { // there may be more at the last position
			last := list[limit-1].Position
			n := slices.IndexFunc(list, func(x Departure) bool { return x.Position == last })
			if n == 0 { // one record left very many divisions at once
				limit *= 4
				continue
			}
			list, next = list[:n], list[n-1].Position
		}
		for _, x := range list {
			if err := d.add(x); err != nil {
				return after, err
			}
		}
		after, limit = next, scanLimit
		if len(d.out) >= maxDepartures {
			return after, nil
		}
	}
	return end, nil
}

func (d *departing) add(x Departure) error {
	gone := session.Departure{ID: x.Record, Position: x.Position}
	if d.seen[gone] {
		return nil
	}
	d.seen[gone] = true
	row, ok, err := d.p.r.Record(x.Record)
	if err != nil || !ok {
		return err
	}
	in := slices.ContainsFunc(row.Divisions, func(v record.Division) bool { return v.WithinAny(d.caller.Divisions) })
	if !in || !d.caller.AllowsClass(row.Class) {
		d.out = append(d.out, gone)
	}
	return nil
}
