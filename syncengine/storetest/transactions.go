// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
)

func transactionPromises() []promise {
	return []promise{
		{"an empty store answers every question with nothing", emptyAnswers},
		{"what an update wrote is there when it returns nil", updateIsThere},
		{"what an update wrote is not there when it returns an error", updateIsGone},
		{"what an update wrote is not there when it panics, and the next one runs", updatePanics},
		{"an update sees its own writes", updateSeesItself},
		{"the error of a closure is returned as it is", closureErrors},
		{"an update whose context is over does not run", updateTooLate},
		{"a view whose context is over does not run", viewTooLate},
		{"an update cancelled while it runs is there whole or not at all, and the next one runs", updateCancelled},
		{"a store that others write, too, counts commits, and nothing else", commitsCounted},
		{"a closed store refuses, and closes again", closedRefuses},
	}
}

func emptyAnswers(t *testing.T, s syncengine.Store) {
	view(t, s, func(r syncengine.Reader) {
		if d := diff(Contents{}, readAll(t, r, 0)); d != "" {
			t.Errorf("an empty store holds (+): %s", d)
		}
		_, ok, err := r.Segment(sampleHash("none"))
		missing[any](t, "segment")(nil, ok, err)
		_, ok, err = r.SegmentAt(0)
		missing[any](t, "segment at leaf 0")(nil, ok, err)
		_, ok, err = r.SegmentBytes(0)
		missing[any](t, "segment bytes")(nil, ok, err)
		_, ok, err = r.Leaf(0)
		missing[any](t, "leaf")(nil, ok, err)
	})
}

func updateIsThere(t *testing.T, s syncengine.Store) {
	for n := range 3 {
		var inside Contents
		update(t, s, func(tx syncengine.Tx) {
			everyWrite(t, tx, n)
			inside = readAll(t, tx, n)
		})
		if d := diff(inside, contents(t, s, n)); d != "" {
			t.Errorf("after update %d a view differs (-seen inside +view): %s", n, d)
		}
	}
}

func updateIsGone(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	before := contents(t, s, 3)
	failure := errors.New("the closure failed")
	for range 2 {
		err := s.Update(context.Background(), func(tx syncengine.Tx) error {
			everyWrite(t, tx, 1)
			everyWrite(t, tx, 2)
			return failure
		})
		if !errors.Is(err, failure) {
			t.Fatalf("update returned %v", err)
		}
		if d := diff(before, contents(t, s, 3)); d != "" {
			t.Fatalf("a failed update left (+): %s", d)
		}
	}
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 1) })
}

func updatePanics(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	before := contents(t, s, 2)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come out of Update")
			}
		}()
		_ = s.Update(context.Background(), func(tx syncengine.Tx) error {
			everyWrite(t, tx, 1)
			panic("on purpose")
		})
	}()
	if d := diff(before, contents(t, s, 2)); d != "" {
		t.Errorf("a panic left (+): %s", d)
	}
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 1) })
}

func updateSeesItself(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) {
		everyWrite(t, tx, 0)
		row := found[syncengine.RecordRow](t)(tx.Record(sampleID(homeVisit, 1)))
		if d := diff(sampleRow(1, 3), stranger(row)); d != "" {
			t.Errorf("record (-put +read): %s", d)
		}
		if row.Ref == 0 {
			t.Error("a record that was put has Ref 0")
		}
		first := readAll(t, tx, 1)
		everyWrite(t, tx, 1)
		second := readAll(t, tx, 1)
		if len(second.Feed) != len(first.Feed)+1 || len(second.Leaves) != 2 || len(second.Segments) != 2 ||
			len(second.Acts) != 2 || string(second.Values["value"]) != "1" {
			t.Errorf("later writes are not seen: %+v", second)
		}
	})
}

func closureErrors(t *testing.T, s syncengine.Store) {
	failure := errors.New("the closure failed")
	if err := s.View(context.Background(), func(syncengine.Reader) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("view returned %v", err)
	}
	if err := s.Update(context.Background(), func(syncengine.Tx) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("update returned %v", err)
	}
}

func over() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

func updateTooLate(t *testing.T, s syncengine.Store) {
	err := s.Update(over(), func(syncengine.Tx) error {
		t.Error("the closure ran")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("update returned %v", err)
	}
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
}

func viewTooLate(t *testing.T, s syncengine.Store) {
	err := s.View(over(), func(syncengine.Reader) error {
		t.Error("the closure ran")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("view returned %v", err)
	}
}

func updateCancelled(t *testing.T, s syncengine.Store) {
	before := contents(t, s, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var inside Contents
	err := s.Update(ctx, func(tx syncengine.Tx) error {
		everyWrite(t, tx, 0)
		inside = readAll(t, tx, 1)
		cancel()
		_, _, err := tx.Value("value")
		return err
	})
	want := before
	if err == nil {
		want = inside
	} else if !errors.Is(err, context.Canceled) {
		t.Errorf("update returned %v", err)
	}
	if d := diff(want, contents(t, s, 1)); d != "" {
		t.Errorf("update returned %v, and the store differs: %s", err, d)
	}
	update(t, s, func(tx syncengine.Tx) { must(t, tx.PutValue("after", nil)) })
}

func closedRefuses(t *testing.T, s syncengine.Store) {
	must(t, s.Close())
	if err := s.View(context.Background(), func(syncengine.Reader) error { return ranClosed(t) }); err == nil {
		t.Error("view returned no error")
	}
	if err := s.Update(context.Background(), func(syncengine.Tx) error { return ranClosed(t) }); err == nil {
		t.Error("update returned no error")
	}
	must(t, s.Close())
}

func ranClosed(t *testing.T) error {
	t.Error("a closure ran in a closed store")
	return nil
}

// commitsCounted asks only stores that say how many commits they have.
func commitsCounted(t *testing.T, s syncengine.Store) {
	mark := func(r syncengine.Reader) (uint64, bool) {
		m, ok := r.(syncengine.Marked)
		if !ok {
			return 0, false
		}
		return got[uint64](t)(m.Mark()), true
	}
	var began uint64
	counted := false
	view(t, s, func(r syncengine.Reader) { began, counted = mark(r) })
	if !counted {
		return
	}
	want := func(when string, r syncengine.Reader, n uint64) {
		t.Helper()
		if now, _ := mark(r); now != began+n {
			t.Errorf("%s: mark %d, want %d", when, now-began, n)
		}
	}
	view(t, s, func(before syncengine.Reader) {
		want("in a view", before, 0)
		update(t, s, func(tx syncengine.Tx) {
			want("in the first update", tx, 0)
			everyWrite(t, tx, 0)
			want("in the first update, after it wrote", tx, 0)
		})
		want("in a view from before an update", before, 0)
	})
	view(t, s, func(r syncengine.Reader) { want("after an update", r, 1) })
	_ = s.Update(context.Background(), func(tx syncengine.Tx) error {
		everyWrite(t, tx, 1)
		return errors.New("the closure failed")
	})
	view(t, s, func(r syncengine.Reader) { want("after one that failed", r, 1) })
	update(t, s, func(syncengine.Tx) {})
	view(t, s, func(r syncengine.Reader) { want("after one that wrote nothing", r, 2) })
}
