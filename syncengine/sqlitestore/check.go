// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// maxFindings is how many findings one look has at most.
const maxFindings = 100

// Check reads the whole file and returns what is wrong with it, one finding a
// line; none: it is in order. It looks at the file as SQLite sees it and at what
// the tables owe each other; what the rows mean is the engine's to verify. What cannot
// be read is a finding, too, and it goes on behind that.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	findings, err := s.file.Check(ctx)
	if err != nil {
		findings = append(findings, err.Error())
	}
	err = s.file.View(ctx, func(conn *sqlite.Conn) error {
		r := reader{conn, &s.names}
		for _, look := range []func() ([]string, error){
			one(r.checkLeaves), one(r.checkTreeHashes), one(r.checkBytes), one(r.checkSpans), one(r.checkDivisions),
			one(r.checkFeed), one(r.checkLeft), one(r.checkCuts), r.checkEntries, r.checkLeftBehind, r.checkActs, r.checkValues, r.checkHeads,
		} {
			found, err := look()
			if findings = append(findings, found...); ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				findings = append(findings, err.Error())
			}
		}
		return nil
	})
	return findings, err
}

// one is a look that ends with its first finding.
func one(look func() (string, error)) func() ([]string, error) {
	return func() ([]string, error) {
		if finding, err := look(); err != nil || finding != "" {
			return []string{finding}[:min(len(finding), 1)], err
		}
		return nil, nil
	}
}

const (
	sqlCountLeaves     = `SELECT count(*) FROM leaves`
	sqlCountTreeHashes = `SELECT count(*), coalesce(max(number) + 1, 0) FROM tree_hashes`
	sqlCountByteless   = `SELECT count(*) FROM segments WHERE leaf NOT IN (SELECT leaf FROM segment_bytes)`
	sqlSpans           = `SELECT leaf, first_counter, last_counter, span FROM segments LEFT JOIN replicas USING (replica)`
	sqlCountDivisions  = `SELECT count(*) FROM records WHERE typeof(divisions) = 'text' AND divisions <> '' AND substr(divisions, 1, 1) <> ' '`
	sqlCountMissing    = `SELECT count(*) FROM records AS r LEFT JOIN feed AS f ON f.position = r.position
		WHERE r.position IS NOT NULL AND f.ref IS NOT r.ref`
	sqlCountFeed = `SELECT (SELECT count(*) FROM feed), (SELECT count(*) FROM records WHERE position IS NOT NULL),
		(SELECT coalesce(sum(length(positions)), 0) / 8 FROM feed_left)`
	sqlCountNameless = `SELECT count(*) FROM records WHERE cuts >> 16 <> 0 AND cuts >> 16 NOT IN (SELECT number FROM replicas)`
)

func (r reader) checkLeaves() (finding string, err error) {
	size, err := r.Size()
	if err != nil {
		return "", err
	}
	_, err = sqlitefile.One(r.conn, sqlCountLeaves, nil, func(s *sqlite.Stmt) {
		if n := s.ColumnInt64(0); n != int64(size) {
			finding = fmt.Sprintf("the ledger ends at leaf %d and has %d leaves", size-1, n)
		}
	})
	return finding, err
}

func (r reader) checkTreeHashes() (finding string, err error) {
	size, err := r.Size()
	if err != nil {
		return "", err
	}
	_, err = sqlitefile.One(r.conn, sqlCountTreeHashes, nil, func(s *sqlite.Stmt) {
		owed := tlog.StoredHashCount(int64(size))
		if n, end := s.ColumnInt64(0), s.ColumnInt64(1); n != owed || end != owed {
			finding = fmt.Sprintf("%d leaves have %d tree hashes up to number %d instead of %d", size, n, end-1, owed)
		}
	})
	return finding, err
}

func (r reader) checkBytes() (finding string, err error) {
	_, err = sqlitefile.One(r.conn, sqlCountByteless, nil, func(s *sqlite.Stmt) {
		if n := s.ColumnInt64(0); n > 0 {
			finding = fmt.Sprintf("%d segments have no bytes", n)
		}
	})
	return finding, err
}

func (r reader) checkSpans() (finding string, err error) {
	err = sqlitefile.Query(r.conn, sqlSpans, nil, func(s *sqlite.Stmt) bool {
		first, last := columnCounter(s, 1), columnCounter(s, 2)
		switch {
		case last < first:
			finding = fmt.Sprintf("the segment at leaf %d ends before it begins", s.ColumnInt64(0))
		case s.ColumnIsNull(3):
			finding = fmt.Sprintf("the replica of the segment at leaf %d is not listed", s.ColumnInt64(0))
		case columnCounter(s, 3) < last-first:
			finding = fmt.Sprintf("the segment at leaf %d is longer than its replica's list says", s.ColumnInt64(0))
		}
		return finding == ""
	})
	return finding, err
}

func (r reader) checkDivisions() (finding string, err error) {
	_, err = sqlitefile.One(r.conn, sqlCountDivisions, nil, func(s *sqlite.Stmt) {
		if n := s.ColumnInt64(0); n > 0 {
			finding = fmt.Sprintf("the divisions of %d records are not written as they should be", n)
		}
	})
	return finding, err
}

func (r reader) checkFeed() (finding string, err error) {
	_, err = sqlitefile.One(r.conn, sqlCountMissing, nil, func(s *sqlite.Stmt) {
		if n := s.ColumnInt64(0); n > 0 {
			finding = fmt.Sprintf("%d records are missing from their places in the feed", n)
		}
	})
	return finding, err
}

func (r reader) checkLeft() (finding string, err error) {
	_, err = sqlitefile.One(r.conn, sqlCountFeed, nil, func(s *sqlite.Stmt) {
		if entries, records, left := s.ColumnInt64(0), s.ColumnInt64(1), s.ColumnInt64(2); entries != records+left {
			finding = fmt.Sprintf("the feed has %d entries of %d records and %d that were left behind", entries, records, left)
		}
	})
	return finding, err
}

func (r reader) checkCuts() (finding string, err error) {
	_, err = sqlitefile.One(r.conn, sqlCountNameless, nil, func(s *sqlite.Stmt) {
		if n := s.ColumnInt64(0); n > 0 {
			finding = fmt.Sprintf("the states of %d records name replicas that are not listed", n)
		}
	})
	return finding, err
}
