// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// rules are the decisions of this package that must not be taken otherwise.
// There is one set; tests put wrong ones in their place and demand that somebody
// notices.
type rules struct {
	// counter returns the counter of the next save.
	counter func(last uint64) uint64
	// clock returns the clock of the next save, after the last one. Others' clocks,
	// of which seen tells the greatest in the record, are none of its business.
	clock func(last, now int64, seen func() int64) int64
	// received: is this save in the state?
	received func(s record.State, d causal.Dot) bool
	// replaces: does what is offered take the place of what is here?
	replaces func(o offered) bool
	// shows: is a revision shown on a record without a live base?
	shows func(p piece) bool
	// unnamed returns what becomes of a base that a complete pull from nothing did
	// not name, and whether anything of it stays.
	unnamed func(b baseRow, at named) (baseRow, bool)
	// droppable: may a segment go?
	droppable func(k kept) bool
	// lends: is a save that the centre has not sent for this holder of a certificate?
	lends func(l lending) bool
	// entitled: may this author, under this certificate, save in a division what is of a
	// class?
	entitled func(cert segment.Certificate, author string, class record.Class, d record.Division) bool
	// lent: is a borrowed save still shown?
	lent func(l borrowed) bool
	// foreign: does somebody else save under this key? made tells own segments.
	foreign func(heads []session.Head, made func(segment.Hash) bool) bool
}

// named is a place in the life of a record: which state of it is meant.
type named struct {
	epoch    ledger.Epoch
	position session.Position
}

// offered is a base or a departure that a peer offers, beside what is here.
type offered struct {
	here     baseRow
	offer    named
	departed bool
	hub      bool      // the peer is not the centre
	passed   passedRow // own completed pull of the centre
	// The states on both sides, for rules that look where they should not.
	state, old func() record.State
}

// piece is a revision held here of a record whose base is none or departed.
type piece struct {
	base   baseRow
	ack    ackRow // of its segment; zero: none
	epoch  ledger.Epoch
	passed passedRow
	// toEverybody: it is the centre's own, of what has no bases because everybody is
	// given the saves themselves.
	toEverybody bool
}

// lending is a save beside whose screen it may come to.
type lending struct {
	holder   segment.Certificate
	class    record.Class    // of the record's kind
	division record.Division // in which it was made: the one seen, or the one a creation sets
	base     baseRow         // of the record, where the rule is asked
}

// borrowed is a colleague's save that a hub lent.
type borrowed struct {
	base     baseRow // of its record
	received bool    // that base has received it
	ack      ackRow  // of its segment; zero: none
	epoch    ledger.Epoch
	passed   passedRow
}

// kept is a segment beside what speaks for and against keeping it.
type kept struct {
	row    segmentRow
	epoch  ledger.Epoch
	ack    ackRow              // zero: none
	marks  []ledger.BackupMark // of the epoch, ascending
	passed passedRow
	newest bool // its key's last one
	held   bool // it has an own save that the centre holds
	now    time.Time
}

// OwnKeep is how long an own segment is kept at least.
const OwnKeep = 90 * 24 * time.Hour

var lawful = rules{
	counter:   func(last uint64) uint64 { return last + 1 },
	clock:     func(last, now int64, _ func() int64) int64 { return max(last+1, now) },
	received:  record.State.Received,
	replaces:  lawfulReplaces,
	shows:     lawfulShows,
	unnamed:   lawfulUnnamed,
	droppable: lawfulDroppable,
	lends:     lawfulLends,
	entitled:  lawfulEntitled,
	lent:      lawfulLent,
	foreign:   lawfulForeign,
}

// lawfulReplaces: what is of an older epoch always goes. Within an epoch the
// centre's later word wins, and its word at the same position. What it hands out
// comes back even at a position below the departure: the scope has changed since.
// A hub's word counts only when it is newer than what is here and than everything
// the centre was asked for.
func lawfulReplaces(o offered) bool {
	if o.hub && o.passed.epoch == o.offer.epoch && o.offer.position <= o.passed.position {
		return false
	}
	if o.here.status == baseNone || o.here.epoch != o.offer.epoch {
		return true
	}
	if o.hub {
		return o.offer.position > o.here.position
	}
	back := o.here.status == baseDeparted && !o.departed
	return back || o.offer.position >= o.here.position
}

// lawfulShows: until the own cursor has passed the segment's ack of this epoch, or
// the record departed after it.
func lawfulShows(p piece) bool {
	if p.toEverybody || !p.ack.of(p.epoch) {
		return true
	}
	if p.passed.epoch == p.epoch && p.ack.position <= p.passed.position {
		return false
	}
	return p.base.status != baseDeparted || p.base.epoch != p.epoch || p.ack.position > p.base.position
}

// lawfulLends: the class is granted, the record has not left the holder's divisions,
// and the save was made in one of them, or where the centre sends the record anyway.
func lawfulLends(l lending) bool {
	live := l.base.status == baseLive
	switch {
	case !l.holder.AllowsClass(l.class), l.base.status == baseDeparted:
		return false
	case live && !inScope(l.holder, l.base.class, l.base.divisions):
		return false
	}
	return l.division.WithinAny(l.holder.Divisions) || live && slices.Contains(l.base.divisions, l.division)
}

// lawfulEntitled: as the centre judges a save, with the division it was made in.
func lawfulEntitled(cert segment.Certificate, author string, class record.Class, d record.Division) bool {
	return slices.Contains(cert.Staff, author) && cert.AllowsClass(class) && d.WithinAny(cert.Divisions)
}

// lawfulLent: until the base has received it, the record departed, or the own cursor
// has passed the ack of its segment.
func lawfulLent(l borrowed) bool {
	return !l.received && l.base.status != baseDeparted && !l.ack.passedBy(l.epoch, l.passed)
}

// passedBy reports whether a complete pull of an epoch has passed a.
func (a ackRow) passedBy(e ledger.Epoch, p passedRow) bool {
	return a.of(e) && p.epoch == e && a.position <= p.position
}

// lawfulUnnamed: the record departed at the pull's position.
func lawfulUnnamed(b baseRow, at named) (baseRow, bool) { return b.departedAt(at), true }

// departedAt returns b as departed. Nothing of its state stays.
func (b baseRow) departedAt(at named) baseRow {
	d := baseRow{status: baseDeparted, epoch: at.epoch, position: at.position, pull: b.pull, class: b.class, places: b.places}
	if b.places {
		d.subjects = b.subjects // own saves are still found there
	}
	return d
}

// lawfulDroppable: two successive verified backups cover the segment and the own
// cursor has passed its ack, both in this epoch. Own ones stay longer, the last
// one, held ones and the centre's for good.
func lawfulDroppable(k kept) bool {
	if k.newest || k.held || k.row.office || len(k.marks) < 2 {
		return false
	}
	if k.row.made && k.now.Sub(time.UnixMilli(k.row.arrivedMs)) < OwnKeep {
		return false
	}
	if !k.ack.of(k.epoch) || k.passed.epoch != k.epoch || k.ack.position > k.passed.position {
		return false
	}
	return backedUp(k.ack, k.marks)
}

// backedUp reports whether two successive backups cover the ack's segment.
func backedUp(a ackRow, marks []ledger.BackupMark) bool {
	n := len(marks)
	if n < 2 || marks[n-2].Number+1 != marks[n-1].Number {
		return false
	}
	return ledger.Size(a.index) < min(marks[n-2].LedgerSize, marks[n-1].LedgerSize)
}

// lawfulForeign: some history of the key ends in a segment not made here.
func lawfulForeign(heads []session.Head, made func(segment.Hash) bool) bool {
	for _, h := range heads {
		if !made(h.Hash) {
			return true
		}
	}
	return false
}
