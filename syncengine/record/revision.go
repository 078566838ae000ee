// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"encoding/binary"
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
	skeletonFormat = 1
	maxAuthorBytes = 128
	maxChanges     = 4096
	maxParents     = 4096
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

// Equal reports whether two values are the same to the byte.
func (v Value) Equal(o Value) bool { return v.Form == o.Form && string(v.Bytes) == string(o.Bytes) }

// token is the number that stands for v in bodies and states: 0 clear, 1 erased,
// else the length plus 2.
func (v Value) token() uint64 {
	if v.Form == Present {
		return uint64(len(v.Bytes)) + 2
	}
	return uint64(v.Form)
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
// is not valid, comes twice, or lies within another, and for no change at all.
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
	return out, checkPaths(out)
}

// checkPaths wants at least one change, paths ascending, none within another.
func checkPaths(changes []Change) error {
	if len(changes) == 0 {
		return fmt.Errorf("no changes: %w", ErrMalformed)
	}
	for i, c := range changes[1:] {
		if cmpPath(changes[i].Path, c.Path) >= 0 {
			return fmt.Errorf("paths not ascending at %s: %w", c.Path, ErrMalformed)
		}
	}
	return checkOverlap(changes)
}

func checkOverlap(changes []Change) error {
	nested := false
	for _, c := range changes {
		nested = nested || c.Path[0]&1 == 1 && c.Path[0] != PathScope[0]
	}
	if !nested {
		return nil // only single steps and header registers: nothing can lie within another
	}
	for _, long := range changes {
		for _, short := range changes {
			if long.Path.Extends(short.Path) {
				return fmt.Errorf("path %s lies within %s: %w", long.Path, short.Path, ErrMalformed)
			}
		}
	}
	return nil
}

// Seal computes the hash of r under salt, sets it in r's dot and returns r with
// its hash. It requires changes as Normalise returns them, and returns
// ErrTooLarge when r does not fit.
func (r Revision) Seal(salt []byte) (Revision, [32]byte, error) {
	skeleton, body := r.AppendSkeleton(nil), AppendBody(nil, r.Changes)
	if len(skeleton)+len(body) > MaxRevision {
		return r, [32]byte{}, fmt.Errorf("%d bytes, at most %d: %w", len(skeleton)+len(body), MaxRevision, ErrTooLarge)
	}
	hash := LeafHash(skeleton, BodyHash(salt, body))
	r.Dot.Hash = causal.Short(hash)
	return r, hash, nil
}

// BodyHash returns SHA-256(salt ‖ body). With it instead of the body a skeleton
// still proves its leaf after the body was erased.
func BodyHash(salt, body []byte) [32]byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(body)
	return [32]byte(h.Sum(nil))
}

// LeafHash returns the revision's hash, which is its RFC 6962 leaf:
// SHA-256(0x00 ‖ skeleton ‖ body hash).
func LeafHash(skeleton []byte, body [32]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(skeleton)
	h.Write(body[:])
	return [32]byte(h.Sum(nil))
}

// AppendSkeleton adds the skeleton of r to b: all of it but values and hash.
func (r Revision) AppendSkeleton(b []byte) []byte {
	return AppendShape(r.AppendHead(b), r.Changes)
}

// AppendHead adds the part of the skeleton that comes before the shape.
func (r Revision) AppendHead(b []byte) []byte {
	b = append(b, skeletonFormat)
	b = append(b, r.Dot.Replica[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Dot.Counter)
	b = append(b, r.Record[:]...)
	b = binary.AppendUvarint(b, r.Prev.Counter)
	if r.Prev.Counter > 0 {
		b = append(b, r.Prev.Hash[:]...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.ClockMs))
	b = binary.AppendUvarint(b, uint64(len(r.Author)))
	b = append(b, r.Author...)
	if r.ScopeSeen.Dot.IsZero() {
		return append(b, 0)
	}
	b = r.ScopeSeen.Dot.Append(append(b, 1))
	b = binary.AppendUvarint(b, uint64(len(r.ScopeSeen.Division)))
	return append(b, r.ScopeSeen.Division...)
}

// AppendShape adds the shape of changes to b: the distinct parents, then each
// path with the places of its parents among them. Saves of one form by one hand
// share their shape, so a segment stores it once.
func AppendShape(b []byte, changes []Change) []byte {
	var all causal.Vector
	for _, c := range changes {
		all = append(all, c.Parents...)
	}
	all = causal.NewVector(all...)
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, d := range all {
		b = d.Append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, c := range changes {
		b = append(b, c.Path...)
		b = binary.AppendUvarint(b, uint64(len(c.Parents)))
		for _, d := range c.Parents {
			i, _ := all.Index(d)
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	return b
}

// DecodeShape reads a whole shape: changes without values. It takes only the
// bytes AppendShape gives for changes that Normalise would leave alone;
// everything else wraps ErrMalformed. The paths share memory with a copy of b.
func DecodeShape(b []byte) ([]Change, error) {
	r := reader{rest: b, text: string(b)}
	parents := make([]causal.Dot, r.count(maxParents))
	for i := range parents {
		parents[i] = r.dot()
		if i > 0 && parents[i-1].Compare(parents[i]) >= 0 {
			r.fail("parents not ascending")
		}
	}
	changes := make([]Change, r.count(maxChanges))
	used := make([]bool, len(parents))
	for i := range changes {
		changes[i].Path = r.path()
		changes[i].Parents = r.parentRefs(parents, used)
	}
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the shape")
	}
	if r.err == nil && slices.Contains(used, false) {
		r.fail("a parent that no path names")
	}
	if r.err != nil {
		return nil, r.err
	}
	return changes, checkPaths(changes)
}

func (r *reader) parentRefs(parents []causal.Dot, used []bool) []causal.Dot {
	n := r.count(len(parents))
	if n == 0 {
		return nil
	}
	out := make([]causal.Dot, 0, n)
	last := -1
	for range n {
		i := r.index(len(parents), last)
		if r.err != nil {
			return nil
		}
		out, used[i], last = append(out, parents[i]), true, i
	}
	return out
}

// AppendBody adds the body of changes to b: the token of each value in order of
// the changes, then the values. Erased values have no body and are written as clear.
func AppendBody(b []byte, changes []Change) []byte {
	for _, c := range changes {
		b = binary.AppendUvarint(b, c.Value.token())
	}
	for _, c := range changes {
		b = append(b, c.Value.Bytes...)
	}
	return b
}

// DecodeBody returns a copy of changes with the values that body holds, which
// share its memory. It wraps ErrMalformed when body does not fit the changes.
func DecodeBody(changes []Change, body []byte) ([]Change, error) {
	out := slices.Clone(changes)
	r := reader{rest: body}
	sizes := make([]int, len(out))
	for i := range out {
		token := r.uvarint()
		if token == uint64(Erased) || token > uint64(len(body))+2 {
			r.fail("value token")
		}
		if token >= 2 {
			out[i].Value.Form, sizes[i] = Present, int(token-2)
		} else {
			out[i].Value.Form = Clear
		}
	}
	for i := range out {
		if out[i].Value.Form == Present {
			out[i].Value.Bytes = r.take(sizes[i])
		}
	}
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the body")
	}
	return out, r.err
}

// DecodeSkeleton reads a whole skeleton into a revision without values and
// without hash. AppendSkeleton of the result gives b again.
func DecodeSkeleton(b []byte) (Revision, error) {
	rd := reader{rest: b, text: string(b)}
	var r Revision
	if rd.byte() != skeletonFormat {
		rd.fail("skeleton format")
	}
	r.Dot.Replica = causal.ReplicaID(rd.array16())
	r.Dot.Counter = rd.uint64()
	r.Record = ID(rd.array16())
	if r.Prev.Counter = rd.uvarint(); r.Prev.Counter > 0 {
		r.Prev.Hash = causal.Hash8(rd.array8())
	}
	r.ClockMs = int64(rd.uint64())
	r.Author = string(rd.take(rd.count(maxAuthorBytes)))
	switch rd.byte() {
	case 0:
	case 1:
		r.ScopeSeen.Dot = rd.dot()
		r.ScopeSeen.Division = Division(rd.take(rd.count(12)))
	default:
		rd.fail("scope seen")
	}
	if rd.err == nil {
		r.Changes, rd.err = DecodeShape(rd.rest)
	}
	if rd.err != nil {
		return Revision{}, rd.err
	}
	return r, r.checkHead()
}

// Check returns an error that wraps ErrMalformed unless r is one that an honest
// saver could have made: a valid id, an author, prev before itself, a division
// where a scope was seen or set, a subject and life of the right form. Paths
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
	case r.Author == "" || len(r.Author) > maxAuthorBytes || !utf8.ValidString(r.Author):
		return fmt.Errorf("author: %w", ErrMalformed)
	case !r.ScopeSeen.Dot.IsZero() && !r.ScopeSeen.Division.Valid():
		return fmt.Errorf("division seen: %w", ErrMalformed)
	}
	return nil
}

// checkHeader wants known registers of the field-0 family and their values whole.
func checkHeader(c Change) error {
	ok := true
	switch {
	case c.Path == "" || c.Path[0] != PathScope[0]:
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
