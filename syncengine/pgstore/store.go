// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Database is where shards are kept.
type Database struct{ pool *pgxpool.Pool }

// Connect opens a database by its address, a URL or a DSN with one or more hosts, and makes or
// migrates its tables. Errors wrap ErrAddress, ErrUnreachable, ErrRights, ErrNewer or ErrReadOnly.
func Connect(ctx context.Context, dsn string) (*Database, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	cfg.MaxConns = max(cfg.MaxConns, fewestConnections)
	// A pooler may hand every transaction another connection: nothing is prepared by name.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	d := &Database{pool}
	if err := d.migrate(ctx); err != nil {
		pool.Close()
		return nil, explain(err)
	}
	return d, nil
}

// fewestConnections: a writer, and readers beside it.
const fewestConnections = 8

// Close waits for what is running.
func (d *Database) Close() { d.pool.Close() }

// Store keeps one shard of a database.
type Store struct {
	pool    *pgxpool.Pool
	shard   []byte
	writing chan struct{}

	mu      sync.Mutex // guards closed
	closed  bool
	running sync.WaitGroup
}

var _ syncengine.Store = (*Store)(nil)

// Open returns the store of a shard; with create it is made if it is not there.
// Errors wrap ErrNoShard, or those of Connect.
func (d *Database) Open(ctx context.Context, shard segment.ShardID, create bool) (*Store, error) {
	s := &Store{pool: d.pool, shard: shard[:], writing: make(chan struct{}, 1)}
	err := pgx.BeginFunc(ctx, d.pool, func(t pgx.Tx) error {
		var there bool
		if err := t.QueryRow(ctx, sqlHasShard, s.shard).Scan(&there); err != nil || there {
			return err
		}
		if !create {
			return fmt.Errorf("shard %s: %w", shard, ErrNoShard)
		}
		_, err := t.Exec(ctx, sqlNewShard, s.shard)
		return err
	})
	if isDuplicate(err) { // somebody else made it meanwhile
		err = nil
	}
	if err != nil {
		return nil, explain(err)
	}
	return s, nil
}

const (
	sqlHasShard = `SELECT EXISTS (SELECT 1 FROM xz_shards WHERE shard = $1)`
	sqlNewShard = `INSERT INTO xz_shards (shard, size, last_ref, tried, commits) VALUES ($1, 0, 0, '', 0)`
	sqlLock     = `SELECT size, last_ref, commits FROM xz_shards WHERE shard = $1 FOR UPDATE`
	sqlPutShard = `UPDATE xz_shards SET size = $2, last_ref = $3, tried = $4, commits = $5 WHERE shard = $1`
	sqlCommits  = `SELECT commits FROM xz_shards WHERE shard = $1`
	sqlTried    = `SELECT tried FROM xz_shards WHERE shard = $1 FOR UPDATE`
)

// Drop deletes all that the database has of a shard. Nobody may have it open.
func (d *Database) Drop(ctx context.Context, shard segment.ShardID) error {
	err := pgx.BeginFunc(ctx, d.pool, func(t pgx.Tx) error {
		for _, table := range tables {
			if _, err := t.Exec(ctx, "DELETE FROM "+table+" WHERE shard = $1", shard[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return explain(err)
}

// tables are those that have rows of shards; the shard's own row is the last.
var tables = []string{
	"xz_records", "xz_departures", "xz_sums", "xz_segments", "xz_segment_bytes", "xz_leaves", "xz_tree_hashes", "xz_acts", "xz_named_values", "xz_shards",
}

// Engine returns what the database calls itself.
func (d *Database) Engine(ctx context.Context) (name string, err error) {
	err = d.pool.QueryRow(ctx, `SELECT version()`).Scan(&name)
	return name, explain(err)
}

// Shard returns which one it keeps.
func (s *Store) Shard() segment.ShardID { return segment.ShardID(s.shard) }

// enter notes that a closure runs; it fails when the store is closed, or ctx is over.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	s.running.Add(1)
	return nil
}

var errClosed = errors.New("the store is closed")

// Close waits for running closures. The database stays open. Closing twice is allowed.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// View runs f on the snapshot that its first question meets.
func (s *Store) View(ctx context.Context, f func(syncengine.Reader) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	t, err := s.pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return explain(err)
	}
	defer rollback(ctx, t)
	return explain(f(&reader{ctx: ctx, q: t, shard: s.shard}))
}

// rollback ends a transaction whatever became of ctx.
func rollback(ctx context.Context, t pgx.Tx) { _ = t.Rollback(context.WithoutCancel(ctx)) }

// Update runs f as the only writer of the shard, over all processes. When the answer to a commit
// is lost it asks whether it happened. An error wraps syncengine.ErrAgain when the same closure may succeed
// later: the database was failing over, say.
func (s *Store) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.running.Done()
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.writing }()
	t, err := s.pool.Begin(ctx)
	if err != nil {
		return explain(err)
	}
	defer rollback(ctx, t)
	w := newTx(ctx, t, s.shard)
	if err := t.QueryRow(ctx, sqlLock, s.shard).Scan(&w.size, &w.lastRef, &w.commits); err != nil {
		return explain(err)
	}
	if err := f(w); err != nil {
		return explain(err)
	}
	return explain(s.commit(ctx, t, w))
}

// commit sends what is left to be written and commits it.
func (s *Store) commit(ctx context.Context, t pgx.Tx, w *tx) error {
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		return err
	}
	w.batch.Queue(sqlPutShard, s.shard, w.size, w.lastRef, token, w.commits+1)
	if err := w.flush(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// From here on it happens or not, whoever waits for it.
	ctx = context.WithoutCancel(ctx)
	err := t.Commit(ctx)
	if err == nil || refused(err) {
		return err
	}
	if happened, asked := s.happened(ctx, token); asked == nil && happened {
		return nil
	} else if asked != nil {
		return errors.Join(syncengine.ErrUncertain, err, asked)
	}
	return err
}

// happened asks whether the transaction of a token was committed.
func (s *Store) happened(ctx context.Context, token []byte) (yes bool, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(t pgx.Tx) error {
		var last []byte
		if err := t.QueryRow(ctx, sqlTried, s.shard).Scan(&last); err != nil {
			return err
		}
		yes = bytes.Equal(last, token)
		return nil
	})
	return yes, err
}
