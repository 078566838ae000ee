// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bufio"
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

type bundleService struct {
	syncv1grpc.UnimplementedBundleServiceServer
	cfg Config
}

// maxPart is how much of a file one message carries, in bytes.
const maxPart = 32 << 10

// ImportBundle takes a bundle while it arrives and sends the answer to it.
func (s *bundleService) ImportBundle(stream grpc.BidiStreamingServer[syncv1.ImportBundleRequest, syncv1.ImportBundleResponse]) error {
	ctx := stream.Context()
	in := parts(func() ([]byte, error) {
		m, err := stream.Recv()
		return m.GetPart(), err
	})
	out := sending(func(part []byte) error { return stream.Send(&syncv1.ImportBundleResponse{Part: part}) })
	report, err := callOf(ctx).county.ImportBundle(ctx, in, out, s.turn)
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return stream.Send(&syncv1.ImportBundleResponse{Report: bundleReport(report)})
}

// ExportBundle sends a bundle for a replica.
func (s *bundleService) ExportBundle(m *syncv1.ExportBundleRequest, stream grpc.ServerStreamingServer[syncv1.ExportBundleResponse]) error {
	replica, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return err
	}
	ctx := stream.Context()
	out := sending(func(part []byte) error { return stream.Send(&syncv1.ExportBundleResponse{Part: part}) })
	report, err := callOf(ctx).county.ExportBundle(ctx, replica, out, s.turn)
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return stream.Send(&syncv1.ExportBundleResponse{Report: bundleReport(report)})
}

// turn waits for a turn among those who read pages. When the server stops, who calls
// begins anew: what was taken is kept.
func (s *bundleService) turn(ctx context.Context) (func(), error) {
	select {
	case <-s.cfg.Stopping:
		return nil, errStopping
	default:
	}
	c := callOf(ctx)
	return c.guard.pull.Wait(ctx, c.who())
}

func bundleReport(r county.BundleReport) *syncv1.BundleReport {
	return &syncv1.BundleReport{
		Replica: r.Replica[:], MadeAtMs: uint64(max(0, r.MadeAt.UnixMilli())),
		Stored: uint64(r.Stored), Already: uint64(r.Already), Blocked: uint64(r.Blocked), Refused: uint64(r.Refused),
		Records: uint64(r.Records), BrokenOff: r.BrokenOff, Revoked: r.Revoked,
	}
}

// parts reads a file that arrives in messages.
func parts(next func() ([]byte, error)) io.Reader { return &partReader{next: next} }

type partReader struct {
	next func() ([]byte, error)
	rest []byte
}

// Read copies from what arrived, and waits for more when there is nothing left.
func (r *partReader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		var err error
		if r.rest, err = r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// sending writes a file as messages of at most maxPart bytes; Flush sends the rest.
func sending(send func([]byte) error) *bufio.Writer {
	return bufio.NewWriterSize(partWriter(send), maxPart)
}

type partWriter func([]byte) error

// Write sends b in parts. A part is a message of its own, and nobody keeps b.
func (send partWriter) Write(b []byte) (int, error) {
	for at := 0; at < len(b); at += maxPart {
		part := append([]byte(nil), b[at:min(len(b), at+maxPart)]...)
		if err := send(part); err != nil {
			return at, err
		}
	}
	return len(b), nil
}
