// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const testimonyFile = "testimony.txt"

// ReadTestimony returns what the hub in a folder has seen of the centre's ledger, as
// package evidence reads it, whether or not the hub runs. It has nothing of any resident.
// Its error wraps fs.ErrNotExist for a hub that never synced.
func ReadTestimony(dir string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(dir, testimonyFile))
	if err != nil {
		return nil, fmt.Errorf("testimony of the hub: %w", err)
	}
	return raw, nil
}

// testify writes what the hub has seen, when there is news, and returns in how many
// places the centre contradicted itself.
func (h *Hub) testify(ctx context.Context) (contradictions int, err error) {
	seen, err := h.replica.Testimony(ctx)
	if err != nil {
		return 0, err
	}
	raw, n := seen.Encode(), len(seen.Contradictions)
	before, err := ReadTestimony(h.cfg.Dir)
	if err == nil && bytes.Equal(before, raw) {
		return n, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return n, err
	}
	return n, replaceFile(filepath.Join(h.cfg.Dir, testimonyFile), raw)
}
