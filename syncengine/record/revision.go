// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// MaxRevision is the greatest size of one save in bytes, skeleton and body
// together. Save refuses a larger one before it takes a dot; the centre holds it.
const MaxRevision = 48 << 10

// ErrTooLarge is wrapped when a revision is over MaxRevision.
var ErrTooLarge = errors.New("revision too large")

const (
	maxAuthorBytes = 128
	maxChanges     = 4096
	maxParents     = 4096
	// maxMarkBytes bounds the paths, each once for each of its parents, of one
	// revision: so much at most can it make a state remember in marks. With paths
	// of four bytes or less MaxRevision is reached first.
	maxMarkBytes = 4 * MaxRevision
)

// Form says what kind of value a register has.
type Form uint8

const (
	// Clear: somebody emptied the register. It is a value like others and can be a sibling.
	Clear Form = iota
	// Erased: there was a value and a legal order removed it.
	Erased
	// Present: Bytes are the value.
	Present
)

// Value is the content of a register: wire bytes as received, tag and payload,
// never re-encoded and never looked into by this package.
type Value struct {
	Form  Form
	Bytes []byte // only with Present; may be empty
}

// Of returns a present value. It keeps b.
func Of(b []byte) Value { return Value{Present, b} }

// Writable returns v as somebody can save it: what was erased cannot be written
// again, so picking it leaves the register empty.
func (v Value) Writable() Value {
	if v.Form == Erased {
		return Value{}
	}
	return v
}

// Equal reports whether two values are the same to the byte.
func (v Value) Equal(o Value) bool { return v.Form == o.Form && string(v.Bytes) == string(o.Bytes) }

// token is the number that stands for v in bodies and states: 0 clear, 1 erased,
// else the length plus 2.
func (v Value) token() uint64 {
	switch v.Form {
	case Clear:
		return 0
	case Erased:
		return 1
	}
	return uint64(len(v.Bytes)) + 2
}

// appendBytes adds the bytes of a present value to b.
func (v Value) appendBytes(b []byte) []byte {
	if v.Form == Present {
		return append(b, v.Bytes...)
	}
	return b
}

// Change is one register's new value and the values it replaces: the dots that
// the author's screen showed there when the form was opened, sorted.
type Change struct {
	Path    Path
	Value   Value
	Parents []causal.Dot
}

// Prev names the author's previous revision of the same record. The zero value
// says this one is the first.
type Prev struct {
	Counter uint64
	Hash    causal.Hash8
}

// ScopeSeen is the scope that the author's screen showed: a value of the scope
// register and the dot that bore it. The zero value says that the revision sets
// the scope itself and is judged on that.
type ScopeSeen struct {
	Dot      causal.Dot
	Division Division
}

// Revision is one save of one record. It is immutable.
type Revision struct {
	Dot       causal.Dot
	Record    ID
	Prev      Prev
	ClockMs   int64 // the saver's clock, UTC milliseconds, monotone per replica; for display only
	Author    string
	ScopeSeen ScopeSeen
	Changes   []Change // sorted by path, each path once
}

// PrevDot returns the dot of the author's previous revision of this record; zero
// when there is none.
func (r Revision) PrevDot() causal.Dot {
	if r.Prev.Counter == 0 {
		return causal.Dot{}
	}
	return causal.Dot{Replica: r.Dot.Replica, Counter: r.Prev.Counter, Hash: r.Prev.Hash}
}

// Change returns the change at path and whether there is one.
func (r Revision) Change(p Path) (Change, bool) {
	for _, c := range r.Changes {
		if c.Path == p {
			return c, true
		}
	}
	return Change{}, false
}

// Normalise sorts the changes by path and each parent list by dot, and drops
// doubled parents. It returns an error that wraps ErrMalformed for a path that
// is not valid, comes twice, or lies within another, and for no change at all;
// one that wraps ErrTooLarge for more changes or parents than a revision holds.
// The slices of the argument stay as they are.
func Normalise(changes []Change) ([]Change, error) {
	out := slices.Clone(changes)
	for i := range out {
		out[i].Parents = causal.NewVector(out[i].Parents...)
		if err := out[i].Path.Valid(); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b Change) int { return cmpPath(a.Path, b.Path) })
	if err := checkChanges(out); err != nil {
		return nil, err
	}
	return out, nil
}

// checkChanges wants at least one change, valid paths ascending, none within
// another, and no more than a revision may have.
func checkChanges(changes []Change) error {
	if len(changes) == 0 {
		return fmt.Errorf("no changes: %w", ErrMalformed)
	}
	marks := 0
	for i, c := range changes {
		if i > 0 && cmpPath(changes[i-1].Path, c.Path) >= 0 {
			return fmt.Errorf("paths not ascending at %s: %w", c.Path, ErrMalformed)
		}
		marks += len(c.Parents) * len(c.Path)
	}
	if len(changes) > maxChanges || marks > maxMarkBytes {
		return fmt.Errorf("%d changes with %d bytes of paths for parents: %w", len(changes), marks, ErrTooLarge)
	}
	return checkOverlap(changes)
}

// checkOverlap wants no path to be a prefix of another. It looks each prefix up
// among the paths, so that thousands of nested paths cost no more than their sorting.
func checkOverlap(changes []Change) error {
	var prefix [maxPathBytes]byte
	for _, c := range changes {
		for at := 0; ; {
			h, _, size := cutStep(string(c.Path[at:]))
			if h&stepMore == 0 {
				break
			}
			copy(prefix[at:], c.Path[at:at+size])
			prefix[at] &^= stepMore
			i, found := slices.BinarySearchFunc(changes, prefix[:at+size], func(o Change, p []byte) int { return o.Path.cmpBytes(p) })
			if found {
				return fmt.Errorf("path %s lies within %s: %w", c.Path, changes[i].Path, ErrMalformed)
			}
			prefix[at] |= stepMore
			at += size
		}
	}
	return nil
}

// Check returns an error that wraps ErrMalformed unless r is one that an honest
// saver could have made: a valid id, an author, prev before itself, a division
// where a scope was seen or set, a subject and life of the right form. Header
// registers that this build does not know are carried like other fields. Paths
// and bodies are checked where they are decoded.
func (r Revision) Check() error {
	if err := r.checkHead(); err != nil {
		return err
	}
	for _, c := range r.Changes {
		if err := checkHeader(c); err != nil {
			return err
		}
	}
	return nil
}

func (r Revision) checkHead() error {
	switch {
	case !r.Record.Valid():
		return fmt.Errorf("record id: %w", ErrMalformed)
	case r.Dot.Counter == 0 || r.Prev.Counter >= r.Dot.Counter:
		return fmt.Errorf("counter %d after %d: %w", r.Dot.Counter, r.Prev.Counter, ErrMalformed)
	case r.Prev.Counter == 0 && r.Prev != Prev{}:
		return fmt.Errorf("hash of no previous revision: %w", ErrMalformed)
	case r.Author == "" || len(r.Author) > maxAuthorBytes || !utf8.ValidString(r.Author):
		return fmt.Errorf("author: %w", ErrMalformed)
	case r.ScopeSeen == ScopeSeen{}:
	case r.ScopeSeen.Dot.IsZero() || !r.ScopeSeen.Division.Valid():
		return fmt.Errorf("scope seen: %w", ErrMalformed)
	}
	return nil
}

// checkHeader wants the values of subject, scope and life whole.
func checkHeader(c Change) error {
	ok := true
	switch {
	case c.Path != PathSubject && c.Path != PathScope && c.Path != PathLife:
		return nil
	case c.Value.Form != Present:
		ok = c.Value.Form == Erased || c.Path != PathScope && c.Value.Bytes == nil
	case c.Path == PathSubject:
		ok = len(c.Value.Bytes) == 16 && ID(c.Value.Bytes).Valid()
	case c.Path == PathScope:
		ok = Division(c.Value.Bytes).Valid()
	case c.Path == PathLife:
		ok = ParseLife(c.Value) != LifeUnknown
	}
	if !ok {
		return fmt.Errorf("%s: %w", c.Path, ErrMalformed)
	}
	return nil
}
