// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	law "github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	usualSheets = 50
	mostSheets  = 200
	// maxFrameText bounds a frame's text that somebody hands over: 100,000 lines.
	maxFrameText = 8 << 20
)

// supervisionService is for the office: the operator, and desks within their certificates.
type supervisionService struct {
	officev1grpc.UnimplementedSupervisionServiceServer
	cfg Config
}

// savesAs saves for the caller, see call.save.
type savesAs struct {
	*syncengine.Engine
	call *call
}

// Save saves.
func (s savesAs) Save(ctx context.Context, author string, saves ...syncengine.OfficeSave) ([]syncengine.Saved, error) {
	return s.call.save(ctx, author, saves...)
}

// supervisionOf returns the supervision of the caller's county, as the caller.
func supervisionOf(ctx context.Context) (*supervision.Supervision, supervision.Sight, error) {
	c := callOf(ctx)
	v := c.view()
	s, err := c.county.Supervision(savesAs{c.county.Engine, c})
	return s, supervision.Sight{Divisions: v.Divisions, Masked: v.Masked}, err
}

// AnnounceRound streams the frame's text and then the report.
func (s *supervisionService) AnnounceRound(m *officev1.AnnounceRoundRequest, stream grpc.ServerStreamingServer[officev1.AnnounceRoundResponse]) error {
	ctx := stream.Context()
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return err
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return err
	}
	for _, d := range m.GetRound().GetPlan().GetDivisions() {
		if !record.Division(d).WithinAny(sight.Divisions) {
			return &syncengine.Error{Reason: syncengine.ReasonRights, Doing: "announce", Err: errors.New("a division outside the desk's scope")}
		}
	}
	a, problems, err := super.Announce(ctx, m.GetAuthor(), m.GetRound(), m.GetDryRun())
	if err != nil {
		return err
	}
	if len(problems) == 0 {
		out := sending(func(part []byte) error { return stream.Send(&officev1.AnnounceRoundResponse{FramePart: part}) })
		if _, err := a.Frame.WriteTo(out); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return stream.Send(&officev1.AnnounceRoundResponse{Report: &officev1.AnnouncedRound{
		Problems: problemsToWire(problems), RoundId: a.ID[:], Round: a.Round, Strata: strataToWire(a.Strata), Carried: uint32(a.Carried),
	}})
}

func problemsToWire(all []supervision.Problem) (out []*officev1.SupervisionProblem) {
	for _, p := range all {
		out = append(out, &officev1.SupervisionProblem{Code: p.Code, About: p.About, Text: p.Text})
	}
	return out
}

func strataToWire(all []supervision.StratumCount) (out []*officev1.StratumCount) {
	for _, s := range all {
		out = append(out, &officev1.StratumCount{Stratum: string(s.Stratum), Persons: uint32(s.Persons), Drawn: uint32(s.Drawn)})
	}
	return out
}

// GetFrame streams the text of a frame.
func (s *supervisionService) GetFrame(m *officev1.GetFrameRequest, stream grpc.ServerStreamingServer[officev1.GetFrameResponse]) error {
	id, err := recordFromWire(m.GetRoundId())
	if err != nil {
		return err
	}
	super, sight, err := supervisionOf(stream.Context())
	if err != nil {
		return err
	}
	text, problems, err := super.Frame(stream.Context(), id, sight)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return stream.Send(&officev1.GetFrameResponse{Problem: problemsToWire(problems)[0]})
	}
	out := sending(func(part []byte) error { return stream.Send(&officev1.GetFrameResponse{Part: part}) })
	_, err = out.Write(text)
	return errors.Join(err, out.Flush())
}

// DrawRound draws.
func (s *supervisionService) DrawRound(stream grpc.ClientStreamingServer[officev1.DrawRoundRequest, officev1.DrawRoundResponse]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if err := checkAuthor(first.GetAuthor()); err != nil {
		return err
	}
	id, err := recordFromWire(first.GetRoundId())
	if err != nil {
		return err
	}
	frame, err := frameText(first.GetFramePart(), stream)
	if err != nil {
		return err
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return err
	}
	d, problems, err := super.Draw(ctx, first.GetAuthor(), id, supervision.Known{Text: first.GetPublicText(), Frame: frame, Dry: first.GetDryRun()}, sight)
	if err != nil {
		return err
	}
	return stream.SendAndClose(&officev1.DrawRoundResponse{
		Problems: problemsToWire(problems), Round: d.Round, Before: d.Before, Strata: strataToWire(d.Strata),
	})
}

// frameText reads the text that follows; nil: there is none.
func frameText(text []byte, stream grpc.ClientStreamingServer[officev1.DrawRoundRequest, officev1.DrawRoundResponse]) ([]byte, error) {
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
		if text = append(text, m.GetFramePart()...); len(text) > maxFrameText {
			return nil, tooMuch("a frame of more than %d bytes", maxFrameText)
		}
	}
}

// ListRounds returns a page of rounds, the latest first.
func (s *supervisionService) ListRounds(ctx context.Context, m *officev1.ListRoundsRequest) (*officev1.ListRoundsResponse, error) {
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	var after *supervision.Place
	if m.GetPageToken() != "" {
		after = &supervision.Place{Key: int64(from.after), ID: idIn(from.key)}
	}
	rounds, next, err := super.Rounds(ctx, sight, after, pageSize(m.GetPageSize(), usualSheets, mostSheets))
	if err != nil {
		return nil, err
	}
	out := &officev1.ListRoundsResponse{}
	for _, r := range rounds {
		out.Rounds = append(out.Rounds, &officev1.RoundSummary{RoundId: r.ID[:], Round: r.Round, Tally: tallyToWire(r.Tally)})
	}
	if next != nil {
		out.NextPageToken = place{after: uint64(next.Key), key: next.ID[:]}.token(m)
	}
	return out, nil
}

func idIn(b []byte) (id record.ID) {
	copy(id[:], b)
	return id
}

func tallyToWire(t law.Tally) *officev1.CheckTally {
	return &officev1.CheckTally{
		Drawn: uint32(t.Drawn), Tried: uint32(t.Tried), Reached: uint32(t.Reached), Refused: uint32(t.Refused), NotReached: uint32(t.NotReached),
		WrongAddress: uint32(t.WrongAddress), VerifiedTrue: uint32(t.True), VerifiedUntrue: uint32(t.Untrue), Undecided: uint32(t.Undecided),
		Standard: uint32(t.Standard), NotStandard: uint32(t.NotStandard),
	}
}

// optionalRecord reads an id that may be left out.
func optionalRecord(b []byte) (record.ID, error) {
	if len(b) == 0 {
		return record.ID{}, nil
	}
	return recordFromWire(b)
}

// ListCallSheets returns a page of sheets. Whole numbers stand in the access log before they leave.
func (s *supervisionService) ListCallSheets(ctx context.Context, m *officev1.ListCallSheetsRequest) (*officev1.ListCallSheetsResponse, error) {
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	q := supervision.SheetQuery{Division: record.Division(m.GetDivision()), Doctor: m.GetDoctorId(), OpenOnly: m.GetOpenOnly(), Whole: m.GetWholeNumbers()}
	if q.Round, err = recordFromWire(m.GetRoundId()); err != nil {
		return nil, err
	}
	if q.Check, err = optionalRecord(m.GetVerificationId()); err != nil {
		return nil, err
	}
	if !q.Division.ValidPrefix() {
		return nil, invalid("division")
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	after, err := sheetPlace(from.key)
	if err != nil {
		return nil, err
	}
	sheets, next, err := super.Sheets(ctx, q, sight, after, pageSize(m.GetPageSize(), usualSheets, mostSheets))
	if err != nil {
		return nil, err
	}
	if q.Whole && !sight.Masked && len(sheets) > 0 {
		if err := s.logSheets(ctx, m, q, len(sheets)); err != nil {
			return nil, err
		}
	}
	out := &officev1.ListCallSheetsResponse{}
	for _, one := range sheets {
		out.Sheets = append(out.Sheets, sheetToWire(one))
	}
	if next != nil {
		key := append(next.ID[:], string(next.Division)+"\t"+string(next.Stratum)...)
		out.NextPageToken = place{key: key}.token(m)
	}
	return out, nil
}

// sheetPlace reads where a list of sheets goes on.
func sheetPlace(key []byte) (supervision.SheetPlace, error) {
	if len(key) == 0 {
		return supervision.SheetPlace{}, nil
	}
	if len(key) < len(record.ID{}) {
		return supervision.SheetPlace{}, errToken
	}
	for i, b := range key[16:] {
		if b == '\t' {
			return supervision.SheetPlace{Division: record.Division(key[16 : 16+i]), Stratum: law.Stratum(key[17+i:]), ID: record.ID(key[:16])}, nil
		}
	}
	return supervision.SheetPlace{}, errToken
}

// logSheets writes into the access log that telephones are shown whole.
func (s *supervisionService) logSheets(ctx context.Context, m *officev1.ListCallSheetsRequest, q supervision.SheetQuery, rows int) error {
	c := callOf(ctx)
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return err
	}
	who := access.Operator
	if c.principal.Who == auth.Desk {
		who = c.principal.Certificate.Replica().String()
	}
	division := q.Division
	if len(division) < int(care.LevelCounty) {
		division = ""
	}
	return c.county.Access().Log(ctx, access.Entry{
		At: s.cfg.Clock(), Who: who, Author: m.GetAuthor(), What: "supervision.sheets", Purpose: m.GetPurpose(), Division: division, Rows: rows,
	})
}

func sheetToWire(s supervision.Sheet) *officev1.CallSheet {
	m := &officev1.CallSheet{
		VerificationId: s.ID[:], ResidentId: s.Resident[:], Division: string(s.Division), Stratum: string(s.Stratum), Name: s.Name, Phone: s.Phone,
		ContactPhone: s.ContactPhone, Address: s.Address, BirthDate: int32(s.Birth), Form: s.Form,
	}
	for _, q := range s.Questions {
		one := &officev1.SheetQuestion{Id: q.ID, Zh: q.ZH, En: q.EN, SaysZh: q.SaysZH, SaysEn: q.SaysEN}
		if !q.Record.IsZero() {
			one.RecordId = q.Record[:]
		}
		m.Questions = append(m.Questions, one)
	}
	return m
}

// RecordResults records results, all or none.
func (s *supervisionService) RecordResults(ctx context.Context, m *officev1.RecordResultsRequest) (*officev1.RecordResultsResponse, error) {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	if n := len(m.GetResults()); n > supervision.MaxResults {
		return nil, tooMuch("%d results", n)
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	results := make([]supervision.Result, len(m.GetResults()))
	for i, r := range m.GetResults() {
		if results[i].ID, err = recordFromWire(r.GetVerificationId()); err != nil {
			return nil, err
		}
		if results[i].Form = r.GetForm(); results[i].Form == nil {
			results[i].Form = &carev1.Verification{}
		}
	}
	recorded, problems, err := super.Record(ctx, supervision.Recording{
		Author: m.GetAuthor(), Accept: m.GetAcceptProposals(), Chinese: m.GetChinese(), Dry: m.GetDryRun(),
	}, results, sight)
	if err != nil {
		return nil, err
	}
	out := &officev1.RecordResultsResponse{Problems: problemsToWire(problems)}
	for _, r := range recorded {
		out.Results = append(out.Results, &officev1.RecordedResult{
			VerificationId: r.ID[:], ProposedTruth: r.Proposal.Truth, ProposedStandard: r.Proposal.Standard, Form: r.Form,
			Contradictions: contradictionsToWire(r.Proposal.Contradictions), Notes: contradictionsToWire(r.Proposal.Notes),
			Faults: contradictionsToWire(r.Proposal.Faults),
		})
	}
	return out, nil
}

func contradictionsToWire(all []law.Contradiction) (out []*officev1.Contradiction) {
	for _, c := range all {
		one := &officev1.Contradiction{Question: c.Question, Zh: c.ZH, En: c.EN}
		if !c.Record.IsZero() {
			one.RecordId = c.Record[:]
		}
		out = append(out, one)
	}
	return out
}

// GetResults sums a round.
func (s *supervisionService) GetResults(ctx context.Context, m *officev1.GetResultsRequest) (*officev1.GetResultsResponse, error) {
	id, err := recordFromWire(m.GetRoundId())
	if err != nil {
		return nil, err
	}
	level := supervision.Level(m.GetLevel())
	if _, ok := officev1.ResultLevel_name[int32(m.GetLevel())]; !ok || !record.Division(m.GetDivision()).ValidPrefix() {
		return nil, invalid("level or division")
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	r, err := super.Results(ctx, id, max(level, supervision.ByTownship), record.Division(m.GetDivision()), sight)
	if err != nil {
		return nil, err
	}
	out := &officev1.GetResultsResponse{Total: tallyToWire(r.Total), ContactPercent: r.ContactPercent}
	for _, u := range r.Units {
		out.Units = append(out.Units, &officev1.UnitResult{
			Unit: u.Unit, Tally: tallyToWire(u.Tally), Place: uint32(u.Place), Faults: uint32(u.Faults), OpenFaults: uint32(u.OpenFaults),
		})
	}
	return out, nil
}
