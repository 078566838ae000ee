// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"context"
	"errors"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// maxLinked bounds the residents of one person: of more, each is looked at by itself.
const maxLinked = 64

// people is who is linked with whom, as far as the tablet knows.
type people map[record.ID][]record.ID

// people reads the links between residents, which are few.
func (t *Tablet) people(ctx context.Context) (people, error) {
	t.mu.Lock()
	p, turn := t.linked, t.turn
	t.mu.Unlock()
	if p != nil {
		return p, nil
	}
	p = people{}
	err := t.eachScreen(ctx, replica.Query{Kind: care.KindResidentLink}, func(s replica.Screen) (bool, error) {
		if e, ok := entryOf(s); ok && !e.Voided {
			p.add(e.Form)
		}
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn == turn {
		t.linked = p
	}
	return p, nil
}

func (p people) add(form any) {
	l, ok := form.(*carev1.ResidentLink)
	if !ok || l.GetRuling().GetState() != carev1.LinkState_LINK_STATE_LINKED || len(l.GetResidentA()) != 16 || len(l.GetResidentB()) != 16 {
		return
	}
	a, b := record.ID(l.GetResidentA()), record.ID(l.GetResidentB())
	p[a], p[b] = append(p[a], b), append(p[b], a)
}

// of returns who is one person with a resident, ascending, that one included.
func (p people) of(id record.ID) []record.ID {
	all := []record.ID{id}
	for next := 0; next < len(all); next++ {
		for _, other := range p[all[next]] {
			if !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
		if len(all) > maxLinked {
			return []record.ID{id}
		}
	}
	slices.SortFunc(all, func(a, b record.ID) int { return bytes.Compare(a[:], b[:]) })
	return all
}

// known is a person with all that is on this tablet of them.
type known struct {
	*rules.Person
	entries  []rules.Entry
	division record.Division // of the resident who was asked for
	damaged  bool            // something of them cannot be read here
	beyond   bool            // something of them was let go for want of room
}

// person returns what is on this tablet of the person that a resident is. Departed
// records are left out: this tablet has not what others make of them now.
func (t *Tablet) person(ctx context.Context, resident record.ID) (*known, error) {
	p, err := t.people(ctx)
	if err != nil {
		return nil, err
	}
	all := p.of(resident)
	k := &known{}
	for _, id := range all {
		if err := t.gather(ctx, k, id, id == resident); err != nil {
			return nil, err
		}
	}
	k.Person = rules.NewPerson(all[0], k.entries)
	return k, nil
}

// gather adds a resident and what is about them.
func (t *Tablet) gather(ctx context.Context, k *known, id record.ID, asked bool) error {
	self, err := t.rep().View(ctx, id)
	if err != nil && !errors.Is(err, replica.ErrUnknownRecord) {
		return err
	}
	about, err := t.rep().List(ctx, replica.Query{Subject: id, Trimmed: true})
	if err != nil {
		return err
	}
	if asked {
		k.division = self.Shown.Scope.Division
	}
	for _, s := range append([]replica.Screen{self}, about...) {
		k.damaged = k.damaged || s.Damaged || len(s.Unreadable) > 0
		k.beyond = k.beyond || s.Trimmed
		if e, ok := entryOf(s); ok {
			k.entries = append(k.entries, e)
		}
	}
	return nil
}

// entryOf returns what a screen shows as rules see it; false where there is no form.
func entryOf(s replica.Screen) (rules.Entry, bool) {
	if s.Departed || len(s.Registers) == 0 {
		return rules.Entry{}, false
	}
	m, err := care.Message(s.Record.Kind(), s.Registers)
	if err != nil {
		return rules.Entry{}, false
	}
	e := rules.Entry{
		ID: s.Record, Kind: s.Record.Kind(), Form: m, Voided: s.Life == record.LifeVoided, CapturedAt: care.CapturedAt(s.Registers),
	}
	e.Subject, _ = s.State.Subject()
	return e, true
}

// today is the civil date by the tablet's clock.
func (t *Tablet) today() care.Date { return care.DateOf(t.now()) }

// known returns what is here of a resident given as text. Reasons: id, unknown_record, locked.
func (t *Tablet) known(ctx context.Context, residentID string) (*known, record.ID, error) {
	id, err := record.ParseID(residentID)
	if err != nil || id.Kind() != care.KindResident {
		return nil, id, errSubject
	}
	if !t.vault.Unlocked() {
		return nil, id, replica.ErrLocked
	}
	if _, err := t.rep().View(ctx, id); err != nil {
		return nil, id, err
	}
	k, err := t.person(ctx, id)
	return k, id, err
}
