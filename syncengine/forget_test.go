// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
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
