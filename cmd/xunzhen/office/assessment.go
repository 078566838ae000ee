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

// Progress is told how far long work at the server has come.
type Progress = func(done, total uint64)

// parts reads a stream of parts to its end, telling each and how far the work has come.
func parts[M interface {
	GetDone() uint64
	GetTotal() uint64
}](stream interface{ Recv() (M, error) }, doing string, progress Progress, each func(M)) error {
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%s: %w", doing, err)
		}
		if m.GetTotal() > 0 {
			progress(m.GetDone(), m.GetTotal())
		}
		each(m)
	}
}

// Indicators returns what is counted.
func (o *Office) Indicators(ctx context.Context) ([]*officev1.Indicator, error) {
	all, err := o.assessing.ListIndicators(ctx, &officev1.ListIndicatorsRequest{Shard: o.Shard()})
	if err != nil {
		return nil, fmt.Errorf("list indicators: %w", err)
	}
	return all.GetIndicators(), nil
}

// Figures returns figures, in order of indicator, then of unit, and what they rest on.
func (o *Office) Figures(ctx context.Context, q *officev1.AssessmentQuery, progress Progress) (all []*officev1.Figure, r *officev1.FiguresReport, err error) {
	stream, err := o.assessing.GetFigures(ctx, &officev1.GetFiguresRequest{Shard: o.Shard(), Query: q})
	if err != nil {
		return nil, nil, fmt.Errorf("figures: %w", err)
	}
	err = parts(stream, "figures", progress, func(m *officev1.GetFiguresResponse) {
		all = append(all, m.GetFigures()...)
		if m.GetReport() != nil {
			r = m.GetReport()
		}
	})
	if err == nil && r == nil {
		err = fmt.Errorf("figures: %w", io.ErrUnexpectedEOF)
	}
	return all, r, err
}

// AssessedPeople returns those behind a figure, at most limit; more says that there are more.
func (o *Office) AssessedPeople(ctx context.Context, q *officev1.ListPeopleRequest, limit int) (all []*officev1.AssessedPerson, more bool, err error) {
	ask := proto.CloneOf(q)
	ask.Shard = o.Shard()
	for {
		ask.PageSize = uint32(min(listPage, limit-len(all)))
		page, err := o.assessing.ListPeople(ctx, ask)
		if err != nil {
			return nil, false, fmt.Errorf("people: %w", err)
		}
		all = append(all, page.GetPeople()...)
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(all) >= limit {
			return all, ask.PageToken != "", nil
		}
	}
}

// Scores returns score sheets, the best first.
func (o *Office) Scores(ctx context.Context, q *officev1.AssessmentQuery, progress Progress) (all []*officev1.UnitScore, r *officev1.FiguresReport, err error) {
	stream, err := o.assessing.GetScoreSheet(ctx, &officev1.GetScoreSheetRequest{Shard: o.Shard(), Query: q})
	if err != nil {
		return nil, nil, fmt.Errorf("score sheet: %w", err)
	}
	err = parts(stream, "score sheet", progress, func(m *officev1.GetScoreSheetResponse) {
		all = append(all, m.GetScores()...)
		if m.GetReport() != nil {
			r = m.GetReport()
		}
	})
	if err == nil && r == nil {
		err = fmt.Errorf("score sheet: %w", io.ErrUnexpectedEOF)
	}
	return all, r, err
}

// Freeze keeps the figures of a window as records.
func (o *Office) Freeze(ctx context.Context, w *officev1.Window, author string, progress Progress) (*officev1.FreezeInfo, error) {
	stream, err := o.assessing.Freeze(ctx, &officev1.FreezeRequest{Shard: o.Shard(), Author: author, Window: w})
	if err != nil {
		return nil, fmt.Errorf("freeze: %w", err)
	}
	return reportOf(stream, "freeze", progress)
}

// Freezes returns the frozen windows, the latest first.
func (o *Office) Freezes(ctx context.Context) ([]*officev1.FreezeInfo, error) {
	all, err := o.assessing.ListFreezes(ctx, &officev1.ListFreezesRequest{Shard: o.Shard()})
	if err != nil {
		return nil, fmt.Errorf("list freezes: %w", err)
	}
	return all.GetFreezes(), nil
}

// Compare returns frozen figures beside those of today.
func (o *Office) Compare(ctx context.Context, q *officev1.AssessmentQuery, progress Progress) (all []*officev1.FigurePair, f *officev1.FreezeInfo, err error) {
	stream, err := o.assessing.GetFreeze(ctx, &officev1.GetFreezeRequest{Shard: o.Shard(), Query: q})
	if err != nil {
		return nil, nil, fmt.Errorf("frozen figures: %w", err)
	}
	err = parts(stream, "frozen figures", progress, func(m *officev1.GetFreezeResponse) {
		all = append(all, m.GetPairs()...)
		if m.GetReport() != nil {
			f = m.GetReport()
		}
	})
	if err == nil && f == nil {
		err = fmt.Errorf("frozen figures: %w", io.ErrUnexpectedEOF)
	}
	return all, f, err
}

// Late returns what came after a window was frozen, at most limit records; more says that there are
// more.
func (o *Office) Late(ctx context.Context, w *officev1.Window, divisions []string, limit int) (all []*officev1.LateRecord, more bool, err error) {
	ask := &officev1.ListLateRequest{Shard: o.Shard(), Window: w, Divisions: divisions}
	for {
		ask.PageSize = uint32(min(listPage, limit-len(all)))
		page, err := o.assessing.ListLate(ctx, ask)
		if err != nil {
			return nil, false, fmt.Errorf("late records: %w", err)
		}
		all = append(all, page.GetRecords()...)
		ask.PageToken = page.GetNextPageToken()
		if ask.PageToken == "" || len(all) >= limit {
			return all, ask.PageToken != "", nil
		}
	}
}

// VerifyFreeze lets the server count a frozen window again from the ledger.
func (o *Office) VerifyFreeze(ctx context.Context, w *officev1.Window, progress Progress) (*officev1.VerifyFreezeReport, error) {
	stream, err := o.assessing.VerifyFreeze(ctx, &officev1.VerifyFreezeRequest{Shard: o.Shard(), Window: w})
	if err != nil {
		return nil, fmt.Errorf("verify the freeze: %w", err)
	}
	return reportOf(stream, "verify the freeze", progress)
}

// WorkPoints returns what each doctor did.
func (o *Office) WorkPoints(ctx context.Context, q *officev1.AssessmentQuery, progress Progress) (all []*officev1.DoctorWork, err error) {
	stream, err := o.assessing.ListWorkPoints(ctx, &officev1.ListWorkPointsRequest{Shard: o.Shard(), Query: q})
	if err != nil {
		return nil, fmt.Errorf("work points: %w", err)
	}
	err = parts(stream, "work points", progress, func(m *officev1.ListWorkPointsResponse) { all = append(all, m.GetDoctors()...) })
	return all, err
}
