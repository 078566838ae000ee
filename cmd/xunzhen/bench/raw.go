// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"os"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A floor is the least that a record can cost on this machine: its state bytes in
// one table of the same SQLite, with the same settings, under a time-ordered id and
// with one index of positions. It runs in this process while the server rests.
type floor struct {
	conn     *sqlite.Conn
	position int64
}

func openFloor(path string) (*floor, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("raw baseline: %w", err)
	}
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -32768", "PRAGMA wal_autocheckpoint = 10000",
		"CREATE TABLE raw (ref INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, position INTEGER NOT NULL, state BLOB NOT NULL) STRICT",
		"CREATE INDEX raw_position ON raw (position)",
	} {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			return nil, fmt.Errorf("raw baseline: %w", err)
		}
	}
	return &floor{conn: conn}, nil
}

func (f *floor) close() error { return f.conn.Close() }

// put inserts the records, so many a transaction, and returns the processor time it took.
func (f *floor) put(records []saved, batch int) (time.Duration, error) {
	began, err := processorTime(os.Getpid())
	if err != nil {
		return 0, err
	}
	for len(records) > 0 {
		n := min(batch, len(records))
		if err := f.commit(records[:n]); err != nil {
			return 0, fmt.Errorf("raw baseline: %w", err)
		}
		records = records[n:]
	}
	ended, err := processorTime(os.Getpid())
	return ended - began, err
}

func (f *floor) commit(records []saved) (err error) {
	end, err := sqlitex.ImmediateTransaction(f.conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for i := range records {
		f.position++
		stmt, err := f.conn.Prepare("INSERT INTO raw (id, position, state) VALUES (?1, ?2, ?3)")
		if err != nil {
			return err
		}
		stmt.BindBytes(1, records[i].id[:])
		stmt.BindInt64(2, f.position)
		stmt.BindBytes(3, records[i].state)
		if _, err := stmt.Step(); err != nil {
			return err
		}
	}
	return nil
}
