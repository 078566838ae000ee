// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// TestEveryQuestionGoesThroughItsIndex holds the comments above the questions
// against SQLite's plans: nobody sorts, and nobody reads a whole table of rows.
func TestEveryQuestionGoesThroughItsIndex(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "shard.db"), Options{Create: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for question, want := range map[string]string{
		sqlRecord:        "SEARCH records USING INDEX sqlite_autoindex_records_1 (id=?)",
		sqlUpdateRecord:  "SEARCH records USING INTEGER PRIMARY KEY (rowid=?)",
		sqlFeed:          "SEARCH f USING INTEGER PRIMARY KEY (rowid>? AND rowid<?); SEARCH r USING INTEGER PRIMARY KEY (rowid=?)",
		sqlFlagged:       "SEARCH records USING INDEX records_flagged (position>? AND position<?)",
		sqlChangeInFeed:  "SEARCH feed USING INTEGER PRIMARY KEY (rowid=?)",
		sqlLeaveFeed:     "SEARCH feed USING INTEGER PRIMARY KEY (rowid=?)",
		sqlFeedEnd:       "SEARCH feed",
		sqlCountLeft:     "SCAN feed_left",
		sqlDepartures:    "SEARCH departures USING INDEX departures_feed (position>? AND position<?)",
		sqlSegment:       "SEARCH segments USING INDEX sqlite_autoindex_segments_1 (hash=?)",
		sqlSegmentAt:     "SEARCH segments USING INTEGER PRIMARY KEY (rowid=?)",
		sqlSegmentBytes:  "SEARCH segment_bytes USING INTEGER PRIMARY KEY (rowid=?)",
		sqlSegments:      "SEARCH segments USING INDEX segments_chain (replica=? AND first_counter>?)",
		sqlNewest:        "SEARCH segments USING INDEX segments_newest (replica=?)",
		sqlScanOffice:    "SEARCH segments USING COVERING INDEX segments_office (leaf>?)",
		sqlUpdateSegment: "SEARCH segments USING INTEGER PRIMARY KEY (rowid=?)",
		sqlReplicas:      "SCAN replicas USING COVERING INDEX sqlite_autoindex_replicas_1",
		sqlReplicaSpan:   "SEARCH replicas USING INDEX sqlite_autoindex_replicas_1 (replica=?)",
		sqlSize:          "SEARCH leaves",
		sqlLeaf:          "SEARCH leaves USING INTEGER PRIMARY KEY (rowid=?)",
		sqlTreeHash:      "SEARCH tree_hashes USING INTEGER PRIMARY KEY (rowid=?)",
		sqlActs:          "SEARCH acts USING PRIMARY KEY (family=?)",
		sqlActsAbout:     "SEARCH acts USING PRIMARY KEY (family=? AND key=?)",
		sqlValue:         "SEARCH named_values USING PRIMARY KEY (name=?)",
		sqlSums:          "SCAN sums",
	} {
		plan := planOf(t, s, question)
		if !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s\nis done by %q, want %q", question, plan, want)
		}
	}
}

func planOf(t *testing.T, s *Store, question string) (plan string) {
	t.Helper()
	err := s.file.View(t.Context(), func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, "EXPLAIN QUERY PLAN "+question, nil, func(s *sqlite.Stmt) bool {
			plan += s.ColumnText(3) + "; "
			return true
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
