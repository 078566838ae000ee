// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// kindFence is the kind of the act that cuts a replica off.
const kindFence record.Kind = 2

// revoked reports whether a fence held here cuts a caller off, or one whose rights
// it continues. A hub knows the fences that have come down to it, no others.
func revoked(r *Replica, tx Reader, caller segment.Certificate) (bool, error) {
	fences, err := fencesHere(r, tx)
	if err != nil || len(fences) == 0 {
		return false, err
	}
	line, err := lineage(r, tx, caller)
	return slices.ContainsFunc(fences, func(f *syncv1.Fence) bool {
		return !f.GetLifted() && len(f.GetReplica()) == 16 && slices.Contains(line, causal.ReplicaID(f.GetReplica()))
	}), err
}

// fencesHere returns the fences that no later one held here has seen.
func fencesHere(r *Replica, tx Reader) ([]*syncv1.Fence, error) {
	v, err := r.newViewer(tx)
	if err != nil {
		return nil, err
	}
	all := map[string]*syncv1.Fence{} // by dot
	err = v.candidates(Query{Kind: kindFence}, func(id record.ID) (bool, error) {
		places, err := v.places(id)
		for _, l := range places {
			revs, rerr := v.appendRevision(nil, l)
			if err = errors.Join(err, rerr); err != nil || len(revs) == 0 {
				continue
			}
			if f := fenceIn(revs[0]); f != nil {
				all[string(dotKey(l.dot))] = f
			}
		}
		return true, err
	})
	seen := map[string]bool{}
	for _, f := range all {
		for _, d := range f.GetSeen() {
			seen[string(d)] = true
		}
	}
	var out []*syncv1.Fence
	for d, f := range all {
		if !seen[d] {
			out = append(out, f)
		}
	}
	return out, err
}

// fenceIn returns the fence an act says; nil when it says none.
func fenceIn(rev record.Revision) *syncv1.Fence {
	c, ok := rev.Change(record.Field(1))
	if !ok || c.Value.Form != record.Present {
		return nil
	}
	var act syncv1.FenceAct
	if proto.Unmarshal(c.Value.Bytes, &act) != nil {
		return nil
	}
	return act.GetFence()
}

// lineage returns a replica and those whose rights it continues, as far as their
// certificates are known here.
func lineage(r *Replica, tx Reader, c segment.Certificate) ([]causal.ReplicaID, error) {
	all, err := r.certificates(tx)
	before := map[causal.ReplicaID]causal.ReplicaID{}
	for _, k := range all {
		if !k.Predecessor.IsZero() {
			before[k.Replica()] = k.Predecessor
		}
	}
	line := []causal.ReplicaID{c.Replica()}
	for next := c.Predecessor; !next.IsZero() && !slices.Contains(line, next); next = before[next] {
		line = append(line, next)
	}
	return line, err
}
