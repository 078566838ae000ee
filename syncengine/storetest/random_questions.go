// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A question is one call of a Reader with its arguments.
type question struct {
	what string
	ask  func(syncengine.Reader) (any, error)
}

// answers returns how the answers of a and b differ; empty if they do not. Two
// errors are the same answer.
func answers(q question, a, b syncengine.Reader) string {
	inA, errA := q.ask(a)
	inB, errB := q.ask(b)
	if (errA == nil) != (errB == nil) {
		return fmt.Sprintf("error %v and error %v", errA, errB)
	}
	if errA != nil {
		return ""
	}
	return diff(inA, inB)
}

func (g *Random) question() question {
	switch g.rnd.IntN(9) {
	case 0, 1:
		return g.askFeed()
	case 2:
		return g.askDepartures()
	case 3:
		r, from, limit := g.replica(), g.counter(), g.limit()
		return question{fmt.Sprintf("segments of %s from %d, at most %d", r, from, limit), func(rd syncengine.Reader) (any, error) {
			return rd.Segments(r, from, limit)
		}}
	case 4:
		from, prefixes, classes, limit := ledger.Index(g.rnd.IntN(20)), g.prefixes(), g.classes(), g.limit()
		return question{fmt.Sprintf("office segments from %d of %v, %v, at most %d", from, prefixes, classes, limit), func(rd syncengine.Reader) (any, error) {
			return rd.OfficeSegments(from, prefixes, classes, limit)
		}}
	case 5:
		f, key := families()[g.rnd.IntN(6)], g.bytes(2)
		return question{fmt.Sprintf("acts of family %d about %x", f, key), func(rd syncengine.Reader) (any, error) { return rd.Acts(f, key) }}
	case 7:
		r := g.replica()
		return question{fmt.Sprintf("newest segment of %s", r), func(rd syncengine.Reader) (any, error) {
			head, ok, err := rd.Newest(r)
			return []any{head, ok}, err
		}}
	case 6:
		return question{"sums", func(rd syncengine.Reader) (any, error) { return rd.Sums() }}
	}
	return g.askRecord()
}

func (g *Random) limit() int { return g.rnd.IntN(12) }

func (g *Random) prefixes() []record.Division {
	var out []record.Division
	for range g.rnd.IntN(4) {
		d := g.division()
		out = append(out, d[:g.rnd.IntN(len(d)+1)])
	}
	return out
}

func (g *Random) classes() []record.Class {
	var out []record.Class
	for range g.rnd.IntN(5) {
		out = append(out, g.class())
	}
	return out
}

func (g *Random) place() syncengine.Position {
	return syncengine.Position(g.rnd.Uint64N(uint64(g.position) + 2))
}

func (g *Random) askFeed() question {
	q := syncengine.FeedQuery{After: g.place() / 2, Divisions: g.prefixes(), Classes: g.classes(), Limit: g.limit()}
	if g.rnd.IntN(3) == 0 {
		q.UpTo = g.place()
	}
	if g.rnd.IntN(3) == 0 {
		q.Kind = g.id().Kind()
	}
	if g.rnd.IntN(3) == 0 {
		q.Subject = sampleID(resident, g.rnd.IntN(4))
	}
	if g.rnd.IntN(3) == 0 {
		q.Flags = syncengine.Flags(g.rnd.IntN(32))
	}
	if g.rnd.IntN(3) == 0 {
		q.Bytes = g.rnd.IntN(2000)
	}
	return question{fmt.Sprintf("feed %+v", q), func(rd syncengine.Reader) (any, error) {
		rows, err := rd.Feed(q)
		return strangers(rows), err
	}}
}

func (g *Random) askDepartures() question {
	after, upTo, prefixes, classes, limit := g.place()/2, g.place(), g.prefixes(), g.classes(), g.limit()
	return question{
		fmt.Sprintf("departures after %d up to %d of %v, %v, at most %d", after, upTo, prefixes, classes, limit),
		func(rd syncengine.Reader) (any, error) {
			return rd.Departures(after, upTo, prefixes, classes, limit)
		},
	}
}

func (g *Random) askRecord() question {
	id, leaf := g.id(), ledger.Index(g.rnd.IntN(30))
	return question{fmt.Sprintf("record %s and leaf %d", id, leaf), func(rd syncengine.Reader) (any, error) {
		var all struct {
			Row        syncengine.RecordRow
			Head       syncengine.SegmentHead
			Body, Leaf []byte
			Found      [4]bool
			Same       bool
		}
		var errs [5]error
		all.Row, all.Found[0], errs[0] = rd.Record(id)
		all.Row = stranger(all.Row)
		all.Head, all.Found[1], errs[1] = rd.SegmentAt(leaf)
		all.Body, all.Found[2], errs[2] = rd.SegmentBytes(leaf)
		all.Leaf, all.Found[3], errs[3] = rd.Leaf(leaf)
		var again syncengine.SegmentHead
		again, _, errs[4] = rd.Segment(all.Head.Hash)
		all.Same = again == all.Head
		for _, err := range errs {
			if err != nil {
				return nil, err
			}
		}
		return all, nil
	}}
}
