// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Path names one register of a record, as its canonical bytes in a string, so
// paths compare and sort by those bytes. It is a sequence of 1..8 steps:
//
//	step = uvarint(n<<2 | key<<1 | more) [key bytes]
//	key  = 0: n is a field number; 1: n is the length of the map key that follows
//	more = 1: another step follows, so a path needs no length of its own
//
// Field number 0 opens the registers that every record has: subject, scope, life.
type Path string

const (
	maxPathSteps = 8
	maxPathBytes = 512
	maxField     = 1<<29 - 1
)

// The registers every record has, whatever its kind.
var (
	// PathSubject holds the 16 bytes of the resident's id.
	PathSubject = Field(0, 1)
	// PathScope holds the 12 digits of the division the record belongs to.
	PathScope = Field(0, 2)
	// PathLife holds Active or Voided bytes. Every edit writes it again, so that a
	// void beside an edit meets it in this register and is seen as a conflict.
	PathLife = Field(0, 3)
)

// Step is one step of a path: a field number, or a map key.
type Step struct {
	Number uint32
	Key    string
	IsKey  bool
}

// Field returns the path of nested field numbers, outermost first.
func Field(numbers ...uint32) Path {
	var p Path
	for _, n := range numbers {
		p = p.add(uint64(n)<<2, "")
	}
	return p
}

// Key returns p with a map key as its last step.
func (p Path) Key(key string) Path { return p.add(uint64(len(key))<<2|2, key) }

// Field returns p with a field number as its last step.
func (p Path) Field(number uint32) Path { return p.add(uint64(number)<<2, "") }

// add appends a step, having told the step before it that more follows.
func (p Path) add(head uint64, key string) Path {
	b := make([]byte, 0, len(p)+len(key)+4)
	for rest := string(p); rest != ""; {
		h, n := uvarint(rest)
		if n <= 0 {
			return p // not a path: leave it as it is, Valid says so
		}
		end := n
		if h&2 != 0 {
			end += int(h >> 2)
		}
		b = binary.AppendUvarint(b, h|1)
		b = append(b, rest[n:min(end, len(rest))]...)
		rest = rest[min(end, len(rest)):]
	}
	b = binary.AppendUvarint(b, head)
	return Path(append(b, key...))
}

// cutPath returns the path at the front of s and what follows it.
func cutPath(s string) (Path, string, error) {
	at := 0
	for steps := 0; ; steps++ {
		h, n := uvarint(s[at:])
		if n <= 0 || steps == maxPathSteps {
			return "", "", fmt.Errorf("path: %w", ErrMalformed)
		}
		at += n
		size := uint64(0)
		if h&2 != 0 {
			size = h >> 2
		} else if !validField(h>>2, steps) {
			return "", "", fmt.Errorf("path: field %d: %w", h>>2, ErrMalformed)
		}
		if size > maxPathBytes || at+int(size) > min(len(s), maxPathBytes) {
			return "", "", fmt.Errorf("path: too long: %w", ErrMalformed)
		}
		if at += int(size); h&1 == 0 {
			return Path(s[:at]), s[at:], nil
		}
	}
}

// validField says whether n may be the field number of the step with this index.
func validField(n uint64, step int) bool {
	return n <= maxField && (n > 0 || step == 0)
}

// Valid returns an error that wraps ErrMalformed unless p is one whole path.
func (p Path) Valid() error {
	_, rest, err := cutPath(string(p))
	if err == nil && rest != "" {
		err = fmt.Errorf("path: %d bytes after its end: %w", len(rest), ErrMalformed)
	}
	return err
}

// Steps returns the steps of p in order, or an error as Valid does.
func (p Path) Steps() ([]Step, error) {
	if err := p.Valid(); err != nil {
		return nil, err
	}
	var out []Step
	for s := string(p); s != ""; {
		h, n := uvarint(s)
		s = s[n:]
		if h&2 == 0 {
			out = append(out, Step{Number: uint32(h >> 2)})
			continue
		}
		out = append(out, Step{Key: s[:h>>2], IsKey: true})
		s = s[h>>2:]
	}
	return out, nil
}

// Extends reports whether p goes on where q ends: q's steps are a proper prefix
// of p's. Both must be valid.
func (p Path) Extends(q Path) bool {
	ps, err := p.Steps()
	if err != nil {
		return false
	}
	qs, err := q.Steps()
	if err != nil || len(qs) >= len(ps) {
		return false
	}
	for i, s := range qs {
		if ps[i] != s {
			return false
		}
	}
	return true
}

// String returns the steps for people, for example "3.7" or "12[metformin]"; the
// registers of every record are called subject, scope and life.
func (p Path) String() string {
	switch p {
	case PathSubject:
		return "subject"
	case PathScope:
		return "scope"
	case PathLife:
		return "life"
	}
	steps, err := p.Steps()
	if err != nil {
		return fmt.Sprintf("%x?", string(p))
	}
	var b strings.Builder
	for i, s := range steps {
		switch {
		case s.IsKey:
			b.WriteString("[" + s.Key + "]")
		case i > 0:
			b.WriteByte('.')
			fallthrough
		default:
			b.WriteString(strconv.FormatUint(uint64(s.Number), 10))
		}
	}
	return b.String()
}

// uvarint reads a minimally encoded unsigned varint from the front of s; n ≤ 0
// means there is none.
func uvarint[T string | []byte](s T) (v uint64, n int) {
	for i := range min(len(s), binary.MaxVarintLen64) {
		b := s[i]
		if i == 9 && b > 1 || i > 0 && b == 0 {
			return 0, -1
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
