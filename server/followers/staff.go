// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// StaffShard is what Staff needs of a shard; *syncengine.Engine is one.
type StaffShard interface {
	Shard
	// Certificates returns every certificate that is known.
	Certificates(context.Context) ([]segment.Certificate, error)
}

// Staff knows who works as what: it follows the records of staff, and believes of them what the centre saved. A
// tablet may save such records, too, but not make anybody a controller: what it says is passed over here.
// Its methods may be called from many goroutines.
type Staff struct {
	shard StaffShard
	log   *slog.Logger

	turn    chan struct{} // has room for the one who reads
	epoch   ledger.Epoch
	changes stream
	centre  map[causal.ReplicaID]bool // the centre's replicas, as of the last look

	mu   sync.RWMutex
	said map[record.ID]*carev1.Staff
}

// NewStaff returns a follower that has read nothing yet.
func NewStaff(shard StaffShard, log *slog.Logger) *Staff {
	s := &Staff{shard: shard, log: log, turn: make(chan struct{}, 1)}
	s.reset()
	return s
}

func (s *Staff) reset() {
	s.epoch, s.changes, s.centre = s.shard.Epoch(), stream{kind: care.KindStaff}, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = map[record.ID]*carev1.Staff{}
}

// CatchUp reads the feed as far as it goes now.
func (s *Staff) CatchUp(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.shard.Epoch() != s.epoch {
		s.reset()
	}
	for end := s.shard.Position(); ; {
		done, err := s.changes.page(ctx, s.shard, end, func(row syncengine.RecordRow) error {
			return alone(s.log, row.ID, func() error { return s.take(ctx, row) })
		})
		if err != nil || done {
			return err
		}
	}
}

func (s *Staff) take(ctx context.Context, row syncengine.RecordRow) error {
	s.put(row.ID, nil)
	state, err := record.DecodeState(row.State)
	if err != nil || state.Life() == record.LifeVoided {
		return err
	}
	var trusted []record.Register
	for _, g := range state.Registers() {
		g.Siblings, err = s.byCentre(ctx, g.Siblings)
		if err != nil {
			return err
		}
		if len(g.Siblings) > 0 {
			trusted = append(trusted, g)
		}
	}
	m, err := care.Message(care.KindStaff, trusted)
	if err != nil {
		return err
	}
	s.put(row.ID, m.(*carev1.Staff))
	return nil
}

// byCentre returns those of the siblings that the centre saved.
func (s *Staff) byCentre(ctx context.Context, all []record.Sibling) ([]record.Sibling, error) {
	var out []record.Sibling
	for _, one := range all {
		known, ok := s.centre[one.Dot.Replica]
		if !ok {
			var err error
			if known, err = s.ask(ctx, one.Dot.Replica); err != nil {
				return nil, err
			}
		}
		if known {
			out = append(out, one)
		}
	}
	return out, nil
}

// ask finds out whether a replica is one of the centre's.
func (s *Staff) ask(ctx context.Context, of causal.ReplicaID) (bool, error) {
	certs, err := s.shard.Certificates(ctx)
	if err != nil {
		return false, err
	}
	s.centre = map[causal.ReplicaID]bool{}
	for _, c := range certs {
		s.centre[c.Replica()] = c.Role == segment.RoleCentre
	}
	known := s.centre[of]
	s.centre[of] = known // what no certificate is known of is not asked about again
	return known, nil
}

func (s *Staff) put(id record.ID, m *carev1.Staff) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.said, id)
	if m != nil && m.GetStaffId() != "" {
		s.said[id] = m
	}
}

// Works reports whether, as of the last CatchUp, a member of staff works as one of roles on a day, and has a post
// then.
func (s *Staff) Works(staffID string, day care.Date, roles ...carev1.StaffRole) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, m := range s.said {
		as := func(r carev1.StaffRole) bool { return slices.Contains(roles, r) }
		if m.GetStaffId() == staffID && slices.ContainsFunc(m.GetRoles(), as) && hasPost(m, day) {
			return true
		}
	}
	return false
}

func hasPost(m *carev1.Staff, day care.Date) bool {
	for _, p := range m.GetPosts() {
		since, until := care.Date(p.GetSince()), care.Date(p.GetUntil())
		if since != 0 && since <= day && (until == 0 || day <= until) {
			return true
		}
	}
	return false
}
