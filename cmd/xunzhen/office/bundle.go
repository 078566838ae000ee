// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// filePart is how much of a file one message carries, in bytes.
const filePart = 32 << 10

// ImportBundle sends a bundle to the centre and writes the answer to out while it comes.
// Progress is told how many bytes were sent.
func (o *Office) ImportBundle(ctx context.Context, in io.Reader, out io.Writer, progress func(sent int64)) (*syncv1.BundleReport, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := o.bundles.ImportBundle(ctx)
	if err != nil {
		return nil, fmt.Errorf("import a bundle: %w", err)
	}
	sent := make(chan error, 1)
	go func() {
		err := o.sendFile(stream, in, progress)
		if err != nil {
			cancel()
		}
		sent <- err
	}()
	report, err := receiveFile(out, func() ([]byte, *syncv1.BundleReport, error) {
		m, err := stream.Recv()
		return m.GetPart(), m.GetReport(), err
	})
	if err != nil {
		cancel()
	}
	if serr := <-sent; serr != nil {
		err = serr // the stream ended because the file could not be read
	}
	if err != nil {
		return nil, fmt.Errorf("import a bundle: %w", err)
	}
	return report, nil
}

// sendFile sends a file to its end, or until the server wants no more of it. It returns
// errors of the file only: those of the stream are told to who receives.
func (o *Office) sendFile(stream grpc.BidiStreamingClient[syncv1.ImportBundleRequest, syncv1.ImportBundleResponse], in io.Reader, progress func(int64)) error {
	total := int64(0)
	for {
		part := make([]byte, filePart)
		n, err := io.ReadFull(in, part)
		if n > 0 && stream.Send(&syncv1.ImportBundleRequest{Shard: o.Shard(), Part: part[:n]}) != nil {
			return nil
		}
		total += int64(n)
		progress(total)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			_ = stream.CloseSend() // it never fails
			return nil
		case err != nil:
			return err
		}
	}
}

// ExportBundle writes a bundle for a replica to out.
func (o *Office) ExportBundle(ctx context.Context, replica causal.ReplicaID, out io.Writer) (*syncv1.BundleReport, error) {
	stream, err := o.bundles.ExportBundle(ctx, &syncv1.ExportBundleRequest{Shard: o.Shard(), Replica: replica[:]})
	var report *syncv1.BundleReport
	if err == nil {
		report, err = receiveFile(out, func() ([]byte, *syncv1.BundleReport, error) {
			m, err := stream.Recv()
			return m.GetPart(), m.GetReport(), err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("export a bundle: %w", err)
	}
	return report, nil
}

// receiveFile writes what arrives and returns the report at the end.
func receiveFile(out io.Writer, next func() ([]byte, *syncv1.BundleReport, error)) (*syncv1.BundleReport, error) {
	var report *syncv1.BundleReport
	for {
		part, last, err := next()
		switch {
		case errors.Is(err, io.EOF) && report != nil:
			return report, nil
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF
		case err != nil:
			return nil, err
		case last != nil:
			report = last
		}
		if _, err := out.Write(part); err != nil {
			return nil, err
		}
	}
}
