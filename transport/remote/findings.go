// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"io"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/transport"
)

// ReasonNotServed: the server does not do this, because it is an older program, a hub, or one
// that was told not to. Whoever can do without goes on.
const ReasonNotServed = "not_served"

// PullFindings calls page for each page of what rules find in the caller's scope and changed
// since the cursor, in order; none is from the beginning. Whoever keeps a page keeps its cursor
// with it, and drops what was kept before when the page says so. A stream that breaks off is
// taken up again behind the last page that was kept. What page returns ends the pull. Where the
// server has no findings the error's reason is ReasonNotServed.
func (c *Centre) PullFindings(ctx context.Context, cursor []byte, page func(*officev1.PullFindingsResponse) error) error {
	p := &findingsPull{c: c, cursor: cursor, page: page}
	err := c.call(ctx, "pull findings", p.further, p.once)
	if p.refused != nil {
		return p.refused
	}
	return notServed(err)
}

// findingsPull is one PullFindings.
type findingsPull struct {
	c        *Centre
	cursor   []byte
	page     func(*officev1.PullFindingsResponse) error
	kept     bool  // a page, since further was asked
	complete bool  // the last page was kept
	refused  error // by page, or because an answer made no sense
}

func (p *findingsPull) further() bool {
	kept := p.kept
	p.kept = false
	return kept
}

// once reads one stream as far as it goes.
func (p *findingsPull) once(ctx context.Context) error {
	ctx, err := p.c.signedIn(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.c.findings.PullFindings(ctx, &officev1.PullFindingsRequest{Shard: p.c.cfg.Shard[:], Cursor: p.cursor}, transport.Compressed())
	if err != nil {
		return err
	}
	for !p.complete {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			p.refused = protocolError("pull findings", io.ErrUnexpectedEOF)
			return nil
		}
		if err != nil {
			return err
		}
		if len(m.GetCursor()) == 0 {
			p.refused = protocolError("pull findings", errors.New("a page without a cursor"))
			return nil
		}
		if p.refused = p.page(m); p.refused != nil {
			return nil
		}
		p.cursor, p.kept, p.complete = m.GetCursor(), true, m.GetComplete()
	}
	return nil
}
