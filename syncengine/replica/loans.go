// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"errors"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// LoanKeep is how long a loan is kept that its hub no longer names: the hub may be
// lost, and with it, for good, what it lent.
const LoanKeep = 60 * 24 * time.Hour

// takeLoans keeps what a hub lends. A loan that is not what it should be is passed
// over: a screen without it is what it was.
func (s *syncRun) takeLoans(tx Tx, loans []session.Loan) error {
	for _, l := range loans {
		part, good, err := s.r.openLoan(tx, l)
		if err != nil {
			return err
		}
		if !good {
			s.r.cfg.Log.Warn("a loan of a hub is not what it should be", "hub", s.Hub.String())
			continue
		}
		if err := s.keepLoan(tx, l, part); err != nil {
			return err
		}
	}
	return nil
}

// affordable returns the loans of a page that one pull may bring.
func (s *syncRun) affordable(loans []session.Loan) []session.Loan {
	for i, l := range loans {
		if s.borrowed += len(l.Part); s.borrowed > session.MaxLoanBytes || s.atCentre() {
			return loans[:i]
		}
	}
	return loans
}

// openLoan returns a part that a replica of this shard signed, other than the
// centre's, whose segments are never lent, and one's own.
func (r *Replica) openLoan(tx Tx, l session.Loan) (*segment.Part, bool, error) {
	part, err := segment.OpenPart(l.Part)
	if err != nil {
		return nil, false, nil //nolint:nilerr // passed over
	}
	if err := takeCertificates(tx, [][]byte{l.Certificate}); err != nil {
		return nil, false, err
	}
	h := part.Header()
	cert, ok, err := r.certificate(tx, h.Certificate)
	if err != nil || !ok {
		return nil, false, err
	}
	made, err := isMade(tx, part.Hash())
	good := !made && cert.Role != segment.RoleCentre && h.Shard == cert.Shard && part.Verify(cert.PublicKey) == nil
	return part, good, err
}

// keepLoan puts a loan in the place of an earlier one of the same segment.
func (s *syncRun) keepLoan(tx Tx, l session.Loan, part *segment.Part) error {
	key := loanKey(part.Hash(), s.Hub)
	old, had, err := load(tx, Loans, key, unpackLoan)
	if err != nil {
		return err
	}
	if had {
		if err := s.r.dropLoan(tx, key, old); err != nil {
			return err
		}
	}
	row := loanRow{
		name: l.Name(), certificate: part.Header().Certificate,
		size: uint64(len(l.Part)), heardMs: s.r.nowMs(), ack: old.ack,
	}
	for _, p := range part.Revisions() {
		take, later, err := s.borrows(tx, p.Revision)
		if err != nil {
			return err
		}
		row.again = row.again || later
		if !take {
			continue
		}
		if err := keepLent(tx, p, key, row.certificate); err != nil {
			return err
		}
		row.saves = append(row.saves, lentSave{p.Revision.Record, p.Revision.Dot})
		s.report.Lent++
	}
	return tx.PutHead(Loans, key, row.pack())
}

func keepLent(tx Tx, p segment.PartRevision, loan []byte, certificate segment.Hash) error {
	row := Row{
		Key:  lentKey(p.Revision.Record, p.Revision.Dot, loan),
		Head: lentRow{certificate, p.Revision.Prev}.pack(),
		Body: revisionRow(p.Revision, p.Salt).Body,
	}
	if err := tx.Put(Lent, row); err != nil {
		return err
	}
	return noteRecord(tx, p.Revision)
}

// borrows reports whether a save is kept for the screen; later says that it is not
// for now, so that the hub is to be asked again.
func (s *syncRun) borrows(tx Reader, rev record.Revision) (take, later bool, err error) {
	if _, gone, err := tx.Head(Orders, dotKey(rev.Dot)); err != nil || gone {
		return false, false, err
	}
	class, known := s.r.classOf(rev.Record)
	division, told := madeIn(rev)
	if !known || !told || rev.Record.Kind() <= lastActKind {
		return false, !known, nil
	}
	b, state, err := readState(tx, rev.Record)
	switch {
	case errors.Is(err, ErrUnknownRecord):
	case errors.Is(err, ErrDamaged):
		return false, true, nil
	case err != nil:
		return false, false, err
	}
	if !s.r.rules.lends(lending{s.rights, class, division, b}) {
		return false, true, nil
	}
	return s.r.rules.lent(borrowed{base: b, received: s.r.rules.received(state, rev.Dot)}), false, nil
}

// classOf returns the privacy class of a record's kind and whether the kind is known.
func (r *Replica) classOf(id record.ID) (record.Class, bool) {
	if r.cfg.Schema == nil {
		return 0, false
	}
	info, ok := r.cfg.Schema.Lookup(id.Kind())
	return info.Class, ok
}

// madeIn returns the division that a save names as its own: the one its author saw,
// or the one it sets.
func madeIn(rev record.Revision) (record.Division, bool) {
	if !rev.ScopeSeen.Dot.IsZero() {
		return rev.ScopeSeen.Division, true
	}
	c, ok := rev.Change(record.PathScope)
	d := record.Division(c.Value.Bytes)
	return d, ok && c.Value.Form == record.Present && d.Valid()
}

// borrowedFrom returns the names of what a hub lent and need not send again.
func borrowedFrom(tx Reader, hub causal.ReplicaID) ([]session.LoanName, error) {
	var out []session.LoanName
	err := scan(tx, Loans, nil, func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err == nil && hubOfLoanKey(row.Key) == hub && !l.again && len(out) < session.MaxLoans {
			out = append(out, l.name)
		}
		return err
	})
	return out, err
}

// loanAsks returns the segments of which loans are here and which the centre is not
// known to have, at most MaxOffers.
func loanAsks(tx Reader) ([]segment.Hash, error) {
	epoch, err := readEpoch(tx)
	if err != nil {
		return nil, err
	}
	var out []segment.Hash
	err = scan(tx, Loans, nil, func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err == nil && !l.ack.of(epoch) && len(out) < session.MaxOffers {
			out = append(out, segment.Hash(row.Key[:32]))
		}
		return err
	})
	return slices.Compact(out), err
}

// noteLoanAck keeps what the centre said of a segment of which loans are here.
func noteLoanAck(tx Tx, h segment.Hash, a ackRow) error {
	return scan(tx, Loans, h[:], func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err != nil || l.ack == a {
			return err
		}
		l.ack = a
		return tx.PutHead(Loans, row.Key, l.pack())
	})
}

// returnLoans lets go of loans at the end of a pull: from a hub, what it no longer
// names or is more than it may lend; from the centre, what it has shown that it has.
// What no hub has named for LoanKeep goes as well.
func (s *syncRun) returnLoans(tx Tx, last *session.Summary) error {
	if !s.atCentre() && !last.Lends {
		return nil
	}
	end := borrowed{epoch: s.epoch, passed: passedRow{epoch: s.epoch, position: last.Position}}
	named := map[session.LoanName]bool{}
	for _, n := range last.Lent {
		named[n] = true
	}
	size := uint64(0)
	return scan(tx, Loans, nil, func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err != nil {
			return err
		}
		back := s.r.nowMs()-l.heardMs > LoanKeep.Milliseconds()
		switch mine := hubOfLoanKey(row.Key) == s.Hub; {
		case s.atCentre():
			end.ack = l.ack
			back = back || !s.r.rules.lent(end)
		case mine && named[l.name]:
			size += l.size
			back = size > session.MaxLoanBytes
		case mine:
			back = true
		}
		if back {
			return s.r.dropLoan(tx, row.Key, l)
		}
		return s.renew(tx, row.Key, l, last)
	})
}

// renew notes once a day that a hub still names a loan.
func (s *syncRun) renew(tx Tx, key []byte, l loanRow, last *session.Summary) error {
	if hubOfLoanKey(key) != s.Hub || s.r.nowMs()-l.heardMs < (24*time.Hour).Milliseconds() {
		return nil
	}
	l.heardMs = s.r.nowMs()
	return tx.PutHead(Loans, key, l.pack())
}

// dropLoan forgets a loan with what is here of it.
func (r *Replica) dropLoan(tx Tx, key []byte, l loanRow) error {
	if err := tx.Delete(Loans, key); err != nil {
		return err
	}
	for _, s := range l.saves {
		if err := tx.Delete(Lent, lentKey(s.record, s.dot, key)); err != nil {
			return err
		}
	}
	for _, s := range l.saves {
		if err := r.tidyRecord(tx, s.record); err != nil {
			return err
		}
	}
	return nil
}

// dropLoans forgets all of them.
func (r *Replica) dropLoans(tx Tx) error {
	return scan(tx, Loans, nil, func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err != nil {
			return err
		}
		return r.dropLoan(tx, row.Key, l)
	})
}

// renewLoans asks for loans again, whatever was let go of them: all, or those at some
// keys. What the centre said of their segments in another epoch is forgotten.
func renewLoans(tx Tx, epoch bool, keys ...[]byte) error {
	return scan(tx, Loans, nil, func(row Row) error {
		l, err := unpackLoan(row.Head)
		if err != nil || !epoch && !slices.ContainsFunc(keys, func(k []byte) bool { return slices.Equal(k, row.Key) }) {
			return err
		}
		if l.again = true; epoch {
			l.ack = ackRow{}
		}
		return putChanged(tx, Loans, row.Key, l.pack())
	})
}

// lentHere is a borrowed save of one record.
type lentHere struct {
	dot  causal.Dot
	key  []byte // in Lent
	loan []byte // key in Loans
	lentRow
}

func lentOf(tx Reader, prefix []byte) ([]lentHere, error) {
	var out []lentHere
	err := scan(tx, Lent, prefix, func(row Row) error {
		d, loan, err := causal.DecodeDot(row.Key[18:])
		if err != nil {
			return err
		}
		l, err := unpackLent(row.Head)
		out = append(out, lentHere{d, row.Key, loan, l})
		return err
	})
	return out, err
}

// returnLent lets go of the saves of a record that its new base has received, or all
// of them when it departed. What departs is asked for anew: it may come back.
func (r *Replica) returnLent(tx Tx, id record.ID, b baseRow, s record.State) error {
	lent, err := lentOf(tx, recordKey(id))
	if err != nil || len(lent) == 0 {
		return err
	}
	var again [][]byte
	for _, l := range lent {
		if r.rules.lent(borrowed{base: b, received: r.rules.received(s, l.dot)}) {
			continue
		}
		if err := tx.Delete(Lent, l.key); err != nil {
			return err
		}
		if b.status == baseDeparted {
			again = append(again, l.loan)
		}
	}
	if len(again) > 0 {
		if err := renewLoans(tx, false, again...); err != nil {
			return err
		}
	}
	return r.tidyRecord(tx, id)
}

// eraseLent lets go of a borrowed save whose body is ordered gone.
func (r *Replica) eraseLent(tx Tx, o order) error {
	lent, err := lentOf(tx, placeKey(o.record, o.dot))
	if err != nil || len(lent) == 0 {
		return err
	}
	for _, l := range lent {
		if err := tx.Delete(Lent, l.key); err != nil {
			return err
		}
	}
	return r.tidyRecord(tx, o.record)
}

// tidyRecord lists a record under the residents that what is left of it names, and
// not at all when nothing is.
func (r *Replica) tidyRecord(tx Tx, id record.ID) error {
	b, ok, err := readBase(tx, id)
	if err != nil || !ok || !b.places {
		return err
	}
	for _, bucket := range []Bucket{Places, Lent} {
		left, err := tx.Scan(bucket, recordKey(id), nil, 1)
		if err != nil {
			return err
		}
		ok = ok && len(left) == 0
	}
	switch {
	case ok && b.status == baseNone:
		return r.newBaseWriter(tx).remove(id, b)
	case ok:
		b.places = false
		if err := tx.PutHead(Bases, recordKey(id), b.pack()); err != nil {
			return err
		}
	}
	if _, err = r.listSubjects(tx, id); errors.Is(err, ErrLocked) {
		err = nil // it stays listed where it was
	}
	return err
}
