// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Written says what Write wrote.
type Written struct {
	Sealed   int    // segments made
	Offered  int    // segments that are not settled
	Segments int    // segments written
	Saves    uint64 // in them
}

// Write calls yield with what a Sync with the centre would say now, for somebody to
// carry: Hellos that offer all that is not settled, then Pushes of all that. The same
// is written again until an answer was taken, so what is carried may get lost. Of
// Options, Locked and Progress count. An error of yield ends it and is returned; else
// errors are ErrNotEnrolled, ErrLocked or the store's.
func (r *Replica) Write(ctx context.Context, o Options, yield func(session.Said) error) (Written, error) {
	w := &writing{
		syncRun: syncRun{r: r, Options: Options{Locked: o.Locked, Progress: o.Progress}},
		yield:   yield,
	}
	if err := w.write(ctx); err != nil {
		return w.out, fmt.Errorf("write: %w", err)
	}
	return w.out, nil
}

// writing is one Write.
type writing struct {
	syncRun
	yield func(session.Said) error
	out   Written
}

func (w *writing) write(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	w.out.Sealed = w.report.Sealed
	if !w.Locked {
		if err := w.renewDamaged(ctx); err != nil {
			return err
		}
	}
	if err := w.eachRun(ctx, w.hello); err != nil {
		return err
	}
	if err := w.gaps(ctx); err != nil {
		return err
	}
	return w.eachRun(ctx, w.pushes)
}

// eachRun calls do with all that is not settled, in runs of session.MaxOffers; at
// least once.
func (w *writing) eachRun(ctx context.Context, do func(context.Context, []session.Offer) error) error {
	var after []byte
	for {
		var keys [][]byte
		var offers []session.Offer
		if err := w.r.view(ctx, func(tx Reader) (err error) {
			keys, offers, err = readOffers(tx, after)
			return err
		}); err != nil {
			return err
		}
		if err := do(ctx, offers); err != nil || len(keys) < session.MaxOffers {
			return err
		}
		after = keys[len(keys)-1]
	}
}

func (w *writing) hello(ctx context.Context, offers []session.Offer) error {
	q, err := w.helloRequest(ctx, offers)
	if err != nil {
		return err
	}
	w.out.Offered += len(offers)
	w.progress(PhaseOffer, w.out.Offered, 0)
	return w.yield(session.Said{Hello: &q})
}

// gaps writes every gap statement held here: that the centre took one before is no
// sign that this file will find it there.
func (w *writing) gaps(ctx context.Context) error {
	var all []session.PushRequest
	err := w.r.view(ctx, func(tx Reader) (err error) {
		all, err = gapPushes(tx)
		return err
	})
	for i := range all {
		if err == nil {
			err = w.yield(session.Said{Push: &all[i]})
		}
	}
	return err
}

// gapPushes returns all gap statements with the certificates that show their keys, as
// many in each push as fit.
func gapPushes(tx Reader) ([]session.PushRequest, error) {
	var out []session.PushRequest
	certs := map[segment.Hash]bool{}
	err := scan(tx, Gaps, nil, func(row Row) error {
		g, err := unpackGap(row.Head)
		if err != nil {
			return err
		}
		gap, err := segment.ParseGap(g.raw)
		if err != nil {
			return err
		}
		raw, ok, err := tx.Head(Certificates, gap.Certificate[:])
		if err != nil {
			return err
		}
		if len(out) == 0 || len(out[len(out)-1].Gaps) == session.MaxPushSegments {
			out = append(out, session.PushRequest{})
			clear(certs)
		}
		q := &out[len(out)-1]
		if ok && !certs[gap.Certificate] {
			certs[gap.Certificate] = true
			q.Certificates = append(q.Certificates, raw)
		}
		q.Gaps = append(q.Gaps, g.raw)
		return nil
	})
	return out, err
}

// pushes writes the segments that are offered, orders before what they are about.
func (w *writing) pushes(ctx context.Context, offers []session.Offer) error {
	wants := make([]segment.Hash, len(offers))
	for i, o := range offers {
		wants[i] = o.Hash
	}
	wants, err := w.ordersFirst(ctx, wants)
	if err != nil {
		return err
	}
	batch := w.batch
	if w.Locked {
		batch = w.envelopes
	}
	for done := 0; done < len(wants); {
		q, hashes, taken, err := batch(ctx, wants[done:])
		if err != nil {
			return err
		}
		if done += taken; len(hashes) == 0 {
			continue
		}
		if err := w.yield(session.Said{Push: &q}); err != nil {
			return err
		}
		if err := w.count(ctx, hashes); err != nil {
			return err
		}
		w.progress(PhasePush, w.out.Segments, w.out.Offered)
	}
	return nil
}

// count adds up what was written.
func (w *writing) count(ctx context.Context, hashes []segment.Hash) error {
	w.out.Segments += len(hashes)
	return w.r.view(ctx, func(tx Reader) error {
		for h := range slices.Values(hashes) {
			row, ok, err := readSegmentRow(tx, h)
			if err != nil {
				return err
			}
			if ok {
				w.out.Saves += row.count
			}
		}
		return nil
	})
}
