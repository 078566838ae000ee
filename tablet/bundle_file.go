// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

// writeAside writes a new file so that under its name stands a whole one or none: under
// another name first, read back and compared, then renamed. It returns its size. Errors
// of the file wrap errBundleFile or, when there is one of that name, errBundleExists.
func writeAside(path string, write func(io.Writer) error) (int64, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, errors.Join(errBundleExists, err)
	}
	aside := path + ".part"
	f, err := os.OpenFile(aside, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, bundleFile(err)
	}
	w := &summed{f: f, hash: sha256.New()}
	err = write(w)
	if err == nil {
		err = bundleFile(w.readBack())
	}
	err = errors.Join(err, bundleFile(f.Close()))
	if err == nil {
		err = bundleFile(os.Rename(aside, path))
	}
	if err != nil {
		_ = os.Remove(aside) // half a file helps nobody
	}
	return w.size, err
}

// summed is a file together with what was written to it.
type summed struct {
	f    *os.File
	hash hash.Hash
	size int64
}

func (s *summed) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	s.hash.Write(b[:n])
	s.size += int64(n)
	return n, bundleFile(err)
}

// readBack makes the file last and compares it with what was written.
func (s *summed) readBack() error {
	if err := s.f.Sync(); err != nil {
		return err
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	again := sha256.New()
	if _, err := io.Copy(again, s.f); err != nil {
		return err
	}
	if !bytes.Equal(again.Sum(nil), s.hash.Sum(nil)) {
		return fmt.Errorf("%d bytes are not read as they were written", s.size)
	}
	return nil
}
