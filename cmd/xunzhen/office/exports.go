// SPDX-License-Identifier: Apache-2.0

package office

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
)

// ExportError says why no file is made.
type ExportError struct{ Problem officev1.ExportProblem }

func (e *ExportError) Error() string { return e.Problem.String() }

// ErrExportBroken says that a file did not come as it was announced.
var ErrExportBroken = errors.New("the file is not the one that was announced")

// ExportTable writes a file to to. It is whole only when no error is returned. Errors:
// *ExportError, ErrExportBroken, or the call's.
func (o *Office) ExportTable(ctx context.Context, q *officev1.ExportTableRequest, to io.Writer, progress func(done, total uint64)) (*officev1.ExportReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q.Shard = o.Shard()
	stream, err := o.exports.ExportTable(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	in := incoming{to: to, sum: sha256.New()}
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return in.end()
		case err != nil:
			return nil, fmt.Errorf("export: %w", err)
		case m.GetProblem() != 0:
			return nil, &ExportError{m.GetProblem()}
		case m.GetReport() != nil, len(m.GetContent()) > 0:
			if err := in.take(m.GetReport(), m.GetContent()); err != nil {
				return nil, err
			}
		default:
			progress(m.GetDone(), m.GetTotal())
		}
	}
}

// ExportPerson writes the bundle of a person to to, as ExportTable does.
func (o *Office) ExportPerson(ctx context.Context, q *officev1.ExportPersonRequest, to io.Writer) (*officev1.ExportReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q.Shard = o.Shard()
	stream, err := o.exports.ExportPerson(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	in := incoming{to: to, sum: sha256.New()}
	for {
		m, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return in.end()
		case err != nil:
			return nil, fmt.Errorf("export: %w", err)
		}
		if err := in.take(m.GetReport(), m.GetContent()); err != nil {
			return nil, err
		}
	}
}

// incoming is a file that is being received.
type incoming struct {
	to  io.Writer
	sum interface {
		io.Writer
		Sum([]byte) []byte
	}
	size   uint64
	report *officev1.ExportReport
}

func (in *incoming) take(report *officev1.ExportReport, content []byte) error {
	if report != nil {
		in.report = report
	}
	in.sum.Write(content)
	in.size += uint64(len(content))
	_, err := in.to.Write(content)
	return err
}

func (in *incoming) end() (*officev1.ExportReport, error) {
	if in.report == nil || in.size != in.report.GetSizeBytes() || !bytes.Equal(in.sum.Sum(nil), in.report.GetSha256()) {
		return nil, ErrExportBroken
	}
	return in.report, nil
}
