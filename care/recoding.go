// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// DivisionChange says that what was found under one code is found under another.
type DivisionChange struct {
	Old, New record.Division // of one level, without filling zeros
	From     Date            // the first day
	Type     carev1.DivisionChangeType
}

// The types, for short.
const (
	renamed = carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED
	merged  = carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_MERGED
	split   = carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_SPLIT
)

// DivisionChangeOf returns what a division_change record says, by its registers; false for
// a void one and for one that is not whole.
func DivisionChangeOf(registers []record.Register) (DivisionChange, bool) {
	for _, g := range registers {
		if g.Path == record.PathLife && record.ParseLife(g.Siblings[0].Value) == record.LifeVoided {
			return DivisionChange{}, false
		}
	}
	m, err := Message(KindDivisionChange, registers)
	if err != nil {
		return DivisionChange{}, false
	}
	form := m.(*carev1.DivisionChange)
	c := DivisionChange{From: Date(form.GetValidFrom()), Type: form.GetType()}
	var bad [2]error
	c.Old, bad[0] = ParseDivision(form.GetOldCode())
	c.New, bad[1] = ParseDivision(form.GetNewCode())
	return c, bad == [2]error{} && c.Check() == ""
}

// Form returns the record that says c.
func (c DivisionChange) Form(evidence string) *carev1.DivisionChange {
	return &carev1.DivisionChange{
		OldCode: string(c.Old), NewCode: string(c.New), ValidFrom: int32(c.From), Type: c.Type, Evidence: evidence,
	}
}

// ID returns the id of the record that says c, the same whoever saves it and how often.
func (c DivisionChange) ID() record.ID {
	return record.DerivedID(KindDivisionChange, []byte(string(c.Old)+"\x00"+string(c.New)+"\x00"+c.From.String()))
}

// Check returns the name of what is wrong with c alone, "" when nothing is: level, same,
// date or type.
func (c DivisionChange) Check() string {
	switch {
	case len(c.Old) != len(c.New) || LevelOf(c.Old) < LevelCounty || len(c.Old) != int(LevelOf(c.Old)):
		return "level"
	case c.Old == c.New:
		return "same"
	case !c.From.Whole():
		return "date"
	case c.Type != renamed && c.Type != merged && c.Type != split:
		return "type"
	}
	return ""
}

// compare orders changes by date, those of greater divisions first.
func (c DivisionChange) compare(o DivisionChange) int {
	return cmp.Or(cmp.Compare(c.From, o.From), cmp.Compare(len(c.Old), len(o.Old)), cmp.Compare(c.Old, o.Old), cmp.Compare(c.New, o.New))
}

// Recoding is all changes of division codes that are known. The zero value knows none.
type Recoding struct{ changes []DivisionChange }

// NewRecoding returns what the changes say together, in whatever order they come.
func NewRecoding(changes []DivisionChange) Recoding {
	all := slices.Clone(changes)
	slices.SortFunc(all, DivisionChange.compare)
	return Recoding{slices.Compact(all)}
}

// With returns r with one change more.
func (r Recoding) With(c DivisionChange) Recoding {
	at, found := slices.BinarySearchFunc(r.changes, c, DivisionChange.compare)
	if found && r.changes[at] == c {
		return r
	}
	return Recoding{slices.Insert(slices.Clip(r.changes), at, c)}
}

// Changes returns the changes, by date; the caller must not change them.
func (r Recoding) Changes() []DivisionChange { return r.changes }

// Conflict returns a change that is known already and that c cannot stand beside; false when
// there is none. An old code goes one way, unless it was split; a code that was abolished is
// not given out again, because what still bears it could not be told from what bears it anew.
func (r Recoding) Conflict(c DivisionChange) (DivisionChange, bool) {
	for _, o := range r.changes {
		switch {
		case o == c, o.Old == c.Old && o.Type == split && c.Type == split:
		case o.Old == c.Old, c.New.Within(o.Old) && o.From <= c.From, o.New.Within(c.Old) && o.From >= c.From:
			return o, true
		}
	}
	return DivisionChange{}, false
}

// Now returns where what was captured in a village belongs on a day, the village itself where
// nothing changed. ok is false where a person has to say: the village was split, or what it lies in
// was merged and it has no change of its own.
func (r Recoding) Now(village record.Division, on Date) (now record.Division, ok bool) {
	now = village
	for steps := 0; steps <= len(r.changes); steps++ {
		c, found := r.of(now, on)
		if !found {
			return now, true
		}
		next, ok := c.apply(now)
		if !ok {
			return now, false
		}
		now = next
	}
	return village, false // a circle, which Conflict keeps out
}

// of returns the change that a code, or a prefix, has met by a day: that of the smallest
// division in which it lies.
func (r Recoding) of(code record.Division, on Date) (best DivisionChange, found bool) {
	for _, c := range r.changes {
		if c.From <= on && code.Within(c.Old) && (!found || len(c.Old) >= len(best.Old)) {
			best, found = c, true
		}
	}
	return best, found
}

// apply returns the code that a change puts in place of one within its old one.
func (c DivisionChange) apply(code record.Division) (record.Division, bool) {
	rest := code[len(c.Old):]
	switch {
	case c.Type == renamed, c.Type == merged && strings.Trim(string(rest), "0") == "":
		return c.New + rest, true
	}
	return code, false
}

// YoungFor is how long both codes stand in certificates, in days: longer than the year
// that a tablet may lie in a drawer.
const YoungFor = 400

// Scopes returns the divisions of a certificate that is issued on a day with those that
// took their places, at most limit. Old codes stay beside the new ones: who has not heard of
// a change yet saves under the old one, and what was not moved yet is under it. One goes once it is no longer
// young and had the new code beside it. Splits change nothing, because a person decides. What changes
// later than the day counts already: it does no harm to be early.
//
// Nothing is ever missing that the divisions or their successors cover, and what is added is
// added once: Scopes of its own result adds nothing.
func (r Recoding) Scopes(divisions []record.Division, on Date, limit int) []record.Division {
	out := slices.Clone(divisions)
	for i := 0; i < len(out); i++ { // what is added is looked at in its turn
		for _, next := range r.successors(out[i]) {
			if !next.WithinAny(out) && len(out) < limit {
				out = append(out, next)
			}
		}
	}
	return slices.DeleteFunc(out, func(d record.Division) bool { return r.outlived(d, divisions, on) })
}

// successors returns the prefixes that stand beside one in certificates: what it became itself,
// and what became of divisions within it.
func (r Recoding) successors(d record.Division) (out []record.Division) {
	if c, found := r.of(d, forEver); found && c.Type != split {
		if next, ok := c.apply(d); ok {
			out = append(out, next)
		}
	}
	for _, c := range r.changes {
		if c.Old.Within(d) && c.Old != d && c.Type != split {
			out = append(out, c.New)
		}
	}
	return out
}

// forEver is after every date of a change.
const forEver Date = 99991231

// outlived reports whether a prefix is an old code that may go: its change is no longer young,
// and its certificate had the new code already.
func (r Recoding) outlived(d record.Division, had []record.Division, on Date) bool {
	c, found := r.of(d, forEver)
	if !found || c.Type == split || on < c.From.AddDays(YoungFor) || !slices.Contains(had, d) {
		return false
	}
	next, ok := c.apply(d)
	return ok && next.WithinAny(had)
}

// Added reports whether Scopes has something that the divisions do not cover.
func Added(divisions, scopes []record.Division) bool {
	return slices.ContainsFunc(scopes, func(d record.Division) bool { return !d.WithinAny(divisions) })
}

// MoveScope returns the change by which a record that was captured under old codes comes under
// those of a day, by its registers: none where nothing is to be moved. person is true where somebody
// has to say where to.
func (r Recoding) MoveScope(registers []record.Register, on Date) (move []record.Change, person bool) {
	at := slices.IndexFunc(registers, func(g record.Register) bool { return g.Path == record.PathScope })
	if at < 0 {
		return nil, false
	}
	change := record.Change{Path: record.PathScope}
	for _, s := range registers[at].Siblings {
		if s.Value.Form != record.Present {
			continue
		}
		now, ok := r.Now(record.Division(s.Value.Bytes), on)
		switch {
		case !ok:
			return nil, true
		case string(now) == string(s.Value.Bytes):
			continue
		case len(change.Parents) > 0 && !bytes.Equal(change.Value.Bytes, []byte(now)):
			return nil, true // siblings that go two ways
		}
		change.Value, change.Parents = record.Of([]byte(now)), append(change.Parents, s.Dot)
	}
	if len(change.Parents) == 0 {
		return nil, false
	}
	return []record.Change{change}, false
}
