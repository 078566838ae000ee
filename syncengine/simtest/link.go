// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"context"
	"errors"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultRequestLost: a request never arrives.
	FaultRequestLost Fault = "request lost"
	// FaultReplyLost: it was served, and the answer never arrives.
	FaultReplyLost Fault = "reply lost after the commit"
	// FaultDoubled: it arrives twice.
	FaultDoubled Fault = "message doubled"
	// FaultLate: a copy of it arrives again, much later.
	FaultLate Fault = "message re-ordered"
	// FaultPageCut: a pull breaks off between pages.
	FaultPageCut Fault = "pull cut between pages"
	// FaultPageDoubled: a page is applied twice.
	FaultPageDoubled Fault = "page doubled"
	// FaultSaveInSync: somebody saves on a device while it syncs.
	FaultSaveInSync Fault = "save during a sync"
	// FaultTwoSyncs: somebody presses sync while a sync is running.
	FaultTwoSyncs Fault = "two syncs at once on one tablet"
	// FaultBetweenPages: somebody else commits between two pages.
	FaultBetweenPages Fault = "commit between two pages"
)

var errCut = errors.New("the connection is gone")

// line is a connection from a device to somebody who answers. Once it is cut it
// stays cut.
type line struct {
	w    *World
	from *device
	peer session.Centre
	to   *device // a hub; nil: the centre itself
	cut  bool
}

// around does one call with whatever goes wrong on its way there and back.
func (l *line) around(serve func() error, again func()) error {
	w := l.w
	if l.cut || w.chance(w.odds.requestLost) {
		if !l.cut {
			w.happens(FaultRequestLost)
			l.cut = true
		}
		return errCut
	}
	if w.chance(w.odds.doubled) {
		w.happens(FaultDoubled)
		_ = l.serve(serve)
	}
	if again != nil && w.chance(w.odds.late) {
		w.happens(FaultLate)
		w.late = append(w.late, latecomer{again})
	}
	err := l.serve(serve)
	if err == nil && w.chance(w.odds.replyLost) {
		w.happens(FaultReplyLost)
		l.cut, err = true, errCut
	}
	return err
}

// serve lets the other side answer, which may be its end.
func (l *line) serve(f func() error) error {
	if l.to != nil {
		l.to.arrange()
		err := f()
		if l.to.recover() {
			l.cut, err = true, errCut
		}
		return err
	}
	l.w.centre.arrange()
	err := f()
	if l.w.centre.recover() {
		l.cut, err = true, errCut
	}
	l.w.oracle.readCentre()
	return err
}

// latecomer is a message that arrives when nobody expects it any more.
type latecomer struct{ deliver func() }

// Hello passes one on.
func (l *line) Hello(ctx context.Context, q session.HelloRequest) (r session.HelloReply, err error) {
	err = l.around(func() (err error) { r, err = l.peer.Hello(ctx, q); return err }, func() { _, _ = l.peer.Hello(ctx, q) })
	return r, err
}

// Push passes one on.
func (l *line) Push(ctx context.Context, q session.PushRequest) (r session.PushReply, err error) {
	q.Segments, q.Certificates, q.Gaps = slices.Clone(q.Segments), slices.Clone(q.Certificates), slices.Clone(q.Gaps)
	err = l.around(func() (err error) { r, err = l.peer.Push(ctx, q); return err }, func() { _, _ = l.peer.Push(ctx, q) })
	return r, err
}

// Succeed passes one on.
func (l *line) Succeed(ctx context.Context, s []byte) (c []byte, err error) {
	err = l.around(func() (err error) { c, err = l.peer.Succeed(ctx, s); return err }, nil)
	return c, err
}

// Pull passes pages on until the line is cut.
func (l *line) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	w := l.w
	if l.cut {
		return errCut
	}
	err := l.peer.Pull(ctx, q, func(p session.Page) error {
		if w.chance(w.odds.pageCut) {
			w.happens(FaultPageCut)
			l.cut = true
			return errCut
		}
		if err := page(p); err != nil {
			return err
		}
		if w.chance(w.odds.pageDoubled) && p.Last == nil {
			w.happens(FaultPageDoubled)
			if err := page(p); err != nil {
				return err
			}
		}
		if p.Last == nil && w.chance(w.odds.between) {
			w.happens(FaultBetweenPages)
			w.meanwhile(l)
		}
		return nil
	})
	if l.to == nil && w.centre.recover() {
		l.cut, err = true, errCut
	}
	return err
}

// desk is the centre as one caller sees it: the server in front of the engine.
type desk struct {
	w    *World
	cert segment.Certificate // the caller's, as the session was opened
}

// Hello answers for the engine.
func (k desk) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	return k.w.centre.Hello(ctx, k.cert, q)
}

// Pull hands out page after page.
func (k desk) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	for {
		p, err := k.w.centre.PullPage(ctx, k.cert, q)
		if err != nil {
			return err
		}
		if err := page(p); err != nil {
			return err
		}
		if p.Last != nil {
			return nil
		}
		q.Cursor = p.Cursor
	}
}

// Succeed answers for the engine.
func (k desk) Succeed(ctx context.Context, s []byte) ([]byte, error) {
	c, err := k.w.centre.Succeed(ctx, k.cert, s)
	return c.Raw, err
}
