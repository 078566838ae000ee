// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

func unpackEpoch(raw []byte) (ledger.Epoch, error) {
	u := unpacker{rest: raw}
	e := u.epoch()
	return e, u.done("epoch")
}

// readEpoch returns the newest epoch this replica has seen; zero: none.
func readEpoch(r Reader) (ledger.Epoch, error) {
	e, _, err := load(r, Values, []byte(valueEpoch), unpackEpoch)
	return e, err
}

// enterEpoch begins a new epoch: the centre's cursor, checkpoint and marks are of
// no use any more, and everything held is offered again once. What was passed in
// the epoch before still says what is shown until a pull of this one is complete.
func enterEpoch(tx Tx, e ledger.Epoch) error {
	var p packer
	p.epoch(e)
	if err := putValue(tx, valueEpoch, p); err != nil {
		return err
	}
	for _, name := range []string{valueCheckpoint, valueMarks} {
		if err := tx.Delete(Values, []byte(name)); err != nil {
			return err
		}
	}
	if err := tx.Delete(Peers, centrePeer[:]); err != nil {
		return err
	}
	return scan(tx, Chains, nil, func(row Row) error {
		h := hashOfChainKey(row.Key)
		acks, err := readAcks(tx, h)
		if err != nil {
			return err
		}
		if _, ok := ackOf(acks, e); ok {
			return nil
		}
		return tx.PutHead(Unacked, row.Key, nil)
	})
}

// readMarks returns the backup marks of an epoch that were received, ascending.
func readMarks(r Reader, e ledger.Epoch) ([]ledger.BackupMark, error) {
	raws, err := readRawMarks(r)
	if err != nil || len(raws) == 0 {
		return nil, err
	}
	pub, err := shardKey(r)
	if err != nil {
		return nil, err
	}
	var out []ledger.BackupMark
	for _, raw := range raws {
		m, err := ledger.OpenBackupMark(raw, pub)
		if err != nil {
			return nil, fmt.Errorf("backup mark: %w", err)
		}
		if m.Epoch == e {
			out = append(out, m)
		}
	}
	return out, nil
}

func readRawMarks(r Reader) ([][]byte, error) {
	raw, _, err := value(r, valueMarks)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	u := unpacker{rest: raw}
	for len(u.rest) > 0 && u.err == nil {
		out = append(out, u.blob())
	}
	return out, u.done("backup marks")
}

// takeMarks keeps the two newest of the marks known and those received. Marks that
// are not the shard's, or not of this epoch, are passed over.
func takeMarks(tx Tx, e ledger.Epoch, received [][]byte) error {
	if len(received) == 0 {
		return nil
	}
	pub, err := shardKey(tx)
	if err != nil {
		return err
	}
	known, err := readRawMarks(tx)
	if err != nil {
		return err
	}
	type mark struct {
		number uint64
		raw    []byte
	}
	var all []mark
	for _, raw := range slices.Concat(known, received) {
		m, err := ledger.OpenBackupMark(raw, pub)
		same := func(o mark) bool { return o.number == m.Number }
		if err == nil && m.Epoch == e && !slices.ContainsFunc(all, same) {
			all = append(all, mark{m.Number, raw})
		}
	}
	slices.SortFunc(all, func(a, b mark) int { return cmp.Compare(a.number, b.number) })
	var p packer
	for _, m := range all[max(0, len(all)-2):] {
		p.blob(m.raw)
	}
	if old, _, err := value(tx, valueMarks); err != nil || bytes.Equal(old, p) {
		return err
	}
	return putValue(tx, valueMarks, p)
}
