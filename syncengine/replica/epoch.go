// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"bytes"
	"cmp"
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
// no use any more, and everything held is offered again once.
func enterEpoch(tx Tx, e ledger.Epoch) error {
	if err := keepWitness(tx); err != nil {
		return err
	}
	var p packer
	p.epoch(e)
	if err := putValue(tx, valueEpoch, p); err != nil {
		return err
	}
	for _, name := range []string{valueCheckpoint, valueMarks, valuePassed} {
		if err := tx.Delete(Values, []byte(name)); err != nil {
			return err
		}
	}
	if err := tx.Delete(Peers, centrePeer[:]); err != nil {
		return err
	}
	if err := renewLoans(tx, true); err != nil {
		return err
	}
	return scan(tx, Chains, nil, func(row Row) error {
		return tx.PutHead(Unsettled, row.Key, nil)
	})
}

// markRow is a backup mark of the present epoch, read and verified once.
type markRow struct {
	ledger.BackupMark
	raw []byte
}

// readMarks returns the backup marks kept, ascending by number: at most two, all
// of the present epoch.
func readMarks(r Reader) ([]markRow, error) {
	raw, _, err := value(r, valueMarks)
	if err != nil {
		return nil, err
	}
	var out []markRow
	u := unpacker{rest: raw}
	for len(u.rest) > 0 && u.err == nil {
		m := markRow{BackupMark: ledger.BackupMark{Epoch: u.epoch(), Number: u.num(), LedgerSize: ledger.Size(u.num())}, raw: u.blob()}
		out = append(out, m)
	}
	return out, u.done("backup marks")
}

func readRawMarks(r Reader) ([][]byte, error) {
	marks, err := readMarks(r)
	var out [][]byte
	for _, m := range marks {
		out = append(out, m.raw)
	}
	return out, err
}

// takeMarks keeps the two newest of the marks known and those received. Marks that
// are not the shard's, or not of this epoch, are passed over.
func takeMarks(tx Tx, e ledger.Epoch, received [][]byte) error {
	all, err := readMarks(tx)
	if err != nil {
		return err
	}
	pub, err := shardKey(tx)
	if err != nil {
		return err
	}
	news := false
	for _, raw := range received {
		if slices.ContainsFunc(all, func(o markRow) bool { return bytes.Equal(o.raw, raw) }) {
			continue
		}
		m, err := ledger.OpenBackupMark(raw, pub)
		if err == nil && m.Epoch == e && !slices.ContainsFunc(all, func(o markRow) bool { return o.Number == m.Number }) {
			all, news = append(all, markRow{m, raw}), true
		}
	}
	if !news {
		return nil
	}
	slices.SortFunc(all, func(a, b markRow) int { return cmp.Compare(a.Number, b.Number) })
	var p packer
	for _, m := range all[max(0, len(all)-2):] {
		p.epoch(m.Epoch)
		p.num(m.Number)
		p.num(uint64(m.LedgerSize))
		p.blob(m.raw)
	}
	return putValue(tx, valueMarks, p)
}
