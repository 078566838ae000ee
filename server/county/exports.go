// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// exportsFolder is where files are made that leave the county; what is in it is of no use to anybody.
const exportsFolder = "exports.tmp"

// ErrNoExports says that no tables can be made in this county: it was opened without rules.
var ErrNoExports = errors.New("no tables are made here")

// heardWithin is how long ago a tablet was heard of at most that counts as heard.
const heardWithin = 7 * 24 * time.Hour

// Exports returns what makes the files that leave the county.
func (c *County) Exports() (*exports.Exports, error) {
	c.exporting.Do(func() {
		if c.means.Rules == nil {
			c.notExported = ErrNoExports
			return
		}
		cfg := exports.Config{
			Records: c.Engine, History: c.Engine, County: c.Code, Pack: c.packInForce, Complete: c.complete, Dir: filepath.Join(c.Dir, exportsFolder), Clock: c.means.Clock,
		}
		if p, err := c.Projection(); err == nil {
			cfg.Persons = p
		}
		if f, err := c.Findings(); err == nil {
			cfg.Found = f
		}
		c.exports, c.notExported = exports.New(cfg)
	})
	return c.exports, c.notExported
}

// packInForce returns the rule pack of the county, or that of the program where it has none.
func (c *County) packInForce(ctx context.Context) (exports.Pack, error) {
	rows, err := c.Engine.Rows(ctx, []record.ID{rules.RecordID(c.Code)})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err != nil || state.Life() == record.LifeVoided {
			continue
		}
		form, err := care.Message(care.KindRulePack, state.Registers())
		if err != nil {
			continue
		}
		if p, err := rules.LoadRecord(form.(*carev1.RulePack)); err == nil {
			return p, nil
		}
	}
	p, ok := c.means.Rules.(exports.Pack)
	if !ok {
		return nil, ErrNoExports
	}
	return p, nil
}

// complete says how much of what was saved in the field has come.
func (c *County) complete(ctx context.Context) (out exports.Completeness, err error) {
	devices, err := c.Engine.Devices(ctx)
	if err != nil {
		return out, err
	}
	now := c.means.Clock()
	for _, d := range devices {
		cert := d.Certificate
		if cert.Role != segment.RoleTablet || len(d.Fences) > 0 || d.Revoked || len(d.Successors) > 0 {
			continue
		}
		heard := cert.IssuedAt
		if d.LastReceived.After(heard) {
			heard = d.LastReceived
		}
		out.Tablets++
		if now.Sub(heard) <= heardWithin {
			out.Heard++
		}
		out.OldestDays = max(out.OldestDays, int(now.Sub(heard)/(24*time.Hour)))
	}
	out.Held, err = c.countHeld(ctx)
	return out, err
}

// countHeld returns how many records have a save that is held.
func (c *County) countHeld(ctx context.Context) (n int, err error) {
	q := syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
		Flags: syncengine.FlagHeld, Limit: 500, Bytes: 1 << 20,
	}
	for {
		rows, err := c.Engine.List(ctx, q)
		if err != nil {
			return n, err
		}
		n += len(rows)
		if !q.Full(rows) {
			return n, nil
		}
		q.After = rows[len(rows)-1].Position
	}
}
