// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// centreHead is the centre's own replica: its key, and where its chain stands.
type centreHead struct {
	seed    [32]byte
	cert    segment.Hash
	counter uint64
	last    segment.Hash
	clockMs int64
}

const centreSize = 32 + 32 + 8 + 32 + 8

func (c centreHead) encode() []byte {
	b := slices.Concat(c.seed[:], c.cert[:])
	b = binary.BigEndian.AppendUint64(b, c.counter)
	b = append(b, c.last[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(c.clockMs))
}

func readCentre(r ActReader) (c centreHead, err error) {
	raw, ok, err := r.Value(valueCentre)
	if err != nil || !ok {
		return c, err
	}
	if len(raw) != centreSize {
		return c, fmt.Errorf("centre's replica: %w", record.ErrMalformed)
	}
	copy(c.seed[:], raw)
	copy(c.cert[:], raw[32:])
	c.counter = binary.BigEndian.Uint64(raw[64:])
	copy(c.last[:], raw[72:])
	c.clockMs = int64(binary.BigEndian.Uint64(raw[104:]))
	return c, nil
}

func (c centreHead) key() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(c.seed[:]) }

func (c centreHead) replica() causal.ReplicaID {
	return causal.ReplicaOf(c.key().Public().(ed25519.PublicKey))
}

// newCentre gives the centre a new replica key and puts its certificate on the
// record: at the beginning, and after every restore, because the old key may have
// made saves that the restored file does not know.
func (e *Engine) newCentre(ctx context.Context) error {
	return e.update(ctx, func(b *batch) error { return b.newCentre() })
}

func (b *batch) newCentre() error {
	var c centreHead
	if _, err := io.ReadFull(b.e.cfg.Rand, c.seed[:]); err != nil {
		return fmt.Errorf("centre's key: %w", err)
	}
	cert, err := segment.IssueCertificate(b.e.cfg.ShardKey, segment.Certificate{
		Shard:     b.e.shard,
		PublicKey: c.key().Public().(ed25519.PublicKey), Role: segment.RoleCentre,
		Divisions: everywhere, Classes: allClasses, IssuedAt: b.now, ExpiresAt: b.now.Add(b.e.cfg.CertificateLife),
		Label: "centre",
	})
	if err != nil {
		return fmt.Errorf("centre's certificate: %w", err)
	}
	c.cert, c.clockMs = cert.Hash, b.head.centre.clockMs
	b.head.centre = c
	if err := b.putCertificate(cert, causal.Dot{}); err != nil {
		return err
	}
	_, err = b.actCertificate("system", cert)
	return err
}

// OfficeSave is one save of the centre's own replica.
type OfficeSave struct {
	Record  record.ID   // zero: a new record of Kind
	Kind    record.Kind // used when Record is zero
	Changes []record.Change
}

func (s OfficeSave) kind() record.Kind {
	if s.Record.IsZero() {
		return s.Kind
	}
	return s.Record.Kind()
}

// Saved names what a save made.
type Saved struct {
	Record record.ID
	Dot    causal.Dot
}

// Save saves revisions of records by the centre's replica, all in one transaction,
// with author as the person who did it. A new record must set its scope. Dots are
// returned in the order of saves. Errors: ReasonInvalid for changes that are not
// well formed and for acts, which have calls of their own; ReasonRolledBack, or the
// store's.
func (e *Engine) Save(ctx context.Context, author string, saves ...OfficeSave) ([]Saved, error) {
	for _, s := range saves {
		if kind := s.kind(); kind <= maxActKind {
			return nil, refuse(ReasonInvalid, "office save", fmt.Errorf("kind %d is an act and has a call of its own", kind))
		}
	}
	var out []Saved
	err := e.office(ctx, func(b *batch) (err error) {
		out, err = b.save(author, saves)
		return err
	})
	return out, err
}

// office runs f as an act of the office.
func (e *Engine) office(ctx context.Context, f func(*batch) error) error {
	return e.update(ctx, func(b *batch) error {
		if b.head.stopped {
			return refuse(ReasonRolledBack, "office act", errStopped)
		}
		return f(b)
	})
}

// draft is a save on its way into a segment.
type draft struct {
	at  int // place in the order of saves
	to  SumKey
	rev segment.Sealable
}

func (b *batch) save(author string, saves []OfficeSave) ([]Saved, error) {
	drafts := make([]draft, len(saves))
	for i, s := range saves {
		d, err := b.draft(author, s)
		if err != nil {
			return nil, err
		}
		d.at = i
		drafts[i] = d
	}
	slices.SortStableFunc(drafts, func(x, y draft) int { return x.to.compare(y.to) })
	out := make([]Saved, len(saves))
	for len(drafts) > 0 {
		n := 1
		for n < len(drafts) && drafts[n].to == drafts[0].to {
			n++
		}
		if err := b.sealOffice(drafts[:n], out); err != nil {
			return nil, err
		}
		drafts = drafts[n:]
	}
	return out, nil
}

func (k SumKey) compare(o SumKey) int {
	if k.Class != o.Class {
		return int(k.Class) - int(o.Class)
	}
	switch {
	case k.Division < o.Division:
		return -1
	case k.Division > o.Division:
		return 1
	}
	return 0
}

// draft makes a save out of what the office wants, all but its counter and hash.
func (b *batch) draft(author string, s OfficeSave) (draft, error) {
	var d draft
	wanted := slices.Clone(s.Changes)
	for i := range wanted {
		wanted[i].Value = wanted[i].Value.Writable()
	}
	changes, err := record.Normalise(wanted)
	if err != nil {
		return d, refuse(ReasonInvalid, "office save", err)
	}
	if _, err := io.ReadFull(b.e.cfg.Rand, d.rev.Salt[:]); err != nil {
		return d, err
	}
	if s.Record.IsZero() {
		if s.Record, err = record.MakeID(s.Kind, b.now, b.head.centre.replica(), d.rev.Salt); err != nil {
			return d, refuse(ReasonInvalid, "office save", err)
		}
	}
	w, err := b.record(s.Record)
	if err != nil {
		return d, err
	}
	d.rev.Revision = record.Revision{Record: s.Record, Author: author, Changes: changes}
	if scope := w.state.At(record.PathScope); len(scope) > 0 && scope[0].Value.Form == record.Present {
		d.rev.Revision.ScopeSeen = record.ScopeSeen{Dot: scope[0].Dot, Division: record.Division(scope[0].Value.Bytes)}
	}
	d.to = SumKey{Class: b.e.class(s.Record.Kind()), Division: addressee(d.rev.Revision)}
	return d, nil
}

// addressee returns the division that a save of the centre is sent to; acts have none.
func addressee(r record.Revision) record.Division {
	if r.Record.Kind() <= maxActKind {
		return ""
	}
	if !r.ScopeSeen.Dot.IsZero() {
		return r.ScopeSeen.Division
	}
	if c, ok := r.Change(record.PathScope); ok {
		return record.Division(c.Value.Bytes)
	}
	return ""
}

// sealOffice seals drafts of one address into segments and accepts them here.
func (b *batch) sealOffice(drafts []draft, out []Saved) error {
	key := segment.KeySigner(b.head.centre.key())
	cert, ok, err := b.certificate(b.head.centre.cert)
	if err != nil || !ok {
		return fmt.Errorf("centre's certificate: %w", err)
	}
	for len(drafts) > 0 {
		revs := make([]segment.Sealable, len(drafts))
		for i, d := range drafts {
			if revs[i], err = b.number(d.rev, uint64(i+1), revs[:i]); err != nil {
				return err
			}
		}
		n := segment.Plan(revs)
		if n == 0 {
			return refuse(ReasonTooMuch, "office save", record.ErrTooLarge)
		}
		c := &b.head.centre
		seg, err := segment.Seal(key, segment.Header{
			Shard: b.e.shard, Certificate: c.cert, First: c.counter + 1, Previous: c.last,
		}, revs[:n])
		if err != nil {
			return refuse(ReasonInvalid, "office save", err)
		}
		c.counter, c.last = seg.Last(), seg.Hash()
		for i, d := range drafts[:n] {
			out[d.at] = Saved{Record: d.rev.Revision.Record, Dot: seg.Dot(i)}
		}
		if _, err := b.accept(incoming{seg: seg, cert: cert}); err != nil {
			return err
		}
		drafts = drafts[n:]
	}
	return nil
}

// number gives a draft its counter, clock, prev and hash.
func (b *batch) number(s segment.Sealable, ahead uint64, before []segment.Sealable) (segment.Sealable, error) {
	c := &b.head.centre
	c.clockMs = max(c.clockMs+1, b.now.UnixMilli())
	r := s.Revision
	r.Dot = causal.Dot{Replica: c.replica(), Counter: c.counter + ahead}
	r.ClockMs = c.clockMs
	w, err := b.record(r.Record)
	if err != nil {
		return s, err
	}
	prev := lastOf(w.places, r.Dot.Replica)
	for _, o := range before {
		if o.Revision.Record == r.Record {
			prev = o.Revision.Dot
		}
	}
	r.Prev = record.Prev{Counter: prev.Counter, Hash: prev.Hash}
	r, _, err = r.Seal(s.Salt[:])
	if err != nil {
		return s, refuse(ReasonInvalid, "office save", err)
	}
	s.Revision = r
	return s, nil
}

// lastOf returns the highest dot of a replica among places.
func lastOf(ps places, r causal.ReplicaID) causal.Dot {
	for _, p := range slices.Backward(ps) {
		if p.dot.Replica == r {
			return p.dot
		}
	}
	return causal.Dot{}
}

// act saves one act of the office.
func (b *batch) act(author string, kind record.Kind, m proto.Message) (causal.Dot, error) {
	saved, err := b.save(author, []OfficeSave{actSave(kind, m)})
	if err != nil {
		return causal.Dot{}, err
	}
	return saved[0].Dot, nil
}

func actSave(kind record.Kind, m proto.Message) OfficeSave {
	return OfficeSave{Kind: kind, Changes: []record.Change{{Path: pathAct, Value: record.Of(marshal(m))}}}
}

func (b *batch) actCertificate(author string, c segment.Certificate) (causal.Dot, error) {
	var m syncv1.Certificate
	if err := proto.Unmarshal(c.Raw, &m); err != nil {
		return causal.Dot{}, err
	}
	return b.act(author, KindCertificate, &syncv1.CertificateAct{Certificate: &m})
}

// Ruling is what the office decides about one revision.
type Ruling struct {
	Record record.ID
	Dot    causal.Dot
	Author string
	Reason string // never about a resident
}

// Release admits a held revision, whether it has arrived yet or not. When its
// record then has no scope, the scope it saw is saved with it.
func (e *Engine) Release(ctx context.Context, r Ruling) error {
	return e.office(ctx, func(b *batch) error {
		m, err := b.ruling(r)
		if err != nil {
			return err
		}
		if _, err := b.act(r.Author, KindRelease, releaseAct(m)); err != nil {
			return err
		}
		return b.giveScope(r)
	})
}

// Withdraw holds a revision. Beside a release that did not see it, it wins.
func (e *Engine) Withdraw(ctx context.Context, r Ruling) error {
	return e.office(ctx, func(b *batch) error {
		m, err := b.ruling(r)
		if err != nil {
			return err
		}
		_, err = b.act(r.Author, KindWithdrawal, &syncv1.WithdrawalAct{Withdrawal: m})
		return err
	})
}

// Erase removes the body of a stored revision by legal order; r.Reason names the
// order. Its skeleton stays, so segment, ledger and evidence still verify, and
// its verdict, because the act says what the body decided. An erased one stays as
// it is. Errors: ReasonNotFound for a revision that is not here, ReasonInvalid for an act
// in force: a centre that is restored must be given back what it decided.
func (e *Engine) Erase(ctx context.Context, r Ruling) error {
	return e.office(ctx, func(b *batch) error {
		m, err := b.ruling(r)
		if err != nil {
			return err
		}
		w, err := b.record(r.Record)
		if err != nil {
			return err
		}
		i, ok := w.places.find(r.Dot)
		if !ok {
			return refuse(ReasonNotFound, "erase", nil)
		}
		if IsAct(r.Record.Kind()) && w.places[i].verdict.Admitted() {
			return refuse(ReasonInvalid, "erase", errors.New("an act"))
		}
		act, done, err := b.erasureAct(w.places[i])
		if err != nil || done {
			return err
		}
		act.Erasure = m
		_, err = b.act(r.Author, KindErasure, act)
		return err
	})
}

// erasureAct says what the body at p decides, or that it is gone already.
func (b *batch) erasureAct(p place) (m *syncv1.ErasureAct, gone bool, err error) {
	seg, _, err := b.segmentAt(p.leaf)
	if err != nil || seg.Erased(p.at) {
		return nil, err == nil, err
	}
	rev, err := seg.Revision(p.at)
	if unreadable(err) {
		return &syncv1.ErasureAct{Unreadable: true}, false, nil
	}
	m = &syncv1.ErasureAct{Made: seg.RecordID(p.at).MadeBy(p.dot.Replica, seg.Salt(p.at))}
	if c, ok := rev.Change(record.PathScope); ok && c.Value.Form == record.Present {
		m.Scope = string(c.Value.Bytes)
	}
	return m, false, err
}

func (b *batch) ruling(r Ruling) (*syncv1.Ruling, error) {
	if !r.Record.Valid() || r.Dot.IsZero() {
		return nil, refuse(ReasonInvalid, "ruling", record.ErrMalformed)
	}
	earlier, err := b.lookup(ActRuling, r.Dot.Append(nil))
	if err != nil {
		return nil, err
	}
	m := &syncv1.Ruling{Record: r.Record[:], Dot: r.Dot.Append(nil), Reason: r.Reason}
	for _, a := range earlier {
		m.Seen = append(m.Seen, a.Dot.Append(nil))
	}
	return m, nil
}

func (b *batch) giveScope(r Ruling) error {
	w, err := b.record(r.Record)
	if err != nil || len(w.state.At(record.PathScope)) > 0 || !w.state.Applied(r.Dot) {
		return err
	}
	divisions, err := b.divisions(w)
	if err != nil || len(divisions) == 0 {
		return err
	}
	_, err = b.save(r.Author, []OfficeSave{{
		Record: r.Record, Changes: []record.Change{{Path: record.PathScope, Value: record.Of([]byte(divisions[0]))}},
	}})
	return err
}

// Fence cuts a replica and its successors off: what the centre has of them stays
// good, everything else is held, by whatever path it comes. A second fence leaves the
// first in force: what that one cut off stays cut off.
func (e *Engine) Fence(ctx context.Context, author string, replica causal.ReplicaID, reason string) error {
	return e.office(ctx, func(b *batch) error {
		heads, err := b.fenceHeads(replica, time.Time{})
		if err != nil {
			return err
		}
		return b.actFence(author, &syncv1.Fence{Replica: replica[:], Reason: reason, Heads: wireHashes(heads)})
	})
}

// LiftFence makes every history of a replica good again.
func (e *Engine) LiftFence(ctx context.Context, author string, replica causal.ReplicaID, reason string) error {
	return e.office(ctx, func(b *batch) error {
		f := &syncv1.Fence{Replica: replica[:], Reason: reason, Lifted: true}
		earlier, err := b.lookup(ActFence, replica[:])
		if err != nil {
			return err
		}
		for _, a := range earlier {
			f.Seen = append(f.Seen, a.Dot.Append(nil))
		}
		return b.actFence(author, f)
	})
}

// RuleGap states runs of a replica's counters as gone, for an author who cannot,
// together with the prev of every revision of it that waits.
func (e *Engine) RuleGap(ctx context.Context, author string, replica causal.ReplicaID, runs []causal.Range, reason string) error {
	return e.office(ctx, func(b *batch) error {
		all, err := b.waitingFor(replica)
		if err != nil {
			return err
		}
		for _, g := range runs {
			all = all.With(causal.Range{Replica: replica, From: g.From, To: g.To})
		}
		if len(all) == 0 {
			return refuse(ReasonInvalid, "gap ruling", fmt.Errorf("nothing of %s is blocked", replica))
		}
		m := &syncv1.GapRuling{Replica: replica[:], Reason: reason}
		for _, g := range all {
			m.FromCounters = append(m.FromCounters, g.From)
			m.ToCounters = append(m.ToCounters, g.To)
		}
		_, err = b.act(author, KindGapRuling, &syncv1.GapRulingAct{Ruling: m})
		return err
	})
}

func (b *batch) waitingFor(replica causal.ReplicaID) (causal.Ranges, error) {
	ids, err := b.flagged(FlagWaiting)
	if err != nil {
		return nil, err
	}
	var out causal.Ranges
	for _, id := range ids {
		w, err := b.record(id)
		if err != nil {
			return nil, err
		}
		for _, p := range w.places {
			if !p.verdict.Waiting() || p.dot.Replica != replica {
				continue
			}
			seg, _, err := b.segmentAt(p.leaf)
			if err != nil {
				return nil, err
			}
			prev := seg.Prev(p.at).Counter
			out = out.With(causal.Range{Replica: replica, From: prev, To: prev})
		}
	}
	return out, nil
}

// Restore opens a new epoch on a file that was restored from a backup: the centre
// takes a new key, and learns from every Hello what it lost.
func (e *Engine) Restore(ctx context.Context, author string) error {
	name, err := e.epochName()
	if err != nil {
		return err
	}
	err = e.update(ctx, func(b *batch) error {
		root, err := ledger.Root(b.tx, b.head.size)
		if err != nil {
			return err
		}
		was := b.head
		after, err := b.latestEpoch()
		if err != nil {
			return err
		}
		b.head.epoch = ledger.Epoch{Number: after + 1, Name: name}
		b.head.stopped = false
		b.changed = true
		if err := b.tx.PutValue(valueEpoch, []byte(b.head.epoch.String())); err != nil {
			return err
		}
		if err := b.tx.PutValue(valueStopped, nil); err != nil {
			return err
		}
		if err := b.newCentre(); err != nil {
			return err
		}
		_, err = b.act(author, KindRestore, &syncv1.RestoreAct{Restore: &syncv1.Restore{
			EpochNumber: b.head.epoch.Number, EpochName: name[:], LedgerSize: uint64(was.size), LedgerRoot: root[:],
		}})
		return err
	})
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return nil
}

// latestEpoch returns the number of this epoch, or of a later one that a caller
// has shown.
func (b *batch) latestEpoch() (uint64, error) {
	text, _, err := b.tx.Value(valueStopped)
	if err != nil {
		return 0, err
	}
	shown, _ := ledger.ParseEpoch(string(text))
	return max(b.head.epoch.Number, shown.Number), nil
}
