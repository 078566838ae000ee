// SPDX-License-Identifier: Apache-2.0

// Package memstore keeps one shard in memory. It is the oracle that other stores
// are held against, and what simulations run on, so it is written to be obviously
// right: everything a store knows is one value, [world], made of maps that never
// change. Reading works on the value as it was, writing makes another one, a
// rollback forgets it.
//
// Its one invariant: a world that anybody has seen never changes. It never
// touches a disk, a clock or randomness; equal calls give equal answers.
package memstore

import (
	"context"
	"fmt"
	"io/fs"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine"
)

// Store is a syncengine.Store without a disk. Make it with New.
type Store struct {
	writer chan struct{} // holds one token: the right to update

	mu      sync.Mutex // guards what follows
	now     world
	closed  bool
	running sync.WaitGroup
}

var _ syncengine.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return holding(world{}) }

func holding(w world) *Store {
	s := &Store{writer: make(chan struct{}, 1), now: w}
	s.writer <- struct{}{}
	return s
}

// Clone returns another store that holds what s has committed; from then on each
// goes its own way. It costs nothing, works on a closed store too, and stands for
// backups, crashes and cloned disks in simulations.
func (s *Store) Clone() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	return holding(s.now)
}

// View runs f on what was committed when View was called. It returns the error of
// f or ctx, or one that wraps fs.ErrClosed.
func (s *Store) View(ctx context.Context, f func(syncengine.Reader) error) error {
	w, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer s.running.Done()
	return f(&w)
}

// Update runs f as the only writer and makes what it wrote the state of the
// store, unless f or ctx ends with an error. It waits for a running Update.
func (s *Store) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	select {
	case <-s.writer:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.writer <- struct{}{} }()
	w, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer s.running.Done()
	if err := f(&w); err != nil {
		return err
	}
	return s.commit(ctx, w)
}

// Close waits for running closures. Closing twice is allowed.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

func (s *Store) enter(ctx context.Context) (world, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return world{}, fmt.Errorf("memory store: %w", fs.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return world{}, err
	}
	s.running.Add(1)
	return s.now, nil
}

func (s *Store) commit(ctx context.Context, w world) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w.commits++
	s.now = w
	return nil
}
