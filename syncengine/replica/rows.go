// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Heads of rows, as DESIGN.md lists them.

// ownRow is what is known of one own replica id.
type ownRow struct {
	order       uint64       // 1 for the first key, one more for each successor
	counter     uint64       // of the last save
	last        segment.Hash // of the last sealed segment; zero: none
	certificate segment.Hash // zero: not enrolled
}

func (o ownRow) pack() []byte {
	var p packer
	p.num(o.order)
	p.num(o.counter)
	p.raw(o.last[:])
	p.raw(o.certificate[:])
	return p
}

func unpackOwn(b []byte) (ownRow, error) {
	u := unpacker{rest: b}
	o := ownRow{order: u.num(), counter: u.num(), last: u.hash(), certificate: u.hash()}
	return o, u.done("own key")
}

// segmentRow is the head of a segment.
type segmentRow struct {
	made        bool // here, under an own key
	office      bool // by the centre's replica
	clinic      bool // a hub confirmed that it holds it
	replica     causal.ReplicaID
	first       uint64
	count       uint64
	previous    segment.Hash
	certificate segment.Hash
	size        uint64 // bytes on the wire
	savedMs     int64  // clock of the first revision
	arrivedMs   int64  // when it was sealed or taken here, by the own clock
}

func (s segmentRow) last() uint64 { return s.first + s.count - 1 }

func (s segmentRow) pack() []byte {
	var p packer
	p.flag(s.made)
	p.flag(s.office)
	p.flag(s.clinic)
	p.raw(s.replica[:])
	p.num(s.first)
	p.num(s.count)
	p.raw(s.previous[:])
	p.raw(s.certificate[:])
	p.num(s.size)
	p.time(s.savedMs)
	p.time(s.arrivedMs)
	return p
}

func unpackSegment(b []byte) (segmentRow, error) {
	u := unpacker{rest: b}
	s := segmentRow{
		made: u.flag(), office: u.flag(), clinic: u.flag(),
		replica: u.replica(), first: u.num(), count: u.num(), previous: u.hash(), certificate: u.hash(),
		size: u.num(), savedMs: u.time(), arrivedMs: u.time(),
	}
	return s, u.done("segment head")
}

// placeRow says where a revision is.
type placeRow struct {
	own     bool         // saved here
	segment segment.Hash // zero: not yet sealed
	at      uint64       // its place in the segment
	prev    record.Prev
}

func (l placeRow) pack() []byte {
	var p packer
	p.flag(l.own)
	p.raw(l.segment[:])
	p.num(l.at)
	p.num(l.prev.Counter)
	p.raw(l.prev.Hash[:])
	return p
}

func unpackPlace(b []byte) (placeRow, error) {
	u := unpacker{rest: b}
	l := placeRow{own: u.flag(), segment: u.hash(), at: u.num()}
	l.prev = record.Prev{Counter: u.num(), Hash: u.hash8()}
	return l, u.done("place")
}

// status says what the base of a record is.
type status uint8

const (
	// baseNone: nothing was received from the centre; own or carried saves only.
	baseNone status = iota
	// baseLive: a state of a record in this replica's scope.
	baseLive
	// baseDeparted: the record left the scope, or the centre no longer names it.
	baseDeparted
	// baseTrimmed: as baseLive, but its state was let go for want of room. It counts in the
	// sums, so that what is here still adds up to the centre's.
	baseTrimmed
)

// stands reports whether the record is in this replica's scope, its state here or let go.
func (b baseRow) stands() bool { return b.status == baseLive || b.status == baseTrimmed }

// baseRow is the head of a record.
type baseRow struct {
	status    status
	epoch     ledger.Epoch
	position  session.Position
	pull      uint64 // number of the last full pull that named it
	class     record.Class
	divisions []record.Division
	subjects  []record.ID // under which it stands in Subjects
	print     [32]byte    // its fingerprint
	conflict  bool        // some register has siblings with different bytes
	places    bool        // some revision of it is or was held here
}

func (b baseRow) pack() []byte {
	var p packer
	p.num(uint64(b.status))
	p.epoch(b.epoch)
	p.num(uint64(b.position))
	p.num(b.pull)
	p.num(uint64(b.class))
	p.num(uint64(len(b.divisions)))
	for _, d := range b.divisions {
		p.blob([]byte(d))
	}
	p.num(uint64(len(b.subjects)))
	for _, s := range b.subjects {
		p.raw(s[:])
	}
	p.raw(b.print[:])
	p.flag(b.conflict)
	p.flag(b.places)
	return p
}

func unpackBase(raw []byte) (baseRow, error) {
	u := unpacker{rest: raw}
	b := baseRow{status: status(u.num()), epoch: u.epoch(), position: session.Position(u.num()), pull: u.num(), class: record.Class(u.num())}
	for n := u.num(); n > 0 && u.err == nil; n-- {
		b.divisions = append(b.divisions, record.Division(u.blob()))
	}
	for n := u.num(); n > 0 && u.err == nil; n-- {
		b.subjects = append(b.subjects, u.id())
	}
	b.print = u.hash()
	b.conflict, b.places = u.flag(), u.flag()
	return b, u.done("base head")
}

// ackRow is what the centre said of a segment in one epoch.
type ackRow struct {
	epoch    ledger.Epoch
	index    ledger.Index
	position session.Position
	acks     segment.Hash // key of the signed acks; zero: the centre handed the segment out itself
}

func (a ackRow) pack() []byte {
	var p packer
	p.epoch(a.epoch)
	p.num(uint64(a.index))
	p.num(uint64(a.position))
	p.raw(a.acks[:])
	return p
}

func unpackAck(raw []byte) (ackRow, error) {
	u := unpacker{rest: raw}
	a := ackRow{epoch: u.epoch(), index: ledger.Index(u.num()), position: session.Position(u.num()), acks: u.hash()}
	return a, u.done("ack of a segment")
}

// of reports whether a is an ack of an epoch; the zero ack is of none.
func (a ackRow) of(e ledger.Epoch) bool { return e.Number > 0 && a.epoch == e }

// signed reports whether a is an ack of an epoch under the shard's signature.
func (a ackRow) signed(e ledger.Epoch) bool { return a.of(e) && !a.acks.IsZero() }

// passedRow says how far the centre was pulled completely.
type passedRow struct {
	epoch    ledger.Epoch
	position session.Position
	scope    [32]byte // digest of the scope that was pulled
}

func (a passedRow) pack() []byte {
	var p packer
	p.epoch(a.epoch)
	p.num(uint64(a.position))
	p.raw(a.scope[:])
	return p
}

func unpackPassed(raw []byte) (passedRow, error) {
	u := unpacker{rest: raw}
	a := passedRow{epoch: u.epoch(), position: session.Position(u.num()), scope: u.hash()}
	return a, u.done("passed position")
}

// peerRow says how far one peer was pulled.
type peerRow struct {
	cursor []byte
	full   bool // the pull under way began from nothing
}

func (r peerRow) pack() []byte {
	var p packer
	p.blob(r.cursor)
	p.flag(r.full)
	return p
}

func unpackPeer(raw []byte) (peerRow, error) {
	u := unpacker{rest: raw}
	r := peerRow{cursor: u.blob(), full: u.flag()}
	return r, u.done("peer")
}

// gapRow is a gap statement and the epoch in which the centre took it.
type gapRow struct {
	taken ledger.Epoch
	raw   []byte
}

func (g gapRow) pack() []byte {
	var p packer
	p.epoch(g.taken)
	p.blob(g.raw)
	return p
}

func unpackGap(raw []byte) (gapRow, error) {
	u := unpacker{rest: raw}
	g := gapRow{taken: u.epoch(), raw: u.blob()}
	return g, u.done("gap")
}

// verdictRow is what the centre made of an own save that it did not admit.
type verdictRow struct {
	record  record.ID
	verdict ledger.Verdict
}

func (v verdictRow) pack() []byte {
	var p packer
	p.raw(v.record[:])
	p.num(uint64(v.verdict))
	return p
}

func unpackVerdict(raw []byte) (verdictRow, error) {
	u := unpacker{rest: raw}
	v := verdictRow{record: u.id(), verdict: ledger.Verdict(u.num())}
	return v, u.done("verdict")
}

// loanRow is what one hub lends of one segment.
type loanRow struct {
	name        session.LoanName
	again       bool         // to be asked for anew: something of it was not taken, or let go
	certificate segment.Hash // by which the segment is judged
	size        uint64       // of the part, in bytes
	heardMs     int64        // when the hub last named it, by the own clock
	ack         ackRow       // of the segment; zero: none
	saves       []lentSave   // those taken, present or let go
}

// lentSave names one save of a loan.
type lentSave struct {
	record record.ID
	dot    causal.Dot
}

func (l loanRow) pack() []byte {
	var p packer
	p.raw(l.name[:])
	p.flag(l.again)
	p.raw(l.certificate[:])
	p.num(l.size)
	p.time(l.heardMs)
	p.blob(l.ack.pack())
	p.num(uint64(len(l.saves)))
	for _, s := range l.saves {
		p.raw(s.record[:])
		p.raw(dotKey(s.dot))
	}
	return p
}

func unpackLoan(raw []byte) (loanRow, error) {
	u := unpacker{rest: raw}
	var l loanRow
	copy(l.name[:], u.take(16))
	l.again, l.certificate, l.size, l.heardMs = u.flag(), u.hash(), u.num(), u.time()
	var err error
	if l.ack, err = unpackAck(u.blob()); err != nil {
		return l, err
	}
	for n := u.num(); n > 0 && u.err == nil; n-- {
		l.saves = append(l.saves, lentSave{u.id(), causal.Dot{Replica: u.replica(), Counter: u.counter(), Hash: u.hash8()}})
	}
	return l, u.done("loan")
}

// lentRow is one save that was lent.
type lentRow struct {
	certificate segment.Hash
	prev        record.Prev
}

func (l lentRow) pack() []byte {
	var p packer
	p.raw(l.certificate[:])
	p.num(l.prev.Counter)
	p.raw(l.prev.Hash[:])
	return p
}

func unpackLent(raw []byte) (lentRow, error) {
	u := unpacker{rest: raw}
	l := lentRow{certificate: u.hash(), prev: record.Prev{Counter: u.num(), Hash: u.hash8()}}
	return l, u.done("lent save")
}

// load reads one head with the unpacker for it.
func load[T any](r Reader, b Bucket, key []byte, unpack func([]byte) (T, error)) (T, bool, error) {
	var none T
	head, ok, err := r.Head(b, key)
	if err != nil || !ok {
		return none, false, err
	}
	v, err := unpack(head)
	if err != nil {
		return none, false, fmt.Errorf("bucket %d: %w", b, err)
	}
	return v, true, nil
}

// putChanged stores a head unless it is there already: a sync with nothing new
// writes nothing.
func putChanged(tx Tx, b Bucket, key, head []byte) error {
	old, ok, err := tx.Head(b, key)
	if err != nil || ok && bytes.Equal(old, head) {
		return err
	}
	return tx.PutHead(b, key, head)
}

// scanStep is how many rows are read at a time.
const scanStep = 512

// scan calls f for every row with a prefix, ascending. f may change rows.
func scan(r Reader, b Bucket, prefix []byte, f func(Row) error) error {
	return scanWhile(r, b, prefix, func(row Row) (bool, error) { return true, f(row) })
}

// scanWhile is scan until f returns false.
func scanWhile(r Reader, b Bucket, prefix []byte, f func(Row) (bool, error)) error {
	var after []byte
	for {
		rows, err := r.Scan(b, prefix, after, scanStep)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if more, err := f(row); err != nil || !more {
				return err
			}
		}
		if len(rows) < scanStep {
			return nil
		}
		after = rows[len(rows)-1].Key
	}
}
