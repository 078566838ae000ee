// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Basis says what the rows were made of.
type Basis struct {
	PackName, PackVersion string // empty when the pack was not loaded since the start
	PackHash              []byte // empty: none was tried yet
	AsOf                  care.Date
	UnderWay              bool   // some rows are still those of another pack or day
	Behind                uint64 // positions of the feed that were not read yet
	Queued                int    // residents who changed and were not looked at yet
}

// State is how following goes.
type State struct {
	Basis
	BuiltIn    bool      // the pack is the one of the program
	Refused    record.ID // the record with the county's pack that cannot be used; zero: none
	Why        string    // it cannot
	Sets       int       // with findings
	Failed     error     // why following failed last; nil: it goes on
	FailedAt   time.Time
	PassedOver int // what could not be looked at since the start
}

// told is what the one who follows tells the others.
type told struct {
	pack       *pack
	failed     error
	failedAt   time.Time
	passedOver int
}

func (t *told) ended(err error, now time.Time) {
	t.failed, t.failedAt = err, now
	if err == nil {
		t.failedAt = time.Time{}
	}
}

func (f *Findings) tell(change func(*told)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.told)
}

func (f *Findings) hear() told {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

const (
	sqlQueued = `SELECT count(*) FROM queue`
	sqlSets   = `SELECT count(*) FROM rows WHERE findings > 0`
)

func (f *Findings) basis(conn *sqlite.Conn, h header) (Basis, error) {
	b := Basis{PackHash: h.pack, AsOf: h.day, UnderWay: h.sweep.underWay}
	if t := f.hear(); t.pack != nil && bytes.Equal(t.pack.hash[:], h.pack) {
		b.PackName, b.PackVersion = t.pack.Name(), t.pack.Version()
	}
	if end := f.cfg.Shard.Position(); end > h.position {
		b.Behind = uint64(end - h.position)
	}
	_, err := sqlitefile.One(conn, sqlQueued, nil, func(s *sqlite.Stmt) { b.Queued = s.ColumnInt(0) })
	return b, err
}

// State returns how following goes.
func (f *Findings) State(ctx context.Context) (State, error) {
	t := f.hear()
	s := State{Failed: t.failed, FailedAt: t.failedAt, PassedOver: t.passedOver}
	if t.pack != nil {
		s.BuiltIn, s.Refused, s.Why = t.pack.carried == nil, t.pack.refused.id, t.pack.refused.why
	}
	err := f.file.View(ctx, func(conn *sqlite.Conn) error {
		h, err := needHeader(conn)
		if err != nil {
			return err
		}
		if s.Basis, err = f.basis(conn, h); err != nil {
			return err
		}
		_, err = sqlitefile.One(conn, sqlSets, nil, func(st *sqlite.Stmt) { s.Sets = st.ColumnInt(0) })
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("state of findings: %w", err)
	}
	return s, nil
}
