// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"encoding/binary"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Every file begins with one of these and the shard's id.
const (
	magicPart = "XZBPART1"
	magicRest = "XZBREST1"
	magicKeys = "XZBKEYS1"
)

// Kinds of entries in a file with the rest.
const (
	entryClock byte = 1 + iota
	entryAct
	entryValue
)

func begin(magic string, shard segment.ShardID) []byte {
	return append([]byte(magic), shard[:]...)
}

// put appends a byte string behind its length.
func put(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// source reads what put and begin wrote. After a failure it reads nothing more.
type source struct {
	left []byte
	bad  bool
}

// open returns what stands behind magic and shard.
func open(magic string, shard segment.ShardID, raw []byte) (*source, error) {
	head := len(magic) + len(shard)
	if len(raw) < head || string(raw[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: it does not begin as %s", ErrDamaged, magic)
	}
	if string(raw[len(magic):head]) != string(shard[:]) {
		return nil, fmt.Errorf("%w: it is of another county", ErrDamaged)
	}
	return &source{left: raw[head:]}, nil
}

func (s *source) more() bool { return len(s.left) > 0 && !s.bad }

// bytes returns the next byte string. It shares memory with the file.
func (s *source) bytes() []byte {
	n, k := binary.Uvarint(s.left)
	if k <= 0 || n > uint64(len(s.left)-k) {
		s.bad = true
		return nil
	}
	out := s.left[k : k+int(n) : k+int(n)]
	s.left = s.left[k+int(n):]
	return out
}

func (s *source) byte() byte {
	if len(s.left) == 0 {
		s.bad = true
		return 0
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

func (s *source) end() error {
	if s.bad {
		return fmt.Errorf("%w: an entry is cut off or none", ErrDamaged)
	}
	return nil
}

// encodePart writes leaves from one on.
func encodePart(shard segment.ShardID, first ledger.Index, leaves []syncengine.StoredLeaf) []byte {
	b := binary.BigEndian.AppendUint64(begin(magicPart, shard), uint64(first))
	for _, l := range leaves {
		b = put(put(b, l.Leaf), l.Segment)
	}
	return b
}

// decodePart reads what encodePart wrote. Its leaves share memory with raw.
func decodePart(shard segment.ShardID, first ledger.Index, raw []byte) ([]syncengine.StoredLeaf, error) {
	s, err := open(magicPart, shard, raw)
	if err != nil {
		return nil, err
	}
	if len(s.left) < 8 || binary.BigEndian.Uint64(s.left) != uint64(first) {
		return nil, fmt.Errorf("%w: it does not begin with leaf %d", ErrDamaged, first)
	}
	s.left = s.left[8:]
	var out []syncengine.StoredLeaf
	for s.more() {
		out = append(out, syncengine.StoredLeaf{Leaf: s.bytes(), Segment: s.bytes()})
	}
	return out, s.end()
}

// encodeRest writes what does not follow from leaves.
func encodeRest(shard segment.ShardID, from syncengine.Snapshot) []byte {
	b := binary.BigEndian.AppendUint64(append(begin(magicRest, shard), entryClock), uint64(from.ClockMs))
	for _, a := range from.Acts {
		b = append(b, entryAct, byte(a.Family))
		b = put(a.Dot.Append(put(b, a.Key)), a.Body)
	}
	for _, v := range from.Values {
		b = put(put(append(b, entryValue), []byte(v.Name)), v.Value)
	}
	return b
}

// decodeRest reads what encodeRest wrote.
func decodeRest(shard segment.ShardID, raw []byte) (out syncengine.Snapshot, err error) {
	s, err := open(magicRest, shard, raw)
	if err != nil {
		return out, err
	}
	for s.more() {
		switch s.byte() {
		case entryClock:
			out.ClockMs = int64(binary.BigEndian.Uint64(s.fixed(8)))
		case entryAct:
			a := syncengine.Act{Family: syncengine.ActFamily(s.byte()), Key: s.bytes()}
			a.Dot = s.dot()
			a.Body = s.bytes()
			out.Acts = append(out.Acts, a)
		case entryValue:
			out.Values = append(out.Values, syncengine.NamedValue{Name: string(s.bytes()), Value: s.bytes()})
		default:
			s.bad = true
		}
	}
	return out, s.end()
}

// fixed returns the next n bytes; zeros after a failure.
func (s *source) fixed(n int) []byte {
	if len(s.left) < n {
		s.bad = true
		return make([]byte, n)
	}
	out := s.left[:n]
	s.left = s.left[n:]
	return out
}

func (s *source) dot() causal.Dot {
	d, _, err := causal.DecodeDot(s.fixed(32))
	s.bad = s.bad || err != nil
	return d
}

// KeyFile is a file of the county that no backup may hold in the clear.
type KeyFile struct {
	Name    string // relative to the data folder, with slashes
	Content []byte
}

func encodeKeys(shard segment.ShardID, files []KeyFile) []byte {
	b := begin(magicKeys, shard)
	for _, f := range files {
		b = put(put(b, []byte(f.Name)), f.Content)
	}
	return b
}

func decodeKeys(shard segment.ShardID, raw []byte) ([]KeyFile, error) {
	s, err := open(magicKeys, shard, raw)
	if err != nil {
		return nil, err
	}
	var out []KeyFile
	for s.more() {
		out = append(out, KeyFile{string(s.bytes()), s.bytes()})
	}
	return out, s.end()
}
