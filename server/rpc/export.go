// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/access"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// exportPiece is how many bytes of a file are sent at once.
const exportPiece = 128 << 10

// exportService makes files of what the caller may see.
type exportService struct {
	officev1grpc.UnimplementedExportServiceServer
	cfg Config
}

// ExportTable makes a file, writes the access log, and only then sends the first byte.
func (s *exportService) ExportTable(m *officev1.ExportTableRequest, stream grpc.ServerStreamingServer[officev1.ExportTableResponse]) error {
	c := callOf(stream.Context())
	all, err := c.county.Exports()
	if err != nil {
		return err
	}
	q, problem := c.exportRequest(m)
	if problem != 0 {
		return stream.Send(&officev1.ExportTableResponse{Problem: problem})
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	f, err := all.Make(ctx, q, func(done, of int) {
		if err := stream.Send(&officev1.ExportTableResponse{Done: uint64(done), Total: uint64(of)}); err != nil {
			cancel(err)
		}
	})
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if problem := exportProblem(err); problem != 0 {
			return stream.Send(&officev1.ExportTableResponse{Problem: problem})
		}
		return err
	}
	defer f.Close() //nolint:errcheck // nobody needs it any more
	entry := access.Entry{
		Author: m.GetAuthor(), What: "export." + q.Export, Purpose: m.GetPurpose(), Division: q.Division, Period: q.Period.String(), Rows: f.Rows(), Sha256: f.Sha256[:],
	}
	if err := c.logAccess(ctx, entry); err != nil {
		return err
	}
	if err := stream.Send(&officev1.ExportTableResponse{Report: exportReport(f, q.View)}); err != nil {
		return err
	}
	return pieces(f, func(b []byte) error { return stream.Send(&officev1.ExportTableResponse{Content: b}) })
}

// ExportPerson makes a bundle of a person, writes the access log, and only then sends it.
func (s *exportService) ExportPerson(m *officev1.ExportPersonRequest, stream grpc.ServerStreamingServer[officev1.ExportPersonResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	all, err := c.county.Exports()
	if err != nil {
		return err
	}
	id, err := recordFromWire(m.GetResident())
	if err != nil {
		return err
	}
	if !purposeful(m.GetAuthor(), m.GetPurpose()) {
		return invalid("author and purpose")
	}
	v := c.view()
	scope, view := scopeOf(v, m.GetMasked())
	f, err := all.Person(ctx, id, scope, view)
	if errors.Is(err, exports.ErrNobody) {
		return notFound("person")
	}
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nobody needs it any more
	err = c.logAccess(ctx, access.Entry{Author: m.GetAuthor(), What: "export.person", Purpose: m.GetPurpose(), Rows: f.Rows(), Sha256: f.Sha256[:], Person: id})
	if err != nil {
		return err
	}
	if err := stream.Send(&officev1.ExportPersonResponse{Report: exportReport(f, view)}); err != nil {
		return err
	}
	return pieces(f, func(b []byte) error { return stream.Send(&officev1.ExportPersonResponse{Content: b}) })
}

// logAccess writes that a file leaves; without the entry it does not.
func (c *call) logAccess(ctx context.Context, e access.Entry) error {
	e.At, e.Who = c.guard.cfg.Clock(), access.Operator
	if c.principal.Who == auth.Desk {
		e.Who = c.principal.Certificate.Replica().String()
	}
	return c.county.Access().Log(ctx, e)
}

func purposeful(author, purpose string) bool {
	purpose = strings.TrimSpace(purpose)
	return author != "" && purpose != "" && utf8.RuneCountInString(author) <= access.MaxAuthor && utf8.RuneCountInString(purpose) <= access.MaxPurpose
}

func scopeOf(v view, masked bool) (exports.Scope, export.View) {
	return exports.Scope{Divisions: v.Divisions, Classes: v.Classes}, export.View{
		Masked: v.Masked || masked, Sensitive: slices.Contains(v.Classes, record.ClassSensitive),
	}
}

func (c *call) exportRequest(m *officev1.ExportTableRequest) (q exports.Request, problem officev1.ExportProblem) {
	q = exports.Request{Export: m.GetName(), Disease: m.GetDisease(), Level: care.Level(m.GetLevel()), RowsOnly: m.GetRowsOnly()}
	q.Scope, q.View = scopeOf(c.view(), m.GetMasked())
	var err error
	if q.Period, err = indicators.ParsePeriod(m.GetPeriod()); err != nil {
		return q, officev1.ExportProblem_EXPORT_PROBLEM_PERIOD
	}
	if m.GetDivision() != "" {
		if q.Division, err = care.ParseDivision(m.GetDivision()); err != nil || len(q.Division) < int(care.LevelCounty) {
			return q, officev1.ExportProblem_EXPORT_PROBLEM_DIVISION
		}
	}
	switch q.Level {
	case 0, care.LevelCounty, care.LevelTownship, care.LevelVillage:
	default:
		return q, officev1.ExportProblem_EXPORT_PROBLEM_DIVISION
	}
	if !purposeful(m.GetAuthor(), m.GetPurpose()) {
		return q, officev1.ExportProblem_EXPORT_PROBLEM_PURPOSE
	}
	switch m.GetFormat() {
	case officev1.ExportFormat_EXPORT_FORMAT_CSV:
		q.Format = exports.CSV
	case officev1.ExportFormat_EXPORT_FORMAT_CSV_GB18030:
		q.Format, q.Encoding = exports.CSV, exports.GB18030
	}
	return q, 0
}

// exportProblem returns what is wrong with a request; 0: it is not the request.
func exportProblem(err error) officev1.ExportProblem {
	for _, one := range []struct {
		err     error
		problem officev1.ExportProblem
	}{
		{exports.ErrUnknown, officev1.ExportProblem_EXPORT_PROBLEM_NAME},
		{exports.ErrOneTable, officev1.ExportProblem_EXPORT_PROBLEM_ONE_TABLE},
		{exports.ErrNoFigures, officev1.ExportProblem_EXPORT_PROBLEM_NO_FIGURES},
		{exports.ErrNoFound, officev1.ExportProblem_EXPORT_PROBLEM_NO_FINDINGS},
		{exports.ErrTooMany, officev1.ExportProblem_EXPORT_PROBLEM_TOO_MANY},
		{exports.ErrFuture, officev1.ExportProblem_EXPORT_PROBLEM_FUTURE},
		{exports.ErrMonths, officev1.ExportProblem_EXPORT_PROBLEM_MONTHS},
		{exports.ErrOutside, officev1.ExportProblem_EXPORT_PROBLEM_DIVISION},
	} {
		if errors.Is(err, one.err) {
			return one.problem
		}
	}
	return 0
}

func exportReport(f *exports.File, v export.View) *officev1.ExportReport {
	m := &officev1.ExportReport{
		SizeBytes: uint64(f.Size), Sha256: f.Sha256[:], Position: uint64(f.Basis.Position), AsOf: int32(f.Basis.AsOf), Masked: v.Masked, Rows: uint64(f.Rows()),
		Tablets: uint32(f.Basis.Complete.Tablets), Heard: uint32(f.Basis.Complete.Heard), OldestDays: uint32(f.Basis.Complete.OldestDays), Held: uint32(f.Basis.Complete.Held),
	}
	for _, p := range f.Parts {
		m.Parts = append(m.Parts, &officev1.ExportPart{Table: p.Table, Rows: uint64(p.Rows), RowsSha256: p.Digest[:]})
	}
	return m
}

// pieces sends a file from its beginning to its end.
func pieces(f io.Reader, send func([]byte) error) error {
	buf := make([]byte, exportPiece)
	for {
		n, err := io.ReadFull(f, buf)
		if n > 0 {
			if err := send(slices.Clone(buf[:n])); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}
