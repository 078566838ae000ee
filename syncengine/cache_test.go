// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// pausing stops one reader between reading a segment's bytes and using them.
type pausing struct {
	syncengine.Store
	armed      bool
	read, goOn chan struct{}
}

func (s *pausing) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.Store.View(ctx, func(r syncengine.Reader) error { return f(pausingReader{r, s}) })
}

type pausingReader struct {
	syncengine.Reader
	s *pausing
}

func (r pausingReader) SegmentBytes(i ledger.Index) ([]byte, bool, error) {
	b, ok, err := r.Reader.SegmentBytes(i)
	if r.s.armed {
		r.s.armed = false
		close(r.s.read)
		<-r.s.goOn
	}
	return b, ok, err
}

// A body ordered gone stays gone, also when somebody was in the middle of reading
// it: neither a history nor a state made anew shows it again.
func TestErasedBodyDoesNotComeBackFromAReader(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, dot := d.create(kindNote, villageA, "139")
	secret := d.edit(id, villageA, dot, set(phone, "13912345678", dot))
	c.push(d.seal())
	slow := &pausing{Store: c.store, read: make(chan struct{}), goOn: make(chan struct{}), armed: true}
	c.cfg.Store = slow
	var err error
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _, _ = c.History(t.Context(), id, syncengine.HistoryPlace{}, 10)
	}()
	<-slow.read
	if err := c.Erase(t.Context(), syncengine.Ruling{Record: id, Dot: secret, Author: "office", Reason: "court order 7"}); err != nil {
		t.Fatal(err)
	}
	close(slow.goOn)
	<-read
	history, _, err := c.History(t.Context(), id, syncengine.HistoryPlace{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range history {
		if change, ok := h.Revision.Change(phone); ok && h.Revision.Dot == secret && change.Value.Form != record.Erased {
			t.Errorf("its history shows %q", change.Value.Bytes)
		}
	}
	other := d.edit(id, villageA, dot, set(address, "x"))
	c.push(d.seal())
	if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: other, Author: "office"}); err != nil {
		t.Fatal(err)
	}
	view, err := c.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range view.State.At(phone) {
		if e.Value.Form != record.Erased {
			t.Errorf("a state made anew shows %q", e.Value.Bytes)
		}
	}
}
