// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// State is how following goes.
type State struct {
	Position   uint64 // in the feed, up to which it was read
	Behind     uint64 // positions of the feed that were not read yet
	Queued     int    // residents who changed and were not looked at yet
	Failed     error  // why following failed last; nil: it goes on
	FailedAt   time.Time
	PassedOver int // records and persons that could not be looked at since the start
	Modules    []ModuleState
}

// ModuleState is how far one module has come.
type ModuleState struct {
	Name     string
	Settings []byte    // with which it looks; nil: it has none yet
	Day      care.Date // as of which
	UnderWay bool      // not everybody was looked at yet with these settings as of this day
	OnlyDay  bool      // of what is under way only the day is new
	After    record.ID // residents up to this one were; zero: none yet
	Waiting  int       // persons at whom it failed, who wait to be tried again
	Failed   error     // why it failed last, since the start; nil: it never did
	FailedAt time.Time
}

// Module returns how a module stands; false when there is none of that name.
func (s State) Module(name string) (ModuleState, bool) {
	for _, m := range s.Modules {
		if m.Name == name {
			return m, true
		}
	}
	return ModuleState{}, false
}

// told is what the one who follows tells the others.
type told struct {
	failed     error
	failedAt   time.Time
	passedOver int
	modules    map[string]failure
}

type failure struct {
	err error
	at  time.Time
}

func (t *told) ended(err error, now time.Time) {
	t.failed, t.failedAt = err, now
	if err == nil {
		t.failedAt = time.Time{}
	}
}

func (p *Projection) tell(change func(*told)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.told)
}

// PassOver notes that something could not be looked at: a record, or a person.
func (p *Projection) PassOver(id record.ID, err error) {
	p.tell(func(t *told) { t.passedOver++ })
	p.cfg.Log.Error("a record or person was passed over", "record", id, "err", err)
}

// personFailed notes that a module failed at a person.
func (p *Projection) personFailed(m *module, id record.ID, err error) {
	p.tell(func(t *told) { t.passedOver++ })
	p.noteFailure(m, err)
	p.cfg.Log.Error("a module failed at a person, and will try again", "module", m.Name(), "record", id, "err", err)
}

// moduleFailed notes that a module failed otherwise.
func (p *Projection) moduleFailed(m *module, what string, err error) {
	p.noteFailure(m, err)
	p.cfg.Log.Error("a module failed, and will try again", "module", m.Name(), "what", what, "err", err)
}

func (p *Projection) noteFailure(m *module, err error) {
	now := p.cfg.Clock()
	p.tell(func(t *told) {
		if t.modules == nil {
			t.modules = map[string]failure{}
		}
		t.modules[m.Name()] = failure{err, now}
	})
}

const (
	sqlQueued  = `SELECT count(*) FROM queue`
	sqlWaiting = `SELECT module, count(*) FROM failed GROUP BY module`
)

// State returns how following goes.
func (p *Projection) State(ctx context.Context) (s State, err error) {
	err = p.View(ctx, func(conn *sqlite.Conn) (err error) {
		s, err = p.StateIn(conn)
		return err
	})
	if err != nil {
		return State{}, fmt.Errorf("state of projections: %w", err)
	}
	return s, nil
}

// StateIn is State of the snapshot of a View, in which a module reads its own tables, too.
func (p *Projection) StateIn(conn *sqlite.Conn) (State, error) {
	h, err := needHeader(conn)
	if err != nil {
		return State{}, err
	}
	s := State{Position: uint64(h.position)}
	if end := p.cfg.Shard.Position(); end > h.position {
		s.Behind = uint64(end - h.position)
	}
	if _, err := sqlitefile.One(conn, sqlQueued, nil, func(st *sqlite.Stmt) { s.Queued = st.ColumnInt(0) }); err != nil {
		return s, err
	}
	waiting := map[string]int{}
	err = sqlitefile.Query(conn, sqlWaiting, nil, func(st *sqlite.Stmt) bool {
		waiting[st.ColumnText(0)] = st.ColumnInt(1)
		return true
	})
	if err != nil {
		return s, err
	}
	have, err := readStandings(conn)
	if err != nil {
		return s, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Failed, s.FailedAt, s.PassedOver = p.told.failed, p.told.failedAt, p.told.passedOver
	for _, m := range p.modules {
		one, failed := have[m.Name()], p.told.modules[m.Name()]
		s.Modules = append(s.Modules, ModuleState{
			Name: m.Name(), Settings: one.settings, Day: one.day, UnderWay: one.sweep.underWay, OnlyDay: one.sweep.onlyDay, After: one.sweep.after,
			Waiting: waiting[m.Name()], Failed: failed.err, FailedAt: failed.at,
		})
	}
	return s, nil
}
