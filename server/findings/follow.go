// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// What is looked at in one piece, so many records about: some 3 MiB, and a fraction of a second.
const (
	piecePersons = 25
	pieceRecords = 1000
)

// wakeEvery is how often it is asked which day it is, and what failed is tried again.
const wakeEvery = time.Minute

// Run follows the feed until ctx ends. What fails is logged, told by State, and tried again.
func (f *Findings) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := f.cfg.Shard.Changed()
		if err := f.follow(ctx, f.giveWay); err != nil && ctx.Err() == nil {
			f.cfg.Log.Error("findings could not follow the records", "err", err)
		}
		timer := time.NewTimer(wakeEvery)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// While others save, what a step takes is a tenth of the time: nobody waits for findings
// as a doctor waits for a push.
const (
	restFactor  = 9
	longestRest = 5 * time.Second
)

// giveWay rests after a step during which somebody saved.
func (f *Findings) giveWay(ctx context.Context, took time.Duration, before syncengine.Position) {
	if f.cfg.Shard.Position() == before {
		return
	}
	timer := time.NewTimer(min(restFactor*took, longestRest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Follow reads the feed to its end and looks at everybody who is to be looked at.
func (f *Findings) Follow(ctx context.Context) error {
	return f.follow(ctx, func(context.Context, time.Duration, syncengine.Position) {})
}

// follow is Follow; rest is told after each step how long it took, and at which position
// it began.
func (f *Findings) follow(ctx context.Context, rest func(context.Context, time.Duration, syncengine.Position)) (err error) {
	defer func() {
		if v := recover(); v != nil {
			bug := syncengine.NewPanicError(v)
			f.cfg.Log.Error("findings panicked", "err", bug, "stack", bug.Stack)
			err = bug
		}
		if ctx.Err() == nil {
			f.tell(func(t *told) { t.ended(err, f.cfg.Clock()) })
		}
	}()
	for {
		began, position := time.Now(), f.cfg.Shard.Position()
		if done, err := f.Step(ctx); err != nil || done {
			return err
		}
		rest(ctx, time.Since(began), position)
	}
}

// Step does the next piece of work, and reports whether there was none: first what the feed
// says is written down, then residents are looked at who changed, then all others if the pack
// or the day is another one.
func (f *Findings) Step(ctx context.Context) (done bool, err error) {
	h, err := f.begin(ctx)
	if err != nil {
		return false, err
	}
	if end := f.cfg.Shard.Position(); h.position < end {
		_, err := f.readFeed(ctx, h.position, end)
		return false, err
	}
	if err := f.usePack(ctx, h); err != nil {
		return false, err
	}
	residents, underWay, err := f.next(ctx)
	switch {
	case err != nil:
		return false, err
	case len(residents) > 0:
		return false, f.lookAt(ctx, residents)
	case underWay:
		return f.sweepOn(ctx)
	}
	return true, nil
}

// begin returns the header, of a file that began anew if it was of another epoch, or of more
// than the store has.
func (f *Findings) begin(ctx context.Context) (h header, err error) {
	err = f.file.View(ctx, func(conn *sqlite.Conn) (err error) {
		h, err = needHeader(conn)
		return err
	})
	if err != nil || h.epoch == f.cfg.Shard.Epoch().String() && h.position <= f.cfg.Shard.Position() {
		return h, err
	}
	err = f.file.Update(ctx, func(conn *sqlite.Conn) (err error) {
		if err := f.beginAnew(conn); err != nil {
			return err
		}
		h, err = needHeader(conn)
		return err
	})
	return h, err
}

const sqlNext = `SELECT resident FROM queue ORDER BY turn LIMIT ?1`

// next returns those who are to be looked at next, and whether a sweep is under way.
func (f *Findings) next(ctx context.Context) (residents []record.ID, underWay bool, err error) {
	err = f.file.View(ctx, func(conn *sqlite.Conn) error {
		h, err := needHeader(conn)
		if err != nil {
			return err
		}
		underWay = h.sweep.underWay
		return sqlitefile.Query(conn, sqlNext, func(s *sqlite.Stmt) { s.BindInt64(1, piecePersons) }, func(s *sqlite.Stmt) bool {
			residents = append(residents, columnID(s, 0))
			return true
		})
	})
	return residents, underWay, err
}

const (
	sqlDequeue = `DELETE FROM queue WHERE resident = ?1`
	sqlSettle  = `DELETE FROM changed WHERE resident = ?1`
)

// lookAt looks at as many of the residents as make a piece, with those who are linked to them.
func (f *Findings) lookAt(ctx context.Context, residents []record.ID) error {
	p, err := f.gather(ctx, residents, func(conn *sqlite.Conn, p *person, h header) (bool, error) {
		return true, p.readChanged(conn, h, f.pack)
	})
	if err != nil {
		return err
	}
	return f.write(ctx, p, func(conn *sqlite.Conn, _ *header) error {
		for _, one := range p.people {
			for _, r := range one.residents {
				if err := writeIDs(conn, sqlDequeue, r); err != nil {
					return err
				}
				if err := writeIDs(conn, sqlSettle, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

const sqlNextSubject = `SELECT min(subject) FROM records WHERE subject > ?1`

// sweepOn looks at the next residents of a sweep, and reports whether there are no more.
func (f *Findings) sweepOn(ctx context.Context) (done bool, err error) {
	var residents []record.ID
	err = f.file.View(ctx, func(conn *sqlite.Conn) error {
		h, err := needHeader(conn)
		for at := h.sweep.after; err == nil && len(residents) < piecePersons; residents = append(residents, at) {
			found := false
			err = sqlitefile.Query(conn, sqlNextSubject, bindIDs(at), func(s *sqlite.Stmt) bool {
				if found = s.ColumnType(0) != sqlite.TypeNull; found {
					at = columnID(s, 0)
				}
				return false
			})
			if err != nil || !found {
				return err
			}
		}
		return err
	})
	if err != nil {
		return false, err
	}
	p, err := f.gather(ctx, residents, f.firstWithRecords)
	if err != nil {
		return false, err
	}
	err = f.write(ctx, p, func(_ *sqlite.Conn, h *header) error {
		if done = p.taken == 0; done {
			h.sweep = sweep{}
			return nil
		}
		h.sweep.after = residents[p.taken-1]
		return nil
	})
	return done, err
}

// firstWithRecords reports whether the sweep comes to a person at this resident: it is the
// first of those with records.
func (f *Findings) firstWithRecords(conn *sqlite.Conn, p *person, h header) (bool, error) {
	if h.sweep.daily {
		p.tried = f.pack.daily
	}
	for _, r := range p.residents {
		if r == p.asked {
			return true, nil
		}
		if _, has, err := oneID(conn, sqlAnyRecordOf, r); err != nil || has {
			return false, err
		}
	}
	return true, nil
}

const sqlAnyRecordOf = `SELECT id FROM records WHERE subject = ?1 LIMIT 1`

// piece is some people with their records.
type piece struct {
	people []person
	rows   [][]syncengine.RecordRow
	taken  int // how many of the residents that were asked for have been come to
}

// gather reads people: from the beginning of residents as many as make a piece, at least one.
func (f *Findings) gather(ctx context.Context, residents []record.ID, wanted func(*sqlite.Conn, *person, header) (bool, error)) (piece, error) {
	var p piece
	var ids []record.ID
	err := f.file.View(ctx, func(conn *sqlite.Conn) error {
		h, err := needHeader(conn)
		if err != nil {
			return err
		}
		known := map[record.ID]bool{}
		for _, r := range residents {
			if len(ids) >= pieceRecords {
				return nil
			}
			p.taken++
			if known[r] {
				continue
			}
			one, err := personOf(conn, r)
			if err != nil {
				return err
			}
			for _, r := range one.residents {
				known[r] = true
			}
			if ok, err := wanted(conn, &one, h); err != nil {
				return err
			} else if !ok {
				continue
			}
			if err := one.readStored(conn); err != nil {
				return err
			}
			p.people, ids = append(p.people, one), append(ids, one.records...)
		}
		return nil
	})
	if err != nil {
		return p, err
	}
	rows, err := f.cfg.Shard.Rows(ctx, ids)
	if err != nil {
		return p, fmt.Errorf("read records: %w", err)
	}
	for _, one := range p.people {
		n := 0
		for _, id := range one.records {
			if n < len(rows) && rows[n].ID == id {
				n++
			}
		}
		p.rows = append(p.rows, rows[:n:n])
		rows = rows[n:]
	}
	return p, nil
}

// write looks at a piece and writes what comes of it, in one transaction with what done does.
func (f *Findings) write(ctx context.Context, p piece, done func(*sqlite.Conn, *header) error) error {
	sets := make([][]Set, len(p.people))
	for i, one := range p.people {
		sets[i] = f.look(one, p.rows[i], f.day)
	}
	return f.file.Update(ctx, func(conn *sqlite.Conn) error {
		return f.update(conn, func(h *header) error {
			for i, one := range p.people {
				if err := (writing{conn, h}).person(one, sets[i]); err != nil {
					return fmt.Errorf("person %s: %w", one.id, err)
				}
			}
			return done(conn, h)
		})
	})
}

// passOver notes that something could not be looked at.
func (f *Findings) passOver(id record.ID, err error) {
	f.tell(func(t *told) { t.passedOver++ })
	f.cfg.Log.Error("a record or person was passed over", "record", id, "err", err)
}
