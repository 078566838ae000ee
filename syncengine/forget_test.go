// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// logged is a store with a log that somebody reads at times.
type logged struct {
	*memstore.Store
	busy  bool
	waits []time.Duration
}

func (s *logged) Forget(_ context.Context, patience time.Duration) error {
	s.waits = append(s.waits, patience)
	if s.busy {
		return errors.New("busy")
	}
	return nil
}

func TestWhatWasErasedIsForgottenAsSoonAsReadersAllow(t *testing.T) {
	store := &logged{Store: memstore.New()}
	c := newCentre(t)
	c.cfg.Store = store
	var err error
	c.Engine, err = syncengine.Create(t.Context(), c.cfg)
	c.must(err)
	d := c.enrol(1, doctor("zhang", villageA))
	id, made := d.create(kindNote, villageA, "139")
	c.push(d.seal())
	if !slices.Equal(store.waits, []time.Duration{0}) {
		t.Errorf("a log from before is cut off once: %v", store.waits)
	}
	store.busy, store.waits = true, nil
	c.must(c.Erase(t.Context(), syncengine.Ruling{Record: id, Dot: made, Author: "head", Reason: "order 7"}))
	d.create(kindNote, villageA, "1")
	c.push(d.seal())
	store.busy = false
	d.create(kindNote, villageA, "2")
	c.push(d.seal())
	d.create(kindNote, villageA, "3")
	c.push(d.seal())
	if !slices.Equal(store.waits, []time.Duration{5 * time.Second, 0, 0}) {
		t.Errorf("waits %v", store.waits)
	}
}

// What a hostile device writes into an act is not obeyed, and can be somebody's data.
func TestOnlyActsInForceAreNotErased(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, made := d.create(kindNote, villageA, "139")
	forged, by := d.save(syncengine.KindFence, record.Revision{Changes: []record.Change{set(record.PathScope, string(villageA)), set(record.Field(2), "a name")}})
	c.push(d.seal())
	c.must(c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: made, Author: "head"}))
	report := checked(t, c.prove(id, causal.Dot{}), c.key())
	act := report.Acts[0]
	rows, err := c.List(t.Context(), syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone}, Kind: syncengine.KindWithdrawal, Limit: 9})
	c.must(err)
	if len(rows) != 1 {
		t.Fatalf("%d withdrawals", len(rows))
	}
	err = c.Erase(t.Context(), syncengine.Ruling{Record: rows[0].ID, Dot: act.Dot, Author: "head", Reason: "order 7"})
	if syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
		t.Errorf("an act in force: %v", err)
	}
	c.must(c.Erase(t.Context(), syncengine.Ruling{Record: forged, Dot: by, Author: "head", Reason: "order 7"}))
	if report := checked(t, c.prove(forged, causal.Dot{}), c.key()); !report.Saves[0].Erased {
		t.Errorf("%+v", report.Saves)
	}
	c.sound()
}
