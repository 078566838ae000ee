// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Receipt is the coming of one revision. The zero Receipt is that of none.
type Receipt struct {
	ReceivedAt time.Time        // by the centre's clock, as the leaf has it
	SavedAt    time.Time        // by the saver's clock, which nobody can prove; zero when the revision cannot be read
	Author     string           // the staff id that saved it; empty when the revision cannot be read
	Replica    causal.ReplicaID // that saved it
	Counter    uint64           // among all saves of that replica
}

// Receipts are those of the first and of the latest revision of a record, in the order of the
// ledger; they are the same one when there is only one.
type Receipts struct{ First, Last Receipt }

// Receipts returns what is known of the coming of records, in the order of rows, which are of
// this epoch. Admitted revisions count; of a record that has none, all that are stored. A
// revision that was released counts as of when it came, and one that had to be sent again
// after a restore as of when it came again. An erased one still has its receipt. A row without
// any revision has the zero Receipts.
//
// Each leaf and segment is read once, in order, and none is kept: so it is cheap for rows that
// came together, as they do in the feed.
func (e *Engine) Receipts(ctx context.Context, rows []RecordRow) ([]Receipts, error) {
	out := make([]Receipts, len(rows))
	var wanted []wantedReceipt
	for i, row := range rows {
		first, last, ok, err := ends(row)
		if err != nil {
			return nil, fmt.Errorf("receipts of record %s: %w", row.ID, err)
		}
		if ok {
			wanted = append(wanted, wantedReceipt{first, &out[i].First}, wantedReceipt{last, &out[i].Last})
		}
	}
	slices.SortFunc(wanted, func(a, b wantedReceipt) int { return a.history().Compare(b.history()) })
	err := e.view(ctx, func(r Reader) error {
		leaf := leafRead{e: e}
		for _, w := range wanted {
			if err := leaf.read(r, w.leaf); err != nil {
				return err
			}
			var err error
			if *w.into, err = leaf.receipt(w.place); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("receipts: %w", err)
	}
	return out, nil
}

type wantedReceipt struct {
	place
	into *Receipt
}

// ends returns the first and the last of a row's revisions that count; false when it has none.
func ends(row RecordRow) (first, last place, ok bool, err error) {
	vv, err := record.DecodeVector(row.State)
	if err != nil {
		return first, last, false, err
	}
	all, err := decodePlaces(row.Places, vv)
	if err != nil {
		return first, last, false, err
	}
	if slices.ContainsFunc(all, func(p place) bool { return p.verdict.Admitted() }) {
		all = slices.DeleteFunc(all, func(p place) bool { return !p.verdict.Admitted() })
	}
	if len(all) == 0 {
		return first, last, false, nil
	}
	byLeaf := func(a, b place) int { return cmp.Or(a.history().Compare(b.history()), a.dot.Compare(b.dot)) }
	return slices.MinFunc(all, byLeaf), slices.MaxFunc(all, byLeaf), true, nil
}

// leafRead is a leaf that was read, with its segment.
type leafRead struct {
	e   *Engine
	at  ledger.Index
	seg *segment.Segment // nil: none was read yet
	ledger.Leaf
}

func (l *leafRead) read(r Reader, at ledger.Index) (err error) {
	if l.seg != nil && l.at == at {
		return nil
	}
	if l.Leaf, err = readLeaf(r, at); err != nil {
		return err
	}
	l.at = at
	l.seg, _, _, err = l.e.lookUp(r, at)
	return err
}

// receipt returns the receipt of a revision of the segment that was read.
func (l *leafRead) receipt(p place) (Receipt, error) {
	if p.at >= l.seg.Len() || l.seg.Dot(p.at) != p.dot {
		return Receipt{}, fmt.Errorf("leaf %d has no %s", p.leaf, p.dot)
	}
	out := Receipt{ReceivedAt: l.ReceivedAt, Replica: p.dot.Replica, Counter: p.dot.Counter}
	if !p.verdict.Admitted() {
		if _, err := l.seg.Revision(p.at); unreadable(err) {
			return out, nil
		} else if err != nil {
			return Receipt{}, err
		}
	}
	head := l.seg.Head(p.at)
	out.SavedAt, out.Author = time.UnixMilli(head.ClockMs).UTC(), head.Author
	return out, nil
}
