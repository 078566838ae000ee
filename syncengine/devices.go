// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Device is an installation with all that the office may want to know of it.
type Device struct {
	ReplicaInfo
	// Fences in force on it, and on those whose rights it continues; empty: it is in
	// good standing.
	Fences       []FenceInfo
	Predecessors []causal.ReplicaID // nearest first
	Successors   []causal.ReplicaID // nearest first
	LastReceived time.Time          // of its last segment; zero: it has none
	Held         int                // saves that are held
	Waiting      int                // saves that wait for their prev
	Missing      causal.Range       // see Blocked; zero: nothing
}

// Heard returns when a tablet in good standing was last heard of: a save of it came, or it was
// certified. Of other installations, of those that are cut off, and of those that others go on
// from, ok is false.
func (d Device) Heard() (at time.Time, ok bool) {
	if d.Certificate.Role != segment.RoleTablet || len(d.Fences) > 0 || d.Revoked || len(d.Successors) > 0 {
		return at, false
	}
	if at = d.Certificate.IssuedAt; d.LastReceived.After(at) {
		at = d.LastReceived
	}
	return at, true
}

// FenceInfo says who put a fence on a replica, when by the centre's clock, and why.
type FenceInfo struct {
	Replica causal.ReplicaID
	Author  string
	Reason  string
	At      time.Time
}

// Devices returns every installation known, in order of replica id.
func (e *Engine) Devices(ctx context.Context) ([]Device, error) {
	all, err := e.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	missing := map[causal.ReplicaID]causal.Range{}
	blocked, err := e.Blocked(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range blocked {
		missing[b.Replica] = b.Missing
	}
	out := make([]Device, len(all))
	err = e.view(ctx, func(r Reader) error {
		q, err := e.newDeviceQuery(r)
		if err != nil {
			return err
		}
		for i, info := range all {
			id := info.Certificate.Replica()
			out[i] = Device{ReplicaInfo: info, Missing: missing[id], Held: q.held[id], Waiting: q.waiting[id]}
			if err := q.read(&out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// deviceQuery is what is asked about every device in one snapshot.
type deviceQuery struct {
	e             *Engine
	r             Reader
	head          head
	held, waiting map[causal.ReplicaID]int
	after         map[causal.ReplicaID][]causal.ReplicaID // direct successors
}

func (e *Engine) newDeviceQuery(r Reader) (*deviceQuery, error) {
	q := &deviceQuery{
		e: e, r: r, head: e.snapshot(),
		held: map[causal.ReplicaID]int{}, waiting: map[causal.ReplicaID]int{}, after: map[causal.ReplicaID][]causal.ReplicaID{},
	}
	for _, id := range slices.SortedFunc(maps.Keys(q.head.before), causal.ReplicaID.Compare) {
		for _, p := range q.head.before[id] {
			q.after[p] = append(q.after[p], id)
		}
	}
	return q, q.count()
}

// count finds out how many saves of each replica are held and wait.
func (q *deviceQuery) count() error {
	feed := FeedQuery{Divisions: everywhere, Classes: allClasses, Flags: FlagHeld | FlagWaiting, Limit: 1000, Bytes: scanBytes}
	for {
		rows, err := q.r.Feed(feed)
		if err != nil {
			return err
		}
		for _, row := range rows {
			feed.After = row.Position
			if err := q.countRow(row); err != nil {
				return err
			}
		}
		if !feed.Full(rows) {
			return nil
		}
	}
}

func (q *deviceQuery) countRow(row RecordRow) error {
	_, ps, err := row.decode()
	for _, p := range ps {
		switch {
		case p.verdict.Waiting():
			q.waiting[p.dot.Replica]++
		case p.verdict.Held():
			q.held[p.dot.Replica]++
		}
	}
	return err
}

func (q *deviceQuery) read(d *Device) error {
	id := d.Certificate.Replica()
	d.Predecessors = q.head.lineage(id)[1:]
	d.Successors = []causal.ReplicaID{id}
	for i := 0; i < len(d.Successors); i++ {
		for _, next := range q.after[d.Successors[i]] {
			if !slices.Contains(d.Successors, next) {
				d.Successors = append(d.Successors, next)
			}
		}
	}
	d.Successors = d.Successors[1:]
	for _, on := range q.head.lineage(id) {
		fences, err := q.fences(on)
		if err != nil {
			return err
		}
		d.Fences = append(d.Fences, fences...)
	}
	return q.lastReceived(d, id)
}

func (q *deviceQuery) lastReceived(d *Device, id causal.ReplicaID) error {
	newest, ok, err := q.r.Newest(id)
	if err == nil && ok {
		d.LastReceived, err = receivedAt(q.r, newest.Index)
	}
	return err
}

// fences returns the fences in force on a replica with who decided them.
func (q *deviceQuery) fences(on causal.ReplicaID) ([]FenceInfo, error) {
	acts := q.head.acts[actKey{ActFence, string(on[:])}]
	var out []FenceInfo
	for _, a := range inForce(acts) {
		var f syncv1.Fence
		if err := proto.Unmarshal(a.Body, &f); err != nil {
			return nil, fmt.Errorf("fence: %w", err)
		}
		info := FenceInfo{Replica: on, Reason: f.GetReason()}
		if err := q.whoSaid(a.Dot, &info); err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}

// whoSaid reads author and time of the act that a dot names.
func (q *deviceQuery) whoSaid(d causal.Dot, into *FenceInfo) error {
	heads, err := q.r.Segments(d.Replica, d.Counter, maxForks)
	if err != nil {
		return err
	}
	for _, h := range heads {
		if d.Counter < h.First || d.Counter > h.Last {
			continue
		}
		seg, _, err := q.e.openStored(q.r, h.Index)
		if err != nil {
			return err
		}
		at := int(d.Counter - h.First)
		if rev, err := seg.Revision(at); err == nil && seg.Dot(at) == d {
			into.Author, into.At = rev.Author, time.UnixMilli(rev.ClockMs).UTC()
			return nil
		}
	}
	return nil
}

// receivedAt returns when the leaf with an index was written.
func receivedAt(r LedgerReader, at ledger.Index) (time.Time, error) {
	raw, ok, err := r.Leaf(at)
	if err != nil {
		return time.Time{}, err
	}
	if !ok {
		return time.Time{}, fmt.Errorf("leaf %d: missing", at)
	}
	leaf, err := ledger.DecodeLeaf(raw)
	return leaf.ReceivedAt, err
}
