// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bytes"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// dots is a set of saves.
type dots map[causal.Dot]bool

// saved is a save that somebody was told is saved.
type saved struct {
	dot     causal.Dot
	record  record.ID
	author  string
	changes []record.Change // as typed, with what stood on the screen as parents
	by      string
	// between which the save is dated, in milliseconds; 0: not known
	earliest, latest int64
}

// oracle is the world's own memory: what people saved, who has had it, and which
// of it may be missing because its only holder was destroyed.
type oracle struct {
	w        *World
	saves    map[causal.Dot]*saved
	order    []causal.Dot // of saves
	excused  dots
	ever     dots                              // was at the centre at some time
	clinic   dots                              // was at a hub at some time
	lent     dots                              // was shown from a hub at some time
	stored   map[segment.Hash]bool             // was at the centre at some time
	position syncengine.Position               // of the feed, when last looked at
	commits  int                               // of the centre's present file, then
	segments map[segment.Hash]*segment.Segment // every one ever seen, bodies and all
	zstd     *segment.Compressor
	read     ledger.Size // leaves of the centre's file that its had has
	replaced map[place]bool
	fenced   []fenceMemory
}

// fenceMemory is what the centre had of a replica and its successors when it cut
// them off.
type fenceMemory struct {
	by   causal.Dot // the act
	line []causal.ReplicaID
	had  dots
	tops map[causal.ReplicaID]uint64
	open bool // nobody lifted it
}

func newOracle(w *World) *oracle {
	return &oracle{
		w: w, saves: map[causal.Dot]*saved{}, excused: dots{}, ever: dots{}, clinic: dots{}, lent: dots{}, stored: map[segment.Hash]bool{}, segments: map[segment.Hash]*segment.Segment{},
		zstd: segment.NewCompressor(), replaced: map[place]bool{},
	}
}

// note remembers a save that somebody was told is saved.
func (o *oracle) note(s *saved) {
	if old, ok := o.saves[s.dot]; ok {
		o.w.fail("I4", "%s was given to two saves, by %s and by %s", s.dot, old.by, s.by)
	}
	o.saves[s.dot] = s
	o.replacing(s.changes)
	o.order = append(o.order, s.dot)
}

// segment remembers a segment and returns the saves in it.
func (o *oracle) segment(h segment.Hash, wire []byte) []causal.Dot {
	s, ok := o.segments[h]
	if !ok {
		var err error
		if s, err = segment.Open(wire); err != nil {
			return nil // damaged
		}
		o.segments[h] = s
		for i := range s.Len() {
			if rev, err := s.Revision(i); err == nil {
				o.replacing(rev.Changes)
			}
		}
	}
	return dotsOf(s)
}

// place is a value of one save.
type place struct {
	dot  causal.Dot
	path record.Path
}

// replacing remembers which values somebody replaced.
func (o *oracle) replacing(changes []record.Change) {
	for _, c := range changes {
		for _, q := range c.Parents {
			o.replaced[place{q, c.Path}] = true
		}
	}
}

func dotsOf(s *segment.Segment) []causal.Dot {
	out := make([]causal.Dot, s.Len())
	for i := range out {
		out[i] = s.Dot(i)
	}
	return out
}

// destroyed notes that a holder's saves were taken from it by force, all but those
// it still has. What nobody else has had is excused from then on.
func (o *oracle) destroyed(before, after dots) {
	for d := range before {
		if !after[d] && !o.held(d) {
			o.excused[d] = true
		}
	}
}

// held reports whether somebody has the save, or let it go on the centre's promise.
func (o *oracle) held(d causal.Dot) bool {
	if o.w.centre.had[d] {
		return true
	}
	for _, x := range o.w.devices {
		if x.alive && x.had[d] {
			return true
		}
	}
	return slices.ContainsFunc(o.w.raws, func(r *raw) bool { return r.had[d] })
}

// leaves returns the centre's leaves in order.
func (o *oracle) leaves() []ledger.Leaf {
	var out []ledger.Leaf
	err := o.w.centre.disk.Store.View(o.w.ctx, func(r syncengine.Reader) error {
		size, err := r.Size()
		for i := ledger.Index(0); err == nil && i < ledger.Index(size); i++ {
			var raw []byte
			var l ledger.Leaf
			if raw, _, err = r.Leaf(i); err == nil {
				l, err = ledger.DecodeLeaf(raw)
			}
			out = append(out, l)
		}
		return err
	})
	o.w.must(err, "leaves")
	return out
}

// readCentre takes note of the centre's new leaves.
func (o *oracle) readCentre() {
	c := o.w.centre
	if c == nil {
		return
	}
	err := c.disk.Store.View(o.w.ctx, func(r syncengine.Reader) error {
		size, err := r.Size()
		if err != nil {
			return err
		}
		for ; o.read < size; o.read++ {
			head, ok, err := r.SegmentAt(ledger.Index(o.read))
			if err != nil {
				return err
			}
			if !ok {
				continue // a gap statement
			}
			wire, err := o.wire(r, head)
			if err != nil {
				return err
			}
			o.stored[head.Hash] = true
			for _, d := range o.segment(head.Hash, wire) {
				c.had[d], o.ever[d] = true, true
			}
		}
		return o.readFeed(r)
	})
	o.w.must(err, "read the centre")
}

// readFeed wants the positions given since the last look to be without gaps: each
// record that changed in a commit has one of its own (I5).
func (o *oracle) readFeed(r syncengine.Reader) error {
	c := o.w.centre
	rows, err := r.Feed(syncengine.FeedQuery{
		After: o.position, Divisions: []record.Division{""}, Limit: 1 << 20,
		Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
	})
	now := c.Position()
	if given := int(now - o.position); c.commits-o.commits == 1 && given != len(rows) && !c.disk.gone {
		o.w.fail("I5", "%d records changed in a commit that gave %d positions", len(rows), given)
	}
	o.position, o.commits = now, c.commits
	return err
}

func (o *oracle) wire(r syncengine.Reader, head syncengine.SegmentHead) ([]byte, error) {
	stored, _, err := r.SegmentBytes(head.Index)
	if err != nil {
		return nil, err
	}
	return o.zstd.Decompress(stored)
}

// holdings reads everything that verdicts and states are a function of.
func (o *oracle) holdings() holdings {
	var h holdings
	c := o.w.centre
	err := c.disk.Store.View(o.w.ctx, func(r syncengine.Reader) error {
		size, err := r.Size()
		if err != nil {
			return err
		}
		for i := range ledger.Index(size) {
			raw, _, err := r.Leaf(i)
			if err != nil {
				return err
			}
			leaf, err := ledger.DecodeLeaf(raw)
			if err != nil {
				return err
			}
			if leaf.Gap != nil {
				g, err := segment.ParseGap(leaf.Gap)
				if err != nil {
					return err
				}
				h.gaps = append(h.gaps, g.Range)
				continue
			}
			head, _, err := r.SegmentAt(i)
			if err != nil {
				return err
			}
			wire, err := o.wire(r, head)
			if err != nil {
				return err
			}
			s, err := segment.Open(wire)
			if err != nil {
				return err
			}
			h.segments = append(h.segments, s)
		}
		return nil
	})
	o.w.must(err, "read the centre")
	h.certs, err = c.Certificates(o.w.ctx)
	o.w.must(err, "certificates")
	return h
}

// same reports whether a stored revision says what was typed.
func (s *saved) same(r record.Revision) bool {
	if r.Author != s.author || r.Record != s.record {
		return false
	}
	return !slices.ContainsFunc(s.changes, func(c record.Change) bool {
		got, ok := r.Change(c.Path)
		return !ok || got.Value.Form != c.Value.Form || !bytes.Equal(got.Value.Bytes, c.Value.Bytes) ||
			!slices.Equal(got.Parents, causal.NewVector(c.Parents...)) && len(got.Parents)+len(c.Parents) > 0
	})
}
