// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Kinds of the centre's acts (proto/xunzhen/sync/v1/acts.proto). Their numbers
// are frozen; numbers up to maxActKind are kept for more.
const (
	KindCertificate record.Kind = 1 + iota
	KindFence
	KindRelease
	KindWithdrawal
	KindGapRuling
	KindErasure
	KindRestore

	maxActKind = record.MaxActKind
)

// IsAct reports whether records of a kind are acts, which the centre alone makes and
// everybody obeys.
func IsAct(kind record.Kind) bool { return kind <= maxActKind }

// pathAct is the one register of every act.
var pathAct = record.Field(1)

// actKey is what an act speaks about.
type actKey struct {
	family ActFamily
	key    string
}

// actIndex holds the acts that verdicts depend on, by what they speak about. They
// are few, so they are kept in memory.
type actIndex map[actKey][]Act

func readActs(r ActReader) (actIndex, error) {
	index := actIndex{}
	for _, f := range []ActFamily{ActFence, ActRuling, ActGap, ActErasure, ActFork} {
		acts, err := r.Acts(f, nil)
		if err != nil {
			return nil, err
		}
		for _, a := range acts {
			index.put(a)
		}
	}
	return index, nil
}

// put adds an act in its order; the same one twice is once. Lists that others have
// are not changed.
func (x actIndex) put(a Act) {
	k := actKey{a.Family, string(a.Key)}
	i, there := slices.BinarySearchFunc(x[k], a, compareActs)
	if !there {
		x[k] = slices.Insert(slices.Clip(x[k]), i, a)
	}
}

func compareActs(a, b Act) int { return cmp.Or(a.Dot.Compare(b.Dot), bytes.Compare(a.Body, b.Body)) }

// lookup returns the acts of a family about a key, those of this batch included.
func (b *batch) lookup(f ActFamily, key []byte) ([]Act, error) {
	if len(b.head.acts)+len(b.acts) == 0 {
		return nil, nil
	}
	k := actKey{f, string(key)}
	return append(slices.Clip(b.head.acts[k]), b.acts[k]...), nil
}

// put stores an act, for later lookups of this batch too.
func (b *batch) put(a Act) error {
	k := actKey{a.Family, string(a.Key)}
	for _, o := range append(slices.Clip(b.head.acts[k]), b.acts[k]...) {
		if o.Dot == a.Dot && bytes.Equal(o.Body, a.Body) {
			return nil
		}
	}
	b.acts.put(a)
	b.obeyed++
	b.changed, b.fenced = true, b.fenced || a.Family == ActFence
	return b.tx.PutAct(a)
}

// mergeActs moves the batch's acts into the head that is about to be the engine's.
func (b *batch) mergeActs() {
	if len(b.acts) == 0 {
		return
	}
	all := maps.Clone(b.head.acts)
	for _, acts := range b.acts {
		for _, a := range acts {
			all.put(a)
		}
	}
	b.head.acts = all
}

// parseAct reads the message of an act, which is the value of its one register.
func parseAct(r record.Revision) (proto.Message, error) {
	c, ok := r.Change(pathAct)
	if !ok || c.Value.Form != record.Present {
		return nil, fmt.Errorf("act without its register: %w", record.ErrMalformed)
	}
	var m proto.Message
	switch r.Record.Kind() {
	case KindCertificate:
		m = &syncv1.CertificateAct{}
	case KindFence:
		m = &syncv1.FenceAct{}
	case KindRelease:
		m = &syncv1.ReleaseAct{}
	case KindWithdrawal:
		m = &syncv1.WithdrawalAct{}
	case KindGapRuling:
		m = &syncv1.GapRulingAct{}
	case KindErasure:
		m = &syncv1.ErasureAct{}
	case KindRestore:
		m = &syncv1.RestoreAct{}
	default:
		return nil, fmt.Errorf("act of kind %d: %w", r.Record.Kind(), record.ErrMalformed)
	}
	if err := proto.Unmarshal(c.Value.Bytes, m); err != nil {
		return nil, fmt.Errorf("act: %w", record.ErrMalformed)
	}
	return m, nil
}

func (b *batch) obeyIfAct(r record.Revision) error {
	if r.Record.Kind() > maxActKind {
		return nil
	}
	m, err := parseAct(r)
	if err != nil {
		return nil //nolint:nilerr // held as malformed, so never admitted
	}
	if err := b.obey(r.Dot, m); err != nil {
		return fmt.Errorf("act %s: %w", r.Dot, err)
	}
	return nil
}

// obey lets an admitted act take effect, whether what it speaks about is here
// already or not.
func (b *batch) obey(by causal.Dot, m proto.Message) error {
	switch m := m.(type) {
	case *syncv1.CertificateAct:
		c, err := b.e.readCertificate(marshal(m.GetCertificate()))
		if err != nil {
			return nil // not this shard's: nothing to obey
		}
		return b.putCertificate(c, by)
	case *syncv1.FenceAct:
		return b.obeyFence(by, m.GetFence())
	case *syncv1.ReleaseAct:
		return b.obeyRuling(by, byte(KindRelease), m.GetRelease())
	case *syncv1.WithdrawalAct:
		return b.obeyRuling(by, byte(KindWithdrawal), m.GetWithdrawal())
	case *syncv1.GapRulingAct:
		return b.obeyGaps(by, m.GetRuling())
	case *syncv1.ErasureAct:
		return b.obeyErasure(by, m)
	}
	return nil
}

func marshal(m proto.Message) []byte {
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil // only for invalid UTF-8, which no message here was decoded with
	}
	return out
}

// obeyRuling puts a release or withdrawal on the record of its target.
func (b *batch) obeyRuling(by causal.Dot, kind byte, r *syncv1.Ruling) error {
	target, id, err := rulingTarget(r)
	if err != nil {
		return nil // speaks about nothing
	}
	body := append([]byte{kind}, marshal(r)...)
	if err := b.put(Act{Family: ActRuling, Key: target.Append(nil), Dot: by, Body: body}); err != nil {
		return err
	}
	w, err := b.record(id)
	if err != nil {
		return err
	}
	return b.reassess(w)
}

func rulingTarget(r *syncv1.Ruling) (causal.Dot, record.ID, error) {
	if len(r.GetRecord()) != 16 {
		return causal.Dot{}, record.ID{}, record.ErrMalformed
	}
	d, rest, err := causal.DecodeDot(r.GetDot())
	if err != nil || len(rest) > 0 {
		return causal.Dot{}, record.ID{}, record.ErrMalformed
	}
	return d, record.ID(r.GetRecord()), nil
}

// rulingHeads says what the rulings on one revision come to. A ruling that a
// later one has seen counts no more; among the rest a withdrawal wins.
func rulingHeads(acts []Act) (released, withdrawn bool) {
	seen := map[string]bool{}
	for _, a := range acts {
		var r syncv1.Ruling
		if proto.Unmarshal(a.Body[1:], &r) == nil {
			for _, d := range r.GetSeen() {
				seen[string(d)] = true
			}
		}
	}
	for _, a := range acts {
		if seen[string(a.Dot.Append(nil))] {
			continue
		}
		if a.Body[0] == byte(KindWithdrawal) {
			withdrawn = true
		} else {
			released = true
		}
	}
	return released, withdrawn
}

// obeyGaps states gaps on the office's word.
func (b *batch) obeyGaps(by causal.Dot, r *syncv1.GapRuling) error {
	if len(r.GetReplica()) != 16 || len(r.GetFromCounters()) != len(r.GetToCounters()) {
		return nil
	}
	for i, from := range r.GetFromCounters() {
		g := causal.Range{Replica: causal.ReplicaID(r.GetReplica()), From: from, To: r.GetToCounters()[i]}
		if err := b.stateGap(by, g); err != nil {
			return err
		}
	}
	return nil
}

// stateGap keeps a gap and receives what waited for it.
func (b *batch) stateGap(by causal.Dot, g causal.Range) error {
	if g.From == 0 || g.To < g.From || !b.e.rules.gapsInLedger {
		return nil
	}
	body := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, g.From), g.To)
	if err := b.put(Act{Family: ActGap, Key: g.Replica[:], Dot: by, Body: body}); err != nil {
		return err
	}
	ids, err := b.flagged(FlagWaiting)
	if err != nil {
		return err
	}
	for _, id := range ids {
		w, err := b.record(id)
		if err == nil {
			err = b.settle(w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// gaps returns the stated gaps of a replica.
func (b *batch) gaps(r causal.ReplicaID) (causal.Ranges, error) {
	acts, err := b.lookup(ActGap, r[:])
	return gapRanges(r, acts), err
}

func gapRanges(r causal.ReplicaID, acts []Act) causal.Ranges {
	var out causal.Ranges
	for _, a := range acts {
		if len(a.Body) == 16 {
			out = out.With(causal.Range{
				Replica: r, From: binary.BigEndian.Uint64(a.Body), To: binary.BigEndian.Uint64(a.Body[8:]),
			})
		}
	}
	return out
}

// flagged returns the ids of all records with a flag, those of this batch included.
func (b *batch) flagged(f Flags) ([]record.ID, error) {
	var out []record.ID
	for _, w := range b.order {
		out = append(out, w.row.ID)
	}
	q := FeedQuery{Divisions: everywhere, Classes: allClasses, Flags: f, Limit: 1000, Bytes: scanBytes}
	for {
		rows, err := b.tx.Feed(q)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, r.ID)
			q.After = r.Position
		}
		if !q.Full(rows) {
			return out, nil
		}
	}
}

var (
	everywhere = []record.Division{""}
	allClasses = []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}
)

// obeyErasure takes a revision's body away, here and from whatever arrives later.
func (b *batch) obeyErasure(by causal.Dot, m *syncv1.ErasureAct) error {
	target, id, err := rulingTarget(m.GetErasure())
	if err != nil {
		return nil // speaks about nothing
	}
	if err := b.put(Act{Family: ActErasure, Key: target.Append(nil), Dot: by, Body: marshal(m)}); err != nil {
		return err
	}
	w, err := b.record(id)
	if err != nil {
		return err
	}
	i, ok := w.places.find(target)
	if !ok {
		return nil
	}
	if err := b.eraseAt(w.places[i]); err != nil {
		return err
	}
	if err := b.recompute(w); err != nil {
		return err
	}
	return b.reassess(w)
}

// erasure returns what was said of a body when it was ordered gone; nil: nothing.
func (b *batch) erasure(d causal.Dot) *syncv1.ErasureAct {
	acts, err := b.lookup(ActErasure, d.Append(nil))
	if err != nil || len(acts) == 0 {
		return nil
	}
	var m syncv1.ErasureAct
	if proto.Unmarshal(acts[0].Body, &m) != nil {
		return nil
	}
	return &m
}

// eraseAt writes every segment that holds the revision of a place again without
// its body.
func (b *batch) eraseAt(p place) error {
	_, head, err := b.segmentAt(p.leaf)
	if err != nil {
		return err
	}
	twins, err := b.twins(head, p.dot)
	if err != nil {
		return err
	}
	for _, h := range append(twins, head) {
		if err := b.eraseIn(place{dot: p.dot, leaf: h.Index, at: int(p.dot.Counter - h.First)}); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) eraseIn(p place) error {
	seg, head, err := b.segmentAt(p.leaf)
	if err != nil || seg.Erased(p.at) {
		return err
	}
	if seg, err = seg.Erase(p.at); err != nil {
		return err
	}
	b.changed = true
	for i := range b.pending {
		if b.pending[i].head.Index == p.leaf {
			b.pending[i].seg = seg
			return nil
		}
	}
	b.e.cache.drop()
	b.erasedSegs = append(b.erasedSegs, pendingSegment{head, seg})
	return b.tx.PutSegment(head, b.e.zstd.Compress(seg.Bytes()))
}

// erased returns a new segment without the bodies that are to be gone.
func (b *batch) erased(seg *segment.Segment) (*segment.Segment, error) {
	if len(b.head.acts)+len(b.acts) == 0 {
		return seg, nil
	}
	var gone []int
	for i := range seg.Len() {
		acts, err := b.lookup(ActErasure, seg.Dot(i).Append(nil))
		if err != nil {
			return nil, err
		}
		if len(acts) > 0 && !seg.Erased(i) {
			gone = append(gone, i)
		}
	}
	if len(gone) == 0 {
		return seg, nil
	}
	return seg.Erase(gone...)
}

// officeAddress says to whom a segment of the centre goes: the class and division
// all its revisions share, or everyone.
func (b *batch) officeAddress(seg *segment.Segment) (record.Class, record.Division) {
	if seg.Len() == 0 || seg.RecordID(0).Kind() <= maxActKind {
		return record.ClassEveryone, ""
	}
	class := b.e.class(seg.RecordID(0).Kind())
	rev, err := seg.Revision(0)
	if err != nil {
		return class, ""
	}
	if !rev.ScopeSeen.Dot.IsZero() {
		return class, rev.ScopeSeen.Division
	}
	if c, ok := rev.Change(record.PathScope); ok {
		return class, record.Division(c.Value.Bytes)
	}
	return class, ""
}

func releaseAct(m *syncv1.Ruling) *syncv1.ReleaseAct { return &syncv1.ReleaseAct{Release: m} }
