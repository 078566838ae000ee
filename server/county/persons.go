// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// populations returns the pack that says who belongs to a population: the one in force, or the
// program's; nil where neither says so.
func (c *County) populations() supervision.Pack {
	if p, ok := c.findings.Pack().(supervision.Pack); ok {
		return p
	}
	if p, ok := c.means.Rules.(supervision.Pack); ok {
		return p
	}
	return nil
}

// persons returns the projection as services ask it.
func (c *County) persons() (supervision.Persons, error) {
	switch {
	case c.supervised == nil:
		return nil, ErrNoFindings
	case c.notProjected != nil:
		return nil, c.notProjected
	}
	return persons{c.projection}, nil
}

// persons waits for what follows elsewhere.
type persons struct{ of *projection.Projection }

const (
	// patience is how long somebody who asks waits for what just came in to be looked at.
	patience = 3 * time.Second
	look     = 20 * time.Millisecond
)

// View runs a function on one snapshot.
func (p persons) View(ctx context.Context, do func(*sqlite.Conn) error) error {
	return p.of.View(ctx, do)
}

// Person returns one person, whole.
func (p persons) Person(ctx context.Context, id record.ID) (*projection.Person, error) {
	return p.of.Person(ctx, id)
}

// Follow waits until everybody was looked at as the records stand, or for a moment.
func (p persons) Follow(ctx context.Context) (behind bool, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		s, err := p.of.State(ctx)
		if err != nil {
			return true, err
		}
		m, _ := s.Module("supervision")
		if s.Behind == 0 && s.Queued == 0 && m.Settings != nil && (!m.UnderWay || m.OnlyDay) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-timer.C:
			return true, nil
		case <-tick.C:
		}
	}
}
