// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// The points that crash tests name.
const (
	BeforeBegin  = string(beforeBegin)
	BeforeCommit = string(beforeCommit)
	AfterCommit  = string(afterCommit)
)

// Points are all points of an update.
func Points() []string {
	var out []string
	for _, p := range []point{
		beforeBegin, afterRecord, afterFeed, afterDeparture, afterUndeparted, afterSum, afterUnsummed, afterHead, afterBytes,
		afterReplica, afterLeaf, afterTreeHash, afterAct, afterValue, beforeCommit, afterCommit,
	} {
		out = append(out, string(p))
	}
	return out
}

// OnPoint has f called at each point from now on.
func (s *Store) OnPoint(f func(string)) { s.hooks.reached = func(p point) { f(string(p)) } }

// Spare lets the file grow by so many pages and no further; negative: without end.
func (s *Store) Spare(pages int) error {
	return s.file.Update(context.Background(), func(conn *sqlite.Conn) error {
		limit := 1<<32 - 2
		if pages >= 0 {
			now, err := sqlitex.ResultInt(conn.Prep("PRAGMA page_count"))
			if err != nil {
				return err
			}
			limit = now + pages
		}
		return sqlitex.ExecuteTransient(conn, fmt.Sprintf("PRAGMA max_page_count = %d", limit), nil)
	})
}

// Damage runs SQL that no store would run.
func (s *Store) Damage(statement string) error {
	return s.file.Update(context.Background(), func(conn *sqlite.Conn) error {
		return sqlitex.ExecuteTransient(conn, statement, nil)
	})
}
