// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"io"

	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

// Pull calls page for each page in order. A stream that breaks off is taken up
// again behind the last page that was applied.
func (c *Centre) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	p := &pulling{c: c, q: q, page: page}
	err := c.call(ctx, "pull", p.further, p.once)
	if p.refused != nil {
		return p.refused
	}
	return err
}

// pulling is one Pull.
type pulling struct {
	c        *Centre
	q        session.PullRequest
	page     func(session.Page) error
	applied  bool  // a page, since further was asked
	complete bool  // the last page was applied
	refused  error // by page, or because an answer made no sense
}

func (p *pulling) further() bool {
	applied := p.applied
	p.applied = false
	return applied
}

// once reads one stream as far as it goes. What page refuses ends the whole pull.
func (p *pulling) once(ctx context.Context) error {
	ctx, err := p.c.signedIn(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.c.sync.Pull(ctx, sessionwire.PullRequestToWire(p.c.cfg.Shard, p.q), transport.Compressed())
	if err != nil {
		return err
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			if !p.complete {
				p.refused = protocolError("pull", io.ErrUnexpectedEOF)
			}
			return nil
		}
		if err != nil {
			if p.complete {
				return nil // all was said
			}
			return err
		}
		next, err := sessionwire.PageFromWire(m)
		if err != nil {
			p.refused = protocolError("pull", err)
			return nil
		}
		if p.refused = p.page(next); p.refused != nil {
			return nil
		}
		p.q.Cursor, p.applied, p.complete = next.Cursor, true, next.Last != nil
	}
}
