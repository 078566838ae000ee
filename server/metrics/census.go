// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// census is what a county's store must be asked for.
type census struct {
	records  map[record.Class]uint64
	flagged  map[string]int
	replicas map[standing]int
	silent   map[int]int // by days
}

// standing is a sort of replica.
type standing struct{ role, state string }

// maxFlagged is how many records are looked at that wait for a person: whoever has
// more has seen it in the figure.
const maxFlagged = 1000

// silentDays are after how many days of silence a replica is counted.
func silentDays() []int { return []int{7, 30, 90} }

const day = 24 * time.Hour

func takeCensus(ctx context.Context, c *county.County, h heard, now time.Time) (census, error) {
	s := census{records: map[record.Class]uint64{}, flagged: map[string]int{}, replicas: map[standing]int{}, silent: map[int]int{}}
	sums, err := c.Engine.Sums(ctx)
	if err != nil {
		return s, err
	}
	for key, sum := range sums {
		s.records[key.Class] += sum.Count
	}
	if err := s.countFlagged(ctx, c); err != nil {
		return s, err
	}
	return s, s.countReplicas(ctx, c, h, now)
}

func classes() []record.Class {
	return []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}
}

func className(c record.Class) string {
	switch c {
	case record.ClassEveryone:
		return "everyone"
	case record.ClassGeneral:
		return "general"
	}
	return "sensitive"
}

// flags are what makes a person look, and what they are called.
func flags() map[string]syncengine.Flags {
	return map[string]syncengine.Flags{
		"held": syncengine.FlagHeld, "conflict": syncengine.FlagConflict, "waiting": syncengine.FlagWaiting, "no_scope": syncengine.FlagNoScope,
	}
}

func (s census) countFlagged(ctx context.Context, c *county.County) error {
	q := syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: classes(), Limit: 100}
	for name, flag := range flags() {
		q.Flags |= flag
		s.flagged[name] = 0
	}
	for seen := 0; seen < maxFlagged; {
		rows, err := c.Engine.List(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rows {
			for name, flag := range flags() {
				if r.Flags&flag != 0 {
					s.flagged[name]++
				}
			}
			q.After = r.Position
		}
		if seen += len(rows); !q.Full(rows) {
			return nil
		}
	}
	return nil
}

// countReplicas counts every replica once, by its newest certificate.
func (s census) countReplicas(ctx context.Context, c *county.County, h heard, now time.Time) error {
	for _, days := range silentDays() {
		s.silent[days] = 0
	}
	certs, err := c.Engine.Certificates(ctx)
	if err != nil {
		return err
	}
	newest := map[causal.ReplicaID]segment.Certificate{}
	for _, cert := range certs { // in order of time
		newest[cert.Replica()] = cert
	}
	for _, cert := range newest {
		if cert.Role == segment.RoleCentre {
			continue
		}
		if err := s.countReplica(ctx, c, h, now, cert); err != nil {
			return err
		}
	}
	return nil
}

func (s census) countReplica(ctx context.Context, c *county.County, h heard, now time.Time, cert segment.Certificate) error {
	role := cert.Role.String()
	revoked, err := c.Engine.Revoked(ctx, cert)
	switch {
	case err != nil:
		return err
	case revoked:
		s.replicas[standing{role, "revoked"}]++
		return nil
	case !now.Before(cert.ExpiresAt):
		s.replicas[standing{role, "expired"}]++
	default:
		s.replicas[standing{role, "active"}]++
	}
	if !cert.Role.Saves() {
		return nil // a desk has nothing to send
	}
	at, err := h.of(ctx, c, cert)
	if err != nil {
		return err
	}
	for _, days := range silentDays() {
		if now.Sub(at) > time.Duration(days)*day {
			s.silent[days]++
		}
	}
	return nil
}
