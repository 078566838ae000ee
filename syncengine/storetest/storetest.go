// SPDX-License-Identifier: Apache-2.0

// Package storetest is the contract of syncengine.Store as tests. Whoever writes
// a store calls [Run] on it, and [Compare] to hold it against one that is trusted.
//
// Its one invariant: every promise that the port's comments make has a test here
// that names it. The package knows no store.
package storetest

import (
	"context"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
)

// A promise is a sentence about stores and the test of it on an empty one.
type promise struct {
	name string
	keep func(*testing.T, syncengine.Store)
}

// Run holds stores against the contract. Open must return a new empty store each
// time; Run closes it.
func Run(t *testing.T, open func(*testing.T) syncengine.Store) {
	t.Helper()
	for _, chapter := range [][]promise{
		transactionPromises(), concurrencyPromises(), recordPromises(), feedPromises(), departurePromises(),
		segmentPromises(), ledgerPromises(), actPromises(),
	} {
		for _, p := range chapter {
			t.Run(p.name, func(t *testing.T) {
				s := open(t)
				p.keep(t, s)
				if err := s.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
		}
	}
}

// update runs f, which must not fail.
func update(t *testing.T, s syncengine.Store, f func(tx syncengine.Tx)) {
	t.Helper()
	err := s.Update(context.Background(), func(tx syncengine.Tx) error {
		f(tx)
		return nil
	})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
}

// view runs f, which must not fail.
func view(t *testing.T, s syncengine.Store, f func(r syncengine.Reader)) {
	t.Helper()
	err := s.View(context.Background(), func(r syncengine.Reader) error {
		f(r)
		return nil
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
}

// must stops the test unless all errors are nil.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// got returns the value of a lookup that must not fail.
func got[V any](t *testing.T) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		must(t, err)
		return v
	}
}

// found returns the value of a lookup that must find something.
func found[V any](t *testing.T) func(V, bool, error) V {
	return func(v V, ok bool, err error) V {
		t.Helper()
		must(t, err)
		if !ok {
			t.Fatal("not found")
		}
		return v
	}
}

// missing checks a lookup that must find nothing.
func missing[V any](t *testing.T, what string) func(V, bool, error) {
	return func(v V, ok bool, err error) {
		t.Helper()
		if err != nil || ok {
			t.Errorf("%s: %v, %t, %v; want no value, false and no error", what, v, ok, err)
		}
	}
}
