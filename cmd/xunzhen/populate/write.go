// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// writing is one run.
type writing struct {
	o       Options
	county  planned
	at      *county.County
	tablets []*tablet
	state   *state
	clock   atomic.Int64 // the centre's, in ms
	began   time.Time
	wrote   int
	bar     *terminal.Bar
}

func (w *writing) now() time.Time { return time.UnixMilli(w.clock.Load()) }

func (w *writing) setClock(t time.Time) { w.clock.Store(t.UnixMilli()) }

// write certifies the tablets and writes the weeks that are missing.
func (w *writing) write(ctx context.Context) error {
	w.tablets = w.county.tablets()
	if err := w.certify(ctx); err != nil {
		return err
	}
	if err := w.targets(ctx); err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	if err := w.state.resume(w.tablets); err != nil {
		return err
	}
	if w.o.Screen != nil {
		w.bar = w.o.Screen.Begin("records", w.county.plan.Records)
		defer w.bar.End("")
	}
	for week := w.state.Week; week < w.county.weeks(); week++ {
		if err := w.week(ctx, week); err != nil {
			return fmt.Errorf("week %d: %w", week+1, err)
		}
		w.state.Week = week + 1
		if err := w.state.save(w.tablets); err != nil {
			return err
		}
	}
	return nil
}

// certify gives every tablet the certificate it had, or one.
func (w *writing) certify(ctx context.Context) error {
	for _, t := range w.tablets {
		cert, err := w.at.Engine.CertificateOf(ctx, t.replica())
		if syncengine.ReasonOf(err) == syncengine.ReasonNotFound || err == nil && cert.Raw == nil {
			cert, err = w.at.Engine.Certify(ctx, t.rights(), t.key.Public().(ed25519.PublicKey))
		}
		if err != nil {
			return fmt.Errorf("certify %s: %w", t.staff, err)
		}
		t.cert = cert
	}
	return nil
}

// made is what one tablet saved in a week.
type made struct {
	segments []*segment.Segment
	err      error
}

// week has every tablet save, and sends all of it in the night after the week.
func (w *writing) week(ctx context.Context, week int) error {
	before := min((week+1)*7, w.county.days())
	w.setClock(w.county.begins.AddDate(0, 0, before).Add(2 * time.Hour))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var p push
	for m := range w.makeAll(ctx, before) {
		if m.err != nil {
			return m.err
		}
		for _, s := range m.segments {
			if p.full(s) {
				if err := w.send(ctx, &p); err != nil {
					return err
				}
			}
			p.add(s)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.send(ctx, &p)
}

// makeAll has all processors make segments. The channel is closed when all tablets are done, or
// ctx is.
func (w *writing) makeAll(ctx context.Context, before int) <-chan made {
	next, out := make(chan *tablet), make(chan made, 16)
	go func() {
		defer close(next)
		for _, t := range w.tablets {
			select {
			case next <- t:
			case <-ctx.Done():
				return
			}
		}
	}()
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for t := range next {
				var m made
				m.segments, m.err = t.week(before)
				select {
				case out <- m:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	go func() {
		all.Wait()
		close(out)
	}()
	return out
}

// push is segments that are sent together.
type push struct {
	segments [][]byte
	records  int
	bytes    int
}

func (p *push) full(s *segment.Segment) bool {
	return len(p.segments) == session.MaxPushSegments || p.bytes+len(s.Bytes()) > session.MaxPushBytes
}

func (p *push) add(s *segment.Segment) {
	p.segments = append(p.segments, s.Bytes())
	p.records += s.Header().Count
	p.bytes += len(s.Bytes())
}

// errNotTaken: the centre did not take what it should have.
var errNotTaken = errors.New("not taken")

// send hands segments to the county as a push of a tablet.
func (w *writing) send(ctx context.Context, p *push) error {
	if len(p.segments) == 0 {
		return nil
	}
	reply, err := w.at.Push(ctx, session.PushRequest{Segments: p.segments})
	if err != nil {
		return err
	}
	for _, r := range reply.Results {
		if r.Outcome != session.OutcomeStored && r.Outcome != session.OutcomeAlready {
			return fmt.Errorf("segment %s: %w: outcome %d %s", r.Hash, errNotTaken, r.Outcome, r.Reason)
		}
		for _, v := range r.Verdicts {
			if v.Held() {
				return fmt.Errorf("segment %s: %w: a save is held", r.Hash, errNotTaken)
			}
		}
	}
	w.state.Records += p.records
	w.state.Segments += len(p.segments)
	w.wrote += p.records
	if w.bar != nil {
		w.bar.Set(w.state.Records, max(w.county.plan.Records, w.state.Records))
	}
	*p = push{}
	return nil
}
