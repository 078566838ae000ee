// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"crypto/sha256"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// takeAcks keeps signed acks of the present epoch and stops offering what they
// name. It returns how many segments held here they are news of. Acks of another
// epoch say nothing.
func takeAcks(tx Tx, raw []byte) (int, error) {
	if len(raw) == 0 {
		return 0, nil
	}
	pub, err := shardKey(tx)
	if err != nil {
		return 0, err
	}
	acks, err := ledger.OpenAcks(raw, pub)
	if err != nil {
		return 0, err
	}
	epoch, err := readEpoch(tx)
	if err != nil || acks.Epoch != epoch {
		return 0, err
	}
	key := segment.Hash(sha256.Sum256(raw))
	news := 0
	for _, s := range acks.Segments {
		a := ackRow{epoch: epoch, index: s.Index, position: session.Position(s.Position), acks: key}
		fresh, err := noteAck(tx, s.Hash, a)
		if err != nil {
			return news, err
		}
		if fresh {
			news++
		}
	}
	if news == 0 {
		return 0, nil
	}
	return news, tx.PutHead(Acks, key[:], signedAcks{epoch, raw}.pack())
}

// noteAck keeps what the centre said of a segment held here, in place of an
// unsigned word, and reports whether it was news.
func noteAck(tx Tx, h segment.Hash, a ackRow) (bool, error) {
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok {
		return false, err
	}
	old, err := readAck(tx, h)
	if err != nil || old.of(a.epoch) && !old.acks.IsZero() {
		return false, err
	}
	if err := tx.PutHead(Acked, h[:], a.pack()); err != nil {
		return false, err
	}
	if err := tx.Delete(Envelopes, h[:]); err != nil {
		return false, err
	}
	return true, tx.Delete(Unacked, chainKey(row.replica, row.first, h))
}

// pruneAcks forgets signed acks of epochs before the present one: couriers of
// them would carry nothing.
func pruneAcks(tx Tx, epoch ledger.Epoch) error {
	return scan(tx, Acks, nil, func(row Row) error {
		a, err := unpackSignedAcks(row.Head)
		if err != nil || a.epoch == epoch {
			return err
		}
		return tx.Delete(Acks, row.Key)
	})
}

// signedAcks are acks as received, with their epoch beside them.
type signedAcks struct {
	epoch ledger.Epoch
	raw   []byte
}

func (a signedAcks) pack() []byte {
	var p packer
	p.epoch(a.epoch)
	p.blob(a.raw)
	return p
}

func unpackSignedAcks(raw []byte) (signedAcks, error) {
	u := unpacker{rest: raw}
	a := signedAcks{epoch: u.epoch(), raw: u.blob()}
	return a, u.done("signed acks")
}
