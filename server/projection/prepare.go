// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// prepare sees that the modules have chosen their settings, and that everybody is looked at
// whom other settings or another day concern.
func (p *Projection) prepare(ctx context.Context) error {
	now := p.cfg.Clock()
	if err := p.chooseSettings(ctx, now); err != nil {
		return err
	}
	day := care.DateOf(now)
	if day != p.day {
		for _, m := range p.modules {
			m.settled = false
		}
	}
	p.day = day
	var have map[string]standing
	err := p.file.View(ctx, func(conn *sqlite.Conn) (err error) {
		have, err = readStandings(conn)
		return err
	})
	if err != nil {
		return err
	}
	var changed []standing
	for _, m := range p.modules {
		if one, is := p.settle(m, have[m.Name()]); is {
			changed = append(changed, one)
			m.settled = false
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return p.file.Update(ctx, func(conn *sqlite.Conn) error {
		return p.update(conn, func(*header) error {
			for _, one := range changed {
				if err := one.put(conn); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// settle asks a module for its settings and returns how it stands with them, and whether that
// is another standing than the one given.
func (p *Projection) settle(m *module, one standing) (standing, bool) {
	now := p.cfg.Clock()
	if m.unchosen() || now.Before(m.askAt) {
		return one, false
	}
	var settings [32]byte
	var daily bool
	err := caught(func() error {
		settings, daily = m.Settings()
		return nil
	})
	if m.ready = err == nil; err != nil {
		m.askAt = now.Add(wakeEvery)
		p.moduleFailed(m, "its settings are not to be had", err)
		return one, false
	}
	newSettings, newDay := !bytes.Equal(one.settings, settings[:]), one.day != p.day
	if !newSettings && !newDay {
		return one, false
	}
	switch {
	case one.settings == nil: // whom it has looked at is nobody, or a sweep is under way
	case newSettings, newDay && daily && one.sweep.underWay && !one.sweep.onlyDay:
		one.sweep = sweep{underWay: true}
	case daily:
		one.sweep = sweep{underWay: true, onlyDay: true}
	}
	one.settings, one.day = settings[:], p.day
	return one, true
}

// unchosen reports whether a module has yet to choose.
func (m *module) unchosen() bool {
	_, is := m.Module.(Chooser)
	return is && !m.chosen
}

// maxChosen is how many records a Chooser is shown.
const maxChosen = 64

const sqlChosen = `SELECT id FROM chosen WHERE kind = ?1 ORDER BY id DESC LIMIT ?2`

// chooseSettings lets the modules choose that have to, by the records there are. One that fails
// keeps what it has, and tries again later.
func (p *Projection) chooseSettings(ctx context.Context, now time.Time) error {
	for _, m := range p.modules {
		c, ok := m.Module.(Chooser)
		if !ok || !m.stale || now.Before(m.chooseAt) {
			continue
		}
		rows, err := p.rowsOf(ctx, c.Chooses())
		if err != nil {
			return err
		}
		err = p.file.Update(ctx, func(conn *sqlite.Conn) error {
			return p.update(conn, func(*header) error {
				return caught(func() error { return c.Choose(ctx, conn, rows) })
			})
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			m.chooseAt = now.Add(wakeEvery)
			p.moduleFailed(m, "it cannot choose its settings", err)
			continue
		}
		m.chosen, m.stale = true, false
	}
	return nil
}

// rowsOf returns the records of a kind by which settings are chosen, the greatest id first.
func (p *Projection) rowsOf(ctx context.Context, kind record.Kind) ([]syncengine.RecordRow, error) {
	var ids []record.ID
	err := p.file.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlChosen, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(kind))
			s.BindInt64(2, maxChosen)
		}, func(s *sqlite.Stmt) bool {
			ids = append(ids, columnID(s, 0))
			return true
		})
	})
	if err != nil {
		return nil, err
	}
	rows, err := p.cfg.Shard.Rows(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("records to choose by: %w", err)
	}
	return rows, nil
}

// caught runs do; a panic is an error.
func caught(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = syncengine.NewPanicError(v)
		}
	}()
	return do()
}
