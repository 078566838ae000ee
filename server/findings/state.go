// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"context"
	"fmt"
	"sync"
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
	Sets       int       // records with findings; of a large county as of some seconds ago, see setsCounted
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
		s.Sets, err = f.sets.count(func() (n int, err error) {
			_, err = sqlitefile.One(conn, sqlSets, nil, func(st *sqlite.Stmt) { n = st.ColumnInt(0) })
			return n, err
		})
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("state of findings: %w", err)
	}
	return s, nil
}

// setsCounted keeps how many records have findings where counting takes long: of a county of half a million people
// some seconds, and it is asked with every look at the state.
type setsCounted struct {
	mu   sync.Mutex // held while they are counted: who asks beside it waits for the same
	n    int
	at   time.Time
	took time.Duration
}

const (
	soonCounted = 50 * time.Millisecond // is counted anew each time
	countShare  = 20                    // counting takes one part in so many of the time, at most
)

func (c *setsCounted) count(count func() (int, error)) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.took > soonCounted && time.Since(c.at) < countShare*c.took {
		return c.n, nil
	}
	began := time.Now()
	n, err := count()
	if err == nil {
		c.n, c.at, c.took = n, time.Now(), time.Since(began)
	}
	return n, err
}
