// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// aside ends the name of a file that is not whole yet.
const aside = ".partial"

// folder is one county's folder. It asks nothing of the disk but what a share can do:
// files made and not opened twice, renames within one folder, no locks.
type folder struct{ dir string }

// explain says which of the errors of this package it was.
func (f folder) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case !f.there():
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}

func (f folder) there() bool {
	info, err := os.Stat(f.dir)
	return err == nil && info.IsDir()
}

// write puts a file under a name, whole or not at all, and on disk.
func (f folder) write(name string, content []byte) error {
	path := filepath.Join(f.dir, name)
	err := f.writeAside(path+aside, content)
	if err == nil {
		err = os.Rename(path+aside, path)
	}
	if err == nil {
		err = f.sync()
	}
	if err != nil {
		_ = os.Remove(path + aside) // of no use
		return f.explain(err)
	}
	return nil
}

func (f folder) writeAside(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Sync(), file.Close())
}

// sync returns when names are on disk, where the folder's file system can say so.
func (f folder) sync() error {
	d, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, fs.ErrPermission) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// read returns a file of at most limit bytes.
func (f folder) read(name string, limit int64) ([]byte, error) {
	file, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return nil, f.explain(err)
	}
	defer file.Close() //nolint:errcheck // only read
	raw, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, f.explain(err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%w: %s has over %d bytes", ErrDamaged, name, limit)
	}
	return raw, nil
}

// load returns the bytes of a file that is what its manifest says. Else its error
// wraps ErrDamaged.
func (f folder) load(want File) ([]byte, error) {
	raw, err := f.read(want.Name, want.Size)
	if errors.Is(err, fs.ErrNotExist) && f.there() {
		return nil, fmt.Errorf("%w: %s is missing", ErrDamaged, want.Name)
	}
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) != want.Size || sha256.Sum256(raw) != want.Hash {
		return nil, fmt.Errorf("%w: %s is not what was written", ErrDamaged, want.Name)
	}
	return raw, nil
}

// has reports whether a file is there with the size that it should have.
func (f folder) has(want File) bool {
	info, err := os.Stat(filepath.Join(f.dir, want.Name))
	return err == nil && info.Mode().IsRegular() && info.Size() == want.Size
}

// names returns the names of the files that begin with a prefix, ascending.
func (f folder) names(prefix string) ([]string, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, f.explain(err)
	}
	var out []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) && e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}

func (f folder) remove(name string) error {
	err := os.Remove(filepath.Join(f.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.explain(err)
}

// named returns the file that content will be: its name says its hash.
func named(prefix string, content []byte) File {
	hash := sha256.Sum256(content)
	return File{Name: prefix + hex.EncodeToString(hash[:8]), Size: int64(len(content)), Hash: hash}
}

const lockFile = "lock"

// lock keeps other writers out until the returned function is called. A writer may
// take over its own lock: it was left behind by a process that died.
func (f folder) lock(owner string) (unlock func(), err error) {
	path := filepath.Join(f.dir, lockFile)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		held, readErr := f.read(lockFile, 4096)
		if readErr != nil {
			return nil, readErr
		}
		if string(held) != owner {
			return nil, fmt.Errorf("%w: %s; if that server is gone for good, remove %s", ErrLocked, held, path)
		}
		return f.unlock, nil
	}
	if err != nil {
		return nil, f.explain(err)
	}
	_, err = file.WriteString(owner)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		f.unlock()
		return nil, f.explain(err)
	}
	return f.unlock, nil
}

func (f folder) unlock() { _ = f.remove(lockFile) }
