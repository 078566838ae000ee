// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Prove returns a proof file about a record, or about its one revision named only when
// that is not zero (package evidence). It walks the ledger from the first leaf shown.
// Errors: ReasonNotFound; ReasonTooMuch where the file would be larger than
// evidence.MaxFile; the store's.
func (e *Engine) Prove(ctx context.Context, id record.ID, only causal.Dot) ([]byte, error) {
	var out []byte
	err := e.view(ctx, func(r Reader) error {
		ps, err := storedPlaces(r, id)
		if err == nil && len(ps) == 0 {
			err = refuse(ReasonNotFound, "record", nil)
		}
		if err != nil {
			return err
		}
		p := prover{e: e, r: r, leaves: map[ledger.Index]*evidence.Leaf{}, certs: map[segment.Hash]bool{}}
		p.file = evidence.File{Shard: e.shard, Record: id, Only: only, MadeAt: e.now()}
		for _, step := range []func() error{
			p.checkpoint,
			func() error { return p.revisions(ps) },
			func() error { return p.changes(ctx, ps) },
			p.acts,
			p.fences,
			p.paths,
		} {
			if err := step(); err != nil {
				return err
			}
		}
		out, err = p.file.Encode(e.cfg.ShardKey)
		if errors.Is(err, evidence.ErrTooLarge) {
			err = refuse(ReasonTooMuch, "proof", err)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	return out, nil
}

// prover makes one proof file.
type prover struct {
	e      *Engine
	r      Reader
	size   ledger.Size
	bytes  int // about what the file has come to
	leaves map[ledger.Index]*evidence.Leaf
	certs  map[segment.Hash]bool
	dots   []causal.Dot // of the revisions in the file
	file   evidence.File
}

func (p *prover) checkpoint() error {
	h, err := p.e.headOf(p.r)
	if err != nil {
		return err
	}
	root, err := ledger.Root(p.r, h.size)
	if err != nil {
		return err
	}
	p.size = h.size
	p.file.Checkpoint, err = ledger.Sign(ledger.Checkpoint{Shard: p.e.shard, Epoch: h.epoch, Size: h.size, Root: root}, p.e.cfg.ShardKey)
	return err
}

// revisions adds what is stored of the record; of one revision, it and what replaced
// something of it.
func (p *prover) revisions(ps places) error {
	slices.SortFunc(ps, func(a, b place) int { return a.history().Compare(b.history()) })
	if !p.file.Only.IsZero() {
		if !slices.ContainsFunc(ps, func(o place) bool { return o.dot == p.file.Only }) {
			return refuse(ReasonNotFound, "revision", nil)
		}
	}
	for _, o := range ps {
		seg, _, err := p.e.openStored(p.r, o.leaf)
		if err != nil {
			return err
		}
		hide := !p.file.Only.IsZero() && o.dot != p.file.Only
		if hide && !replaces(seg, o.at, p.file.Only) {
			continue
		}
		rev, err := p.revision(seg, o, hide)
		if err != nil {
			return err
		}
		p.file.Revisions, p.dots = append(p.file.Revisions, rev), append(p.dots, o.dot)
	}
	return nil
}

// replaces reports whether a revision names another one as a parent.
func replaces(seg *segment.Segment, at int, d causal.Dot) bool {
	rev, err := seg.Revision(at)
	return err == nil && slices.ContainsFunc(rev.Changes, func(c record.Change) bool { return slices.Contains(c.Parents, d) })
}

// revision returns a revision with its path, and sees to it that its leaf comes with
// the segment's front and certificate.
func (p *prover) revision(seg *segment.Segment, o place, hide bool) (evidence.Revision, error) {
	out := evidence.Revision{Leaf: o.leaf, Place: o.at, Hidden: hide || seg.Erased(o.at)}
	var err error
	if out.Path, out.Skeleton, out.BodyHash, err = seg.Proof(o.at); err != nil {
		return out, err
	}
	if !out.Hidden {
		out.Salt, out.Body, out.BodyHash = seg.Salt(o.at), seg.Body(o.at), [32]byte{}
	}
	p.bytes += len(out.Skeleton) + len(out.Body) + 32*len(out.Path)
	if p.bytes > evidence.MaxFile {
		return out, refuse(ReasonTooMuch, "proof", evidence.ErrTooLarge)
	}
	if l := p.leaf(o.leaf); l.Front == nil {
		l.Front = seg.Front()
		err = p.certificate(seg.Header().Certificate)
	}
	return out, err
}

func (p *prover) leaf(i ledger.Index) *evidence.Leaf {
	l := p.leaves[i]
	if l == nil {
		l = &evidence.Leaf{Index: i}
		p.leaves[i] = l
	}
	return l
}

func (p *prover) certificate(h segment.Hash) error {
	if p.certs[h] {
		return nil
	}
	cert, ok, err := p.e.certificate(p.r, h)
	if err == nil && !ok {
		err = fmt.Errorf("certificate %s is not stored", h)
	}
	if err != nil {
		return err
	}
	p.certs[h] = true
	p.file.Certificates = append(p.file.Certificates, cert.Raw)
	return nil
}

// changes adds the leaves that changed verdicts of the revisions.
func (p *prover) changes(ctx context.Context, ps places) error {
	shown := causal.NewVector(p.dots...)
	return changedVerdicts(ctx, p.r, p.file.Record, firstLeaf(ps), p.size, func(c changedLeaf) error {
		var places []int
		for _, i := range c.places {
			if shown.Has(c.Leaf.Changed[i].Dot) {
				places = append(places, i)
			}
		}
		if len(places) == 0 {
			return nil
		}
		l := p.leaf(c.index)
		proofs, err := ledger.ProveChanged(c.raw, places...)
		for i, proof := range proofs {
			l.Changed = append(l.Changed, evidence.Changed{Changed: c.Leaf.Changed[places[i]], Place: places[i], Path: proof})
		}
		return err
	})
}

// acts adds what the office ruled about the revisions in the file, and the orders that
// they be erased.
func (p *prover) acts() error {
	seen := map[causal.Dot]bool{}
	for _, d := range p.dots {
		for _, family := range []ActFamily{ActRuling, ActErasure} {
			acts, err := p.r.Acts(family, d.Append(nil))
			if err != nil {
				return err
			}
			for _, a := range acts {
				if err := p.act(a.Dot, seen); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fences adds the fences that held a revision in the file, or let it go: those of its
// replica, and of the one that this succeeded.
func (p *prover) fences() error {
	seen := map[causal.Dot]bool{}
	for i, d := range p.dots {
		fenced, err := p.fenced(p.file.Revisions[i], d)
		if err != nil {
			return err
		}
		if !fenced {
			continue
		}
		seg, _, err := p.e.openStored(p.r, p.file.Revisions[i].Leaf)
		if err != nil {
			return err
		}
		cert, _, err := p.e.certificate(p.r, seg.Header().Certificate)
		if err != nil {
			return err
		}
		for _, replica := range []causal.ReplicaID{d.Replica, cert.Predecessor} {
			acts, err := p.r.Acts(ActFence, idBytes(replica))
			if err != nil {
				return err
			}
			for _, a := range acts {
				if err := p.act(a.Dot, seen); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// fenced reports whether a fence ever held a revision.
func (p *prover) fenced(rev evidence.Revision, d causal.Dot) (bool, error) {
	l, err := readLeaf(p.r, rev.Leaf)
	if err != nil || rev.Place < len(l.Verdicts) && l.Verdicts[rev.Place] == ledger.HeldFence {
		return err == nil, err
	}
	for _, l := range p.leaves {
		held := func(c evidence.Changed) bool { return c.Dot == d && c.Verdict == ledger.HeldFence }
		if slices.ContainsFunc(l.Changed, held) {
			return true, nil
		}
	}
	return false, nil
}

func (p *prover) act(d causal.Dot, seen map[causal.Dot]bool) error {
	if seen[d] {
		return nil
	}
	seen[d] = true
	o, seg, err := p.find(d)
	if err != nil {
		return err
	}
	rev, err := p.revision(seg, o, false)
	if err == nil {
		p.file.Acts = append(p.file.Acts, rev)
	}
	return err
}

// find returns where a revision is stored by its dot alone.
func (p *prover) find(d causal.Dot) (place, *segment.Segment, error) {
	heads, err := allSegments(p.r, d.Replica, d.Counter)
	if err != nil {
		return place{}, nil, err
	}
	for _, h := range heads {
		if d.Counter < h.First {
			break
		}
		seg, _, err := p.e.openStored(p.r, h.Index)
		if err != nil {
			return place{}, nil, err
		}
		if at := int(d.Counter - h.First); seg.Dot(at) == d {
			return place{dot: d, leaf: h.Index, at: at}, seg, nil
		}
	}
	return place{}, nil, fmt.Errorf("act %s is not stored", d)
}

// paths puts the leaves into the file with their ways to the checkpoint, and the acts in
// order.
func (p *prover) paths() error {
	slices.SortFunc(p.file.Acts, func(a, b evidence.Revision) int {
		return HistoryPlace{a.Leaf, a.Place}.Compare(HistoryPlace{b.Leaf, b.Place})
	})
	for _, l := range p.leaves {
		raw, ok, err := p.r.Leaf(l.Index)
		if err == nil && !ok {
			err = fmt.Errorf("leaf %d is missing", l.Index)
		}
		if err != nil {
			return err
		}
		l.Hashed = ledger.Hashed(raw)
		if l.Path, err = ledger.ProveRecord(p.r, p.size, l.Index); err != nil {
			return err
		}
		p.file.Leaves = append(p.file.Leaves, *l)
	}
	slices.SortFunc(p.file.Leaves, func(a, b evidence.Leaf) int { return int(a.Index - b.Index) })
	return nil
}

// changedLeaf is a leaf that changed verdicts of one record, at some places.
type changedLeaf struct {
	ledger.Leaf
	index  ledger.Index
	raw    []byte
	places []int
}

// changedVerdicts calls f for each leaf from one on, below a size, that changed a
// verdict of a record, in order. There is no index of them: they are few, whoever asks
// is a person, and looking for an id in a leaf costs next to nothing.
func changedVerdicts(ctx context.Context, r LedgerReader, id record.ID, from ledger.Index, size ledger.Size, f func(changedLeaf) error) error {
	for i := from; i < ledger.Index(size); i++ {
		raw, _, err := r.Leaf(i)
		if err != nil {
			return err
		}
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if !bytes.Contains(raw, id[:]) {
			continue
		}
		l, err := ledger.DecodeLeaf(raw)
		if err != nil {
			return fmt.Errorf("leaf %d: %w", i, err)
		}
		c := changedLeaf{Leaf: l, index: i, raw: raw}
		for k, o := range l.Changed {
			if o.Record == id {
				c.places = append(c.places, k)
			}
		}
		if len(c.places) == 0 {
			continue
		}
		if err := f(c); err != nil {
			return err
		}
	}
	return nil
}

// firstLeaf returns the leaf of the revision that was stored first.
func firstLeaf(ps places) ledger.Index {
	first := ps[0].leaf
	for _, p := range ps {
		first = min(first, p.leaf)
	}
	return first
}
