// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrNotCounted says that nothing is counted in this county: it was opened without rules.
var ErrNotCounted = errors.New("nothing is counted here")

// counter returns the module that counts, by the pack that findings chose, and with what they find.
func (c *County) counter() *assessment.Module {
	pack := func() assessment.Pack {
		if p := c.findings.Pack(); p != nil {
			return p
		}
		return c.means.Rules
	}
	found := func(conn *sqlite.Conn, p *projection.Person) ([]*carev1.Finding, bool, error) {
		all, err := c.findings.About(conn, p)
		return all, true, err
	}
	return assessment.NewModule(pack, found, c.means.log().With("shard", c.Shard().String()))
}

// Assessment returns what counts in the county, or why that is not to be had: ErrNotCounted, or the
// error of the file of projections.
func (c *County) Assessment() (*assessment.Assessment, error) {
	switch {
	case c.counts == nil:
		return nil, ErrNotCounted
	case c.notProjected != nil:
		return nil, c.notProjected
	}
	return assessment.New(assessment.Config{
		Module: c.counts, Projection: projected{c.projection}, Shard: c.Engine, County: c.Code, Clock: c.means.Clock,
		BuiltIn: c.means.Rules, Load: loadPack,
	}), nil
}

// loadPack reads the pack that a record carries.
func loadPack(registers []record.Register) (assessment.Pack, error) {
	m, err := care.Message(care.KindRulePack, registers)
	if err != nil {
		return nil, err
	}
	p, err := rules.LoadRecord(m.(*carev1.RulePack))
	if err != nil {
		return nil, fmt.Errorf("rule pack: %w", err)
	}
	return p, nil
}

// projected is the projection as assessment asks it.
type projected struct{ *projection.Projection }

// Standing says how far the projection, and the counting in it, has come.
func (p projected) Standing(conn *sqlite.Conn) (assessment.Standing, error) {
	s, err := p.StateIn(conn)
	out := assessment.Standing{Position: s.Position, Behind: s.Behind, Queued: s.Queued}
	if m, ok := s.Module("assessment"); ok {
		out.Sweeping, out.Queued = m.UnderWay, out.Queued+m.Waiting
	}
	return out, err
}

// View runs a function on one snapshot.
func (p projected) View(ctx context.Context, do func(*sqlite.Conn) error) error {
	return p.Projection.View(ctx, do)
}
