// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// form is what a person has on the screen while they type: the values with the
// saves that bore them. As a token it is base64 (URL alphabet, no padding) of
//
//	version 1 | record id (16) | scope seen: dot (32), length and division
//	| number of dots, dots (32 each)
//	| number of registers, each: length and path, number of siblings, each:
//	  place of its dot | 0 clear, 1 erased, else length plus 2 and the bytes, times two plus 1 if held
//	| first 8 bytes of the SHA-256 of all before
//
// with numbers as uvarints. It says nothing that the screen does not show.
type form struct {
	shown     replica.Shown
	registers []record.Register
}

const (
	formVersion = 1
	formCheck   = 8
	// maxForm bounds a token's bytes: a record is at most a few revisions on a screen.
	maxForm = 4 << 20
)

func formOf(s replica.Screen) form { return form{s.Shown, s.Registers} }

// after returns the form on which a save from f stands: what was saved replaced
// what was shown.
func (f form) after(changes []record.Change, saved replica.Saved) form {
	out := form{shown: saved.Shown, registers: slices.Clone(f.registers)}
	for _, c := range changes {
		g := record.Register{Path: c.Path, Siblings: []record.Sibling{{Dot: saved.Dot, Value: c.Value}}}
		i, found := slices.BinarySearchFunc(out.registers, c.Path, func(g record.Register, p record.Path) int {
			return bytes.Compare([]byte(g.Path), []byte(p))
		})
		if found {
			out.registers[i] = g
		} else {
			out.registers = slices.Insert(out.registers, i, g)
		}
	}
	return out
}

// parents returns the dots shown at a path.
func (f form) parents(p record.Path) []causal.Dot {
	for _, g := range f.registers {
		if g.Path == p {
			return g.Parents()
		}
	}
	return nil
}

// token writes f.
func (f form) token() string { return encodeForm(f.bytes()) }

func encodeForm(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(append(slices.Clip(b), sum[:formCheck]...))
}

func (f form) bytes() []byte {
	w := formWriter{places: map[causal.Dot]uint64{}}
	body := w.registers(f.registers)
	b := append([]byte{formVersion}, f.shown.Record[:]...)
	b = f.shown.Scope.Dot.Append(b)
	b = appendSized(b, string(f.shown.Scope.Division))
	b = binary.AppendUvarint(b, uint64(len(w.dots)))
	for _, d := range w.dots {
		b = d.Append(b)
	}
	return append(b, body...)
}

// formWriter gives each dot a place.
type formWriter struct {
	dots   []causal.Dot
	places map[causal.Dot]uint64
}

func (w *formWriter) place(d causal.Dot) uint64 {
	at, ok := w.places[d]
	if !ok {
		at = uint64(len(w.dots))
		w.places[d], w.dots = at, append(w.dots, d)
	}
	return at
}

func (w *formWriter) registers(all []record.Register) []byte {
	b := binary.AppendUvarint(nil, uint64(len(all)))
	for _, g := range all {
		b = appendSized(b, string(g.Path))
		b = binary.AppendUvarint(b, uint64(len(g.Siblings)))
		for _, s := range g.Siblings {
			b = binary.AppendUvarint(b, w.place(s.Dot))
			b = appendValue(b, s.Value, s.Held)
		}
	}
	return b
}

func appendSized(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValue(b []byte, v record.Value, held bool) []byte {
	n := uint64(v.Form)
	if v.Form == record.Present {
		n = uint64(len(v.Bytes)) + 2
	}
	n *= 2
	if held {
		n++
	}
	b = binary.AppendUvarint(b, n)
	if v.Form == record.Present {
		b = append(b, v.Bytes...)
	}
	return b
}

// parseForm reads what token writes and nothing else. Its error wraps errForm.
func parseForm(token string) (form, error) {
	if len(token) > base64.RawURLEncoding.EncodedLen(maxForm) {
		return form{}, fmt.Errorf("%d characters: %w", len(token), errForm)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < formCheck {
		return form{}, errForm
	}
	raw, check := raw[:len(raw)-formCheck], raw[len(raw)-formCheck:]
	if sum := sha256.Sum256(raw); !bytes.Equal(sum[:formCheck], check) {
		return form{}, fmt.Errorf("cut or mistyped: %w", errForm)
	}
	r := formReader{rest: raw}
	f := r.form()
	if r.bad || len(r.rest) > 0 {
		return form{}, errForm
	}
	f.shown.Life = f.parents(record.PathLife)
	return f, nil
}

// formReader reads a token's bytes; after something that does not fit it is bad and
// returns zero values.
type formReader struct {
	rest []byte
	bad  bool
}

func (r *formReader) form() form {
	var f form
	if v := r.take(1); len(v) != 1 || v[0] != formVersion {
		r.bad = true
		return f
	}
	copy(f.shown.Record[:], r.take(16))
	f.shown.Scope = record.ScopeSeen{Dot: r.dot(), Division: record.Division(r.sized())}
	dots := make([]causal.Dot, r.count(causal.DotSize))
	for i := range dots {
		dots[i] = r.dot()
	}
	f.registers = make([]record.Register, r.count(3))
	for i := range f.registers {
		f.registers[i] = r.register(dots)
		if i > 0 && f.registers[i-1].Path >= f.registers[i].Path {
			r.bad = true
		}
	}
	return f
}

func (r *formReader) register(dots []causal.Dot) record.Register {
	g := record.Register{Path: record.Path(r.sized())}
	if g.Path.Valid() != nil {
		r.bad = true
	}
	g.Siblings = make([]record.Sibling, r.count(2))
	if len(g.Siblings) == 0 {
		r.bad = true
	}
	for i := range g.Siblings {
		g.Siblings[i] = r.sibling(dots)
	}
	return g
}

func (r *formReader) sibling(dots []causal.Dot) record.Sibling {
	at := r.num()
	if at >= uint64(len(dots)) {
		r.bad = true
		return record.Sibling{}
	}
	n := r.num()
	s := record.Sibling{Dot: dots[at], Held: n%2 == 1}
	switch n /= 2; n {
	case uint64(record.Clear), uint64(record.Erased):
		s.Value.Form = record.Form(n)
	default:
		s.Value = record.Of(r.take(n - 2))
	}
	return s
}

func (r *formReader) num() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads a number of things of at least size bytes each.
func (r *formReader) count(size int) uint64 {
	n := r.num()
	if n > uint64(len(r.rest)/size) {
		r.bad, r.rest = true, nil
		return 0
	}
	return n
}

func (r *formReader) take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *formReader) sized() []byte { return r.take(r.num()) }

func (r *formReader) dot() causal.Dot {
	d, _, err := causal.DecodeDot(r.take(causal.DotSize))
	if err != nil {
		r.bad = true
	}
	return d
}
