// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"errors"
	"io"

	"google.golang.org/grpc"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	careintake "github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/server/intake"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

type importService struct {
	officev1grpc.UnimplementedImportServiceServer
}

// Import takes the rows of a file and answers each chunk. A caller who is gone leaves what was
// saved.
func (s *importService) Import(stream grpc.BidiStreamingServer[officev1.ImportRequest, officev1.ImportResponse]) error {
	ctx := stream.Context()
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	if first.GetBegin() == nil {
		return invalid("rows before the beginning")
	}
	if err := checkAuthor(first.GetBegin().GetAuthor()); err != nil {
		return err
	}
	c := callOf(ctx)
	run, err := c.county.Intake.Begin(ctx, importBegin(first.GetBegin(), c.view()))
	if err != nil {
		return err
	}
	defer run.Close()
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return invalid("no end")
		}
		if err != nil {
			return err
		}
		switch step := m.GetStep().(type) {
		case *officev1.ImportRequest_Chunk:
			results, err := run.Take(ctx, importRows(step.Chunk.GetRows()), int(step.Chunk.GetAside()), int(step.Chunk.GetRefused()))
			if err != nil {
				return err
			}
			if err := stream.Send(&officev1.ImportResponse{Results: results}); err != nil {
				return err
			}
		case *officev1.ImportRequest_End:
			report, err := run.End(ctx, int(step.End.GetAside()), int(step.End.GetRefused()))
			if err != nil {
				return err
			}
			return stream.Send(&officev1.ImportResponse{Report: report})
		default:
			return invalid("a second beginning")
		}
	}
}

func importBegin(m *officev1.ImportBegin, v view) intake.Begin {
	return intake.Begin{
		Author: m.GetAuthor(), Content: m.GetContent(), Kind: record.Kind(min(m.GetRecordKind(), uint32(record.MaxKind))),
		FileName: m.GetFileName(), Sha256: m.GetFileSha256(), Source: m.GetSourceName(), Profile: m.GetProfileName(),
		DryRun: m.GetDryRun(), Prefer: m.GetPreference(), Divisions: v.Divisions, Classes: v.Classes,
	}
}

func importRows(all []*officev1.ImportRow) []intake.Row {
	out := make([]intake.Row, len(all))
	for i, m := range all {
		p := m.GetPerson()
		out[i] = intake.Row{
			Number: m.GetNumber(), Kind: record.Kind(min(m.GetKind(), uint32(record.MaxKind))), Form: m.GetForm(),
			Division: record.Division(m.GetDivision()), Key: m.GetKey(),
			Person: careintake.Person{Number: p.GetDocumentNumber(), Name: p.GetName(), Birth: care.Date(p.GetBirthDate())},
		}
	}
	return out
}
