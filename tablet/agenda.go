// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// agenda is what is due for everybody on the tablet, on one day by one rule pack. It lives
// in memory only, while the tablet is unlocked, and is changed under planning alone.
type agenda struct {
	day     care.Date
	book    *rulebook
	persons map[record.ID]*planned // by the smallest id
}

// planned is one person of an agenda.
type planned struct {
	ids      []record.ID // ascending
	name     string
	division record.Division
	damaged  bool
	beyond   bool // something of them was let go for want of room
	due      []*Due
	done     bool // due is evaluated
}

// staleness is what of an agenda does not hold any more.
type staleness struct {
	heads   bool               // who there is
	persons map[record.ID]bool // whom something was saved about
}

// changed is called after one's own save of a record, which of a new one is about subject.
func (t *Tablet) changed(id, subject record.ID) {
	if id.Kind() == care.KindRulePack {
		t.forgetRules()
	}
	if subject.IsZero() && care.AboutResident(id.Kind()) {
		s, err := t.rep().View(context.Background(), id)
		if err != nil {
			t.forgetAgenda() // whoever it is about, it holds no more
			return
		}
		subject, _ = s.State.Subject()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stale.persons == nil {
		t.stale.persons = map[record.ID]bool{}
	}
	switch id.Kind() {
	case care.KindResident:
		t.stale.persons[id], t.stale.heads = true, true
	case care.KindResidentLink:
		t.linked, t.agenda = nil, nil
		t.turn++
	default:
		t.stale.persons[subject] = true
	}
}

func (t *Tablet) forgetAgenda() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.agenda = nil
	t.turn++
}

// forgetPeople drops everything about people from memory; whoever calls it holds mu.
func (t *Tablet) forgetPeople() {
	t.names, t.linked, t.agenda, t.found = nil, nil, nil, nil
	t.turn++
}

// plan returns the agenda of today, brought up to date. Nobody else changes it until
// another plan.
func (t *Tablet) plan(ctx context.Context, progress Progress) (*agenda, error) {
	if !t.vault.Unlocked() {
		return nil, replica.ErrLocked
	}
	book, err := t.rules(ctx)
	if err != nil {
		return nil, err
	}
	t.planning.Lock()
	defer t.planning.Unlock()
	t.mu.Lock()
	old, stale, turn := t.agenda, t.stale, t.turn
	t.agenda, t.stale = nil, staleness{}
	t.mu.Unlock()
	a := &agenda{day: t.today(), book: book, persons: map[record.ID]*planned{}}
	if old != nil && old.day == a.day && old.book == a.book {
		maps.Copy(a.persons, old.persons)
	}
	if err := t.bringUp(ctx, a, old == nil || stale.heads, stale.persons, progress); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && t.vault.Unlocked() && t.turn == turn {
		t.agenda = a
	}
	return a, nil
}

// bringUp evaluates whoever is not evaluated, or not any more.
func (t *Tablet) bringUp(ctx context.Context, a *agenda, heads bool, stale map[record.ID]bool, progress Progress) error {
	if heads || len(a.persons) == 0 {
		if err := t.readHeads(ctx, a); err != nil {
			return err
		}
	}
	var open []record.ID
	for id, p := range a.persons {
		if !p.done || slices.ContainsFunc(p.ids, func(one record.ID) bool { return stale[one] }) {
			open = append(open, id)
		}
	}
	for i, id := range open {
		if err := ctx.Err(); err != nil {
			return err
		}
		if progress != nil && (i%50 == 0 || i+1 == len(open)) {
			progress.Progress("due", i+1, len(open))
		}
		if err := t.evaluate(ctx, a, id); err != nil {
			return err
		}
	}
	return nil
}

// readHeads reads who there is. Who is void or departed is not; who was there and is as
// before stays evaluated.
func (t *Tablet) readHeads(ctx context.Context, a *agenda) error {
	linked, err := t.people(ctx)
	if err != nil {
		return err
	}
	had := a.persons
	a.persons = map[record.ID]*planned{}
	return t.eachScreen(ctx, replica.Query{Kind: care.KindResident}, func(s replica.Screen) (bool, error) {
		e, ok := entryOf(s)
		if !ok && !s.Damaged || e.Voided {
			return true, nil
		}
		ids := linked.of(s.Record)
		if _, seen := a.persons[ids[0]]; seen {
			return true, nil
		}
		p := &planned{ids: ids, name: nameOf(e.Form), division: s.Shown.Scope.Division}
		if old := had[ids[0]]; old != nil && slices.Equal(old.ids, ids) && old.name == p.name && old.division == p.division {
			p = old
		}
		a.persons[ids[0]] = p
		return true, nil
	})
}

// evaluate looks at one person anew.
func (t *Tablet) evaluate(ctx context.Context, a *agenda, id record.ID) error {
	old := a.persons[id]
	k, err := t.person(ctx, old.ids[0])
	if errors.Is(err, replica.ErrUnknownRecord) {
		delete(a.persons, id)
		return nil
	}
	if err != nil {
		return err
	}
	next := &planned{ids: old.ids, name: old.name, division: old.division, damaged: k.damaged, beyond: k.beyond, done: true}
	next.due = t.dueFor(a.book, next, k, a.day)
	a.persons[id] = next
	return nil
}
