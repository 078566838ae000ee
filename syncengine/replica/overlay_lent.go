// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"errors"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// lending is what the viewer knows for borrowed saves.
type lendingView struct {
	loans  map[string]loanRow             // by key
	fenced map[segment.Hash]bool          // by certificate
	scopes map[causal.Dot]record.Division // of the present record: what the saves worked in set
	lent   []causal.Dot                   // of the present record: borrowed saves worked in
	spoilt [][]byte                       // loans of which something cannot be read any more
}

// applyLent works in what hubs lend: each save once its author's previous one is
// there and everything that can be judged here speaks for it. Others are not shown:
// only the centre can say what becomes of them.
func (o *overlay) applyLent(id record.ID, held []heldHere) error {
	if o.row.status == baseDeparted {
		return nil
	}
	waiting, err := lentOf(o.tx, recordKey(id))
	if err != nil || len(waiting) == 0 {
		return err
	}
	for _, s := range []record.State{o.base, o.state} {
		for _, e := range s.At(record.PathScope) {
			o.sets(e.Dot, e.Value)
		}
	}
	waiting = slices.DeleteFunc(waiting, func(l lentHere) bool {
		return slices.ContainsFunc(held, func(h heldHere) bool { return h.dot == l.dot })
	})
	for progress := true; progress; {
		progress = false
		left := waiting[:0:0]
		for _, l := range waiting {
			done, err := o.takeLent(l)
			if err != nil {
				return err
			}
			if progress = progress || done; !done {
				left = append(left, l)
			}
		}
		waiting = left
	}
	return nil
}

// takeLent works in one borrowed save if it can be now, and reports whether it is
// done with.
func (o *overlay) takeLent(l lentHere) (done bool, err error) {
	if slices.Contains(o.lending.lent, l.dot) {
		return true, nil // by another hub, too
	}
	loan, err := o.loan(l.loan)
	if err != nil {
		return false, err
	}
	if !o.r.rules.lent(borrowed{o.row, o.r.rules.received(o.base, l.dot), loan.ack, o.epoch, o.passed}) {
		return true, nil
	}
	met, err := o.met(o.state, heldHere{dot: l.dot, placeRow: placeRow{prev: l.prev}})
	if err != nil || !met {
		return false, err
	}
	save, ok, err := o.readLent(l)
	if err != nil || !ok {
		return !ok, err
	}
	admitted, err := o.admits(save, l.certificate)
	if err != nil || !admitted {
		return false, err
	}
	o.state = o.state.Apply(save.Revision, true)
	o.noteScope(save.Revision)
	o.lending.lent = append(o.lending.lent, l.dot)
	return true, nil
}

func (v *viewer) loan(key []byte) (loanRow, error) {
	if l, ok := v.lending.loans[string(key)]; ok {
		return l, nil
	}
	l, _, err := load(v.tx, Loans, key, unpackLoan)
	if v.lending.loans == nil {
		v.lending.loans = map[string]loanRow{}
	}
	v.lending.loans[string(key)] = l
	return l, err
}

// readLent returns a borrowed save and whether it can be read; one that is damaged is
// noted, and asked for again.
func (v *viewer) readLent(l lentHere) (segment.Sealable, bool, error) {
	row, ok, err := v.tx.Get(Lent, l.key)
	if err != nil && !errors.Is(err, ErrDamaged) || err == nil && !ok {
		return segment.Sealable{}, false, err
	}
	save, uerr := unpackRevision(row.Body)
	if err != nil || uerr != nil || save.Revision.Dot != l.dot {
		v.unreadable = append(v.unreadable, l.dot)
		v.lending.spoilt = append(v.lending.spoilt, l.loan)
		return save, false, nil
	}
	return save, true, nil
}

// admits reports whether the centre would admit a colleague's save, as far as that can
// be told here: by its certificate, the scope its author saw, the schema, and the
// fences that have come down; and whether it is for this screen.
func (o *overlay) admits(save segment.Sealable, certificate segment.Hash) (bool, error) {
	cert, ok, err := o.r.certificate(o.tx, certificate)
	if err != nil || !ok || o.r.cfg.Schema == nil {
		return false, err
	}
	rev := save.Revision
	info, known := o.r.cfg.Schema.Lookup(rev.Record.Kind())
	division, seen := o.authority(save)
	if !known || info.OfficeOnly || !seen || !cutRight(info, rev.Changes) || !o.r.rules.entitled(cert, rev.Author, info.Class, division) {
		return false, nil
	}
	if !o.r.rules.lends(lending{o.self.cert, info.Class, division, o.row}) {
		return false, nil
	}
	fenced, err := o.fenced(cert)
	return !fenced, err
}

// authority returns the division in which a save was made, and whether that can be
// told: the value seen stands here, or it makes the record.
func (v *viewer) authority(save segment.Sealable) (record.Division, bool) {
	rev := save.Revision
	if seen := rev.ScopeSeen; !seen.Dot.IsZero() {
		d, ok := v.lending.scopes[seen.Dot]
		return d, ok && d == seen.Division
	}
	division, ok := madeIn(rev)
	replaces := slices.ContainsFunc(rev.Changes, func(c record.Change) bool { return len(c.Parents) > 0 })
	return division, ok && !replaces && rev.Record.MadeBy(rev.Dot.Replica, save.Salt)
}

// sets notes the division that a value of the scope register says.
func (v *viewer) sets(d causal.Dot, value record.Value) {
	if v.lending.scopes == nil {
		v.lending.scopes = map[causal.Dot]record.Division{}
	}
	if value.Form == record.Present {
		v.lending.scopes[d] = record.Division(value.Bytes)
	}
}

func (v *viewer) noteScope(rev record.Revision) {
	if c, ok := rev.Change(record.PathScope); ok {
		v.sets(rev.Dot, c.Value)
	}
}

// cutRight reports whether every change is cut at a register of its kind.
func cutRight(info record.KindInfo, changes []record.Change) bool {
	return !slices.ContainsFunc(changes, func(c record.Change) bool {
		return c.Path[0] != record.PathScope[0] && info.Boundary(c.Path) == record.BoundaryWrong
	})
}

// fenced reports whether a fence that has come down here cuts a certificate's holder
// off. What the centre had before it is in its states.
func (v *viewer) fenced(cert segment.Certificate) (bool, error) {
	out, ok := v.lending.fenced[cert.Hash]
	if ok {
		return out, nil
	}
	out, err := revoked(v.r, v.tx, cert)
	if v.lending.fenced == nil {
		v.lending.fenced = map[segment.Hash]bool{}
	}
	v.lending.fenced[cert.Hash] = out
	return out, err
}
