// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// place says where one revision of a record is stored and what was made of it.
type place struct {
	dot     causal.Dot
	leaf    ledger.Index
	at      int // which revision of that segment, from 0
	verdict ledger.Verdict
}

// places are all stored revisions of a record, received or waiting, sorted by dot.
//
// In a row they are: for each dot of the state's vector in order, uvarint leaf,
// uvarint at, verdict byte; then the waiting ones, each with its dot before it.
type places []place

var errPlaces = errors.New("places do not fit the state")

func (p places) find(d causal.Dot) (int, bool) {
	return slices.BinarySearchFunc(p, d, func(a place, d causal.Dot) int { return a.dot.Compare(d) })
}

// with returns p and e, which must not be there yet. It may reuse p's memory.
func (p places) with(e place) places {
	i, _ := p.find(e.dot)
	return slices.Insert(p, i, e)
}

func (p places) encode() []byte {
	b := make([]byte, 0, 8*len(p))
	waiting := 0
	for _, e := range p {
		if e.verdict.Waiting() {
			waiting++
			continue
		}
		b = e.append(b)
	}
	b = binary.AppendUvarint(b, uint64(waiting))
	for _, e := range p {
		if e.verdict.Waiting() {
			b = e.append(e.dot.Append(b))
		}
	}
	return b
}

func (e place) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(e.leaf))
	b = binary.AppendUvarint(b, uint64(e.at))
	return append(b, byte(e.verdict))
}

// decodePlaces reads what encode wrote beside a state with this vector.
func decodePlaces(b []byte, vv causal.Vector) (places, error) {
	out := make(places, 0, len(vv)+1)
	var err error
	for _, d := range vv {
		e := place{dot: d}
		if b, err = e.decode(b); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	waiting, n := binary.Uvarint(b)
	if n <= 0 || waiting > uint64(len(b)) {
		return nil, errPlaces
	}
	for b = b[n:]; waiting > 0; waiting-- {
		var e place
		if e.dot, b, err = causal.DecodeDot(b); err != nil {
			return nil, err
		}
		if b, err = e.decode(b); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	if len(b) > 0 {
		return nil, errPlaces
	}
	slices.SortFunc(out, func(a, b place) int { return a.dot.Compare(b.dot) })
	return out, nil
}

func (e *place) decode(b []byte) ([]byte, error) {
	leaf, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, errPlaces
	}
	at, m := binary.Uvarint(b[n:])
	if m <= 0 || n+m >= len(b) {
		return nil, errPlaces
	}
	e.leaf, e.at, e.verdict = ledger.Index(leaf), int(at), ledger.Verdict(b[n+m])
	return b[n+m+1:], nil
}
