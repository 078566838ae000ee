// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Reasons say why somebody should decide whether two residents are one person.
type Reasons uint8

const (
	// SameNumber: they bear the same number.
	SameNumber Reasons = 1 << iota
	// OtherName, OtherSex, OtherBirth: they bear the same number, but this differs or is
	// missing.
	OtherName
	OtherSex
	OtherBirth
	// SamePerson: name, birth date and village are the same.
	SamePerson
	// NumberSlip: one's number is none, and is the other's but for one character.
	NumberSlip
)

// Proposal is a pair of residents about which nobody has decided yet.
type Proposal struct {
	A, B record.ID // A is the smaller one
	Why  Reasons
}

// pair is two residents, the smaller id first.
type pair [2]record.ID

func pairOf(a, b record.ID) pair {
	if record.ID.Compare(a, b) > 0 {
		return pair{b, a}
	}
	return pair{a, b}
}

func comparePairs(x, y pair) int {
	if c := record.ID.Compare(x[0], y[0]); c != 0 {
		return c
	}
	return record.ID.Compare(x[1], y[1])
}

// pairs are residents who may be one person, whatever anybody has said about them.
type pairs struct {
	why map[pair]Reasons
	of  map[record.ID]map[record.ID]bool
}

func newPairs() pairs { return pairs{map[pair]Reasons{}, map[record.ID]map[record.ID]bool{}} }

func (p pairs) has(id record.ID) bool { return len(p.of[id]) > 0 }

func (p pairs) put(a, b record.ID, why Reasons) {
	p.why[pairOf(a, b)] = why
	for _, x := range [][2]record.ID{{a, b}, {b, a}} {
		if p.of[x[0]] == nil {
			p.of[x[0]] = map[record.ID]bool{}
		}
		p.of[x[0]][x[1]] = true
	}
}

// drop forgets all pairs of a resident.
func (p pairs) drop(id record.ID) {
	for other := range p.of[id] {
		delete(p.why, pairOf(id, other))
		if delete(p.of[other], id); len(p.of[other]) == 0 {
			delete(p.of, other)
		}
	}
	delete(p.of, id)
}

// Proposals returns pairs about which somebody has to decide, in order of their ids, from
// after the given one on (two zero ids: from the beginning), at most limit, and whether there
// are more. What was decided, or follows from what was, is not among them.
func (p *People) Proposals(ctx context.Context, a, b record.ID, limit int) (out []Proposal, more bool, err error) {
	if err := p.catchUp(ctx); err != nil {
		return nil, false, err
	}
	if err := p.compareAll(ctx); err != nil {
		return nil, false, err
	}
	err = p.inTurn(ctx, func() error {
		known := p.knows()
		for _, x := range slices.SortedFunc(maps.Keys(p.pairs.why), comparePairs) {
			if comparePairs(x, pair{a, b}) <= 0 || known.Ruled(x[0], x[1]) {
				continue
			}
			if more = len(out) == limit; more {
				return nil
			}
			out = append(out, Proposal{x[0], x[1], p.pairs.why[x]})
		}
		return nil
	})
	return out, more, err
}

// compareAll compares the residents that have to be with others, one a turn.
func (p *People) compareAll(ctx context.Context) error {
	for done := false; !done; {
		err := p.inTurn(ctx, func() error {
			if done = len(p.todo) == 0; done {
				return nil
			}
			if err := p.compare(ctx, p.todo[0]); err != nil {
				return err
			}
			p.todo = p.todo[1:]
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// compare finds the pairs that a resident is of.
func (p *People) compare(ctx context.Context, id record.ID) error {
	return alone(p.log, id, func() error {
		p.pairs.drop(id)
		r, err := p.resident(ctx, id)
		if err != nil {
			return err
		}
		var all Reasons
		others, err := p.readable(ctx, p.candidates(r))
		if err != nil {
			return err
		}
		for _, o := range others {
			if why := reasons(r, o); why != 0 {
				p.pairs.put(r.id, o.id, why)
				all |= why
			}
		}
		if all&SameNumber != 0 {
			p.toLink = append(p.toLink, id)
			select {
			case p.linkable <- struct{}{}:
			default: // it was said already
			}
		}
		return nil
	})
}

// candidates returns the other residents who may be one person with r, ascending.
func (p *People) candidates(r resident) []record.ID {
	tags := []tag{p.tags.tag(tagNumber, r.key()), p.tags.tag(tagPerson, r.person()), p.tags.tag(tagSlip, r.key())}
	for _, n := range r.slips() {
		tags = append(tags, p.tags.tag(tagNumber, string(n)))
	}
	var out []record.ID
	for _, t := range tags {
		if found := p.index.bearers(t, maxBearers+1); len(found) <= maxBearers {
			out = append(out, found...)
		}
	}
	slices.SortFunc(out, record.ID.Compare)
	return slices.DeleteFunc(slices.Compact(out), func(id record.ID) bool { return id == r.id })
}

// reasons says what two residents really have in common; 0: nothing that counts.
func reasons(r, o resident) (why Reasons) {
	if r.key() != "" && r.key() == o.key() {
		why |= SameNumber
		if !care.SameName(r.form, o.form) {
			why |= OtherName
		}
		if r.form.GetSex() != o.form.GetSex() || r.form.GetSex() == 0 {
			why |= OtherSex
		}
		if r.form.GetBirthDate() != o.form.GetBirthDate() || r.form.GetBirthDate() == 0 {
			why |= OtherBirth
		}
	}
	if r.person() != "" && r.person() == o.person() {
		why |= SamePerson
	}
	if slipped(r, o) || slipped(o, r) {
		why |= NumberSlip
	}
	return why
}

// slipped reports whether r's number is none, and is o's but for one character.
func slipped(r, o resident) bool {
	return slices.Contains(r.slips(), care.ResidentNumber(o.key()))
}
