// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// importWindow is how many chunks may be on their way: the next ones are read while the server
// works on these.
const importWindow = 4

// Import has the centre make records of rows. give hands over the chunks, one after the other,
// and returns what ends them; answered is told of each chunk's rows, in order, from another
// goroutine. A call that was cut off goes on when it is made again.
func (o *Office) Import(ctx context.Context, begin *officev1.ImportBegin, give func(send func(*officev1.ImportChunk) error) (*officev1.ImportEnd, error), answered func([]*officev1.ImportResult)) (*officev1.ImportReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := o.imports.Import(ctx)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	s := importStream{stream, o.Shard(), make(chan struct{}, importWindow), make(chan struct{})}
	if err := stream.Send(&officev1.ImportRequest{Shard: s.shard, Step: &officev1.ImportRequest_Begin{Begin: begin}}); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("import: %w", err)
	}
	var report *officev1.ImportReport
	var failed error
	go func() {
		defer close(s.over)
		report, failed = s.receive(answered)
	}()
	end, err := give(s.send)
	if err == nil {
		err = stream.Send(&officev1.ImportRequest{Shard: s.shard, Step: &officev1.ImportRequest_End{End: end}})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		cancel()
	}
	<-s.over
	switch {
	case failed != nil && (err == nil || errors.Is(err, io.EOF)):
		return nil, fmt.Errorf("import: %w", failed)
	case err != nil:
		return nil, err // what the caller's own reading says
	}
	return report, nil
}

type importStream struct {
	grpc.BidiStreamingClient[officev1.ImportRequest, officev1.ImportResponse]
	shard  []byte
	window chan struct{}
	over   chan struct{}
}

// send waits for room and sends a chunk; io.EOF: the call is over, and why is told to who receives.
func (s importStream) send(c *officev1.ImportChunk) error {
	select {
	case s.window <- struct{}{}:
	case <-s.over:
		return io.EOF
	}
	return s.Send(&officev1.ImportRequest{Shard: s.shard, Step: &officev1.ImportRequest_Chunk{Chunk: c}})
}

func (s importStream) receive(answered func([]*officev1.ImportResult)) (report *officev1.ImportReport, err error) {
	for {
		m, err := s.Recv()
		switch {
		case errors.Is(err, io.EOF) && report != nil:
			return report, nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case m.GetReport() != nil:
			report = m.GetReport()
			continue
		}
		answered(m.GetResults())
		select {
		case <-s.window:
		default:
			return nil, record.ErrMalformed // an answer to nothing
		}
	}
}
