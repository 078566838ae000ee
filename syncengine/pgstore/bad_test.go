// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/pgstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// another makes a database of its own beside the shared one and returns its DSN.
func another(t *testing.T, name string) (string, *pgx.Conn) {
	t.Helper()
	if database == nil {
		t.Skip("no PostgreSQL")
	}
	c := connect(t, dsn)
	run1(t, c, `DROP DATABASE IF EXISTS `+name)
	run1(t, c, `CREATE DATABASE `+name)
	at := strings.Replace(dsn, "dbname=postgres", "dbname="+name, 1)
	return at, connect(t, at)
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func run1(t *testing.T, c *pgx.Conn, text string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), text); err != nil {
		t.Fatal(err)
	}
}

func TestDatabasesThatCannotBeUsedSayWhy(t *testing.T) {
	newer, c := another(t, "xz_newer")
	first(t, newer)
	run1(t, c, `INSERT INTO xz_migrations (number, sum) VALUES (999, '')`)
	changed, c := another(t, "xz_changed")
	first(t, changed)
	run1(t, c, `UPDATE xz_migrations SET sum = 'x' WHERE number = 1`)
	locked, c := another(t, "xz_readonly")
	run1(t, c, `ALTER DATABASE xz_readonly SET default_transaction_read_only = on`)
	rights, c := another(t, "xz_rights")
	run1(t, c, `DROP ROLE IF EXISTS nobody1`)
	run1(t, c, `CREATE ROLE nobody1 LOGIN`)
	run1(t, c, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`)
	for name, row := range map[string]struct {
		dsn  string
		want error
	}{
		"an address that is none":                 {"postgres://[", pgstore.ErrAddress},
		"a machine that does not answer":          {"host=127.0.0.1 port=1 user=x dbname=x connect_timeout=2", pgstore.ErrUnreachable},
		"a database that is not there":            {strings.Replace(dsn, "dbname=postgres", "dbname=xz_none", 1), pgstore.ErrAddress},
		"tables of a newer program":               {newer, pgstore.ErrNewer},
		"tables of somebody else":                 {changed, pgstore.ErrForeign},
		"a database that takes no writes":         {locked, pgstore.ErrReadOnly},
		"a user without the right to make tables": {strings.Replace(rights, "user=xunzhen", "user=nobody1", 1), pgstore.ErrRights},
	} {
		d, err := pgstore.Connect(t.Context(), row.dsn)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			d.Close()
		}
	}
}

func first(t *testing.T, dsn string) {
	t.Helper()
	d, err := pgstore.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

// Several databases, because it is chance in what order the servers meet there.
func TestManyServersThatStartTogetherMakeTheTablesOnce(t *testing.T) {
	for n := range 12 {
		at, _ := another(t, fmt.Sprintf("xz_together_%d", n))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				d, err := pgstore.Connect(t.Context(), at)
				if err != nil {
					t.Error(err)
					return
				}
				defer d.Close()
				if _, err := d.Open(t.Context(), segment.ShardID{1}, true); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

func TestAShardThatIsNotThereIsNotMadeUnasked(t *testing.T) {
	if database == nil {
		t.Skip("no PostgreSQL")
	}
	if _, err := database.Open(t.Context(), segment.ShardID{0xee}, false); !errors.Is(err, pgstore.ErrNoShard) {
		t.Error(err)
	}
}

// Two processes write one shard: each sees what the other committed, and nobody's write is lost.
func TestWritersInTwoProcessesTakeTurns(t *testing.T) {
	s := fresh(t)
	other, err := pgstore.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	o, err := other.Open(t.Context(), s.Shard(), false)
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 40
	var all sync.WaitGroup
	for _, one := range []*pgstore.Store{s, o} {
		all.Go(func() {
			for range rounds {
				if err := one.Update(t.Context(), count); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	_ = s.View(t.Context(), func(r syncengine.Reader) error {
		if v, _, err := r.Value("count"); err != nil || len(v) != 2*rounds {
			t.Errorf("%d of %d writes are there: %v", len(v), 2*rounds, err)
		}
		return nil
	})
}

func count(tx syncengine.Tx) error {
	v, _, err := tx.Value("count")
	if err != nil {
		return err
	}
	return tx.PutValue("count", append(append([]byte{}, v...), 1))
}

// A connection that is cut while a closure runs writes nothing and asks to try again.
func TestAServerThatCutsAConnectionLosesNothing(t *testing.T) {
	s := fresh(t)
	if err := s.Update(t.Context(), count); err != nil {
		t.Fatal(err)
	}
	c := connect(t, dsn)
	err := s.Update(t.Context(), func(tx syncengine.Tx) error {
		if err := count(tx); err != nil {
			return err
		}
		run1(t, c, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query LIKE '%xz_%'`)
		return nil
	})
	if !errors.Is(err, syncengine.ErrAgain) {
		t.Errorf("%v", err)
	}
	if err := s.Update(t.Context(), count); err != nil {
		t.Fatal(err)
	}
	_ = s.View(t.Context(), func(r syncengine.Reader) error {
		if v, _, err := r.Value("count"); err != nil || len(v) != 2 {
			t.Errorf("%d writes are there, 2 were committed: %v", len(v), err)
		}
		return nil
	})
}
