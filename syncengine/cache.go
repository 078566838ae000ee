// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// maxCached is how many opened segments are kept; at 64 KiB each this is at most
// about 8 MiB.
const maxCached = 128

// segmentCache keeps opened segments by leaf. Segments are immutable but for
// erasure, which drops them all and begins a new generation: what was read from a
// snapshot of an older one is not kept.
type segmentCache struct {
	mu         sync.Mutex
	segs       map[ledger.Index]*segment.Segment
	ring       [maxCached]ledger.Index
	next       int
	generation uint64
}

func newSegmentCache() *segmentCache {
	return &segmentCache{segs: map[ledger.Index]*segment.Segment{}}
}

func (c *segmentCache) get(at ledger.Index) *segment.Segment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.segs[at]
}

// put keeps a segment that was read in a snapshot taken in a generation.
func (c *segmentCache) put(at ledger.Index, s *segment.Segment, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if generation != c.generation {
		return
	}
	if len(c.segs) >= maxCached {
		delete(c.segs, c.ring[c.next])
	}
	c.ring[c.next] = at
	c.next = (c.next + 1) % maxCached
	c.segs[at] = s
}

// drop forgets everything.
func (c *segmentCache) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.segs)
	c.generation++
}

func (c *segmentCache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.generation
}

// agedReader is a snapshot that knows the generation before it was taken.
type agedReader struct {
	Reader
	generation uint64
}

// view runs f in one snapshot of the store.
func (e *Engine) view(ctx context.Context, f func(Reader) error) error {
	generation := e.cache.now()
	return e.cfg.Store.View(ctx, func(r Reader) error {
		if err := e.upToDate(r); err != nil {
			return err
		}
		return f(agedReader{r, generation})
	})
}

// generationOf returns the generation of a snapshot; a transaction is never behind.
func (c *segmentCache) generationOf(r Reader) uint64 {
	if aged, ok := r.(agedReader); ok {
		return aged.generation
	}
	return c.now()
}

// openStored returns the segment at a leaf of the store, and keeps it in the cache.
func (e *Engine) openStored(r Reader, at ledger.Index) (*segment.Segment, SegmentHead, error) {
	seg, head, cached, err := e.lookUp(r, at)
	if err == nil && !cached {
		e.cache.put(at, seg, e.cache.generationOf(r))
	}
	return seg, head, err
}

// lookUp returns the segment at a leaf of the store, and whether the cache has it.
func (e *Engine) lookUp(r Reader, at ledger.Index) (seg *segment.Segment, head SegmentHead, cached bool, err error) {
	head, ok, err := r.SegmentAt(at)
	if err != nil {
		return nil, head, false, err
	}
	if !ok {
		return nil, head, false, fmt.Errorf("no segment at leaf %d", at)
	}
	if s := e.cache.get(at); s != nil && s.Hash() == head.Hash {
		return s, head, true, nil
	}
	stored, ok, err := r.SegmentBytes(at)
	if err != nil {
		return nil, head, false, err
	}
	if !ok {
		return nil, head, false, fmt.Errorf("no bytes of the segment at leaf %d", at)
	}
	wire, err := e.zstd.Decompress(stored)
	if err != nil {
		return nil, head, false, fmt.Errorf("segment at leaf %d: %w", at, err)
	}
	if seg, err = segment.Open(wire); err != nil {
		return nil, head, false, fmt.Errorf("segment at leaf %d: %w", at, err)
	}
	if seg.Hash() != head.Hash {
		return nil, head, false, fmt.Errorf("segment at leaf %d has another hash than its head", at)
	}
	return seg, head, false, nil
}

// unreadable reports whether a revision is authentic but cannot be read.
func unreadable(err error) bool {
	return errors.Is(err, record.ErrMalformed) || errors.Is(err, record.ErrTooLarge)
}
