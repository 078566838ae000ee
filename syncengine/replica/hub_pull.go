// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// hubCursor says how far a caller has pulled from a hub. Positions are the
// centre's, so a hub that was set back, or another one of the same scope, cannot
// make a caller miss anything.
//
//	cursor = version 1 | epoch | position (uvarint) | arrivals (uvarint) | hash8 of the last arrival | scope (32)
type hubCursor struct {
	epoch    ledger.Epoch
	position session.Position
	arrivals uint64
	arrival  causal.Hash8
	scope    [32]byte // what the hub had pulled, and the caller's
}

func (c hubCursor) encode() []byte {
	p := packer{1}
	p.epoch(c.epoch)
	p.num(uint64(c.position))
	p.num(c.arrivals)
	p.raw(c.arrival[:])
	p.raw(c.scope[:])
	return p
}

func decodeHubCursor(raw []byte) (hubCursor, bool) {
	u := unpacker{rest: raw}
	version := u.take(1)
	c := hubCursor{epoch: u.epoch(), position: session.Position(u.num()), arrivals: u.num(), arrival: u.hash8(), scope: u.hash()}
	return c, u.done("cursor") == nil && version[0] == 1
}

// stand returns the cursor of a caller that has everything: up to the position to
// which this hub itself has pulled without holes.
func (h *hub) stand(tx Reader) (hubCursor, error) {
	epoch, err := readEpoch(tx)
	if err != nil {
		return hubCursor{}, err
	}
	passed, err := readPassed(tx)
	if err != nil {
		return hubCursor{}, err
	}
	c := hubCursor{epoch: epoch}
	if passed.epoch == epoch {
		c.position = passed.position
	}
	digest := scopeDigest(h.caller)
	c.scope = add(passed.scope, digest)
	return c, nil
}

// Pull gives bases of this hub's epoch, in order of the centre's positions, and
// the centre's segments. A base outside the caller's scope goes as a departure,
// without its content. What departed from the hub is not passed on.
func (h *hub) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	p, err := h.beginPull(ctx, q)
	if err != nil {
		return fmt.Errorf("hub: pull: %w", err)
	}
	for {
		out, err := p.page(ctx)
		if err != nil {
			return fmt.Errorf("hub: pull: %w", err)
		}
		if err := page(out); err != nil {
			return err
		}
		if out.Last != nil {
			return nil
		}
	}
}

// hubPull is one pull under way.
type hubPull struct {
	h      *hub
	stand  hubCursor // where it ends
	cursor hubCursor
	limit  int
	todo   []numbered

	borrows  bool
	borrowed []session.LoanName
	lends    bool               // lent and loans are known
	lent     []session.LoanName // all
	loans    []session.Loan     // those still to send

	damaged bool // some base was, so the cursor stays below it
}

type numbered struct {
	position session.Position
	id       record.ID
}

func (h *hub) beginPull(ctx context.Context, q session.PullRequest) (*hubPull, error) {
	p := &hubPull{h: h, limit: q.PageRecords, borrows: q.Borrows, borrowed: q.Borrowed}
	if p.limit <= 0 || p.limit > session.MaxPageRecords {
		p.limit = session.MaxPageRecords
	}
	err := h.r.view(ctx, func(tx Reader) error {
		if err := h.enrolled(tx); err != nil {
			return err
		}
		if out, err := revoked(h.r, tx, h.caller); err != nil || out {
			return fmt.Errorf("revoked: %w", cmp.Or(err, ErrNotEnrolled))
		}
		var err error
		if p.stand, err = h.stand(tx); err != nil {
			return err
		}
		p.cursor = hubCursor{epoch: p.stand.epoch, scope: p.stand.scope}
		if c, ok := decodeHubCursor(q.Cursor); ok && c.epoch == p.stand.epoch && c.scope == p.stand.scope {
			p.cursor.position = c.position
			if err := p.resumeArrivals(tx, c); err != nil {
				return err
			}
		}
		p.todo, err = basesAfter(tx, p.stand.epoch, p.cursor.position)
		return err
	})
	return p, err
}

// resumeArrivals goes on where the caller was, if this hub's list still says what
// it said then.
func (p *hubPull) resumeArrivals(tx Reader, c hubCursor) error {
	hash, ok, err := tx.Head(Arrivals, binary.BigEndian.AppendUint64(nil, c.arrivals))
	if err == nil && ok && string(hash[:8]) == string(c.arrival[:]) {
		p.cursor.arrivals, p.cursor.arrival = c.arrivals, c.arrival
	}
	return err
}

// basesAfter lists live bases of an epoch above a position, ascending.
func basesAfter(tx Reader, epoch ledger.Epoch, after session.Position) ([]numbered, error) {
	var out []numbered
	err := scan(tx, Bases, nil, func(row Row) error {
		b, err := unpackBase(row.Head)
		if err == nil && b.status == baseLive && b.epoch == epoch && b.position > after {
			out = append(out, numbered{b.position, idOfKey(row.Key)})
		}
		return err
	})
	slices.SortFunc(out, func(a, b numbered) int { return cmp.Compare(a.position, b.position) })
	return out, err
}

// page makes the next page: the centre's segments first, then records.
func (p *hubPull) page(ctx context.Context) (session.Page, error) {
	out := session.Page{Epoch: p.stand.epoch}
	err := p.h.r.view(ctx, func(tx Reader) error {
		full, err := p.segments(tx, &out)
		if err != nil {
			return err
		}
		if !full {
			if full, err = p.records(tx, &out); err != nil {
				return err
			}
		}
		if !full && p.borrows {
			if full, err = p.lend(tx, &out); err != nil {
				return err
			}
		}
		if !full {
			p.cursor.position = p.stand.position
			out.Last, err = p.summary(tx)
		}
		out.Cursor = p.cursor.encode()
		return err
	})
	if err == nil && out.Last != nil && p.damaged {
		p.h.r.noteDamaged(ctx)
	}
	return out, err
}

func (p *hubPull) segments(tx Reader, out *session.Page) (full bool, err error) {
	size := 0
	for {
		after := binary.BigEndian.AppendUint64(nil, p.cursor.arrivals)
		rows, err := tx.Scan(Arrivals, nil, after, 16)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			seg, ok, err := segmentOf(tx, segment.Hash(row.Head))
			if err != nil {
				return false, err
			}
			if ok && p.h.mayHave(seg) {
				out.Segments = append(out.Segments, seg.Bytes())
				size += len(seg.Bytes())
			}
			p.cursor.arrivals, p.cursor.arrival = binary.BigEndian.Uint64(row.Key), causal.Hash8(row.Head[:8])
			if size >= session.MaxPageBytes {
				return true, nil
			}
		}
		if len(rows) < 16 {
			return false, nil
		}
	}
}

// mayHave reports whether one of the centre's segments is for the caller.
func (h *hub) mayHave(seg *segment.Segment) bool {
	class, division, ok := shownClass(seg, h.r.cfg.Schema)
	if !ok {
		return false
	}
	return class == record.ClassEveryone || inScope(h.caller, class, []record.Division{division})
}

func (p *hubPull) records(tx Reader, out *session.Page) (full bool, err error) {
	size := 0
	for len(p.todo) > 0 {
		if len(out.Bases)+len(out.Departures) >= p.limit || size >= session.MaxPageBytes {
			return true, nil
		}
		next := p.todo[0]
		p.todo = p.todo[1:]
		b, ok, err := liveBaseOf(tx, next.id, p.stand.epoch)
		if errors.Is(err, ErrDamaged) { // once it is here anew, the caller must get it
			p.damaged = true
			p.stand.position = min(p.stand.position, next.position-1)
			continue
		}
		if err != nil {
			return false, err
		}
		p.cursor.position = min(next.position, p.stand.position)
		switch {
		case !ok || !p.h.caller.AllowsClass(b.Class):
		case inScope(p.h.caller, b.Class, b.Divisions):
			out.Bases = append(out.Bases, b)
			size += len(b.State)
		default:
			out.Departures = append(out.Departures, session.Departure{ID: b.ID, Position: b.Position})
		}
	}
	return false, nil
}

// lend hands out loans, behind everything else.
func (p *hubPull) lend(tx Reader, out *session.Page) (full bool, err error) {
	if !p.lends {
		l, err := p.h.newLender(tx)
		if err != nil {
			return false, err
		}
		if p.lent, p.loans, err = l.loans(p.borrowed); err != nil {
			return false, err
		}
		p.lends = true
	}
	size := 0
	for _, b := range out.Bases {
		size += len(b.State)
	}
	for len(p.loans) > 0 {
		if size >= session.MaxPageBytes {
			return true, nil
		}
		size += len(p.loans[0].Part)
		out.Loans, p.loans = append(out.Loans, p.loans[0]), p.loans[1:]
	}
	return false, nil
}

// liveBaseOf returns a base as it was received, and whether it is live in an epoch.
// Its error wraps ErrDamaged when that cannot be read.
func liveBaseOf(tx Reader, id record.ID, epoch ledger.Epoch) (session.Base, bool, error) {
	row, ok, err := tx.Get(Bases, recordKey(id))
	if err != nil || !ok {
		return session.Base{}, false, err
	}
	b, err := unpackBase(row.Head)
	if err != nil || b.status != baseLive || b.epoch != epoch {
		return session.Base{}, false, err
	}
	return session.Base{ID: id, Class: b.class, Position: b.position, Divisions: b.divisions, State: row.Body}, true, nil
}

func (p *hubPull) summary(tx Reader) (*session.Summary, error) {
	s := &session.Summary{Position: p.stand.position, Lends: p.lends, Lent: p.lent}
	var err error
	if s.Checkpoint, _, err = value(tx, valueCheckpoint); err != nil {
		return nil, err
	}
	s.Marks, err = readRawMarks(tx)
	return s, err
}
