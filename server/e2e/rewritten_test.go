// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"sync"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/tablet"
)

// twoFaced is the store of a centre that shows one ledger when it is asked what it has, and
// another one when it hands out records.
type twoFaced struct {
	mu     sync.Mutex
	shown  *memstore.Store
	hidden *memstore.Store
}

func (s *twoFaced) face() *memstore.Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown
}

func (s *twoFaced) turn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown, s.hidden = s.hidden, s.shown
}

func (s *twoFaced) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.face().View(ctx, f)
}

func (s *twoFaced) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	return s.face().Update(ctx, f)
}

func (s *twoFaced) Close() error { return nil }

// atOffer does something once, when the centre has answered what it wants.
type atOffer struct{ do func() }

func (p *atOffer) Progress(phase string, _, _ int) {
	if f := p.do; phase == "offer" && f != nil {
		p.do = nil
		f()
	}
}

func TestATabletShowsAContradictionAndHandsItOn(t *testing.T) {
	store := &twoFaced{}
	w := newWorldOver(t, func(s *memstore.Store) syncengine.Store {
		store.shown = s
		return store
	})
	a := w.tablet("zhang", village)
	store.hidden = store.shown.Clone()
	a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	a.run()
	a.sync.Progress = &atOffer{do: store.turn}
	_, err := a.Sync(t.Context(), a.sync)
	wantReason(t, err, "history_rewritten")
	if s := a.status(); s.Behind != tablet.WarnRewritten || !a.warned(tablet.WarnRewritten) {
		t.Errorf("status %+v", s)
	}
	store.turn()
	a.run() // the true ledger again, and what was seen stays
	if s := a.status(); s.Behind != "" || !a.warned(tablet.WarnRewritten) {
		t.Errorf("status %+v", s)
	}
	do(t, a.Lock())
	raw, err := a.Testimony()
	must(t, raw, err)
	got, err := evidence.CheckTestimony(raw, w.county.Engine.ShardKey())
	if must(t, got, err); len(got.Contradictions) != 1 || len(got.Seen) != 1 {
		t.Fatalf("%+v", got)
	}
	if c := got.Contradictions[0]; c.Before.Size <= c.After.Size {
		t.Errorf("%s: not the shorter ledger", c)
	}
}
