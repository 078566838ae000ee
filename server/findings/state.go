// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
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

const sqlSets = `SELECT count(*) FROM findings_rows WHERE findings > 0`

func (f *Findings) basis(conn *sqlite.Conn) (Basis, error) {
	s, err := f.file.StateIn(conn)
	return f.basisOf(s), err
}

func (f *Findings) basisOf(s projection.State) Basis {
	m, _ := s.Module(name)
	b := Basis{PackHash: m.Settings, AsOf: m.Day, UnderWay: m.UnderWay, Behind: s.Behind, Queued: s.Queued}
	if p := f.hear(); p != nil && bytes.Equal(p.hash[:], m.Settings) {
		b.PackName, b.PackVersion = p.Name(), p.Version()
	}
	return b
}

// State returns how following goes.
func (f *Findings) State(ctx context.Context) (s State, err error) {
	if p := f.hear(); p != nil {
		s.BuiltIn, s.Refused, s.Why = p.carried == nil, p.refused.id, p.refused.why
	}
	err = f.view(ctx, func(conn *sqlite.Conn) error {
		all, err := f.file.StateIn(conn)
		if err != nil {
			return err
		}
		s.Basis, s.Failed, s.FailedAt, s.PassedOver = f.basisOf(all), all.Failed, all.FailedAt, all.PassedOver
		if m, _ := all.Module(name); s.Failed == nil && m.Waiting > 0 {
			s.Failed, s.FailedAt = m.Failed, m.FailedAt
		}
		_, err = sqlitefile.One(conn, sqlSets, nil, func(st *sqlite.Stmt) { s.Sets = st.ColumnInt(0) })
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("state of findings: %w", err)
	}
	return s, nil
}
