// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// valueDamaged says that somebody met a base that cannot be read any more, and no
// pull from nothing was begun since.
const valueDamaged = "damaged"

// looking runs f on one snapshot. When a damaged base was met the next pull begins
// from nothing, because nobody else asks for that record again.
func (r *Replica) looking(ctx context.Context, f func(*viewer) error) error {
	damaged := false
	var spoilt [][]byte
	err := r.view(ctx, func(tx Reader) error {
		v, err := r.newViewer(tx)
		if err != nil {
			return err
		}
		err = f(v)
		damaged, spoilt = v.damaged, v.lending.spoilt
		return err
	})
	if len(spoilt) > 0 {
		uerr := r.update(ctx, func(tx Tx) error { return renewLoans(tx, false, spoilt...) })
		r.cfg.Log.Warn("something that a hub lent cannot be read any more, it will be asked for again", "noted", uerr == nil)
	}
	if damaged {
		r.noteDamaged(ctx)
	}
	return err
}

// noteDamaged keeps that some base is damaged. Where that cannot be written the
// next look notes it.
func (r *Replica) noteDamaged(ctx context.Context) {
	err := r.update(ctx, func(tx Tx) error { return putChanged(tx, Values, []byte(valueDamaged), []byte{1}) })
	r.cfg.Log.Warn("a record cannot be read any more, all will be pulled again", "noted", err == nil)
}

// renewDamaged forgets how far the centre was pulled, if a damaged base was met: a
// pull from nothing brings it anew.
func (s *syncRun) renewDamaged(ctx context.Context) error {
	if !s.atCentre() {
		return nil
	}
	met := false
	err := s.r.view(ctx, func(tx Reader) (err error) {
		_, met, err = value(tx, valueDamaged)
		return err
	})
	if err != nil || !met {
		return err
	}
	return s.r.update(ctx, func(tx Tx) error {
		return errors.Join(tx.Delete(Values, []byte(valueDamaged)), tx.Delete(Peers, centrePeer[:]))
	})
}

// readState returns the head of a record's base and, where it is live, its state.
// Its error wraps ErrDamaged when the head is good and the state cannot be read,
// and ErrUnknownRecord when nothing of the record is here.
func readState(r Reader, id record.ID) (baseRow, record.State, error) {
	row, ok, err := r.Get(Bases, recordKey(id))
	if err != nil && !errors.Is(err, ErrDamaged) {
		return baseRow{}, record.State{}, err
	}
	if !ok {
		return baseRow{}, record.State{}, unknown(id)
	}
	b, herr := unpackBase(row.Head)
	if herr != nil || err != nil || b.status != baseLive {
		return b, record.State{}, errors.Join(herr, err)
	}
	state, err := record.DecodeState(row.Body)
	if err != nil {
		err = errors.Join(ErrDamaged, err)
	}
	return b, state, err
}

// ignoreDamage returns nil for what concerns one damaged row only.
func ignoreDamage(err error) error {
	if errors.Is(err, ErrDamaged) {
		return nil
	}
	return err
}
