// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/transport"
)

func beginning(author string) *officev1.ImportRequest_Begin {
	return &officev1.ImportRequest_Begin{Begin: &officev1.ImportBegin{
		Author: author, Content: carev1.ImportSubject_IMPORT_SUBJECT_ROSTER, FileName: "a.csv", FileSha256: make([]byte, 32), SourceName: "file",
	}}
}

// imported sends the steps of an import and returns what the server says at last.
func (p population) imported(steps ...*officev1.ImportRequest) (*officev1.ImportReport, error) {
	p.t.Helper()
	operator, shard := p.Operator(), p.County.Shard()
	stream, err := officev1grpc.NewImportServiceClient(operator.Conn).Import(operator.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range steps {
		s.Shard = shard[:]
		_ = stream.Send(s) // that it is over is told to who receives
	}
	_ = stream.CloseSend()
	for {
		m, err := stream.Recv()
		if err != nil || m.GetReport() != nil {
			return m.GetReport(), err
		}
	}
}

func TestAnImportHasABeginningAndAnEnd(t *testing.T) {
	p := newPopulation(t)
	begin, end := &officev1.ImportRequest{Step: beginning("zhao")}, &officev1.ImportRequest{Step: &officev1.ImportRequest_End{End: &officev1.ImportEnd{Aside: 1, Refused: 2}}}
	rows := &officev1.ImportRequest{Step: &officev1.ImportRequest_Chunk{Chunk: &officev1.ImportChunk{}}}
	report, err := p.imported(begin, rows, end)
	if err != nil || report.GetRows() != 3 || report.GetAside() != 1 || report.GetRefused() != 2 {
		t.Errorf("%v %v", report, err)
	}
	for what, steps := range map[string][]*officev1.ImportRequest{
		"rows first": {rows}, "nothing": {{}}, "a second beginning": {begin, begin}, "no end": {begin, rows}, "no author": {{Step: beginning("")}},
		"a chunk of too many": {begin, {Step: &officev1.ImportRequest_Chunk{Chunk: &officev1.ImportChunk{Rows: manyRows(501)}}}},
	} {
		_, err := p.imported(steps...)
		if r, ok := transport.RefusalOf(err); !ok || r.Reason != syncv1.Reason_REASON_INVALID {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func manyRows(n int) []*officev1.ImportRow {
	out := make([]*officev1.ImportRow, n)
	for i := range out {
		out[i] = &officev1.ImportRow{Number: uint64(i + 1), Kind: 16}
	}
	return out
}
