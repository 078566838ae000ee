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
// A map key stands only after a field. Field number 0 stands only first and never
// alone: it opens the registers that every record has, subject, scope and life.
type Path string

const (
	maxPathSteps = 8
	maxPathBytes = 512
	maxField     = 1<<29 - 1
)

// The bits of a step's head beside its number.
const (
	stepMore = 1
	stepKey  = 2
)

// The registers every record has, whatever its kind.
const (
	// PathSubject, Field(0, 1), holds the 16 bytes of the resident's id.
	PathSubject Path = "\x01\x04"
	// PathScope, Field(0, 2), holds the 12 digits of the division the record belongs to.
	PathScope Path = "\x01\x08"
	// PathLife, Field(0, 3), holds Active or Voided bytes. Every edit writes it again,
	// so that a void beside an edit meets it in this register and is seen as a conflict.
	PathLife Path = "\x01\x0c"
)

// Step is one step of a path: a field number, or a map key.
type Step struct {
	Number uint32
	Key    string
	IsKey  bool
}

// Field returns the path of nested field numbers, outermost first. It never
// fails; Valid tells whether the result is a path.
func Field(numbers ...uint32) Path {
	var p Path
	for _, n := range numbers {
		p = p.Field(n)
	}
	return p
}

// Key returns p with a map key as its last step: the bytes of a string, or an
// integer or bool in decimal. It never fails; Valid tells.
func (p Path) Key(key string) Path { return p.add(uint64(len(key))<<2|stepKey, key) }

// Field returns p with a field number as its last step. It never fails; Valid tells.
func (p Path) Field(number uint32) Path { return p.add(uint64(number)<<2, "") }

// add appends a step, having told the step before it that more follows. Bytes
// that are no path stay as they are.
func (p Path) add(head uint64, key string) Path {
	b := make([]byte, 0, len(p)+len(key)+4)
	for at := 0; at < len(p); {
		_, _, size := cutStep(string(p[at:]))
		if size == 0 {
			return p
		}
		b = append(b, p[at:at+size]...)
		b[at] |= stepMore // a varint's lowest bits stand in its first byte
		at += size
	}
	b = binary.AppendUvarint(b, head)
	return Path(append(b, key...))
}

// cutStep returns the head of the step at the front of s, its map key if it has
// one, and its length in bytes, 0 when there is no whole step.
func cutStep(s string) (head uint64, key string, size int) {
	h, n := uvarint(s)
	switch {
	case n <= 0:
		return 0, "", 0
	case h&stepKey == 0:
		return h, "", n
	case h>>2 > uint64(len(s)-n):
		return 0, "", 0
	}
	size = n + int(h>>2)
	return h, s[n:size], size
}

// cutPath returns the path at the front of s and what follows it.
func cutPath(s string) (Path, string, error) {
	at, keyed := 0, false // keyed: the step before can have a map key after it
	for step := range maxPathSteps {
		h, _, size := cutStep(s[at:])
		at += size
		switch n := h >> 2; {
		case size == 0:
			return "", "", fmt.Errorf("path: cut short: %w", ErrMalformed)
		case at > maxPathBytes:
			return "", "", fmt.Errorf("path: over %d bytes: %w", maxPathBytes, ErrMalformed)
		case h&stepKey != 0 && !keyed:
			return "", "", fmt.Errorf("path: a map key without its field: %w", ErrMalformed)
		case h&stepKey == 0 && !validField(n, step, h&stepMore != 0):
			return "", "", fmt.Errorf("path: field %d: %w", n, ErrMalformed)
		case h&stepMore == 0:
			return Path(s[:at]), s[at:], nil
		}
		keyed = h&stepKey == 0 && h>>2 > 0
	}
	return "", "", fmt.Errorf("path: over %d steps: %w", maxPathSteps, ErrMalformed)
}

// validField says whether n may be the field number of the step with this index:
// 0 only opens the registers of every record.
func validField(n uint64, step int, more bool) bool {
	return n <= maxField && (n > 0 || step == 0 && more)
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
		h, key, size := cutStep(s)
		if s = s[size:]; h&stepKey != 0 {
			out = append(out, Step{Key: key, IsKey: true})
			continue
		}
		out = append(out, Step{Number: uint32(h >> 2)})
	}
	return out, nil
}

// Extends reports whether p goes on where q ends: q's steps are a proper prefix
// of p's. Both must be valid.
func (p Path) Extends(q Path) bool {
	for len(p) > 0 && len(q) > 0 {
		hp, kp, np := cutStep(string(p))
		hq, kq, nq := cutStep(string(q))
		if np == 0 || nq == 0 || hp|stepMore != hq|stepMore || kp != kq {
			return false
		}
		if hq&stepMore == 0 {
			return hp&stepMore != 0
		}
		p, q = p[np:], q[nq:]
	}
	return false
}

// cmpBytes orders p and the path bytes b as strings, without an allocation.
func (p Path) cmpBytes(b []byte) int {
	switch {
	case string(p) == string(b):
		return 0
	case string(p) < string(b):
		return -1
	}
	return 1
}

// String returns the steps for people, for example "3.7" or "12[metformin]"; the
// registers of every record are called subject, scope and life. A key that could
// be misread stands in quotes.
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
		if s.IsKey {
			b.WriteString("[" + s.keyText() + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strconv.FormatUint(uint64(s.Number), 10))
	}
	return b.String()
}

func (s Step) keyText() string {
	q := strconv.Quote(s.Key)
	if s.Key == "" || q[1:len(q)-1] != s.Key || strings.ContainsAny(s.Key, "[]. ") {
		return q
	}
	return s.Key
}

// uvarint reads a minimally encoded unsigned varint from the front of s; n ≤ 0
// means there is none.
func uvarint[T string | []byte](s T) (v uint64, n int) {
	if len(s) > 0 && s[0] < 0x80 {
		return uint64(s[0]), 1
	}
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
