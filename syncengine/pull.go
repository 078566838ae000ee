// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// defaultPage is how many records a page has when the caller does not say.
const defaultPage = 500

// PullPage returns the next page of what changed in the caller's scope, read in
// one snapshot. A page with Last set is the end; its cursor is where the next
// pull begins. Errors: ReasonExpired, ReasonRevoked, ReasonTooMuch, ReasonInvalid
// for a cursor that is none, ReasonRolledBack, or the store's.
func (e *Engine) PullPage(ctx context.Context, caller segment.Certificate, q session.PullRequest) (session.Page, error) {
	c, err := e.mayPull(caller, q)
	if err != nil {
		return session.Page{}, err
	}
	var page session.Page
	err = e.view(ctx, func(r Reader) error {
		if e.revoked(caller) {
			return refuse(ReasonRevoked, "pull", nil)
		}
		// The head may be newer than this snapshot; what the snapshot says counts.
		h, err := e.headOf(r)
		if err != nil {
			return err
		}
		if holds, err := c.holds(r, h); err != nil {
			return err
		} else if !holds {
			c = cursor{}
		}
		p := pager{e: e, r: r, head: h, limit: pageSize(q.PageRecords), cursor: c.narrow(caller, h)}
		page, err = p.page(caller, q)
		return err
	})
	if err != nil {
		return session.Page{}, fmt.Errorf("pull: %w", err)
	}
	return page, nil
}

func (e *Engine) mayPull(caller segment.Certificate, q session.PullRequest) (cursor, error) {
	if e.Stopped() {
		return cursor{}, refuse(ReasonRolledBack, "pull", errStopped)
	}
	if !e.now().Before(caller.ExpiresAt) {
		return cursor{}, refuse(ReasonExpired, "pull", nil)
	}
	if len(caller.Classes)*len(caller.Divisions) > maxCursorParts {
		return cursor{}, refuse(ReasonTooMuch, "pull", nil)
	}
	c, err := decodeCursor(q.Cursor)
	if err != nil {
		return c, refuse(ReasonInvalid, "pull", err)
	}
	return c, nil
}

func pageSize(wanted int) int {
	if wanted <= 0 {
		return defaultPage
	}
	return min(wanted, session.MaxPageRecords)
}

// headOf reads what a page needs of the head from the page's own snapshot.
func (e *Engine) headOf(r Reader) (h head, err error) {
	h = e.snapshot()
	if h.position, err = readPosition(r); err != nil {
		return h, err
	}
	if h.size, err = r.Size(); err != nil {
		return h, err
	}
	text, _, err := r.Value(valueEpoch)
	if err != nil {
		return h, err
	}
	h.epoch, err = ledger.ParseEpoch(string(text))
	return h, err
}

// pager makes one page.
type pager struct {
	e      *Engine
	r      Reader
	head   head
	limit  int
	cursor cursor
	out    session.Page
}

// page sends the centre's own segments first, then records; the page on which
// both come to their end carries the summary.
func (p *pager) page(caller segment.Certificate, q session.PullRequest) (session.Page, error) {
	p.out.Epoch = p.head.epoch
	root, err := ledger.Root(p.r, p.head.size)
	if err != nil {
		return p.out, err
	}
	p.cursor.over = ledgerMark{p.head.size, [8]byte(root[:])}
	done, err := p.segments()
	if err == nil && done {
		done, err = p.records(caller)
	}
	if err == nil && done {
		p.out.Last, err = p.summary(caller, q, root)
	}
	p.out.Cursor = p.cursor.encode()
	return p.out, err
}

// segments adds the centre's segments that the caller lacks, and reports whether
// there are no more.
func (p *pager) segments() (done bool, err error) {
	if !p.e.rules.actsGoDown {
		return true, nil
	}
	from, prefixes, classes := p.officeScope()
	for size := 0; size < session.MaxPageBytes; {
		heads, err := p.r.OfficeSegments(from, prefixes, classes, 16)
		if err != nil {
			return false, err
		}
		for _, h := range heads {
			seg, _, err := p.e.openStored(p.r, h.Index)
			if err != nil {
				return false, err
			}
			p.out.Segments = append(p.out.Segments, seg.Bytes())
			size += len(seg.Bytes())
			from = h.Index + 1
		}
		if len(heads) < 16 {
			p.passLeaf(ledger.Index(p.head.size))
			return true, nil
		}
	}
	p.passLeaf(from)
	return false, nil
}

func (p *pager) officeScope() (from ledger.Index, prefixes []record.Division, classes []record.Class) {
	from, classes = ledger.Index(p.head.size), []record.Class{record.ClassEveryone}
	for _, o := range p.cursor.parts {
		from = min(from, o.leaf)
		prefixes = append(prefixes, o.prefix)
		if !slices.Contains(classes, o.class) {
			classes = append(classes, o.class)
		}
	}
	return from, prefixes, classes
}

func (p *pager) passLeaf(to ledger.Index) {
	for i := range p.cursor.parts {
		p.cursor.parts[i].leaf = max(p.cursor.parts[i].leaf, to)
	}
}

// records adds records and departures in order of position, and reports whether
// the caller has come to the end of the feed.
func (p *pager) records(caller segment.Certificate) (done bool, err error) {
	size := 0
	for len(p.cursor.parts) > 0 {
		parts, upTo := p.cursor.lagging()
		end := upTo
		if end == 0 {
			end = p.head.position
		}
		from := p.cursor.parts[parts[0]].position
		full := false
		if from < end {
			if full, end, err = p.stretch(caller, parts, from, end, &size); err != nil {
				return false, err
			}
		}
		for _, i := range parts {
			p.cursor.parts[i].position = end
		}
		if full {
			return false, nil
		}
		if upTo == 0 {
			return true, nil
		}
	}
	return true, nil
}

// stretch sends what lies in (from, end] of some parts. It reports whether the
// page is full, and how far it came.
func (p *pager) stretch(caller segment.Certificate, parts []int, from, end Position, size *int) (full bool, reached Position, err error) {
	var left []session.Departure
	q := FeedQuery{After: from, UpTo: end, Limit: p.limit - len(p.out.Bases), Bytes: session.MaxPageBytes}
	for _, i := range parts {
		q.Divisions = append(q.Divisions, p.cursor.parts[i].prefix)
		q.Classes = append(q.Classes, p.cursor.parts[i].class)
	}
	if q.Limit < 1 {
		return true, from, nil
	}
	left, q.UpTo, err = p.departures(caller, parts, from, end)
	if err != nil {
		return false, from, err
	}
	rows, err := p.r.Feed(q)
	if err != nil {
		return false, from, err
	}
	full, reached = q.UpTo < end, q.UpTo
	if q.Full(rows) {
		full, reached = true, rows[len(rows)-1].Position
	}
	for _, row := range rows {
		if !p.covers(parts, row.Class, row.Divisions) {
			continue // its prefix and its class are asked for, but not together
		}
		switch {
		case row.huge():
			p.out.Departures = append(p.out.Departures, session.Departure{ID: row.ID, Position: row.Position})
			continue
		case row.received():
			p.out.Bases = append(p.out.Bases, session.Base{
				ID: row.ID, Class: row.Class, Position: row.Position, Divisions: row.Divisions, State: row.State,
			})
		}
		if *size += len(row.State); *size >= session.MaxPageBytes {
			full, reached = true, row.Position
			break
		}
	}
	for _, d := range left {
		if d.Position <= reached {
			p.out.Departures = append(p.out.Departures, d)
		}
	}
	return full, reached, nil
}

func (p *pager) covers(parts []int, class record.Class, divisions []record.Division) bool {
	for _, i := range parts {
		o := p.cursor.parts[i]
		if o.class != class {
			continue
		}
		if o.prefix == "" || slices.ContainsFunc(divisions, func(d record.Division) bool { return d.Within(o.prefix) }) {
			return true
		}
	}
	return false
}

// summary closes a pull: the checkpoint, that it extends the caller's, and what
// the caller's records must add up to.
func (p *pager) summary(caller segment.Certificate, q session.PullRequest, root tlog.Hash) (_ *session.Summary, err error) {
	s := &session.Summary{Position: p.head.position, Extends: q.CheckpointSize}
	s.Checkpoint, err = ledger.Sign(ledger.Checkpoint{
		Shard: p.e.shard, Epoch: p.head.epoch, Size: p.head.size, Root: root,
	}, p.e.cfg.ShardKey)
	if err != nil {
		return nil, err
	}
	if q.CheckpointSize > 0 && q.CheckpointSize <= p.head.size {
		if s.Proof, err = ledger.ProveTree(p.r, p.head.size, q.CheckpointSize); err != nil {
			return nil, err
		}
	}
	sums, err := p.r.Sums()
	if err != nil {
		return nil, err
	}
	for k, v := range sums {
		if k.Division.WithinAny(caller.Divisions) && slices.Contains(caller.Classes, k.Class) {
			s.Sums = append(s.Sums, session.Sum{Division: k.Division, Class: k.Class, Count: v.Count, Total: v.Total})
		}
	}
	slices.SortFunc(s.Sums, func(a, b session.Sum) int {
		return SumKey{a.Division, a.Class}.compare(SumKey{b.Division, b.Class})
	})
	s.Marks, err = p.e.epochMarks(p.r, p.head.epoch)
	return s, err
}
