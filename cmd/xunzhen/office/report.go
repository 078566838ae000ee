// SPDX-License-Identifier: Apache-2.0

package office

import (
	"errors"
	"fmt"
	"io"
)

// A step of long work at the server says how far it is, or how it ended.
type step[R any] interface {
	GetReport() *R
	GetDone() uint64
	GetTotal() uint64
}

// reportOf reads such steps and returns the report. It reads to the end of the stream: only
// then is the server ready for another such work. A stream that ends without a report
// gives io.ErrUnexpectedEOF.
func reportOf[R any, S step[R]](stream interface{ Recv() (S, error) }, doing string, progress func(done, total uint64)) (*R, error) {
	var report *R
	for {
		at, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF) && report != nil:
			return report, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s: %w", doing, io.ErrUnexpectedEOF)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", doing, err)
		case at.GetReport() != nil:
			report = at.GetReport()
		default:
			progress(at.GetDone(), at.GetTotal())
		}
	}
}
