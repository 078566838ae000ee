// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/hex"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// The pieces that canonical bytes are put together from below, in hexadecimal.
const (
	replicaA = "0a000000000000000000000000000000"
	replicaB = "0b000000000000000000000000000000"
	hashX    = "1100000000000000"
	hashY    = "2200000000000000"
	dotA5    = replicaA + "0000000000000005" + hashX
	dotB1    = replicaB + "0000000000000001" + hashX
	dotB0    = replicaB + "0000000000000000" + hashX
	clock    = "0000018bcfe56800"
	none     = "00"
	vvA5     = "01" + replicaA + "01" + "05" + hashX
	vvA5B1   = "02" + replicaA + "01" + "05" + hashX + replicaB + "01" + "01" + hashX
	liveA5   = "01" + "00" + clock + "01" + "04" + "03" + "41"
	recordID = "018bcfe5680070149234567890abcdef"
	head     = "01" + replicaA + "0000000000000005" + recordID
	author   = "02" + "7731"
	unseen   = none
	shapeOne = "00" + "01" + "04" + "00"
)

// A sample is a byte string that a decoder takes or refuses.
type sample struct {
	format string // state, skeleton, shape, body
	name   string
	hex    string
}

func (s sample) bytes() []byte {
	b, err := hex.DecodeString(s.hex)
	if err != nil {
		panic(s.name + ": " + err.Error())
	}
	return b
}

// decode reads b as format says and returns what the result encodes to. Bodies
// are those of two changes.
func decode(format string, b []byte) ([]byte, error) {
	switch format {
	case "state":
		s, err := DecodeState(b)
		return s.Append(nil), err
	case "skeleton":
		r, err := DecodeSkeleton(b)
		return r.AppendSkeleton(nil), err
	case "shape":
		c, err := DecodeShape(b)
		return AppendShape(nil, c), err
	case "body":
		c, err := DecodeBody(make([]Change, 2), b)
		return AppendBody(nil, c), err
	}
	panic(format)
}

var taken = []sample{
	{"state", "nothing received", "01" + none + none + none + none},
	{"state", "one value", "01" + vvA5 + none + liveA5 + none},
	{"state", "a clearing and an erased value", "01" + vvA5 + none + "02" + "00" + clock + "02" + "0400" + "0801" + none},
	{"state", "a held save", "01" + vvA5 + "01" + "00" + none + none},
	{"state", "a mark of a held save", "01" + vvA5 + "01" + "00" + none + "01" + dotA5 + "01" + "04"},
	{"state", "marks of a save not received", "01" + vvA5 + none + liveA5 + "02" + dotB1 + "02" + "04" + "0d1c"},
	{"state", "two histories", "01" + "02" + replicaA + "02" + "05" + hashX + "05" + hashY + none + none + none},
	{"state", "a clock before 1970", "01" + vvA5 + none + "01" + "00" + "ffffffffffffffff" + "01" + "0402" + none},
	{"skeleton", "a first save", head + none + clock + author + unseen + shapeOne},
	{"skeleton", "a later save that saw a scope", head + "03" + hashY + clock + author + "01" + dotB1 + "0c" + "333730363833313031303031" + shapeOne},
	{"shape", "one path, no parents", shapeOne},
	{"shape", "two paths that share a parent", "01" + dotA5 + "02" + "04" + "0100" + "0d1c" + "0100"},
	{"shape", "a path with two parents", "02" + dotA5 + dotB1 + "01" + "04" + "020001"},
	{"body", "two values", "0304" + "41" + "4243"},
	{"body", "cleared and empty", "0002"},
}

var refused = []sample{
	{"state", "nothing", ""},
	{"state", "another format", "02" + none + none + none + none},
	{"state", "cut short", "01" + none + none + none},
	{"state", "a byte too many", "01" + none + none + none + none + "00"},
	{"state", "a number longer than it must be", "01" + "8000" + none + none + none},
	{"state", "counter 0", "01" + "01" + replicaA + "01" + "00" + hashX + none + none + none},
	{"state", "dots not ascending", "01" + "02" + replicaA + "02" + "05" + hashX + "04" + hashX + none + none + none},
	{"state", "a dot twice", "01" + "02" + replicaA + "02" + "05" + hashX + "05" + hashX + none + none + none},
	{"state", "replicas not ascending", "01" + "02" + replicaB + "01" + "01" + hashX + replicaA + "01" + "05" + hashX + none + none + none},
	{"state", "one replica in two groups", "01" + "02" + replicaA + "01" + "05" + hashX + replicaA + "01" + "06" + hashX + none + none + none},
	{"state", "a replica without dots", "01" + "01" + replicaA + "00" + none + none + none},
	{"state", "a group over the total", "01" + "01" + replicaA + "02" + "05" + hashX + "06" + hashX + none + none + none},
	{"state", "held but not received", "01" + vvA5 + "01" + "01" + none + none},
	{"state", "held twice", "01" + vvA5 + "02" + "0000" + none + none},
	{"state", "a live value of a held save", "01" + vvA5 + "01" + "00" + liveA5 + none},
	{"state", "a live value not received", "01" + vvA5 + none + "01" + "01" + clock + "01" + "040341" + none},
	{"state", "live dots not ascending", "01" + vvA5B1 + none + "02" + "01" + clock + "01" + "040341" + "00" + clock + "01" + "040341" + none},
	{"state", "live values not ascending", "01" + vvA5 + none + "02" + "00" + clock + "02" + "080341" + "040341" + none},
	{"state", "one register twice of one save", "01" + vvA5 + none + "02" + "00" + clock + "02" + "040341" + "040342" + none},
	{"state", "a value cut short", "01" + vvA5 + none + "01" + "00" + clock + "01" + "040a41"},
	{"state", "a value of 2^63 bytes", "01" + vvA5 + none + "01" + "00" + clock + "01" + "04" + "80808080808080808001" + none},
	{"state", "an invalid path", "01" + vvA5 + none + "01" + "00" + clock + "01" + "000341" + none},
	{"state", "a mark of an applied save", "01" + vvA5 + none + none + "01" + dotA5 + "01" + "04"},
	{"state", "marks not ascending", "01" + none + none + none + "02" + dotB1 + "02" + "0804"},
	{"state", "marks of one save in two groups", "01" + none + none + none + "02" + dotB1 + "01" + "04" + dotB1 + "01" + "08"},
	{"state", "a mark of counter 0", "01" + none + none + none + "01" + dotB0 + "01" + "04"},
	{"state", "a mark without paths", "01" + none + none + none + "01" + dotB1 + "00"},
	{"state", "a vector of 10^6 entries", "01" + "c0843d" + strings.Repeat(replicaA, 4000)},
	{"state", "10^6 held", "01" + vvA5 + "c0843d" + strings.Repeat("00", 60000)},
	{"state", "10^6 live values", "01" + vvA5 + none + "c0843d" + "00" + clock + "c0843d" + strings.Repeat("0400", 30000)},
	{"state", "10^6 marks", "01" + none + none + none + "c0843d" + dotB1 + "c0843d" + strings.Repeat("04", 60000)},
	{"state", "a path of 10^4 steps", "01" + vvA5 + none + "01" + "00" + clock + "01" + strings.Repeat("05", 9999) + "040341" + none},

	{"skeleton", "nothing", ""},
	{"skeleton", "another format", "02" + head[2:] + none + clock + author + unseen + shapeOne},
	{"skeleton", "counter 0", "01" + replicaA + "0000000000000000" + recordID + none + clock + author + unseen + shapeOne},
	{"skeleton", "an id without kind", "01" + replicaA + "0000000000000005" + "018bcfe5680070009234567890abcdef" + none + clock + author + unseen + shapeOne},
	{"skeleton", "an id of version 4", "01" + replicaA + "0000000000000005" + "018bcfe5680040149234567890abcdef" + none + clock + author + unseen + shapeOne},
	{"skeleton", "prev is itself", head + "05" + hashX + clock + author + unseen + shapeOne},
	{"skeleton", "no author", head + none + clock + "00" + unseen + shapeOne},
	{"skeleton", "an author not in UTF-8", head + none + clock + "01ff" + unseen + shapeOne},
	{"skeleton", "an author of 129 bytes", head + none + clock + "8101" + strings.Repeat("77", 129) + unseen + shapeOne},
	{"skeleton", "scope seen is neither 0 nor 1", head + none + clock + author + "02" + dotB1 + "0c" + "333730363833313031303031" + shapeOne},
	{"skeleton", "scope seen without counter", head + none + clock + author + "01" + dotB0 + "0c" + "333730363833313031303031" + shapeOne},
	{"skeleton", "a prefix as scope seen", head + none + clock + author + "01" + dotB1 + "06" + "333730363833" + shapeOne},
	{"skeleton", "a byte too many", head + none + clock + author + unseen + shapeOne + "00"},
	{"skeleton", "no shape", head + none + clock + author + unseen},

	{"shape", "nothing", ""},
	{"shape", "no change", "00" + "00"},
	{"shape", "a byte too many", shapeOne + "00"},
	{"shape", "paths not ascending", "00" + "02" + "0800" + "0400"},
	{"shape", "a path twice", "00" + "02" + "0400" + "0400"},
	{"shape", "a path within another", "00" + "02" + "0c00" + "0d1c00"},
	{"shape", "within a header register", "00" + "02" + "010400" + "01051400"},
	{"shape", "an invalid path", "00" + "01" + "0000"},
	{"shape", "a path of 10^4 steps", "00" + "01" + strings.Repeat("05", 9999) + "0400"},
	{"shape", "parents not ascending", "02" + dotB1 + dotA5 + "01" + "04" + "020001"},
	{"shape", "a parent twice", "02" + dotA5 + dotA5 + "01" + "04" + "020001"},
	{"shape", "a parent that no path names", "02" + dotA5 + dotB1 + "01" + "04" + "0100"},
	{"shape", "a parent of counter 0", "01" + dotB0 + "01" + "04" + "0100"},
	{"shape", "a place not in the table", "01" + dotA5 + "01" + "04" + "0101"},
	{"shape", "places not ascending", "02" + dotA5 + dotB1 + "01" + "04" + "020100"},
	{"shape", "more places than parents", "01" + dotA5 + "01" + "04" + "020000"},
	{"shape", "10^6 parents", "c0843d" + strings.Repeat(dotA5, 1500)},
	{"shape", "10^6 changes", "00" + "c0843d" + strings.Repeat("0400", 20000)},
	{"shape", "4,097 changes", "00" + "8120" + strings.Repeat("0400", 4097)},

	{"body", "nothing", ""},
	{"body", "a token too few", "03" + "41"},
	{"body", "a byte too many", "0303" + "414243"},
	{"body", "a value cut short", "0304" + "4142"},
	{"body", "an erased value", "0103" + "41"},
	{"body", "a number longer than it must be", "830003" + "4141"},
	{"body", "a value of 2^64-1 bytes", "03" + "ffffffffffffffffff01" + "41"},
}

func TestDecodersTakeCanonicalBytes(t *testing.T) {
	for _, s := range taken {
		again, err := decode(s.format, s.bytes())
		if err != nil || hex.EncodeToString(again) != s.hex {
			t.Errorf("%s, %s: %v\n got %x\nwant %s", s.format, s.name, err, again, s.hex)
		}
	}
}

func TestDecodersRefuse(t *testing.T) {
	for _, s := range refused {
		if _, err := decode(s.format, s.bytes()); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, %s: %v", s.format, s.name, err)
		}
	}
}

// A decoder's memory follows from the bytes it is given, never from the counts in
// them: at most 64 bytes for each.
func TestLiesCostNoMemory(t *testing.T) {
	for _, s := range slices.Concat(refused, taken) {
		b := s.bytes()
		if got, most := allocated(func() { _, _ = decode(s.format, b) }), uint64(64*len(b)+4096); got > most {
			t.Errorf("%s, %s: %d bytes allocated for %d, at most %d", s.format, s.name, got, len(b), most)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Many parents at every path cost memory by their number, and are refused when
// what they would leave in a state outweighs a revision many times.
func TestParentsAtEveryPath(t *testing.T) {
	shape := func(paths int, key string) []byte {
		var changes []Change
		for i := range paths {
			c := Change{Path: Field(uint32(i + 1)).Key(key)}
			for n := range 120 {
				c.Parents = append(c.Parents, dot(1, uint64(n+1)))
			}
			changes = append(changes, c)
		}
		slices.SortFunc(changes, func(a, b Change) int { return cmpPath(a.Path, b.Path) })
		return AppendShape(nil, changes)
	}
	b := shape(200, "k")
	if _, err := DecodeShape(b); err != nil {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	if got := allocated(func() { _, _ = DecodeShape(b) }); got > uint64(160*len(b)) {
		t.Errorf("%d bytes allocated for %d", got, len(b))
	}
	if _, err := DecodeShape(shape(30, strings.Repeat("k", 400))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("30 paths of 400 bytes with 120 parents each: %v", err)
	}
}
