// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// lender puts together what a hub lends to one caller: what it holds of colleagues
// that its own base has not received, save by save as the caller's certificate allows.
type lender struct {
	*viewer
	h     *hub
	line  []causal.ReplicaID // the caller, and those it continues: they have their own saves
	bases map[record.ID]hubBase
}

// hubBase is a record as this hub has it from the centre.
type hubBase struct {
	row   baseRow
	state record.State
	known bool // it can be read, or there is none
}

func (h *hub) newLender(tx Reader) (*lender, error) {
	v, err := h.r.newViewer(tx)
	if err != nil {
		return nil, err
	}
	l := &lender{viewer: v, h: h, bases: map[record.ID]hubBase{}}
	l.line, err = lineage(h.r, tx, h.caller)
	return l, err
}

// loans returns what is lent now by name, and of it those that the caller has not
// borrowed: newest arrivals first, within MaxLoans and MaxLoanBytes.
func (l *lender) loans(has []session.LoanName) (names []session.LoanName, fresh []session.Loan, err error) {
	borrowed := map[session.LoanName]bool{}
	for _, n := range has {
		borrowed[n] = true
	}
	rows, err := l.lendable()
	size := 0
	for _, s := range rows {
		loan, ok, err := l.loanOf(s)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			continue
		}
		if size += len(loan.Part); size > session.MaxLoanBytes || len(names) == session.MaxLoans {
			break
		}
		name := loan.Name()
		if names = append(names, name); !borrowed[name] {
			fresh = append(fresh, loan)
		}
	}
	return names, fresh, err
}

// lendable lists the segments from which something may be lent, newest arrival first.
func (l *lender) lendable() ([]hashedRow, error) {
	var out []hashedRow
	err := scan(l.tx, Unsettled, nil, func(row Row) error {
		h := hashOfChainKey(row.Key)
		s, ok, err := readSegmentRow(l.tx, h)
		if err != nil || !ok || s.office || slices.Contains(l.line, s.replica) {
			return err
		}
		ack, err := readAck(l.tx, h)
		if err == nil && !ack.passedBy(l.epoch, l.passed) {
			out = append(out, hashedRow{h, s})
		}
		return err
	})
	slices.SortFunc(out, func(a, b hashedRow) int {
		return cmp.Or(cmp.Compare(b.row.arrivedMs, a.row.arrivedMs), bytes.Compare(a.hash[:], b.hash[:]))
	})
	return out, err
}

// loanOf returns what is lent of one segment, and whether there is anything.
func (l *lender) loanOf(s hashedRow) (session.Loan, bool, error) {
	cert, ok, err := l.r.certificate(l.tx, s.row.certificate)
	if err != nil || !ok || cert.Role == segment.RoleCentre {
		return session.Loan{}, false, err
	}
	if fenced, err := l.fenced(cert); err != nil || fenced {
		return session.Loan{}, false, err
	}
	seg, ok, err := segmentOf(l.tx, s.hash)
	if err != nil || !ok {
		return session.Loan{}, false, err
	}
	var places []int
	for i := range seg.Len() {
		may, err := l.mayLend(seg, i)
		if err != nil {
			return session.Loan{}, false, err
		}
		if may {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return session.Loan{}, false, nil
	}
	return session.Loan{Part: seg.Part(places...), Certificate: cert.Raw}, true, nil
}

// mayLend reports whether one save of a segment is lent to the caller.
func (l *lender) mayLend(seg *segment.Segment, i int) (bool, error) {
	id := seg.RecordID(i)
	class, known := l.r.classOf(id)
	if !known || id.Kind() <= lastActKind || seg.Erased(i) {
		return false, nil
	}
	rev, err := seg.Revision(i)
	if err != nil {
		return false, nil //nolint:nilerr // nobody can read it
	}
	division, told := madeIn(rev)
	b, err := l.baseOf(id)
	if err != nil || !told || !b.known || l.r.rules.received(b.state, rev.Dot) {
		return false, err
	}
	if !l.r.rules.lends(lending{l.h.caller, class, division, b.row}) {
		return false, nil
	}
	_, gone, err := l.tx.Head(Orders, dotKey(rev.Dot))
	return !gone, err
}

func (l *lender) baseOf(id record.ID) (hubBase, error) {
	if b, ok := l.bases[id]; ok {
		return b, nil
	}
	row, state, err := readState(l.tx, id)
	b := hubBase{row, state, err == nil || errors.Is(err, ErrUnknownRecord)}
	if b.known || errors.Is(err, ErrDamaged) {
		err = nil
	}
	l.bases[id] = b
	return b, err
}
