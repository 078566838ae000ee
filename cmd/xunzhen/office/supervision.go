// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
)

// AnnounceRound announces a round, or says what it would be, and writes the frame's text.
func (o *Office) AnnounceRound(ctx context.Context, q *officev1.AnnounceRoundRequest, frame io.Writer) (*officev1.AnnouncedRound, error) {
	q.Shard = o.Shard()
	stream, err := o.supervision.AnnounceRound(ctx, q)
	for err == nil {
		var m *officev1.AnnounceRoundResponse
		if m, err = stream.Recv(); err == nil && m.GetReport() != nil {
			return m.GetReport(), nil
		}
		if err == nil {
			_, err = frame.Write(m.GetFramePart())
		}
	}
	return nil, fmt.Errorf("announce: %w", err)
}

// Frame writes the text of a round's frame. A problem says why there is none.
func (o *Office) Frame(ctx context.Context, round []byte, w io.Writer) (*officev1.SupervisionProblem, error) {
	stream, err := o.supervision.GetFrame(ctx, &officev1.GetFrameRequest{Shard: o.Shard(), RoundId: round})
	for err == nil {
		var m *officev1.GetFrameResponse
		if m, err = stream.Recv(); err == nil && m.GetProblem() != nil {
			return m.GetProblem(), nil
		}
		if err == nil {
			_, err = w.Write(m.GetPart())
		}
	}
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	return nil, fmt.Errorf("frame: %w", err)
}

// framePart is how much of a frame one message carries, in bytes.
const framePart = 32 << 10

// DrawRound draws; frame is the text where somebody has it, nil where the server does.
func (o *Office) DrawRound(ctx context.Context, q *officev1.DrawRoundRequest, frame []byte) (*officev1.DrawRoundResponse, error) {
	q.Shard = o.Shard()
	stream, err := o.supervision.DrawRound(ctx)
	if err == nil {
		err = stream.Send(q)
	}
	for at := 0; err == nil && at < len(frame); at += framePart {
		err = stream.Send(&officev1.DrawRoundRequest{Shard: o.Shard(), FramePart: frame[at:min(len(frame), at+framePart)]})
	}
	if err != nil && !errors.Is(err, io.EOF) { // at the end of file the answer says why
		return nil, fmt.Errorf("draw: %w", err)
	}
	reply, err := stream.CloseAndRecv()
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	return reply, nil
}

// Rounds returns all rounds, the latest first.
func (o *Office) Rounds(ctx context.Context) (out []*officev1.RoundSummary, err error) {
	for q := (&officev1.ListRoundsRequest{Shard: o.Shard(), PageSize: listPage}); ; {
		page, err := o.supervision.ListRounds(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("list rounds: %w", err)
		}
		out = append(out, page.GetRounds()...)
		if q.PageToken = page.GetNextPageToken(); q.PageToken == "" {
			return out, nil
		}
	}
}

// CallSheets returns the sheets that q asks for, at most limit; more says that there are more.
func (o *Office) CallSheets(ctx context.Context, q *officev1.ListCallSheetsRequest, limit int) (out []*officev1.CallSheet, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(out)))
		page, err := o.supervision.ListCallSheets(ctx, ask)
		if err != nil {
			return nil, false, fmt.Errorf("call sheets: %w", err)
		}
		out = append(out, page.GetSheets()...)
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(out) >= limit {
			return out, ask.PageToken != "", nil
		}
	}
}

// RecordResults records results.
func (o *Office) RecordResults(ctx context.Context, q *officev1.RecordResultsRequest) (*officev1.RecordResultsResponse, error) {
	q.Shard = o.Shard()
	reply, err := o.supervision.RecordResults(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("record results: %w", err)
	}
	return reply, nil
}

// Results returns the results of a round.
func (o *Office) Results(ctx context.Context, q *officev1.GetResultsRequest) (*officev1.GetResultsResponse, error) {
	q.Shard = o.Shard()
	reply, err := o.supervision.GetResults(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("results: %w", err)
	}
	return reply, nil
}

// Rectifications returns what q asks for, at most limit; more says that there are more.
func (o *Office) Rectifications(ctx context.Context, q *officev1.ListRectificationsRequest, limit int) (out []*officev1.RectificationView, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(out)))
		page, err := o.supervision.ListRectifications(ctx, ask)
		if err != nil {
			return nil, false, fmt.Errorf("list rectifications: %w", err)
		}
		out = append(out, page.GetRectifications()...)
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(out) >= limit {
			return out, ask.PageToken != "", nil
		}
	}
}

// IssueRectifications gives out faults to be put right.
func (o *Office) IssueRectifications(ctx context.Context, q *officev1.IssueRectificationsRequest) (*officev1.IssueRectificationsResponse, error) {
	q.Shard = o.Shard()
	reply, err := o.supervision.IssueRectifications(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("rectifications: %w", err)
	}
	return reply, nil
}

// RuleRectification closes, returns or withdraws one.
func (o *Office) RuleRectification(ctx context.Context, q *officev1.RuleRectificationRequest) (*officev1.RuleRectificationResponse, error) {
	q.Shard = o.Shard()
	reply, err := o.supervision.RuleRectification(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("rule: %w", err)
	}
	return reply, nil
}
