// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// packer writes heads: numbers as uvarints, ids and hashes as they are, other
// bytes with their length before them.
type packer []byte

func (p *packer) num(v uint64)  { *p = binary.AppendUvarint(*p, v) }
func (p *packer) raw(b []byte)  { *p = append(*p, b...) }
func (p *packer) blob(b []byte) { p.num(uint64(len(b))); p.raw(b) }
func (p *packer) time(ms int64) { *p = binary.BigEndian.AppendUint64(*p, uint64(ms)) }

func (p *packer) flag(on bool) {
	if on {
		p.num(1)
	} else {
		p.num(0)
	}
}

func (p *packer) epoch(e ledger.Epoch) {
	p.num(e.Number)
	p.raw(e.Name[:])
}

// unpacker reads what a packer wrote. Its first error stays; after it every
// method returns zero values.
type unpacker struct {
	rest []byte
	err  error
}

func (u *unpacker) fail() {
	if u.err == nil {
		u.err, u.rest = ErrCorrupt, nil
	}
}

func (u *unpacker) num() uint64 {
	v, n := binary.Uvarint(u.rest)
	if n <= 0 {
		u.fail()
		return 0
	}
	u.rest = u.rest[n:]
	return v
}

func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.rest)) {
		u.fail()
		return nil
	}
	b := u.rest[:n:n]
	u.rest = u.rest[n:]
	return b
}

func (u *unpacker) blob() []byte { return u.take(u.num()) }
func (u *unpacker) flag() bool   { return u.num() == 1 }

func (u *unpacker) time() int64 {
	if b := u.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (u *unpacker) hash() (h segment.Hash)        { copy(h[:], u.take(32)); return }
func (u *unpacker) hash8() (h causal.Hash8)       { copy(h[:], u.take(8)); return }
func (u *unpacker) id() (id record.ID)            { copy(id[:], u.take(16)); return }
func (u *unpacker) replica() (r causal.ReplicaID) { copy(r[:], u.take(16)); return }

// counter reads one as dots have it, eight bytes.
func (u *unpacker) counter() uint64 { return uint64(u.time()) }

func (u *unpacker) epoch() ledger.Epoch {
	e := ledger.Epoch{Number: u.num()}
	copy(e.Name[:], u.take(8))
	return e
}

// done returns the reader's error, or one when bytes are left.
func (u *unpacker) done(what string) error {
	if len(u.rest) > 0 {
		u.fail()
	}
	if u.err != nil {
		return fmt.Errorf("%s: %w", what, u.err)
	}
	return nil
}

// Keys of rows. Records stand under their kind, so that one kind is one prefix.

func recordKey(id record.ID) []byte {
	k := binary.BigEndian.AppendUint16(make([]byte, 0, 18), uint16(id.Kind()))
	return append(k, id[:]...)
}

func idOfKey(key []byte) (id record.ID) {
	copy(id[:], key[2:])
	return id
}

func placeKey(id record.ID, d causal.Dot) []byte { return d.Append(recordKey(id)) }

func counterKey(r causal.ReplicaID, counter uint64) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(r[:]), counter)
}

func chainKey(r causal.ReplicaID, first uint64, h segment.Hash) []byte {
	return append(counterKey(r, first), h[:]...)
}

// hashOfChainKey returns the segment a row of Chains or Unacked is about.
func hashOfChainKey(key []byte) (h segment.Hash) {
	copy(h[:], key[24:])
	return h
}

func loanKey(h segment.Hash, hub causal.ReplicaID) []byte {
	return append(slices.Clone(h[:]), hub[:]...)
}

// hubOfLoanKey returns whose loan a row of Loans is.
func hubOfLoanKey(key []byte) (hub causal.ReplicaID) {
	copy(hub[:], key[32:])
	return hub
}

func lentKey(id record.ID, d causal.Dot, loan []byte) []byte { return append(placeKey(id, d), loan...) }

func dotKey(d causal.Dot) []byte { return d.Append(nil) }
