// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/server/authenticity"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/register"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/server/tasks"
)

// ErrNoFindings says that nothing is looked for in this county: it was opened without rules.
var ErrNoFindings = errors.New("nothing is looked for here")

// openProjection opens the file of projections. Without it everything else is answered all the same.
func (c *County) openProjection(ctx context.Context) {
	log := c.means.log().With("shard", c.Shard().String())
	former := filepath.Join(c.Dir, formerFile)
	if err := errors.Join(projection.Remove(former), projection.Remove(former+".lock")); err != nil {
		log.Warn("the findings of a former version could not be deleted", "err", err)
	}
	c.projection, c.notProjected = projection.Open(ctx, projection.Config{
		Shard: c.Engine, Path: filepath.Join(c.Dir, projectionFile), Modules: c.modules(), Others: &c.Others, Clock: c.means.Clock, Log: log,
	})
	if c.notProjected != nil && ctx.Err() == nil {
		log.Error("there will be no findings and no figures until the next start", "err", c.notProjected)
	}
}

// modules returns all that is kept about persons: what chooses the rule pack comes first.
func (c *County) modules() (all []projection.Module) {
	m := c.means
	if m.Rules != nil {
		c.findings = findings.New(findings.Config{BuiltIn: m.Rules, Rand: m.Rand, Log: m.log().With("shard", c.Shard().String())})
		all = append(all, c.findings)
		if c.authenticity, c.notJudged = authenticity.New(authenticity.Config{BuiltIn: m.Rules.Content(), Log: m.log().With("shard", c.Shard().String())}); c.notJudged == nil {
			all = append(all, c.authenticity)
		}
		c.counts = c.counter()
		all = append(all, c.counts)
		c.supervised = supervision.NewModule(c.populations)
		c.cards = exports.NewModule()
		all = append(all, c.supervised, tasks.Module{}, c.cards)
	}
	return append(all, c.Register(), access.Module{})
}

// Register returns the module in which persons are searched.
func (c *County) Register() register.Module { return register.Module{Key: c.search} }

// Authenticity returns what makes the county's records doubtful, or why that is not to be had:
// ErrNoFindings, what the program's rules lack, or the error of the file of projections.
func (c *County) Authenticity() (*authenticity.Module, error) {
	switch {
	case c.findings == nil:
		return nil, ErrNoFindings
	case c.notJudged != nil:
		return nil, c.notJudged
	case c.notProjected != nil:
		return nil, c.notProjected
	}
	return c.authenticity, nil
}

// Projection returns what is derived of the county's persons, or the error of its file. Somebody
// must have it follow the records.
func (c *County) Projection() (*projection.Projection, error) { return c.projection, c.notProjected }

// Findings returns what is found in the county, or why that is not to be had: ErrNoFindings, or
// the error of the file of projections.
func (c *County) Findings() (*findings.Findings, error) {
	switch {
	case c.findings == nil:
		return nil, ErrNoFindings
	case c.notProjected != nil:
		return nil, c.notProjected
	}
	return c.findings, nil
}
