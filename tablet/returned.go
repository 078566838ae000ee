// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// returnedForms is which records on this tablet are returned for correction. It is
// noted, because a locked tablet cannot look. Ids are random, so it tells of nobody.
type returnedForms struct {
	// Whole says that every record here was looked at since something last came in.
	Whole bool `json:"whole"`
	// Levels is the level that returned a record, by its id; 0 where the form does not
	// say which.
	Levels map[string]int `json:"levels"`
}

// listStep is how many records are looked at at a time.
const listStep = 500

// returned returns which records are returned, as far as the tablet can know: an
// unlocked one counts anew what it has not seen since it was opened.
func (t *Tablet) returned(ctx context.Context) (returnedForms, error) {
	t.counting.Lock()
	defer t.counting.Unlock()
	var noted returnedForms
	if err := t.readNote(ctx, noteReturned, &noted); err != nil {
		return noted, err
	}
	t.mu.Lock()
	counted := t.counted
	t.mu.Unlock()
	if t.Locked() || counted && noted.Whole {
		return noted, nil
	}
	return t.countReturned(ctx)
}

// countReturned looks at every record and notes what it finds; whoever calls it holds
// counting. Where the note cannot be
// kept, what was counted holds all the same.
func (t *Tablet) countReturned(ctx context.Context) (returnedForms, error) {
	found := returnedForms{Whole: true, Levels: map[string]int{}}
	err := t.eachScreen(ctx, replica.Query{}, func(s replica.Screen) (bool, error) {
		found.put(s)
		return true, nil
	})
	if err != nil {
		return found, err
	}
	if err := t.writeNote(ctx, noteReturned, found); err != nil {
		t.log.Warn("note what was returned", "reason", reasonOf(err))
		return found, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted = true
	return found, nil
}

// put notes one record, whether it is returned or not any more.
func (f *returnedForms) put(s replica.Screen) {
	delete(f.Levels, s.Record.String())
	if isReturned(s) {
		f.Levels[s.Record.String()] = int(standingOf(s).Level)
	}
}

// isReturned reports whether the form on a screen is returned for correction. Void and
// departed ones wait for nobody.
func isReturned(s replica.Screen) bool {
	return s.Life != record.LifeVoided && !s.Departed && standingOf(s).Stage == care.StageReturned
}

// standingOf returns where the form on a screen stands, nowhere where there is none.
func standingOf(s replica.Screen) care.Standing {
	if len(s.Registers) == 0 {
		return care.Standing{}
	}
	m, err := care.Message(s.Record.Kind(), s.Registers)
	if err != nil {
		return care.Standing{}
	}
	at, _ := care.StandingOf(m)
	return at
}

// recount brings the note up to date after one's own save of a record. The save is on
// disk whatever comes of this: where it fails, the next count looks at everything.
func (t *Tablet) recount(ctx context.Context, id record.ID) {
	t.counting.Lock()
	defer t.counting.Unlock()
	var noted returnedForms
	err := t.readNote(ctx, noteReturned, &noted)
	if err == nil && noted.Whole {
		err = t.recountIn(ctx, &noted, id)
	}
	if err != nil {
		t.log.Warn("note what was returned", "reason", reasonOf(err))
		t.mu.Lock()
		t.counted = false
		t.mu.Unlock()
	}
}

func (t *Tablet) recountIn(ctx context.Context, noted *returnedForms, id record.ID) error {
	s, err := t.rep().View(ctx, id)
	if err != nil {
		return err
	}
	was, had := noted.Levels[id.String()]
	if noted.Levels == nil {
		noted.Levels = map[string]int{}
	}
	noted.put(s)
	if is, has := noted.Levels[id.String()]; has == had && is == was {
		return nil
	}
	return t.writeNote(ctx, noteReturned, noted)
}

// cameIn is called when records came from elsewhere: names are read anew, what is due is
// evaluated anew, and what was returned is counted anew when an unlocked tablet is next asked.
func (t *Tablet) cameIn(ctx context.Context) {
	t.mu.Lock()
	t.forgetPeople()
	t.mu.Unlock()
	if err := t.rulesCame(ctx); err != nil {
		t.log.Warn("look for the county's rule pack", "reason", reasonOf(err))
	}
	t.counting.Lock()
	defer t.counting.Unlock()
	t.mu.Lock()
	t.counted = false
	t.mu.Unlock()
	var noted returnedForms
	ctx = context.WithoutCancel(ctx)
	err := t.readNote(ctx, noteReturned, &noted)
	if err == nil && noted.Whole {
		noted.Whole = false
		err = t.writeNote(ctx, noteReturned, noted)
	}
	if err != nil {
		t.log.Warn("note what was returned", "reason", reasonOf(err))
	}
}

// eachScreen calls yield with the records that a query selects, in its order, and reads
// so many at a time that memory stays bounded, until yield returns false.
func (t *Tablet) eachScreen(ctx context.Context, q replica.Query, yield func(replica.Screen) (bool, error)) error {
	if q.Kind == 0 && q.After.IsZero() {
		q.After = record.LastID(record.MaxActKind) // what a hub brought of the centre's acts is no record of care
	}
	q.Limit = listStep
	for {
		screens, err := t.rep().List(ctx, q)
		if err != nil {
			return err
		}
		for _, s := range screens {
			if more, err := yield(s); err != nil || !more {
				return err
			}
		}
		if len(screens) < q.Limit {
			return nil
		}
		q.After = screens[len(screens)-1].Record
	}
}
