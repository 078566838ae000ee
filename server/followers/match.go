// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Known is a resident that the index found, as it stands.
type Known struct {
	ID    record.ID
	State record.State
	Form  *carev1.Resident
}

// Wanted is by what a resident is looked for.
type Wanted struct {
	Number   string // of a document, of any type
	Name     string
	Birth    care.Date
	Division record.Division // 12 digits; empty: found by the number alone
}

// Matched are the residents that may be meant, ascending by id; several that links say are one
// person count as one, the first of them. ByPerson is empty where ByNumber is not.
type Matched struct {
	ByNumber []Known
	ByPerson []Known // name, birth and division
}

// maxMatched bounds the residents looked at for one row.
const maxMatched = 16

// Match looks for residents, as of the last commit; one answer for each that is wanted.
func (p *People) Match(ctx context.Context, all []Wanted) ([]Matched, error) {
	if err := p.catchUp(ctx); err != nil {
		return nil, err
	}
	out := make([]Matched, len(all))
	err := p.inTurn(ctx, func() error {
		for i, w := range all {
			var err error
			if out[i], err = p.match(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (p *People) match(ctx context.Context, w Wanted) (m Matched, err error) {
	for _, key := range care.MatchKeys(w.Number) {
		found, err := p.known(ctx, p.tags.tag(tagNumber, key), func(r resident) bool { return r.key() == key })
		if err != nil {
			return m, err
		}
		m.ByNumber = append(m.ByNumber, found...)
	}
	if m.ByNumber = p.persons(m.ByNumber); len(m.ByNumber) > 0 {
		return m, nil
	}
	key := personKey(w.Name, w.Birth, w.Division)
	if key == "" {
		return m, nil
	}
	m.ByPerson, err = p.known(ctx, p.tags.tag(tagPerson, key), func(r resident) bool { return r.person() == key })
	m.ByPerson = p.persons(m.ByPerson)
	return m, err
}

// known reads the residents under a tag that are what it says.
func (p *People) known(ctx context.Context, t tag, is func(resident) bool) ([]Known, error) {
	ids := p.index.bearers(t, maxMatched)
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := p.readable(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []Known
	for _, r := range found {
		if is(r) {
			out = append(out, Known{r.id, r.state, r.form})
		}
	}
	return out, nil
}

// persons keeps one resident of each person.
func (p *People) persons(all []Known) []Known {
	if len(all) < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b Known) int { return record.ID.Compare(a.ID, b.ID) })
	known, seen := p.knows(), map[record.ID]bool{}
	return slices.DeleteFunc(all, func(k Known) bool {
		first := known.Person(k.ID)
		was := seen[first]
		seen[first] = true
		return was
	})
}

// personKey is what residents are compared by who have no number in common.
func personKey(name string, birth care.Date, division record.Division) string {
	name = care.NormaliseName(name)
	if name == "" || division == "" || birth == 0 {
		return ""
	}
	return name + "\x00" + birth.String() + "\x00" + string(division)
}
