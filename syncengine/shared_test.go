// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// movable is a store that can be put in place of another, and that may ask to try again.
type movable struct {
	*memstore.Store
	again int // how many of the next updates are given up just before their commit
}

func (m *movable) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	return m.Store.Update(ctx, func(tx syncengine.Tx) error {
		if err := f(tx); err != nil || m.again == 0 {
			return err
		}
		m.again--
		return errors.Join(syncengine.ErrAgain, errors.New("a deadlock"))
	})
}

// newMovable returns an engine over a store of its own that can be moved.
func newMovable(t *testing.T) (*centre, *movable) {
	t.Helper()
	c := newCentre(t)
	m := &movable{Store: c.store}
	c.cfg.Store = m
	var err error
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	return c, m
}

func (c *centre) note(value string) record.ID {
	c.t.Helper()
	saved, err := c.Save(c.t.Context(), "office", syncengine.OfficeSave{Kind: kindNote, Changes: []record.Change{
		{Path: record.Field(1), Value: record.Of([]byte(value))},
		{Path: record.PathScope, Value: record.Of([]byte(villageA))},
		{Path: record.PathLife, Value: record.Active()},
	}})
	if err != nil {
		c.t.Fatal(err)
	}
	return saved[0].Record
}

// A store that asks to try again is asked again, from the beginning: each save is there once.
func TestAnUpdateIsTriedAgainWhenTheStoreAsksForIt(t *testing.T) {
	c, m := newMovable(t)
	before := c.Position()
	for i := range 4 {
		m.again = i
		c.note("again")
	}
	if got := c.Position() - before; got != 4 {
		t.Errorf("four saves gave %d positions", got)
	}
	r, err := c.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !r.OK() {
		t.Errorf("%v %+v", err, r)
	}
	m.again = 1000
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.LiftFence(ctx, "office", [16]byte{1}, "none"); err == nil {
		t.Error("an update is tried for ever")
	}
}

// Two engines over one store see at once what the other did, and one that stands still is woken.
func TestEnginesOverOneStoreFollowEachOther(t *testing.T) {
	c, _ := newMovable(t)
	other, err := syncengine.Open(t.Context(), c.cfg)
	if err != nil {
		t.Fatal(err)
	}
	changed := other.Changed()
	id := c.note("here")
	if _, err := other.Get(t.Context(), id); err != nil {
		t.Errorf("the other engine does not show it: %v", err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was woken at the other engine")
	}
	if other.Position() != c.Position() || other.Size() != c.Size() {
		t.Errorf("one stands at %d of %d, the other at %d of %d", c.Position(), c.Size(), other.Position(), other.Size())
	}
}

// An older state that is put in place of the store's is what the next update goes on from.
func TestAStoreThatIsSetBackUnderAnEngineIsGoneOnFrom(t *testing.T) {
	c, m := newMovable(t)
	c.note("stays")
	older, position := m.Store.Clone(), c.Position()
	lost := c.note("is lost")
	c.note("is lost, too")
	m.Store = older
	c.note("comes after")
	if c.Position() != position+1 {
		t.Errorf("it stands at %d, want %d", c.Position(), position+1)
	}
	if _, err := c.Get(t.Context(), lost); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("what was set back is shown: %v", err)
	}
	r, err := c.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !r.OK() {
		t.Errorf("%v %+v", err, r)
	}
}
