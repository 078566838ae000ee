// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// ExportOptions say what goes into a bundle.
type ExportOptions struct {
	// Unacked leaves out segments that the centre is known to have.
	Unacked bool
	// Bases adds states, for somebody who may see them all.
	Bases bool
}

// Export calls yield with everything that can be handed on: own and carried
// segments, the centre's, certificates, gap statements, acks, marks and, if
// wanted, bases, in parcels of at most about session.MaxPushBytes. An error of
// yield ends it and is returned.
func (r *Replica) Export(ctx context.Context, o ExportOptions, yield func(Parcel) error) error {
	var papers Parcel
	var hashes []segment.Hash
	if err := r.view(ctx, func(tx Reader) (err error) {
		if papers, err = readPapers(tx); err != nil {
			return err
		}
		hashes, err = segmentsToExport(tx, o)
		return err
	}); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if err := yield(papers); err != nil {
		return err
	}
	for len(hashes) > 0 {
		var p Parcel
		if err := r.view(ctx, func(tx Reader) (err error) {
			p, hashes, err = packSegments(tx, hashes)
			return err
		}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	if !o.Bases {
		return nil
	}
	return r.exportBases(ctx, yield)
}

// readPapers returns everything small: certificates, gaps, acks and marks.
func readPapers(tx Reader) (Parcel, error) {
	var p Parcel
	err := scan(tx, Certificates, nil, func(row Row) error {
		p.Certificates = append(p.Certificates, row.Head)
		return nil
	})
	if err != nil {
		return p, err
	}
	err = scan(tx, Acks, nil, func(row Row) error {
		a, err := unpackSignedAcks(row.Head)
		p.Acks = append(p.Acks, a.raw)
		return err
	})
	if err != nil {
		return p, err
	}
	err = scan(tx, Gaps, nil, func(row Row) error {
		g, err := unpackGap(row.Head)
		p.Gaps = append(p.Gaps, g.raw)
		return err
	})
	if err != nil {
		return p, err
	}
	p.Marks, err = readRawMarks(tx)
	return p, err
}

// segmentsToExport returns what to hand on, orders first: others take a segment
// without its bodies only when they know the order.
func segmentsToExport(tx Reader, o ExportOptions) ([]segment.Hash, error) {
	epoch, err := readEpoch(tx)
	if err != nil {
		return nil, err
	}
	orders := map[segment.Hash]bool{}
	err = scan(tx, Orders, nil, func(row Row) error {
		o, err := unpackOrder(row.Head)
		orders[o.act] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []segment.Hash
	err = scan(tx, Chains, nil, func(row Row) error {
		h := hashOfChainKey(row.Key)
		a, err := readAck(tx, h)
		if !o.Unacked || !a.of(epoch) {
			out = append(out, h)
		}
		return err
	})
	slices.SortStableFunc(out, func(a, b segment.Hash) int {
		switch {
		case orders[a] == orders[b]:
			return 0
		case orders[a]:
			return -1
		}
		return 1
	})
	return out, err
}

// packSegments fills one parcel from the front of hashes and returns the rest.
func packSegments(tx Reader, hashes []segment.Hash) (Parcel, []segment.Hash, error) {
	var p Parcel
	size := 0
	for i, h := range hashes {
		seg, ok, err := segmentOf(tx, h)
		if err != nil {
			return p, nil, err
		}
		if !ok {
			continue
		}
		if size += len(seg.Bytes()); size > session.MaxPushBytes && i > 0 {
			return p, hashes[i:], nil
		}
		p.Segments = append(p.Segments, seg.Bytes())
	}
	return p, nil, nil
}

func (r *Replica) exportBases(ctx context.Context, yield func(Parcel) error) error {
	var after []byte
	for {
		var p Parcel
		more := false
		if err := r.view(ctx, func(tx Reader) (err error) {
			p, after, more, err = packBases(tx, after)
			return err
		}); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if err := yield(p); err != nil || !more {
			return err
		}
	}
}

// packBases fills one parcel with live bases of the present epoch that can be read.
func packBases(tx Reader, after []byte) (p Parcel, last []byte, more bool, err error) {
	if p.Epoch, err = readEpoch(tx); err != nil {
		return p, after, false, err
	}
	size := 0
	for size < session.MaxPushBytes {
		rows, err := tx.Scan(Bases, nil, after, 64)
		if err != nil {
			return p, after, false, err
		}
		for _, row := range rows {
			b, ok, err := liveBaseOf(tx, idOfKey(row.Key), p.Epoch)
			if err != nil && !errors.Is(err, ErrDamaged) {
				return p, after, false, err
			}
			if ok {
				p.Bases = append(p.Bases, b)
				size += len(b.State)
			}
			after = row.Key
		}
		if len(rows) < 64 {
			return p, after, false, nil
		}
	}
	return p, after, true, nil
}
