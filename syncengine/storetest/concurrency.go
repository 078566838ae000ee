// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
)

func concurrencyPromises() []promise {
	return []promise{
		{"a view stays on its snapshot while updates commit", snapshotStays},
		{"a view sees nothing of a running update", runningUnseen},
		{"views run beside each other", viewsTogether},
		{"updates run one after another", updatesInTurn},
		{"waiting for another update ends with the context", waitingEnds},
		{"rows and bytes may be kept after the closure", keptStays},
		{"close waits for running closures", closeWaits},
	}
}

func snapshotStays(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	view(t, s, func(r syncengine.Reader) {
		before := readAll(t, r, 3)
		for n := 1; n <= 3; n++ {
			update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, n) })
			if d := diff(before, readAll(t, r, 3)); d != "" {
				t.Fatalf("after update %d the view sees (+): %s", n, d)
			}
		}
	})
	if n := len(contents(t, s, 3).Leaves); n != 4 {
		t.Errorf("a new view sees %d leaves, want 4", n)
	}
}

func runningUnseen(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	before := contents(t, s, 1)
	update(t, s, func(tx syncengine.Tx) {
		everyWrite(t, tx, 1)
		if d := diff(before, contents(t, s, 1)); d != "" {
			t.Errorf("a view beside a running update sees (+): %s", d)
		}
	})
}

func viewsTogether(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	view(t, s, func(first syncengine.Reader) {
		want := readAll(t, first, 0)
		view(t, s, func(second syncengine.Reader) {
			if d := diff(want, readAll(t, second, 0)); d != "" {
				t.Errorf("two views differ: %s", d)
			}
			if d := diff(want, readAll(t, first, 0)); d != "" {
				t.Errorf("the first view changed: %s", d)
			}
		})
	})
}

func updatesInTurn(t *testing.T, s syncengine.Store) {
	const workers, rounds = 8, 12
	var all sync.WaitGroup
	failures := make(chan error, workers)
	for range workers {
		all.Go(func() {
			for range rounds {
				if err := s.Update(context.Background(), increment); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
	view(t, s, func(r syncengine.Reader) {
		value := found[[]byte](t)(r.Value("count"))
		if n := binary.BigEndian.Uint64(value); n != workers*rounds {
			t.Errorf("counted to %d, want %d: updates ran at the same time", n, workers*rounds)
		}
	})
}

func increment(tx syncengine.Tx) error {
	value, ok, err := tx.Value("count")
	if err != nil {
		return err
	}
	n := uint64(1)
	if ok {
		n += binary.BigEndian.Uint64(value)
	}
	return tx.PutValue("count", binary.BigEndian.AppendUint64(nil, n))
}

func waitingEnds(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutValue("value", []byte("first")))
		ctx, cancel := context.WithCancel(context.Background())
		waited := make(chan error)
		go func() {
			waited <- s.Update(ctx, func(syncengine.Tx) error { return errors.New("two updates ran at once") })
		}()
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting update returned %v", err)
		}
	})
	view(t, s, func(r syncengine.Reader) {
		if v := found[[]byte](t)(r.Value("value")); string(v) != "first" {
			t.Errorf("value is %q", v)
		}
	})
}

func keptStays(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	kept := contents(t, s, 0)
	said := fmt.Sprint(kept)
	for n := 1; n <= 4; n++ {
		var within Contents
		var saidWithin string
		update(t, s, func(tx syncengine.Tx) {
			within = readAll(t, tx, n)
			saidWithin = fmt.Sprint(within)
			everyWrite(t, tx, n)
			_ = readAll(t, tx, n)
		})
		_ = contents(t, s, n)
		if fmt.Sprint(kept) != said || fmt.Sprint(within) != saidWithin {
			t.Fatal("what was kept changed")
		}
	}
}

func closeWaits(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { everyWrite(t, tx, 0) })
	want := contents(t, s, 0)
	began, finish, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- s.View(context.Background(), func(r syncengine.Reader) error {
			close(began)
			<-finish
			have, err := Read(r, nil, nil)
			if err == nil && len(have.Leaves) != len(want.Leaves) {
				err = errors.New("the view lost its store")
			}
			return err
		})
	}()
	<-began
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		t.Errorf("close returned %v while a view ran", err)
	default:
	}
	close(finish)
	must(t, <-done, <-closed)
}
