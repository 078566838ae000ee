// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// sumKey is the class, then the division.
func sumKey(d record.Division, c record.Class) []byte { return append([]byte{byte(c)}, d...) }

func unpackSum(raw []byte) (session.Sum, error) {
	u := unpacker{rest: raw}
	s := session.Sum{Count: u.num(), Total: u.hash()}
	return s, u.done("sum")
}

func readSum(r Reader, d record.Division, c record.Class) (session.Sum, error) {
	s, _, err := load(r, Sums, sumKey(d, c), unpackSum)
	s.Division, s.Class = d, c
	return s, err
}

func putSum(tx Tx, key []byte, s session.Sum) error {
	if s.Count == 0 {
		return tx.Delete(Sums, key)
	}
	var p packer
	p.num(s.Count)
	p.raw(s.Total[:])
	return tx.PutHead(Sums, key, p)
}

// sums returns every pile of this replica that a certificate covers.
func ownSums(r Reader, cert segment.Certificate) ([]session.Sum, error) {
	var out []session.Sum
	err := scan(r, Sums, nil, func(row Row) error {
		s, err := unpackSum(row.Head)
		s.Class, s.Division = record.Class(row.Key[0]), record.Division(row.Key[1:])
		if inScope(cert, s.Class, []record.Division{s.Division}) {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// sameSums reports whether two lists name the same piles with the same contents,
// in any order.
func sameSums(a, b []session.Sum) bool {
	if len(a) != len(b) {
		return false
	}
	seen := map[session.Sum]bool{}
	for _, s := range a {
		seen[s] = true
	}
	for _, s := range b {
		if !seen[s] {
			return false
		}
	}
	return true
}

// addPrint returns s with one record's fingerprint added (sign +1) or taken away
// (-1), modulo 2^256.
func addPrint(s session.Sum, print [32]byte, sign int) session.Sum {
	if sign < 0 {
		s.Count--
		s.Total = subtract(s.Total, print)
		return s
	}
	s.Count++
	s.Total = add(s.Total, print)
	return s
}

func add(a, b [32]byte) (out [32]byte) {
	carry := uint16(0)
	for i := 31; i >= 0; i-- {
		carry += uint16(a[i]) + uint16(b[i])
		out[i] = byte(carry)
		carry >>= 8
	}
	return out
}

func subtract(a, b [32]byte) (out [32]byte) {
	borrow := int16(0)
	for i := 31; i >= 0; i-- {
		d := int16(a[i]) - int16(b[i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		out[i] = byte(d)
	}
	return out
}
