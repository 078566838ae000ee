// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Push opens envelopes and hands everything to the engine. An envelope that cannot
// be opened is refused by itself.
func (c *County) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	if n := len(q.Segments) + len(q.Envelopes); n > session.MaxPushSegments {
		return session.PushReply{}, &syncengine.Error{
			Reason: syncengine.ReasonTooMuch, Doing: "push", Err: fmt.Errorf("%d segments", n),
		}
	}
	opened, unreadable := c.unwrap(q.Envelopes)
	q.Segments, q.Envelopes = slices.Concat(q.Segments, opened), nil
	reply, err := c.Engine.Push(ctx, q)
	if err != nil {
		return reply, err
	}
	asSent := len(q.Segments) - len(opened)
	for _, i := range unreadable {
		reply.Results = slices.Insert(reply.Results, asSent+i, session.SegmentResult{
			Outcome: session.OutcomeRefused, Reason: syncengine.ReasonUnreadable.String(),
		})
	}
	return reply, nil
}

// unwrap returns the segments of those envelopes that can be opened, and the places
// of the others, ascending.
func (c *County) unwrap(envelopes [][]byte) (segments [][]byte, unreadable []int) {
	for i, raw := range envelopes {
		e, err := segment.DecodeEnvelope(raw)
		if err != nil {
			unreadable = append(unreadable, i)
			continue
		}
		s, err := c.openEnvelope(e)
		if err != nil {
			unreadable = append(unreadable, i)
			continue
		}
		segments = append(segments, s.Bytes())
	}
	return segments, unreadable
}

// openEnvelope tries the county's recipient keys, that of today first: tablets that were
// away encrypt to a former one.
func (c *County) openEnvelope(e segment.Envelope) (s *segment.Segment, err error) {
	for _, key := range c.recipients() {
		if s, err = segment.OpenEnvelope(key.Bytes(), c.Shard(), e); err == nil {
			return s, nil
		}
	}
	return nil, err
}
