// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Person is one person: residents that links lead to from each other.
type Person struct {
	ID        record.ID   // the smallest of them, under which the person is shown and counted
	Residents []record.ID // all of them, ascending
	Bearers   []record.ID // those that bear the number that was asked for, ascending
}

// maxFound bounds the residents looked at for one number that somebody asks for.
const maxFound = 256

// FindByNumber returns the persons of whom a resident bears a number, in order of their
// ids, as of the last commit; nil: nobody does. The number may be written in any way and be of
// any document. At most 256 bearers are looked at.
func (p *People) FindByNumber(ctx context.Context, number string) ([]Person, error) {
	keys := care.MatchKeys(number)
	if len(keys) == 0 {
		return nil, nil
	}
	if err := p.catchUp(ctx); err != nil {
		return nil, err
	}
	var out []Person
	err := p.inTurn(ctx, func() error {
		bearers, err := p.bearersOf(ctx, keys)
		if err != nil {
			return err
		}
		known := p.knows()
		for _, id := range bearers {
			first := known.Person(id)
			at, found := slices.BinarySearchFunc(out, first, func(x Person, id record.ID) int { return record.ID.Compare(x.ID, id) })
			if !found {
				out = slices.Insert(out, at, Person{ID: first, Residents: slices.Clone(known.Residents(id))})
			}
			out[at].Bearers = append(out[at].Bearers, id)
		}
		return nil
	})
	return out, err
}

// bearersOf returns the residents whose documents have one of the keys, ascending.
func (p *People) bearersOf(ctx context.Context, keys []string) ([]record.ID, error) {
	var out []record.ID
	for _, key := range keys {
		found, err := p.readable(ctx, p.index.bearers(p.tags.tag(tagNumber, key), maxFound))
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if r.key() == key {
				out = append(out, r.id)
			}
		}
	}
	slices.SortFunc(out, record.ID.Compare)
	return slices.Compact(out), nil
}

// Person returns the person of a resident, as of the last commit, without Bearers.
func (p *People) Person(ctx context.Context, id record.ID) (Person, error) {
	if err := p.catchUp(ctx); err != nil {
		return Person{}, err
	}
	var out Person
	err := p.inTurn(ctx, func() error {
		known := p.knows()
		out = Person{ID: known.Person(id), Residents: slices.Clone(known.Residents(id))}
		return nil
	})
	return out, err
}
