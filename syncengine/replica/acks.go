// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"crypto/sha256"
	"encoding/binary"

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

// noteAck keeps what the centre said of a segment held here, and reports whether it
// was news. It stands in place of an unsigned word, and of an ack that no
// checkpoint settled and that names another place: then the file under the centre
// was set back, and the segment stored there anew.
func noteAck(tx Tx, h segment.Hash, a ackRow) (bool, error) {
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok {
		return false, err
	}
	settled, err := readSettled(tx)
	if err != nil {
		return false, err
	}
	old, err := readAck(tx, h)
	if err != nil || old.signed(a.epoch) && (old.index == a.index || ledger.Size(old.index) < settled) {
		return false, err
	}
	if err := tx.PutHead(Acked, h[:], a.pack()); err != nil {
		return false, err
	}
	if err := tx.Delete(Envelopes, h[:]); err != nil {
		return false, err
	}
	if !a.signed(a.epoch) || ledger.Size(a.index) >= settled {
		return true, nil
	}
	return true, tx.Delete(Unsettled, chainKey(row.replica, row.first, h))
}

// readSettled returns the size of the largest ledger of this epoch that was seen
// under a checkpoint.
func readSettled(r Reader) (ledger.Size, error) {
	raw, _, err := value(r, valueSettled)
	if err != nil || len(raw) != 8 {
		return 0, err
	}
	return ledger.Size(binary.BigEndian.Uint64(raw)), nil
}

// settle stops offering what lies under a checkpoint: what the centre signed for
// below its size and, after a complete pull from the centre itself, the centre's
// own segments that came with it. An ack alone does not settle: the file under the
// centre may be set back before anybody has a checkpoint that would show it.
func settle(tx Tx, epoch ledger.Epoch, size ledger.Size, office bool) error {
	old, err := readSettled(tx)
	if err != nil {
		return err
	}
	size = max(size, old)
	if err := putChanged(tx, Values, []byte(valueSettled), binary.BigEndian.AppendUint64(nil, uint64(size))); err != nil {
		return err
	}
	return scan(tx, Unsettled, nil, func(row Row) error {
		a, err := readAck(tx, hashOfChainKey(row.Key))
		if err != nil || !a.of(epoch) || a.signed(epoch) && ledger.Size(a.index) >= size || !a.signed(epoch) && !office {
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
