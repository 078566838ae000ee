// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// A step is one file of migrations; its number is its place.
type step struct {
	name string
	text string
	sum  [32]byte
}

func steps() ([]step, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []step
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, step{name, string(text), sha256.Sum256(text)})
	}
	return out, nil
}

const (
	sqlMakeSteps = `CREATE TABLE IF NOT EXISTS xz_migrations (number BIGINT NOT NULL PRIMARY KEY, sum BYTEA NOT NULL)`
	sqlLockable  = `INSERT INTO xz_migrations (number, sum) VALUES (0, '')`
	sqlLockSteps = `SELECT number FROM xz_migrations WHERE number = 0 FOR UPDATE`
	sqlSteps     = `SELECT number, sum FROM xz_migrations WHERE number > 0 ORDER BY number`
	sqlStepDone  = `INSERT INTO xz_migrations (number, sum) VALUES ($1, $2)`
)

// migrate makes the tables, or takes the steps that are missing, one transaction for all of them.
// Of many processes that start together one does it.
func (d *Database) migrate(ctx context.Context) error {
	all, err := steps()
	if err != nil {
		return err
	}
	if done, err := d.done(ctx, all); err != nil || done {
		return err
	}
	for _, text := range []string{sqlMakeSteps, sqlLockable} {
		if _, err := d.pool.Exec(ctx, text); err != nil && !isDuplicate(err) {
			return err
		}
	}
	return pgx.BeginFunc(ctx, d.pool, func(t pgx.Tx) error {
		if _, err := t.Exec(ctx, sqlLockSteps); err != nil {
			return err
		}
		taken, err := stepsTaken(ctx, t, all)
		if err != nil {
			return err
		}
		for i, s := range all[taken:] {
			for statement := range strings.SplitSeq(s.text, ";\n") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := t.Exec(ctx, statement); err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
			}
			if _, err := t.Exec(ctx, sqlStepDone, taken+i+1, s.sum[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

const sqlHasSteps = `SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'xz_migrations')`

// done reports whether nothing is to be done, so that a server without the right to make tables
// starts on a database that has them.
func (d *Database) done(ctx context.Context, all []step) (bool, error) {
	var there bool
	if err := d.pool.QueryRow(ctx, sqlHasSteps).Scan(&there); err != nil || !there {
		return false, err
	}
	taken, err := stepsTaken(ctx, d.pool, all)
	return taken == len(all), err
}

// stepsTaken returns how many steps were taken. Errors: ErrNewer, ErrForeign.
func stepsTaken(ctx context.Context, q querier, all []step) (int, error) {
	rows, err := q.Query(ctx, sqlSteps)
	if err != nil {
		return 0, err
	}
	taken := 0
	var number int
	var sum []byte
	_, err = pgx.ForEachRow(rows, []any{&number, &sum}, func() error {
		switch {
		case number > len(all):
			return ErrNewer
		case number != taken+1 || !bytes.Equal(sum, all[taken].sum[:]):
			return fmt.Errorf("%w: step %d", ErrForeign, number)
		}
		taken++
		return nil
	})
	return taken, err
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}
