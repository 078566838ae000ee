// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// wakeEvery is how often it is asked which day it is, and what failed is tried again.
const wakeEvery = time.Minute

// Run follows the feed until ctx ends. What fails is logged, told by State, and tried again.
func (p *Projection) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := p.cfg.Shard.Changed()
		if err := p.follow(ctx, p.giveWay); err != nil && ctx.Err() == nil {
			p.cfg.Log.Error("projections could not follow the records", "err", err)
		}
		timer := time.NewTimer(wakeEvery)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-p.forgetting.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// Follow reads the feed to its end and has everybody looked at who is to be looked at.
func (p *Projection) Follow(ctx context.Context) error {
	return p.follow(ctx, func(context.Context, time.Duration, traffic) {})
}

// follow is Follow; rest is told after each step how long it took, and what went on when it
// began.
func (p *Projection) follow(ctx context.Context, rest func(context.Context, time.Duration, traffic)) (err error) {
	defer func() {
		if v := recover(); v != nil {
			bug := syncengine.NewPanicError(v)
			p.cfg.Log.Error("projections panicked", "err", bug, "stack", bug.Stack)
			err = bug
		}
		if ctx.Err() == nil {
			p.tell(func(t *told) { t.ended(err, p.cfg.Clock()) })
		}
	}()
	for {
		began, before := time.Now(), p.traffic()
		if done, err := p.Step(ctx); err != nil || done {
			return err
		}
		rest(ctx, time.Since(began), before)
	}
}

// Step does the next piece of work, and reports whether there was none: first what the feed
// says is written down, then residents are looked at who changed, and what was erased is
// forgotten, then all others if settings
// or the day are other ones, then those at whom a module failed; at last modules settle.
func (p *Projection) Step(ctx context.Context) (done bool, err error) {
	h, err := p.begin(ctx)
	if err != nil {
		return false, err
	}
	if end := p.cfg.Shard.Position(); h.position < end {
		return false, p.readFeed(ctx, h.position, end)
	}
	if err := p.prepare(ctx); err != nil {
		return false, err
	}
	for _, work := range [...]func(context.Context) (bool, error){p.lookAtNext, p.forget, p.sweepOn, p.tryAgain, p.settleNext} {
		if done, err := work(ctx); err != nil || !done {
			return false, err
		}
	}
	return true, nil
}

// begin returns the header, of a file that began anew if it was of another epoch, or of more
// than the store has.
func (p *Projection) begin(ctx context.Context) (h header, err error) {
	err = p.file.View(ctx, func(conn *sqlite.Conn) (err error) {
		h, err = needHeader(conn)
		return err
	})
	if err != nil || h.epoch == p.cfg.Shard.Epoch().String() && h.position <= p.cfg.Shard.Position() {
		return h, err
	}
	err = p.file.Update(ctx, func(conn *sqlite.Conn) (err error) {
		if err := p.beginAnew(conn); err != nil {
			return err
		}
		h, err = needHeader(conn)
		return err
	})
	return h, err
}

const (
	sqlAllQueued = `SELECT resident FROM queue ORDER BY turn`
	sqlNext      = `SELECT resident FROM queue ORDER BY turn LIMIT ?1`
	sqlDequeue   = `DELETE FROM queue WHERE resident = ?1`
	sqlUnchange  = `DELETE FROM changed WHERE resident = ?1`
	sqlIsQueued  = `SELECT whole FROM queue WHERE resident = ?1`
	sqlChangedOf = `SELECT record FROM changed WHERE resident = ?1`
)

// lookAtNext looks at as many of those who changed as make a piece, with those who are linked
// to them. It reports whether there were none.
func (p *Projection) lookAtNext(ctx context.Context) (done bool, err error) {
	var residents []record.ID
	var have map[string]standing
	err = p.file.View(ctx, func(conn *sqlite.Conn) (err error) {
		if have, err = readStandings(conn); err != nil {
			return err
		}
		return sqlitefile.Query(conn, sqlNext, func(s *sqlite.Stmt) { s.BindInt64(1, piecePersons) }, func(s *sqlite.Stmt) bool {
			residents = append(residents, columnID(s, 0))
			return true
		})
	})
	if err != nil || len(residents) == 0 {
		return err == nil, err
	}
	all, err := p.gather(ctx, residents, func(conn *sqlite.Conn, s *somebody) (bool, error) { return true, s.readChanged(conn) })
	if err != nil {
		return false, err
	}
	// While everybody is looked at with new settings, nothing that stands is known to be of them.
	why := func(m *module, s somebody) (Only, bool) {
		if sw := have[m.Name()].sweep; s.whole || sw.underWay && !sw.onlyDay {
			return Only{}, true
		}
		return Only{Records: s.changed}, true
	}
	return false, p.look(ctx, all, why, func(conn *sqlite.Conn, _ *header) error { return p.dequeue(conn, all, have) })
}

// readChanged reads what changed of a person since it was looked at.
func (s *somebody) readChanged(conn *sqlite.Conn) error {
	s.changed = map[record.ID]bool{}
	for _, r := range s.residents {
		_, err := sqlitefile.One(conn, sqlIsQueued, bindIDs(r), func(st *sqlite.Stmt) { s.whole = s.whole || st.ColumnBool(0) })
		if err != nil {
			return err
		}
		err = sqlitefile.Query(conn, sqlChangedOf, bindIDs(r), func(st *sqlite.Stmt) bool {
			s.changed[columnID(st, 0)] = true
			return true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dequeue notes that people were looked at. A module that was not ready has to look at
// everybody once it is.
func (p *Projection) dequeue(conn *sqlite.Conn, all piece, have map[string]standing) error {
	for _, one := range all.people {
		for _, r := range one.residents {
			if err := firstOf(writeIDs(conn, sqlDequeue, r), writeIDs(conn, sqlUnchange, r)); err != nil {
				return err
			}
		}
	}
	for _, m := range p.modules {
		one := have[m.Name()]
		if again := (sweep{underWay: true}); !m.ready && one.sweep != again {
			if one.sweep = again; one.name != "" {
				if err := one.put(conn); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tryAgain has modules look again at those at whom they failed, when it is time. It reports
// whether there were none.
func (p *Projection) tryAgain(ctx context.Context) (done bool, err error) {
	type at struct {
		person record.ID
		module string
	}
	due := map[at]bool{}
	var people []record.ID
	now := p.cfg.Clock()
	err = p.file.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlDue, func(s *sqlite.Stmt) {
			s.BindInt64(1, now.UnixMilli())
			s.BindInt64(2, piecePersons)
		}, func(s *sqlite.Stmt) bool {
			one := at{columnID(s, 0), s.ColumnText(1)}
			due[one] = true
			people = append(people, one.person)
			return true
		})
	})
	if err != nil || len(people) == 0 {
		return err == nil, err
	}
	all, err := p.gather(ctx, people, func(*sqlite.Conn, *somebody) (bool, error) { return true, nil })
	if err != nil {
		return false, err
	}
	why := func(m *module, s somebody) (Only, bool) {
		for _, r := range s.residents {
			if due[at{r, m.Name()}] {
				return Only{}, true
			}
		}
		return Only{}, false
	}
	return false, p.look(ctx, all, why, func(conn *sqlite.Conn, _ *header) error { return p.putOff(conn, now) })
}

const sqlPutOff = `UPDATE failed SET again = ?2 WHERE again <= ?1 AND module = ?3`

// putOff puts off what a module that is not ready could not try.
func (p *Projection) putOff(conn *sqlite.Conn, now time.Time) error {
	for _, m := range p.modules {
		if m.ready {
			continue
		}
		err := sqlitefile.Write(conn, sqlPutOff, func(s *sqlite.Stmt) {
			s.BindInt64(1, now.UnixMilli())
			s.BindInt64(2, now.Add(firstAgain).UnixMilli())
			s.BindText(3, m.Name())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settleNext lets the first module that has something to settle do a piece of it, and reports
// whether none has.
func (p *Projection) settleNext(ctx context.Context) (done bool, err error) {
	for _, m := range p.modules {
		if now := p.cfg.Clock(); !m.ready || m.settled || now.Before(m.settleAt) {
			continue
		}
		err := caught(func() (err error) {
			m.settled, err = m.Settle(ctx, p.file, p.day)
			return err
		})
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		if err != nil {
			m.settled, m.settleAt = false, p.cfg.Clock().Add(wakeEvery)
			p.moduleFailed(m, "it cannot settle", err)
		}
		return false, nil
	}
	return true, nil
}

// QueuedIn returns the residents who changed and were not looked at yet, those that wait longest first.
func (p *Projection) QueuedIn(conn *sqlite.Conn) (all []record.ID, err error) {
	err = sqlitefile.Query(conn, sqlAllQueued, nil, func(s *sqlite.Stmt) bool {
		all = append(all, columnID(s, 0))
		return true
	})
	return all, err
}
