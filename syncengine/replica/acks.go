// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"crypto/sha256"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// takeAcks keeps signed acks of the present epoch. It returns how many segments
// held here they are news of. Acks of another epoch say nothing.
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
	borrowed, err := tx.Scan(Loans, nil, nil, 1)
	if err != nil {
		return 0, err
	}
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
		if len(borrowed) == 0 {
			continue
		}
		if err := noteLoanAck(tx, s.Hash, a); err != nil {
			return news, err
		}
	}
	if news == 0 {
		return 0, nil
	}
	return news, tx.PutHead(Acks, key[:], signedAcks{epoch, raw}.pack())
}

// noteAck keeps what the centre said of a segment held here, and reports whether it
// was news. It stands in place of an unsigned word, and of an ack of a segment that
// is not settled and that names another place: then the file under the centre was
// set back, and the segment stored there anew.
func noteAck(tx Tx, h segment.Hash, a ackRow) (bool, error) {
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok {
		return false, err
	}
	_, open, err := tx.Get(Unsettled, chainKey(row.replica, row.first, h))
	if err != nil {
		return false, err
	}
	old, err := readAck(tx, h)
	if err != nil || old.signed(a.epoch) && (old.index == a.index || !open) {
		return false, err
	}
	if err := tx.PutHead(Acked, h[:], a.pack()); err != nil {
		return false, err
	}
	return true, tx.Delete(Envelopes, h[:])
}

// settle stops offering what lies under a checkpoint with which a pull from the
// centre itself ended: what the centre signed for below its size, and the centre's
// own segments that came with it. An ack alone does not settle, nor does a checkpoint
// that a hub relays: the file under the centre may have been set back between the
// two, before anybody had a checkpoint that shows it. The centre itself was asked for
// the segment in the same sync.
func settle(tx Tx, epoch ledger.Epoch, size ledger.Size) error {
	return scan(tx, Unsettled, nil, func(row Row) error {
		a, err := readAck(tx, hashOfChainKey(row.Key))
		if err != nil || !a.of(epoch) || a.signed(epoch) && ledger.Size(a.index) >= size {
			return err
		}
		return tx.Delete(Unsettled, row.Key)
	})
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
