// SPDX-License-Identifier: Apache-2.0

package care

import (
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Link says of two residents that they are one person, or that they are two.
type Link struct {
	A, B record.ID
	Same bool
}

// People says which residents are one person: those that links of one person lead to
// from each other, over any number of others. That two are said to be two people takes
// nothing away from what other links say.
//
// It is a function of the links alone, in any order and as often as they come, so a link
// that is taken back leaves what would be there without it. The zero value knows no links.
type People struct {
	above   map[record.ID]record.ID // the smallest id of the person; not of that itself
	members map[record.ID][]record.ID
	apart   map[[2]record.ID]bool // persons, by their ids
}

// NewPeople returns what the links say together.
func NewPeople(links []Link) People {
	p := People{above: map[record.ID]record.ID{}, members: map[record.ID][]record.ID{}, apart: map[[2]record.ID]bool{}}
	for _, l := range links {
		if l.Same {
			p.join(l.A, l.B)
		}
	}
	p.gather()
	for _, l := range links {
		if !l.Same {
			a, b := sortedPair(p.Person(l.A), p.Person(l.B))
			p.apart[[2]record.ID{a, b}] = true
		}
	}
	return p
}

// join makes one person of two, under the smaller id of both.
func (p People) join(a, b record.ID) {
	a, b = sortedPair(p.shorten(a), p.shorten(b))
	if a != b {
		p.above[b] = a
	}
}

// gather puts every resident directly under the smallest id of its person. Whatever stands
// above an id is smaller, so that in ascending order it has been put in its place before.
func (p People) gather() {
	for _, id := range slices.SortedFunc(maps.Keys(p.above), record.ID.Compare) {
		first := p.above[id]
		if over, ok := p.above[first]; ok {
			first = over
		}
		p.above[id] = first
		if p.members[first] == nil {
			p.members[first] = []record.ID{first}
		}
		p.members[first] = append(p.members[first], id)
	}
}

// shorten returns the smallest id that is above id so far, and halves the way there, so that long chains cost little.
func (p People) shorten(id record.ID) record.ID {
	for {
		up, ok := p.above[id]
		if !ok {
			return id
		}
		if over, ok := p.above[up]; ok {
			p.above[id] = over
			up = over
		}
		id = up
	}
}

// Person returns the id under which the person of a resident is shown and counted: the
// smallest id of its residents, which may be its own.
func (p People) Person(id record.ID) record.ID {
	if first, ok := p.above[id]; ok {
		return first
	}
	return id
}

// Residents returns all residents who are one person with this one, itself included,
// ascending; the caller must not change them.
func (p People) Residents(id record.ID) []record.ID {
	if all := p.members[p.Person(id)]; len(all) > 0 {
		return all
	}
	return []record.ID{id}
}

// Ruled reports whether it is known already whether two residents are one person: they
// are, or some link says that the persons they belong to are two.
func (p People) Ruled(a, b record.ID) bool {
	a, b = sortedPair(p.Person(a), p.Person(b))
	return a == b || p.apart[[2]record.ID{a, b}]
}
