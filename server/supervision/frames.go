// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrFrameLost says that the text of a round's frame is not there, or not what was announced.
var ErrFrameLost = errors.New("the text of the sampling frame is lost")

// maxFrame bounds the text of a frame: 2 million lines.
const maxFrame = 160 << 20

// Frames keeps the texts of frames in a folder, compressed, a file a round. Each is held against
// the digest that was announced when it is read, so a lost or changed one is noticed and any
// copy will do: nothing here must be believed.
type Frames struct{ Dir string }

func (f Frames) path(round record.ID) string {
	return filepath.Join(f.Dir, "frame-"+round.String()+".zst")
}

// Keep writes a text to the disk in place of what is there.
func (f Frames) Keep(round record.ID, text io.WriterTo) (err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return fmt.Errorf("keep frame: %w", err)
	}
	aside, err := os.CreateTemp(f.Dir, ".frame-*")
	if err != nil {
		return fmt.Errorf("keep frame: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("keep frame: %w", err), os.Remove(aside.Name()))
		}
	}()
	w, err := zstd.NewWriter(aside, zstd.WithEncoderConcurrency(1))
	if err == nil {
		_, err = text.WriteTo(w)
		err = errors.Join(err, w.Close())
	}
	if err == nil {
		err = aside.Sync()
	}
	if err = errors.Join(err, aside.Close()); err != nil {
		return err
	}
	return os.Rename(aside.Name(), f.path(round))
}

// Read returns the text with a digest. Errors: ErrFrameLost, or the disk's.
func (f Frames) Read(round record.ID, digest []byte) ([]byte, error) {
	file, err := os.Open(f.path(round))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrFrameLost
	}
	if err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was read only
	r, err := zstd.NewReader(file, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame))
	if err != nil {
		return nil, fmt.Errorf("read frame: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxFrame+1))
	if err != nil || !is(text, digest) {
		return nil, ErrFrameLost
	}
	return text, nil
}

// is reports whether a text has a digest.
func is(text, digest []byte) bool {
	sum := sha256.Sum256(text)
	return len(text) <= maxFrame && string(sum[:]) == string(digest)
}
