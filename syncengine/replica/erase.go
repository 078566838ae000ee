// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// kindErasure is the kind of the act that orders a body gone.
const kindErasure record.Kind = 6

// orderRow is an order of the centre's that the body of a revision be gone.
type orderRow struct {
	record record.ID
	act    segment.Hash // the segment with the order
	open   bool         // something held here may still have the body
}

func (o orderRow) pack() []byte {
	var p packer
	p.raw(o.record[:])
	p.raw(o.act[:])
	p.flag(o.open)
	return p
}

func unpackOrder(raw []byte) (orderRow, error) {
	u := unpacker{rest: raw}
	o := orderRow{record: u.id(), act: u.hash(), open: u.flag()}
	return o, u.done("order")
}

// order is an order beside the revision it is about.
type order struct {
	dot causal.Dot
	orderRow
}

// noteOrders keeps the orders in a segment of the centre's.
func noteOrders(tx Tx, seg *segment.Segment) error {
	for i := range seg.Len() {
		if seg.RecordID(i).Kind() != kindErasure {
			continue
		}
		rev, err := seg.Revision(i)
		if err != nil {
			continue // the centre cannot read it either
		}
		o, ok := orderIn(rev)
		if !ok {
			continue
		}
		o.act, o.open = seg.Hash(), true
		if err := tx.PutHead(Orders, dotKey(o.dot), o.pack()); err != nil {
			return err
		}
	}
	return nil
}

// orderIn returns the order an act says, and whether it says one.
func orderIn(rev record.Revision) (o order, ok bool) {
	c, has := rev.Change(record.Field(1))
	var act syncv1.ErasureAct
	if !has || c.Value.Form != record.Present || proto.Unmarshal(c.Value.Bytes, &act) != nil {
		return o, false
	}
	ruling := act.GetErasure()
	d, rest, err := causal.DecodeDot(ruling.GetDot())
	if err != nil || len(rest) > 0 || len(ruling.GetRecord()) != 16 {
		return o, false
	}
	o.dot, o.record = d, record.ID(ruling.GetRecord())
	return o, true
}

// ordersAbout returns the orders about revisions of a run of one replica's counters.
func ordersAbout(r Reader, run segmentRow) ([]order, error) {
	var out []order
	after := counterKey(run.replica, run.first)
	for {
		rows, err := r.Scan(Orders, run.replica[:], after, scanStep)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			o, err := unpackOrderAt(row)
			if err != nil || o.dot.Counter > run.last() {
				return out, err
			}
			out = append(out, o)
		}
		if len(rows) < scanStep {
			return out, nil
		}
		after = rows[len(rows)-1].Key
	}
}

func unpackOrderAt(row Row) (order, error) {
	d, _, err := causal.DecodeDot(row.Key)
	if err != nil {
		return order{}, err
	}
	o, err := unpackOrder(row.Head)
	return order{d, o}, err
}

// reopenOrders marks the orders about a segment that has come.
func reopenOrders(tx Tx, run segmentRow) error {
	orders, err := ordersAbout(tx, run)
	for _, o := range orders {
		if err == nil && !o.open {
			o.open = true
			err = tx.PutHead(Orders, dotKey(o.dot), o.pack())
		}
	}
	return err
}

// stripped reports whether somebody took a body out of a segment without an order
// that is known here. It needs no key, so nobody is believed who brings one.
func stripped(r Reader, seg *segment.Segment) (bool, error) {
	if !seg.AnyErased() {
		return false, nil
	}
	for i := range seg.Len() {
		if !seg.Erased(i) {
			continue
		}
		if _, ok, err := r.Head(Orders, dotKey(seg.Dot(i))); err != nil || !ok {
			return err == nil, err
		}
	}
	return false, nil
}

// obeyOrders takes the bodies that are ordered gone out of every segment that the
// centre has, by its word in this epoch, and returns how many. Before that a
// segment stays whole. An order is done with once nothing here can have the body
// any more; whole says that the states here are as new as the orders.
func (r *Replica) obeyOrders(ctx context.Context, whole bool) (erased int, err error) {
	open := false
	err = r.view(ctx, func(tx Reader) error {
		return scan(tx, Orders, nil, func(row Row) error {
			o, err := unpackOrderAt(row)
			open = open || o.open
			return err
		})
	})
	if err != nil || !open {
		return 0, err
	}
	err = r.update(ctx, func(tx Tx) error {
		erased, err = r.obey(tx, whole)
		return err
	})
	if err == nil {
		r.forget(ctx)
	}
	return erased, err
}

// patience is how long obeying orders waits for readers.
const patience = 5 * time.Second

// forget has the store drop what the orders took away. Where readers stand in the way,
// it is in the store's log until that is written over.
func (r *Replica) forget(ctx context.Context) {
	f, ok := r.cfg.Store.(Forgetter)
	if !ok {
		return
	}
	if err := f.Forget(ctx, patience); err != nil {
		r.cfg.Log.Warn("what was erased is in the store's log until readers are done", "error", err)
	}
}

func (r *Replica) obey(tx Tx, whole bool) (int, error) {
	epoch, err := readEpoch(tx)
	if err != nil {
		return 0, err
	}
	e := eraser{r, tx, epoch, 0}
	err = scan(tx, Orders, nil, func(row Row) error {
		o, err := unpackOrderAt(row)
		if err != nil || !o.open {
			return err
		}
		if o.open, err = e.erase(o); err != nil || o.open || !whole {
			return err
		}
		return tx.PutHead(Orders, row.Key, o.pack())
	})
	return e.erased, err
}

// eraser obeys orders in one transaction.
type eraser struct {
	r      *Replica
	tx     Tx
	epoch  ledger.Epoch
	erased int
}

// erase obeys one order as far as it can now, and reports whether something is left.
func (e *eraser) erase(o order) (left bool, err error) {
	if err := e.r.eraseLent(e.tx, o); err != nil {
		return true, err
	}
	_, left, err = e.tx.Head(Revisions, counterKey(o.dot.Replica, o.dot.Counter))
	if err != nil {
		return left, err
	}
	err = scan(e.tx, Chains, o.dot.Replica[:], func(row Row) error {
		h := hashOfChainKey(row.Key)
		s, ok, err := readSegmentRow(e.tx, h)
		if err != nil || !ok || o.dot.Counter < s.first || s.last() < o.dot.Counter {
			return err
		}
		whole, err := e.eraseIn(hashedRow{h, s}, o.dot)
		left = left || whole
		return err
	})
	if err != nil {
		return left, err
	}
	listed, err := e.r.listSubjects(e.tx, o.record)
	return left || !listed, err
}

// eraseIn takes a body out of one segment and reports whether it has to stay.
func (e *eraser) eraseIn(s hashedRow, d causal.Dot) (stays bool, err error) {
	seg, ok, err := segmentOf(e.tx, s.hash)
	if err != nil || !ok {
		return false, err
	}
	i := int(d.Counter - s.row.first)
	if i >= seg.Len() || seg.Dot(i) != d || seg.Erased(i) {
		return false, nil
	}
	ack, err := readAck(e.tx, s.hash)
	if err != nil || !ack.of(e.epoch) {
		return true, err
	}
	if seg, err = seg.Erase(i); err != nil {
		return true, err
	}
	e.erased++
	s.row.size = uint64(len(seg.Bytes()))
	return false, e.tx.Put(Segments, Row{Key: s.hash[:], Head: s.row.pack(), Body: seg.Bytes()})
}

// listSubjects lists a record under the residents that its state and the revisions
// held here name, and no others. It returns false when the state is damaged.
func (r *Replica) listSubjects(tx Tx, id record.ID) (bool, error) {
	b, state, err := readState(tx, id)
	switch {
	case errors.Is(err, ErrUnknownRecord):
		return true, nil
	case errors.Is(err, ErrDamaged):
		return false, putChanged(tx, Values, []byte(valueDamaged), []byte{1})
	case err != nil:
		return false, err
	}
	named := subjectsOf(state)
	v, err := r.newViewer(tx)
	if err != nil {
		return false, err
	}
	places, err := v.places(id)
	if err != nil {
		return false, err
	}
	for _, l := range places {
		revs, err := v.appendRevision(nil, l)
		if err != nil {
			return false, err
		}
		for _, rev := range revs {
			named = withSubjectOf(named, rev)
		}
	}
	lent, err := lentOf(tx, recordKey(id))
	for _, l := range lent {
		save, ok, rerr := v.readLent(l)
		if err = errors.Join(err, rerr); ok {
			named = withSubjectOf(named, save.Revision)
		}
	}
	if err != nil {
		return false, err
	}
	w := r.newBaseWriter(tx)
	if err := w.indexSubjects(id, b.subjects, named); err != nil {
		return false, err
	}
	b.subjects = named
	return true, putChanged(tx, Bases, recordKey(id), b.pack())
}

// ordersFirst puts the segments with the orders about other ones before them. A
// restored centre, or a hub, takes a segment whose bodies were taken out only when
// it knows the order.
func (s *syncRun) ordersFirst(ctx context.Context, wants []segment.Hash) ([]segment.Hash, error) {
	var acts []segment.Hash
	err := s.r.view(ctx, func(tx Reader) error {
		for _, h := range wants {
			row, ok, err := readSegmentRow(tx, h)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			orders, err := ordersAbout(tx, row)
			if err != nil {
				return err
			}
			for _, o := range orders {
				acts = append(acts, o.act)
			}
		}
		return nil
	})
	return unique(slices.Concat(acts, wants)), err
}
