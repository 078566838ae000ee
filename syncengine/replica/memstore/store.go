// SPDX-License-Identifier: Apache-2.0

// Package memstore keeps a replica in memory: for tests, for simulations that
// make thousands of stores, and as the plainest form of what a store owes.
//
// The one invariant: a version of the contents never changes once made. So a
// View is a pointer, a rollback forgets one, and a clone shares everything.
package memstore

import (
	"context"
	"fmt"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Store is a replica.Store in memory. It is safe for concurrent use.
type Store struct {
	writing sync.Mutex // held by the one Update
	mu      sync.Mutex // guards now
	now     world
}

// New returns an empty store.
func New() *Store { return &Store{} }

// Clone returns a store with what was committed here, as a copied disk would have
// it. The two know nothing of each other afterwards.
func (s *Store) Clone() *Store { return &Store{now: s.world()} }

func (s *Store) world() world {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// View runs f on what is committed now.
func (s *Store) View(ctx context.Context, f func(replica.Reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := s.world()
	return f(&tx{world: w})
}

// Update runs f as the only writer.
func (s *Store) Update(ctx context.Context, f func(replica.Tx) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	t := &tx{world: s.world()}
	if err := f(t); err != nil {
		return err
	}
	s.mu.Lock()
	s.now = t.world
	s.mu.Unlock()
	return nil
}

// Rows returns how many rows a bucket has.
func (s *Store) Rows(b replica.Bucket) int {
	w := s.world()
	return w[b].root.size()
}

// Damage makes the body of a row one that does not open, as a failing disk does,
// until the row is put anew. It returns false when there is no such body.
func (s *Store) Damage(b replica.Bucket, key []byte) bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.now[b].get(string(key))
	if !ok || len(e.body) == 0 {
		return false
	}
	e.damaged = true
	s.now[b] = s.now[b].with(e)
	return true
}

// world is one version of all buckets.
type world [32]table

// tx reads and writes one version.
type tx struct{ world world }

func (t *tx) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	e, ok := t.world[b].get(string(key))
	if e.damaged {
		return replica.Row{Key: []byte(e.key), Head: e.head}, true, fmt.Errorf("row of bucket %d: %w", b, replica.ErrDamaged)
	}
	return replica.Row{Key: []byte(e.key), Head: e.head, Body: e.body}, ok, nil
}

func (t *tx) Head(b replica.Bucket, key []byte) ([]byte, bool, error) {
	e, ok := t.world[b].get(string(key))
	return e.head, ok, nil
}

func (t *tx) Scan(b replica.Bucket, prefix, after []byte, limit int) ([]replica.Row, error) {
	var out []replica.Row
	t.world[b].walk(string(prefix), string(after), func(e entry) bool {
		if len(out) == limit {
			return false
		}
		out = append(out, replica.Row{Key: []byte(e.key), Head: e.head})
		return true
	})
	return out, nil
}

func (t *tx) Put(b replica.Bucket, row replica.Row) error {
	t.world[b] = t.world[b].with(entry{key: string(row.Key), head: row.Head, body: row.Body})
	return nil
}

func (t *tx) PutHead(b replica.Bucket, key, head []byte) error {
	e, _ := t.world[b].get(string(key))
	e.key, e.head = string(key), head
	t.world[b] = t.world[b].with(e)
	return nil
}

func (t *tx) Delete(b replica.Bucket, key []byte) error {
	t.world[b] = t.world[b].without(string(key))
	return nil
}
