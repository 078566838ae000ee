// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/xunzhen/xunzhen/server/findings"
)

// ErrNoFindings says that nothing is looked for in this county: it was opened without rules.
var ErrNoFindings = errors.New("nothing is looked for here")

// openFindings opens the file of findings. Without it everything else is answered all the same.
func (c *County) openFindings(ctx context.Context) {
	m := c.means
	if m.Rules == nil {
		c.notFound = ErrNoFindings
		return
	}
	log := m.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("shard", c.Shard().String())
	c.findings, c.notFound = findings.Open(ctx, findings.Config{
		Shard: c.Engine, Path: filepath.Join(c.Dir, findingsFile), BuiltIn: m.Rules, Clock: m.Clock, Rand: m.Rand, Log: log,
	})
	if c.notFound != nil && ctx.Err() == nil {
		log.Error("there will be no findings until the next start", "err", c.notFound)
	}
}

// Findings returns what is found in the county, or why that is not to be had: ErrNoFindings, or
// the file's error. Somebody must have them follow the records.
func (c *County) Findings() (*findings.Findings, error) { return c.findings, c.notFound }
