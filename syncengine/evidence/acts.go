// SPDX-License-Identifier: Apache-2.0

package evidence

import (
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// acts checks that the centre's replica did what the file says it did.
func (c *checker) acts() error {
	for i, r := range c.file.Acts {
		if i > 0 && !c.file.Acts[i-1].before(r) {
			return failed(ClaimFile, "act %d out of order", i)
		}
		s, err := c.revision(r)
		if err != nil {
			return err
		}
		if s.Certificate.Role != segment.RoleCentre || !s.Verdict().Admitted() {
			return failed(ClaimAct, "%s is no act of the centre's", s.Dot)
		}
		a, ok := actIn(s)
		if !ok || !c.isAbout(s, a) {
			return failed(ClaimAct, "%s is about nothing in the file", s.Dot)
		}
		c.report.Acts = append(c.report.Acts, a)
	}
	return nil
}

// isAbout reports whether an act speaks about a revision in the file, or cuts off an
// installation that saved one, or the one that this succeeded.
func (c *checker) isAbout(act Save, a Act) bool {
	if a.Kind == ActFence {
		return slices.ContainsFunc(c.report.Saves, func(s Save) bool {
			return s.Dot.Replica == a.Replica || s.Certificate.Predecessor == a.Replica
		})
	}
	return string(ruling(act).GetRecord()) == string(c.file.Record[:]) &&
		slices.ContainsFunc(c.report.Saves, func(s Save) bool { return s.Dot == a.Target })
}

// ruling reads what an act says of one revision; nil: it is none of those acts.
func ruling(s Save) *syncv1.Ruling {
	c, ok := s.Revision.Change(record.Field(1))
	if !ok || c.Value.Form != record.Present {
		return nil
	}
	var release syncv1.ReleaseAct
	var withdrawal syncv1.WithdrawalAct
	var erasure syncv1.ErasureAct
	switch kind := s.Revision.Record.Kind(); {
	case kind == record.Kind(ActRelease) && proto.Unmarshal(c.Value.Bytes, &release) == nil:
		return release.GetRelease()
	case kind == record.Kind(ActWithdrawal) && proto.Unmarshal(c.Value.Bytes, &withdrawal) == nil:
		return withdrawal.GetWithdrawal()
	case kind == record.Kind(ActErasure) && proto.Unmarshal(c.Value.Bytes, &erasure) == nil:
		return erasure.GetErasure()
	}
	return nil
}

func actIn(s Save) (Act, bool) {
	a := Act{
		Kind: ActKind(s.Revision.Record.Kind()), Dot: s.Dot, Author: s.Revision.Author,
		At: time.UnixMilli(s.Revision.ClockMs).UTC(), ReceivedAt: s.ReceivedAt, Leaf: s.Leaf,
	}
	if f := fence(s); f != nil {
		a.Replica, a.Lifted, a.Reason = causal.ReplicaID(f.GetReplica()), f.GetLifted(), f.GetReason()
		return a, true
	}
	r := ruling(s)
	target, rest, err := causal.DecodeDot(r.GetDot())
	a.Target, a.Reason = target, r.GetReason()
	return a, err == nil && len(rest) == 0
}

// fence reads an act that cuts an installation off, or lifts that; nil: it is none.
func fence(s Save) *syncv1.Fence {
	var m syncv1.FenceAct
	c, ok := s.Revision.Change(record.Field(1))
	if !ok || c.Value.Form != record.Present || s.Revision.Record.Kind() != record.Kind(ActFence) || proto.Unmarshal(c.Value.Bytes, &m) != nil {
		return nil
	}
	if f := m.GetFence(); len(f.GetReplica()) == len(causal.ReplicaID{}) {
		return f
	}
	return nil
}

// bodies checks that values are missing for a reason.
func (c *checker) bodies() error {
	for i := range c.report.Saves {
		s := &c.report.Saves[i]
		s.Erased = s.Hidden && slices.ContainsFunc(c.report.Acts, func(a Act) bool { return a.Kind == ActErasure && a.Target == s.Dot })
		if s.Hidden && !s.Erased && (c.file.Only.IsZero() || s.Dot == c.file.Only) {
			return failed(ClaimBody, "the values of %s are not there, and no order", s.Dot)
		}
	}
	return nil
}

// ShardIn returns the shard that a file says it is of, unchecked, and whether it says
// one: so that whoever has the wrong key can be told so.
func ShardIn(raw []byte) (segment.ShardID, bool) {
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return segment.ShardID{}, false
	}
	num, typ, n := protowire.ConsumeTag(signed.Body)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return segment.ShardID{}, false
	}
	shard, m := protowire.ConsumeBytes(signed.Body[n:])
	if m < 0 || len(shard) != len(segment.ShardID{}) {
		return segment.ShardID{}, false
	}
	return segment.ShardID(shard), true
}
