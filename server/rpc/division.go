// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"unicode/utf8"

	"google.golang.org/grpc"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/county"
)

const (
	maxCodeChanges  = 4000
	longestEvidence = 200 // characters, as the form has it
)

type divisionService struct {
	syncv1grpc.UnimplementedDivisionServiceServer
}

// Recode records changes of codes and moves records, and sends how far it has come, at last
// the report.
func (s *divisionService) Recode(m *syncv1.RecodeRequest, stream grpc.ServerStreamingServer[syncv1.RecodeResponse]) error {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return err
	}
	if n := len(m.GetChanges()); n > maxCodeChanges {
		return tooMuch("%d changes", n)
	}
	changes := make([]county.CodeChange, len(m.GetChanges()))
	for i, one := range m.GetChanges() {
		var err error
		if changes[i], err = codeChangeFromWire(one); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	report, err := callOf(ctx).county.Recode(ctx, m.GetAuthor(), changes, m.GetDryRun(), func(done, total int) {
		if err := stream.Send(&syncv1.RecodeResponse{Done: uint64(done), Total: uint64(total)}); err != nil {
			cancel(err)
		}
	})
	if err != nil {
		return err
	}
	return stream.Send(&syncv1.RecodeResponse{Report: recodeReportToWire(report)})
}

func codeChangeFromWire(m *syncv1.CodeChange) (c county.CodeChange, err error) {
	var bad [2]error
	c.Old, bad[0] = care.ParseDivision(m.GetOldCode())
	c.New, bad[1] = care.ParseDivision(m.GetNewCode())
	if err := errors.Join(bad[:]...); err != nil {
		return c, invalid("%v", err)
	}
	if utf8.RuneCountInString(m.GetEvidence()) > longestEvidence {
		return c, invalid("evidence of more than %d characters", longestEvidence)
	}
	c.From, c.Evidence = care.Date(m.GetValidFrom()), m.GetEvidence()
	c.Type = carev1.DivisionChangeType(m.GetType()) // the same numbers, by a test
	return c, nil
}

func recodeReportToWire(r county.RecodeReport) *syncv1.RecodeReport {
	m := &syncv1.RecodeReport{Recorded: uint32(r.Recorded), Known: uint32(r.Known), Later: uint32(r.Later), Moved: uint64(r.Moved)}
	for _, l := range r.Left {
		m.Left = append(m.Left, &syncv1.LeftUnder{Division: string(l.Division), Records: uint64(l.Records)})
	}
	return m
}
