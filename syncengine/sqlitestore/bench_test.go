// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sqlitestore_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

// BenchmarkInsert puts new records, each after looking for it, as the engine
// does. BenchmarkRawInsert is the floor: one table, no index, the same API.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{0, 100_000} {
		for _, batch := range []int{1, 10, 100, 1000} {
			b.Run(fmt.Sprintf("into=%d/batch=%d", size, batch), func(b *testing.B) {
				s := filled(b, size)
				n := size
				measure(b, batch, func() {
					must(b, s.Update(b.Context(), func(tx syncengine.Tx) error { return putNew(tx, n, batch) }))
					n += batch
				})
			})
		}
	}
}

func BenchmarkRawInsert(b *testing.B) {
	for _, batch := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			conn := rawTable(b)
			n := 0
			measure(b, batch, func() {
				must(b, putRaw(conn, n, batch))
				n += batch
			})
		})
	}
}

// BenchmarkUpdateRecords changes records picked at random and moves them to the
// end of the feed.
func BenchmarkUpdateRecords(b *testing.B) {
	for _, size := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("of=%d/batch=100", size), func(b *testing.B) {
			s, rnd := filled(b, size), rand.New(rand.NewPCG(1, 2))
			position := size
			measure(b, 100, func() {
				must(b, s.Update(b.Context(), func(tx syncengine.Tx) error {
					for range 100 {
						position++
						if err := change(tx, rnd.IntN(size), benchPosition(position)); err != nil {
							return err
						}
					}
					return nil
				}))
			})
		})
	}
}

// BenchmarkFeed reads pages of 200 by whoever receives everything, and the whole
// of one village of 300 by whoever has nothing yet.
func BenchmarkFeed(b *testing.B) {
	for _, size := range []int{10_000, 100_000} {
		s := filled(b, size)
		b.Run(fmt.Sprintf("of=%d/everything", size), func(b *testing.B) {
			q := syncengine.FeedQuery{Divisions: everywhere(), Classes: generalClass(), Limit: 200}
			measure(b, q.Limit, func() {
				page := feed(b, s, q)
				if len(page) < q.Limit {
					q.After = 0
					return
				}
				q.After = page[len(page)-1].Position
			})
		})
		b.Run(fmt.Sprintf("of=%d/village", size), func(b *testing.B) {
			q := syncengine.FeedQuery{Divisions: []record.Division{benchDivision(size / 2)}, Classes: generalClass(), Limit: 1000}
			measure(b, 1, func() {
				if n := len(feed(b, s, q)); n != perVillage {
					b.Fatalf("%d records, want %d", n, perVillage)
				}
			})
		})
		b.Run(fmt.Sprintf("of=%d/resident", size), func(b *testing.B) {
			q := syncengine.FeedQuery{Divisions: everywhere(), Classes: generalClass(), Subject: benchID(16, 0), Limit: 1000}
			measure(b, 1, func() { feed(b, s, q) })
		})
	}
}

func BenchmarkRecord(b *testing.B) {
	s, rnd := filled(b, 100_000), rand.New(rand.NewPCG(1, 2))
	must(b, s.View(b.Context(), func(r syncengine.Reader) error {
		measure(b, 1, func() {
			_, ok, err := r.Record(benchID(17, rnd.IntN(100_000)))
			must(b, err)
			if !ok {
				b.Fatal("not found")
			}
		})
		return nil
	}))
}

func BenchmarkEmptyView(b *testing.B) {
	s := fresh(b)
	measure(b, 1, func() { must(b, s.View(b.Context(), func(syncengine.Reader) error { return nil })) })
}

// measure runs op until the benchmark is over and reports rows per second of
// processor time, both kinds together.
func measure(b *testing.B, rows int, op func()) {
	b.ReportAllocs()
	began := processorTime(b)
	for b.Loop() {
		op()
	}
	b.ReportMetric(float64(b.N)*float64(rows)/(processorTime(b)-began).Seconds(), "rows/cpu-s")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func filled(b *testing.B, size int) *sqlitestore.Store {
	s := fresh(b)
	for n := 0; n < size; n += 1000 {
		must(b, s.Update(b.Context(), func(tx syncengine.Tx) error { return putNew(tx, n, 1000) }))
	}
	b.ResetTimer()
	return s
}

func change(tx syncengine.Tx, n int, position syncengine.Position) error {
	row, _, err := tx.Record(benchID(17, n))
	if err != nil {
		return err
	}
	row.Position = position
	return tx.PutRecord(row)
}

func feed(b *testing.B, s *sqlitestore.Store, q syncengine.FeedQuery) (rows []syncengine.RecordRow) {
	must(b, s.View(b.Context(), func(r syncengine.Reader) (err error) {
		rows, err = r.Feed(q)
		return err
	}))
	return rows
}

func rawTable(b *testing.B) *sqlite.Conn {
	conn, err := sqlite.OpenConn(filepath.Join(b.TempDir(), "raw.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	must(b, err)
	b.Cleanup(func() { must(b, conn.Close()) })
	for _, statement := range []string{
		"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA cache_size = -32768", "PRAGMA wal_autocheckpoint = 10000",
		"CREATE TABLE raw (ref INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT",
	} {
		must(b, sqlitex.ExecuteTransient(conn, statement, nil))
	}
	return conn
}

func putRaw(conn *sqlite.Conn, first, count int) (err error) {
	end, err := sqlitex.ImmediateTransaction(conn)
	if err != nil {
		return err
	}
	defer end(&err)
	for n := first; n < first+count; n++ {
		stmt, err := conn.Prepare("INSERT INTO raw (ref, state) VALUES (?1, ?2)")
		if err != nil {
			return err
		}
		stmt.BindInt64(1, int64(n))
		stmt.BindBytes(2, benchRow(n).State)
		if _, err := stmt.Step(); err != nil {
			return err
		}
	}
	return nil
}
