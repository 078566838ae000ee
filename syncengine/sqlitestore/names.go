// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// names are replicas by the numbers that table replicas gives them, and back. They
// are never changed.
type names struct {
	numbers  map[causal.ReplicaID]int64
	replicas map[int64]causal.ReplicaID
}

// replica returns the one with this number, the zero one for 0.
func (n *names) replica(number int64) (r causal.ReplicaID, ok bool) {
	if number == 0 {
		return r, true
	}
	r, ok = n.replicas[number]
	return r, ok
}

// directory has the names whose rows are on disk. A row is written with a name only
// after the directory had it, so whoever reads the row and then looks here finds it.
type directory struct {
	mu  sync.Mutex // of those who add
	now atomic.Pointer[names]
}

func (d *directory) add(more map[int64]causal.ReplicaID) {
	if len(more) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	next := &names{map[causal.ReplicaID]int64{}, map[int64]causal.ReplicaID{}}
	if before := d.now.Load(); before != nil {
		maps.Copy(next.replicas, before.replicas)
	}
	maps.Copy(next.replicas, more)
	for number, r := range next.replicas {
		next.numbers[r] = number
	}
	d.now.Store(next)
}

const sqlNumbers = `SELECT number, replica FROM replicas`

// load reads the directory of a file that was just opened.
func (d *directory) load(ctx context.Context, file *sqlitefile.File) error {
	d.now.Store(&names{})
	found := map[int64]causal.ReplicaID{}
	err := file.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlNumbers, nil, func(s *sqlite.Stmt) bool {
			var r causal.ReplicaID
			s.ColumnBytes(1, r[:])
			found[s.ColumnInt64(0)] = r
			return true
		})
	})
	d.add(found)
	return err
}
