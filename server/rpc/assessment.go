// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	mostAssessed  = 500 // people, or late records, in a page
	figuresInPart = 500
	mostPrefixes  = 1000
	mostCodes     = 200
	// longestDoctor is the longest staff id that is asked for, in bytes.
	longestDoctor = 256
)

// assessmentService counts for the office.
type assessmentService struct {
	officev1grpc.UnimplementedAssessmentServiceServer
}

// errTells returns an error as the caller sees it: a problem that can be mended is told by its code
// and in its own words, which hold nothing personal.
func errTells(err error) error {
	p := assessment.ProblemOf(err)
	if p == nil {
		return err
	}
	r := &transport.Refusal{Reason: syncv1.Reason_REASON_INVALID, Code: codes.InvalidArgument, Text: p.Code + ": " + p.Text}
	switch p.Code {
	case assessment.ProblemFrozen, assessment.ProblemNotOver, assessment.ProblemSettings:
		r.Code = codes.FailedPrecondition
	case assessment.ProblemNotFrozen:
		r.Reason, r.Code = syncv1.Reason_REASON_NOT_FOUND, codes.NotFound
	case assessment.ProblemBusy, assessment.ProblemReading:
		r.Reason, r.Code, r.Retry = syncv1.Reason_REASON_BUSY, codes.ResourceExhausted, false
	}
	return r
}

// ListIndicators says what is counted.
func (s *assessmentService) ListIndicators(ctx context.Context, _ *officev1.ListIndicatorsRequest) (*officev1.ListIndicatorsResponse, error) {
	out := &officev1.ListIndicatorsResponse{}
	for _, one := range indicators.All() {
		out.Indicators = append(out.Indicators, indicatorToWire(one))
	}
	return out, nil
}

func indicatorToWire(one indicators.Indicator) *officev1.Indicator {
	units := map[indicators.Unit]officev1.IndicatorUnit{
		indicators.Percent: officev1.IndicatorUnit_INDICATOR_UNIT_PERCENT, indicators.Count: officev1.IndicatorUnit_INDICATOR_UNIT_COUNT,
		indicators.PercentagePoints: officev1.IndicatorUnit_INDICATOR_UNIT_PERCENTAGE_POINTS, indicators.Fen: officev1.IndicatorUnit_INDICATOR_UNIT_FEN,
	}
	return &officev1.Indicator{
		Code: string(one.Code), NameZh: one.ZH, NameEn: one.EN, Unit: units[one.Unit], PerPerson: one.PerPerson, HigherIsBetter: one.HigherIsBetter,
		NumeratorZh: one.NumeratorZH, NumeratorEn: one.NumeratorEN, DenominatorZh: one.DenominatorZH, DenominatorEn: one.DenominatorEN,
		Source: one.Source, Mark: one.Mark, HasStatistic: len(one.Stat) > 0,
	}
}

// queryFromWire reads a query as far as it is within what the caller may see.
func (c *call) queryFromWire(m *officev1.AssessmentQuery) (assessment.Query, error) {
	v := c.view()
	q := assessment.Query{
		Period: windowFromWire(m.GetWindow()), AsOf: care.Date(m.GetAsOf()), ReceivedBy: care.Date(m.GetReceivedBy()), Live: m.GetLive(),
		Level: assessment.Level(m.GetLevel()), Sensitive: slices.Contains(v.Classes, record.ClassSensitive),
	}
	if m.GetLevel() < 0 || q.Level > assessment.Doctor {
		return q, invalid("level %d", m.GetLevel())
	}
	if len(m.GetCodes()) > mostCodes {
		return q, tooMuch("%d codes", len(m.GetCodes()))
	}
	for _, code := range m.GetCodes() {
		q.Codes = append(q.Codes, indicators.Code(code))
	}
	var err error
	q.Divisions, err = v.within(m.GetDivisions())
	return q, err
}

func windowFromWire(m *officev1.Window) indicators.Period {
	return indicators.Period{From: care.Date(m.GetFrom()), To: care.Date(m.GetTo())}
}

func windowToWire(p indicators.Period) *officev1.Window {
	return &officev1.Window{From: int32(p.From), To: int32(p.To)}
}

// within returns what of some prefixes may be seen; of none, all that may be. Prefixes that are out
// of sight are refused: a figure without them would pass for one with them.
func (v view) within(asked []string) ([]record.Division, error) {
	if len(asked) == 0 {
		return v.Divisions, nil
	}
	if len(asked) > mostPrefixes {
		return nil, tooMuch("%d divisions", len(asked))
	}
	var out []record.Division
	for _, text := range asked {
		d := record.Division(text)
		if text != "" {
			var err error
			if d, err = care.ParseDivision(text); err != nil {
				return nil, invalid("division %q", text)
			}
		}
		seen := false
		for _, may := range v.Divisions {
			switch {
			case d.Within(may):
				out, seen = append(out, d), true
			case may.Within(d):
				out, seen = append(out, may), true
			}
		}
		if !seen {
			return nil, &transport.Refusal{Reason: syncv1.Reason_REASON_NOT_FOUND, Code: codes.NotFound, Text: "division " + text + " does not exist, or is out of the caller's sight"}
		}
	}
	return out, nil
}

// told sends how far long work has come, and ends the work when the caller is gone.
func told[M any](ctx context.Context, stream grpc.ServerStreamingServer[M], step func(done, total uint64) *M) (context.Context, assessment.Progress, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, func(done, total int) {
		if err := stream.Send(step(uint64(done), uint64(total))); err != nil {
			cancel(err)
		}
	}, func() { cancel(nil) }
}

// asked returns what is asked about an assessment, and the assessment.
func (c *call) asked(m *officev1.AssessmentQuery) (*assessment.Assessment, assessment.Query, error) {
	a, err := c.county.Assessment()
	if err != nil {
		return nil, assessment.Query{}, err
	}
	q, err := c.queryFromWire(m)
	return a, q, err
}

// GetFigures gives figures.
func (s *assessmentService) GetFigures(m *officev1.GetFiguresRequest, stream grpc.ServerStreamingServer[officev1.GetFiguresResponse]) error {
	a, q, err := callOf(stream.Context()).asked(m.GetQuery())
	if err != nil {
		return err
	}
	ctx, progress, end := told(stream.Context(), stream, func(done, total uint64) *officev1.GetFiguresResponse {
		return &officev1.GetFiguresResponse{Done: done, Total: total}
	})
	defer end()
	r, err := a.Figures(ctx, q, progress)
	if err != nil {
		return errTells(err)
	}
	for part := range slices.Chunk(r.Figures, figuresInPart) {
		out := &officev1.GetFiguresResponse{}
		for _, f := range part {
			out.Figures = append(out.Figures, figureToWire(f))
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
	return stream.Send(&officev1.GetFiguresResponse{Report: figuresReportToWire(r)})
}

func figureToWire(f assessment.Figure) *officev1.Figure {
	return &officev1.Figure{
		Code: string(f.Code), Division: string(f.Division), Doctor: f.Doctor, Numerator: f.Numerator, Denominator: f.Denominator, Amount: f.Amount,
		StatisticX1000: hundredths(f.StatisticX1000), ValueX100: hundredths(f.Value), OtherValueX100: hundredths(f.Other), ByStatistic: f.ByStatistic,
		AboveAll: f.AboveAll, LastYearX100: hundredths(f.LastYear), TargetX100: hundredths(f.Target), Meets: f.Meets, Rank: uint32(f.Rank),
	}
}

func hundredths(v assessment.Value) *int64 {
	if !v.OK {
		return nil
	}
	return &v.N
}

func figuresReportToWire(r assessment.Report) *officev1.FiguresReport {
	out := &officev1.FiguresReport{Basis: assessmentBasisToWire(r.Basis), Completeness: completenessToWire(r.Completeness)}
	for _, s := range r.Spreads {
		out.Spreads = append(out.Spreads, &officev1.Spread{
			Code: string(s.Code), Units: uint32(s.Units), WorstX100: s.Worst, BestX100: s.Best, MedianX100: s.Median, DeviationX100: s.Deviation,
		})
	}
	for _, a := range r.Attainments {
		out.Attainments = append(out.Attainments, &officev1.Attainment{Division: string(a.Division), Doctor: a.Doctor, Met: uint32(a.Met), Of: uint32(a.Of)})
	}
	for u, name := range r.Names {
		out.Units = append(out.Units, &officev1.AssessedUnit{Division: string(u.Division), Doctor: u.Doctor, Name: name})
	}
	slices.SortFunc(out.Units, func(a, b *officev1.AssessedUnit) int {
		return slices.Compare([]byte(a.Division+"\x00"+a.Doctor), []byte(b.Division+"\x00"+b.Doctor))
	})
	return out
}

func assessmentBasisToWire(b assessment.Basis) *officev1.AssessmentBasis {
	out := &officev1.AssessmentBasis{
		Position: b.Position, AsOf: int32(b.AsOf), PackName: b.Pack[0], PackVersion: b.Pack[1], SettingsSha256: b.Settings[:], CountedOn: int32(b.CountedOn),
	}
	if b.Freeze != nil {
		out.Freeze, out.FrozenAtMs = b.Freeze.Record[:], b.Freeze.At.UnixMilli()
	}
	return out
}

func completenessToWire(c assessment.Completeness) *officev1.Completeness {
	return &officev1.Completeness{
		Tablets: uint32(c.Tablets), Heard: uint32(c.Heard), CoversPermille: uint32(c.CoversPermille), OldestSyncDays: uint32(c.OldestSyncDays),
		HeldSaves: uint32(c.HeldSaves), Behind: c.Behind,
	}
}

// ListPeople says who is behind a figure.
func (s *assessmentService) ListPeople(ctx context.Context, m *officev1.ListPeopleRequest) (*officev1.ListPeopleResponse, error) {
	c := callOf(ctx)
	a, err := c.county.Assessment()
	if err != nil {
		return nil, err
	}
	q, err := c.peopleQuery(m)
	if err != nil {
		return nil, err
	}
	page, err := a.People(ctx, q)
	if err != nil {
		return nil, errTells(err)
	}
	out := &officev1.ListPeopleResponse{}
	for _, p := range page.People {
		out.People = append(out.People, personToWire(p))
	}
	if page.More {
		out.NextPageToken = place{key: append([]byte(string(page.Next.Division)+" "), page.Next.Person[:]...)}.token(m)
	}
	return out, nil
}

func (c *call) peopleQuery(m *officev1.ListPeopleRequest) (q assessment.PeopleQuery, err error) {
	if n := len(m.GetQuery().GetCodes()); n != 1 {
		return q, invalid("%d codes where one is wanted", n)
	}
	if len(m.GetDoctor()) > longestDoctor {
		return q, invalid("doctor")
	}
	if q.Query, err = c.queryFromWire(m.GetQuery()); err != nil {
		return q, err
	}
	q.Code, q.Doctor, q.Classes = q.Codes[0], m.GetDoctor(), c.view().Classes
	q.Limit = pageSize(m.GetPageSize(), usualPage, mostAssessed)
	switch m.GetSelection() {
	case officev1.PeopleSelection_PEOPLE_SELECTION_UNSPECIFIED, officev1.PeopleSelection_PEOPLE_SELECTION_ALL:
	case officev1.PeopleSelection_PEOPLE_SELECTION_COUNTED:
		q.Selection = assessment.Counted
	case officev1.PeopleSelection_PEOPLE_SELECTION_FAILED:
		q.Selection = assessment.Failed
	default:
		return q, invalid("selection %d", m.GetSelection())
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil || m.GetPageToken() == "" {
		return q, err
	}
	n := len(from.key) - len(record.ID{}) - 1
	if n < 0 || from.key[n] != ' ' {
		return q, errToken
	}
	q.After = assessment.PeoplePlace{Division: record.Division(from.key[:n]), Person: record.ID(from.key[n+1:])}
	return q, nil
}

// personToWire shows numbers in part, to everybody: whole ones are given with a purpose, and stand
// in the access log then (ResidentService, ExportService).
func personToWire(p assessment.Person) *officev1.AssessedPerson {
	o := p.Outcome
	out := &officev1.AssessedPerson{
		Id: p.ID[:], Division: string(o.Division), Doctor: o.Doctor, InDenominator: o.Denominator > 0, InNumerator: o.Numerator > 0, Amount: o.Amount,
		Name: p.Name, Number: care.MaskNumber(p.Number), Phone: care.MaskPhone(p.Phone),
	}
	for _, f := range o.Failed {
		one := &officev1.FailedCondition{Id: f.ID, Zh: f.ZH, En: f.EN}
		if !f.Record.IsZero() {
			one.Record = f.Record[:]
		}
		out.Failed = append(out.Failed, one)
	}
	return out
}

// GetScoreSheet gives the points of each unit.
func (s *assessmentService) GetScoreSheet(m *officev1.GetScoreSheetRequest, stream grpc.ServerStreamingServer[officev1.GetScoreSheetResponse]) error {
	a, q, err := callOf(stream.Context()).asked(m.GetQuery())
	if err != nil {
		return err
	}
	ctx, progress, end := told(stream.Context(), stream, func(done, total uint64) *officev1.GetScoreSheetResponse {
		return &officev1.GetScoreSheetResponse{Done: done, Total: total}
	})
	defer end()
	sheets, r, err := a.Scores(ctx, q, progress)
	if err != nil {
		return errTells(err)
	}
	for _, sheet := range sheets {
		if err := stream.Send(&officev1.GetScoreSheetResponse{Scores: []*officev1.UnitScore{scoreSheetToWire(sheet)}}); err != nil {
			return err
		}
	}
	return stream.Send(&officev1.GetScoreSheetResponse{Report: figuresReportToWire(r)})
}

func scoreSheetToWire(s assessment.Sheet) *officev1.UnitScore {
	out := &officev1.UnitScore{Division: string(s.Division), Name: s.Name, TotalX100: s.Total, FullX100: s.Full, Rank: uint32(s.Rank)}
	for _, l := range s.Lines {
		one := &officev1.ScoreLine{
			Code: string(l.Code), Title: l.Title, Algorithm: assessment.AlgorithmName(l.Algorithm), TargetX100: hundredths(l.Target), ValueX100: hundredths(l.Value),
			FullX100: l.Full, PointsX100: hundredths(l.Points), LostX100: l.Lost, Owner: l.Owner, Evidence: l.Evidence, Missing: l.Missing,
		}
		for _, by := range l.LostBy {
			one.LostBy = append(one.LostBy, &officev1.LostBy{Division: string(by.Division), Name: by.Name, Missing: by.Missing, ValueX100: hundredths(by.Value)})
		}
		out.Lines = append(out.Lines, one)
	}
	return out
}

// wholeCounty: what changes or checks the whole county is for who sees all of it.
func (c *call) wholeCounty() error {
	if !slices.ContainsFunc(c.view().Divisions, func(d record.Division) bool { return len(d) <= int(care.LevelCounty) }) {
		return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "freeze"}
	}
	return nil
}

// Freeze keeps the figures of a window as records.
func (s *assessmentService) Freeze(m *officev1.FreezeRequest, stream grpc.ServerStreamingServer[officev1.FreezeResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return err
	}
	if err := c.wholeCounty(); err != nil {
		return err
	}
	a, err := c.county.Assessment()
	if err != nil {
		return err
	}
	ctx, progress, end := told(ctx, stream, func(done, total uint64) *officev1.FreezeResponse {
		return &officev1.FreezeResponse{Done: done, Total: total}
	})
	defer end()
	f, err := a.Freeze(ctx, windowFromWire(m.GetWindow()), m.GetAuthor(), progress)
	if err != nil {
		return errTells(err)
	}
	return stream.Send(&officev1.FreezeResponse{Report: freezeToWire(f)})
}

func freezeToWire(f assessment.Freeze) *officev1.FreezeInfo {
	return &officev1.FreezeInfo{
		Record: f.Record[:], Window: windowToWire(f.Period), FrozenAtMs: f.At.UnixMilli(), Author: f.Author, LedgerSize: uint64(f.Size), LedgerRoot: f.Root[:],
		Position: f.Position, OutcomesSha256: f.Digest[:], Persons: f.Persons, PackName: f.Pack[0], PackVersion: f.Pack[1],
		Completeness: completenessToWire(f.Completeness), Records: uint32(f.Records),
	}
}

// ListFreezes says which windows are frozen.
func (s *assessmentService) ListFreezes(ctx context.Context, _ *officev1.ListFreezesRequest) (*officev1.ListFreezesResponse, error) {
	a, err := callOf(ctx).county.Assessment()
	if err != nil {
		return nil, err
	}
	all, err := a.Freezes(ctx)
	if err != nil {
		return nil, errTells(err)
	}
	out := &officev1.ListFreezesResponse{}
	for _, f := range all {
		out.Freezes = append(out.Freezes, freezeToWire(f))
	}
	return out, nil
}

// GetFreeze gives frozen figures beside those of today.
func (s *assessmentService) GetFreeze(m *officev1.GetFreezeRequest, stream grpc.ServerStreamingServer[officev1.GetFreezeResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	a, err := c.county.Assessment()
	if err != nil {
		return err
	}
	q, err := c.queryFromWire(m.GetQuery())
	if err != nil {
		return err
	}
	ctx, progress, end := told(ctx, stream, func(done, total uint64) *officev1.GetFreezeResponse {
		return &officev1.GetFreezeResponse{Done: done, Total: total}
	})
	defer end()
	pairs, f, err := a.Compare(ctx, q, progress)
	if err != nil {
		return errTells(err)
	}
	for part := range slices.Chunk(pairs, figuresInPart/2) {
		out := &officev1.GetFreezeResponse{}
		for _, p := range part {
			out.Pairs = append(out.Pairs, &officev1.FigurePair{Frozen: figureToWire(p.Frozen), Now: figureToWire(p.Now)})
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
	return stream.Send(&officev1.GetFreezeResponse{Report: freezeToWire(f)})
}

// ListLate lists what came after a window was frozen.
func (s *assessmentService) ListLate(ctx context.Context, m *officev1.ListLateRequest) (*officev1.ListLateResponse, error) {
	c := callOf(ctx)
	a, err := c.county.Assessment()
	if err != nil {
		return nil, err
	}
	v := c.view()
	q := assessment.LateQuery{Period: windowFromWire(m.GetWindow()), Classes: v.Classes, Limit: pageSize(m.GetPageSize(), usualPage, mostAssessed)}
	if q.Divisions, err = v.within(m.GetDivisions()); err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	q.After = from.after
	page, err := a.Late(ctx, q)
	if err != nil {
		return nil, errTells(err)
	}
	out := &officev1.ListLateResponse{}
	for _, l := range page.Late {
		one := &officev1.LateRecord{
			Record: l.Record[:], Dated: int32(l.Dated), ReceivedAtMs: millis(l.ReceivedAt), ChangedAtMs: millis(l.ChangedAt), Author: l.Author,
			Correction: l.Correction, Voided: l.Voided,
		}
		if !l.Resident.IsZero() {
			one.Resident = l.Resident[:]
		}
		for _, d := range l.Divisions {
			one.Divisions = append(one.Divisions, string(d))
		}
		out.Records = append(out.Records, one)
	}
	if page.More {
		out.NextPageToken = place{after: page.Next}.token(m)
	}
	return out, nil
}

// VerifyFreeze counts a frozen window again, from the ledger as it was.
func (s *assessmentService) VerifyFreeze(m *officev1.VerifyFreezeRequest, stream grpc.ServerStreamingServer[officev1.VerifyFreezeResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	if err := c.wholeCounty(); err != nil {
		return err
	}
	a, err := c.county.Assessment()
	if err != nil {
		return err
	}
	ctx, progress, end := told(ctx, stream, func(done, total uint64) *officev1.VerifyFreezeResponse {
		return &officev1.VerifyFreezeResponse{Done: done, Total: total}
	})
	defer end()
	v, err := a.VerifyFreeze(ctx, windowFromWire(m.GetWindow()), progress)
	if err != nil {
		return errTells(err)
	}
	return stream.Send(&officev1.VerifyFreezeResponse{Report: &officev1.VerifyFreezeReport{
		Same: v.Same, FrozenSha256: v.Freeze.Digest[:], LedgerSha256: v.Digest[:], FrozenPersons: v.Freeze.Persons, LedgerPersons: v.Persons,
		RootHolds: v.RootHolds, Because: v.Because,
	}})
}

// ListWorkPoints says what each doctor did.
func (s *assessmentService) ListWorkPoints(m *officev1.ListWorkPointsRequest, stream grpc.ServerStreamingServer[officev1.ListWorkPointsResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	a, err := c.county.Assessment()
	if err != nil {
		return err
	}
	q, err := c.queryFromWire(m.GetQuery())
	if err != nil {
		return err
	}
	ctx, progress, end := told(ctx, stream, func(done, total uint64) *officev1.ListWorkPointsResponse {
		return &officev1.ListWorkPointsResponse{Done: done, Total: total}
	})
	defer end()
	all, basis, err := a.WorkPoints(ctx, q, progress)
	if err != nil {
		return errTells(err)
	}
	for part := range slices.Chunk(all, figuresInPart/10) {
		out := &officev1.ListWorkPointsResponse{}
		for _, d := range part {
			out.Doctors = append(out.Doctors, workToWire(d))
		}
		if err := stream.Send(out); err != nil {
			return err
		}
	}
	return stream.Send(&officev1.ListWorkPointsResponse{Basis: assessmentBasisToWire(basis)})
}

func workToWire(d assessment.DoctorWork) *officev1.DoctorWork {
	one := &officev1.DoctorWork{Doctor: d.Doctor, Name: d.Name, PointsX100: d.Points}
	for _, w := range d.Items {
		one.Items = append(one.Items, &officev1.WorkItem{
			Id: assessment.WorkID(w.Item), Zh: w.Item.ZH(), En: w.Item.EN(), Times: w.Times, PointsX100: w.Points,
		})
	}
	return one
}
