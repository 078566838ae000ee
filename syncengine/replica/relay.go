// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Parcel is what one holder hands to another without a session: part of a bundle.
// Nothing in it needs to be believed for the carrier's sake but the bases, which
// are as good as the way they came.
type Parcel struct {
	Epoch        ledger.Epoch // of the bases
	Certificates [][]byte
	Gaps         [][]byte
	Segments     [][]byte // byte for byte, whosesoever
	Acks         [][]byte // signed by the shard
	Marks        [][]byte // backup marks, signed by the shard
	Bases        []session.Base
	Departures   []session.Departure
}

// Carried is what became of a parcel.
type Carried struct {
	Stored  int // segments that were not here
	Already int
	Refused []Refusal
	Gaps    int // statements that were not here
	Acks    int // segments newly known to be at the centre
	Bases   int // states taken
	// Departures is how many records departed: those here, by somebody newer.
	Departures int
	Forked     bool
}

// Carry takes a parcel: segments of others verbatim after a check of their
// signature, to be handed on to the centre; acks and marks of this epoch; bases and
// departures as from a hub. Acks of a later epoch show that the centre was restored. It is one
// transaction.
func (r *Replica) Carry(ctx context.Context, p Parcel) (Carried, error) {
	var out Carried
	err := r.update(ctx, func(tx Tx) (err error) {
		out, err = r.carry(tx, p)
		return err
	})
	if err != nil {
		return Carried{}, fmt.Errorf("carry: %w", err)
	}
	return out, nil
}

func (r *Replica) carry(tx Tx, p Parcel) (Carried, error) {
	var out Carried
	me, err := r.readSelf(tx)
	if err != nil {
		return out, err
	}
	if !me.enrolled() {
		return out, ErrNotEnrolled
	}
	if err := takeCertificates(tx, p.Certificates); err != nil {
		return out, err
	}
	for _, raw := range p.Gaps {
		o, err := r.takeGap(tx, raw)
		if err != nil {
			return out, err
		}
		if o == session.OutcomeStored {
			out.Gaps++
		}
	}
	if err := r.carrySegments(tx, p.Segments, &out); err != nil {
		return out, err
	}
	if err := r.carryWord(tx, p, &out); err != nil {
		return out, err
	}
	if err := r.carryBases(tx, p, &out); err != nil {
		return out, err
	}
	if _, err := r.obey(tx, false); err != nil {
		return out, err
	}
	_, out.Forked, err = value(tx, valueForked)
	return out, err
}

// carrySegments takes segments, and those that were not taken once more at the end:
// the order that explains why bodies are missing may stand behind them.
func (r *Replica) carrySegments(tx Tx, wires [][]byte, out *Carried) error {
	var again [][]byte
	for _, wire := range wires {
		refused, err := r.carrySegment(tx, wire, out)
		if err != nil {
			return err
		}
		if refused != nil {
			again = append(again, wire)
		}
	}
	for _, wire := range again {
		refused, err := r.carrySegment(tx, wire, out)
		if err != nil {
			return err
		}
		if refused != nil {
			out.Refused = append(out.Refused, *refused)
		}
	}
	return nil
}

func (r *Replica) carrySegment(tx Tx, wire []byte, out *Carried) (*Refusal, error) {
	h, outcome, reason, err := r.takeSegment(tx, wire)
	switch outcome {
	case session.OutcomeStored:
		out.Stored++
	case session.OutcomeAlready:
		out.Already++
	case session.OutcomeRefused:
		return &Refusal{h, reason}, err
	}
	return nil, err
}

// takeSegment stores somebody's segment, if its certificate is known here and its
// signature good. It does not look at the chain: what arrives in disorder is for
// the centre to put in order.
func (r *Replica) takeSegment(tx Tx, wire []byte) (segment.Hash, session.Outcome, string, error) {
	seg, err := segment.Open(wire)
	if err != nil {
		return segment.Hash{}, session.OutcomeRefused, reasonUnreadable, nil //nolint:nilerr // refused
	}
	hash := seg.Hash()
	cert, ok, err := r.certificate(tx, seg.Header().Certificate)
	if err != nil {
		return hash, 0, "", err
	}
	switch {
	case !ok:
		return hash, session.OutcomeRefused, "certificate", nil
	case seg.Header().Shard != cert.Shard:
		return hash, session.OutcomeRefused, "wrong_shard", nil
	case seg.Verify(cert.PublicKey) != nil:
		return hash, session.OutcomeRefused, reasonSignature, nil
	}
	if bare, err := stripped(tx, seg); err != nil || bare {
		return hash, session.OutcomeRefused, reasonUnreadable, err
	}
	row := r.segmentRow(seg)
	row.office = cert.Role == segment.RoleCentre
	fresh, err := r.keepForeign(tx, seg, row)
	if fresh {
		return hash, session.OutcomeStored, "", err
	}
	return hash, session.OutcomeAlready, "", err
}

// takeGap keeps a replica's own statement, if its certificate is known here and
// its signature good.
func (r *Replica) takeGap(tx Tx, raw []byte) (session.Outcome, error) {
	g, err := segment.ParseGap(raw)
	if err != nil {
		return session.OutcomeRefused, nil //nolint:nilerr // refused
	}
	cert, ok, err := r.certificate(tx, g.Certificate)
	if err != nil {
		return 0, err
	}
	if !ok || g.Shard != cert.Shard || g.Verify(cert.PublicKey) != nil {
		return session.OutcomeRefused, nil
	}
	if _, ok, err := tx.Head(Gaps, gapKey(g.Range)); err != nil || ok {
		return session.OutcomeAlready, err
	}
	return session.OutcomeStored, tx.PutHead(Gaps, gapKey(g.Range), gapRow{raw: raw}.pack())
}

// carryWord takes what the shard signed: acks and marks. That of a later epoch is
// proof of it.
func (r *Replica) carryWord(tx Tx, p Parcel, out *Carried) error {
	pub, err := shardKey(tx)
	if err != nil {
		return err
	}
	epoch, err := readEpoch(tx)
	if err != nil {
		return err
	}
	newest := epoch
	for _, raw := range p.Acks {
		if a, err := ledger.OpenAcks(raw, pub); err == nil && a.Epoch.Number > newest.Number {
			newest = a.Epoch
		}
	}
	for _, raw := range p.Marks {
		if m, err := ledger.OpenBackupMark(raw, pub); err == nil && m.Epoch.Number > newest.Number {
			newest = m.Epoch
		}
	}
	if newest != epoch {
		if err := enterEpoch(tx, newest); err != nil {
			return err
		}
	}
	for _, raw := range p.Acks {
		news, err := takeAcks(tx, raw)
		if err != nil && !errors.Is(err, segment.ErrSignature) && !errors.Is(err, ledger.ErrUnreadable) {
			return err
		}
		out.Acks += news
	}
	return takeMarks(tx, newest, p.Marks)
}

func (r *Replica) carryBases(tx Tx, p Parcel, out *Carried) error {
	epoch, err := readEpoch(tx)
	if err != nil || len(p.Bases)+len(p.Departures) == 0 || p.Epoch != epoch {
		return err
	}
	from := source{epoch: epoch, hub: true}
	if from.passed, err = readPassed(tx); err != nil {
		return err
	}
	me, err := r.readSelf(tx)
	if err != nil {
		return err
	}
	from.cert = me.cert
	w := r.newBaseWriter(tx)
	for _, b := range p.Bases {
		taken, err := w.takeBase(b, from)
		if err != nil {
			return err
		}
		if taken {
			out.Bases++
		}
	}
	for _, d := range p.Departures {
		taken, err := w.takeDeparture(d, from)
		if err != nil {
			return err
		}
		if taken {
			out.Departures++
		}
	}
	return w.flush()
}
