// SPDX-License-Identifier: Apache-2.0

package record

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// Sibling is one value of a register as a screen shows it.
type Sibling struct {
	Dot     causal.Dot
	ClockMs int64
	Value   Value
	Held    bool // the viewer's own save, which the centre holds
}

// Register is one path with its values, displayed one first. There is at least one.
type Register struct {
	Path     Path
	Siblings []Sibling
}

// Parents returns the dots of all values shown, sorted: what a save made from
// this screen replaces.
func (g Register) Parents() []causal.Dot {
	dots := make([]causal.Dot, len(g.Siblings))
	for i, s := range g.Siblings {
		dots[i] = s.Dot
	}
	return causal.NewVector(dots...)
}

// Conflict reports whether siblings differ in their bytes. Equal ones are no
// conflict, and neither is a value of one's own that the centre holds.
func (g Register) Conflict() bool {
	var first *Sibling
	for i, s := range g.Siblings {
		if s.Held {
			continue
		}
		if first == nil {
			first = &g.Siblings[i]
		} else if !first.Value.Equal(s.Value) {
			return true
		}
	}
	return false
}

// Registers returns the live values by path, ascending; among siblings the
// displayed one first: greatest clock, then replica, counter, hash. That order
// serves the eye only and never enters causality.
func (s State) Registers() []Register { return registers(s.Live, nil) }

// RegistersWith returns the registers of s and, beside the live values, those of
// the viewer's own held revisions that nothing has replaced, marked held. Of own
// only the revisions that s holds count; a held one replaces other held ones only.
func (s State) RegistersWith(own []Revision) []Register {
	own = slices.DeleteFunc(slices.Clone(own), func(r Revision) bool { return !s.Held.Has(r.Dot) })
	replaced := map[Mark]bool{}
	for _, m := range s.Marks {
		replaced[m] = true
	}
	for _, r := range own {
		for _, c := range r.Changes {
			for _, q := range c.Parents {
				replaced[Mark{q, c.Path}] = true
			}
		}
	}
	var held []Entry
	for _, r := range own {
		for _, c := range r.Changes {
			if !replaced[Mark{r.Dot, c.Path}] {
				held = append(held, Entry{Dot: r.Dot, Path: c.Path, ClockMs: r.ClockMs, Value: c.Value})
			}
		}
	}
	return registers(s.Live, held)
}

// shown is a value on a screen, not yet in its register.
type shown struct {
	*Entry
	held bool
}

// before orders values by path, live ones before held ones, displayed one first.
func (a shown) before(b shown) int {
	if c := cmpPath(a.Path, b.Path); c != 0 {
		return c
	}
	if a.held != b.held {
		if a.held {
			return 1
		}
		return -1
	}
	return displayed(b.Entry, a.Entry)
}

// displayed orders siblings: the greater one is shown.
func displayed(a, b *Entry) int {
	if c := cmp.Compare(a.ClockMs, b.ClockMs); c != 0 {
		return c
	}
	return a.Dot.Compare(b.Dot)
}

func registers(live, held []Entry) []Register {
	all := make([]shown, 0, len(live)+len(held))
	for i := range live {
		all = append(all, shown{&live[i], false})
	}
	for i := range held {
		all = append(all, shown{&held[i], true})
	}
	slices.SortFunc(all, shown.before)
	all = slices.CompactFunc(all, func(a, b shown) bool { return a.Path == b.Path && a.Dot == b.Dot })
	if len(all) == 0 {
		return nil
	}
	siblings := make([]Sibling, len(all)) // of all registers, each with its own piece
	out := make([]Register, 0, len(all))
	for len(all) > 0 {
		n := run(all, func(a, b *shown) bool { return a.Path == b.Path })
		for i, e := range all[:n] {
			siblings[i] = Sibling{e.Dot, e.ClockMs, e.Value, e.held}
		}
		out = append(out, Register{Path: all[0].Path, Siblings: siblings[:n:n]})
		all, siblings = all[n:], siblings[n:]
	}
	return out
}

// At returns the live values at p, displayed one first; none for an empty register.
func (s State) At(p Path) []Entry {
	var out []Entry
	for i := range s.Live {
		if e := &s.Live[i]; e.Path == p {
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b Entry) int { return displayed(&b, &a) })
	return out
}

// Bears reports whether any value is live at p.
func (s State) Bears(p Path) bool {
	for i := range s.Live {
		if s.Live[i].Path == p {
			return true
		}
	}
	return false
}

// Conflicts returns how many registers have siblings with different bytes.
func (s State) Conflicts() int {
	k := len(s.Live)
	if k == 0 || s.Live[0].Dot == s.Live[k-1].Dot {
		return 0 // all of one save
	}
	first := run(s.Live, func(a, b *Entry) bool { return a.Dot == b.Dot })
	if s.Live[first].Dot == s.Live[k-1].Dot {
		return conflictsOfTwo(s.Live[:first], s.Live[first:])
	}
	byPath := make([]*Entry, k)
	for i := range s.Live {
		byPath[i] = &s.Live[i]
	}
	slices.SortFunc(byPath, func(a, b *Entry) int { return cmpPath(a.Path, b.Path) })
	conflicts := 0
	for len(byPath) > 0 {
		n := run(byPath, func(a, b **Entry) bool { return (*a).Path == (*b).Path })
		first := byPath[0].Value
		if slices.ContainsFunc(byPath[1:n], func(e *Entry) bool { return !e.Value.Equal(first) }) {
			conflicts++
		}
		byPath = byPath[n:]
	}
	return conflicts
}

// conflictsOfTwo is Conflicts for the live values of two saves, each sorted by path.
func conflictsOfTwo(a, b []Entry) (conflicts int) {
	for len(a) > 0 && len(b) > 0 {
		switch c := cmpPath(a[0].Path, b[0].Path); {
		case c < 0:
			a = a[1:]
		case c > 0:
			b = b[1:]
		default:
			if !a[0].Value.Equal(b[0].Value) {
				conflicts++
			}
			a, b = a[1:], b[1:]
		}
	}
	return conflicts
}

// Divisions returns the record's present scopes, sorted, without doubles: more
// than one while the scope has siblings, none when no scope is live.
func (s State) Divisions() []Division {
	var out []Division
	for i := range s.Live {
		if e := &s.Live[i]; e.Path == PathScope && e.Value.Form == Present {
			out = append(out, Division(e.Value.Bytes))
		}
	}
	if len(out) > 1 {
		slices.Sort(out)
		out = slices.Compact(out)
	}
	return out
}

// Subject returns the displayed subject and whether there is one.
func (s State) Subject() (ID, bool) {
	var shown *Entry
	for i := range s.Live {
		e := &s.Live[i]
		if e.Path == PathSubject && e.Value.Form == Present && len(e.Value.Bytes) == 16 && (shown == nil || displayed(shown, e) < 0) {
			shown = e
		}
	}
	if shown == nil {
		return ID{}, false
	}
	return ID(shown.Value.Bytes), true
}

// Life is what the life register says.
type Life uint8

const (
	// LifeUnknown is a value that this build does not understand.
	LifeUnknown Life = iota
	// LifeActive is an ordinary record; an empty register means the same.
	LifeActive
	// LifeVoided is a record somebody declared void, with a reason.
	LifeVoided
)

// Active is the life value of an ordinary save.
func Active() Value { return Of([]byte{1}) }

// Voided is the life value of a save that declares the record void.
func Voided(reason string) Value { return Of(append([]byte{2}, reason...)) }

// ParseLife reads a life value; VoidReason gives the words of a void one.
func ParseLife(v Value) Life {
	switch {
	case v.Form != Present:
		return LifeActive
	case len(v.Bytes) == 1 && v.Bytes[0] == 1:
		return LifeActive
	case len(v.Bytes) >= 1 && v.Bytes[0] == 2 && utf8.Valid(v.Bytes[1:]):
		return LifeVoided
	}
	return LifeUnknown
}

// VoidReason returns the reason inside a voided life value, else "".
func VoidReason(v Value) string {
	if ParseLife(v) == LifeVoided && v.Form == Present {
		return string(v.Bytes[1:])
	}
	return ""
}

// Life returns what the record's life register says. A record is voided only
// when every live value says so: a void beside an edit shows the record and asks.
func (s State) Life() Life {
	life := LifeActive
	for i, e := range s.At(PathLife) {
		switch l := ParseLife(e.Value); {
		case i == 0:
			life = l
		case l != life:
			return LifeActive
		}
	}
	return life
}
