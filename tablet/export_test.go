// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/devicestore"
)

// FindingsSource is findingsSource for tests.
type FindingsSource = findingsSource

// PullFindings takes what a source finds, as a sync does.
func (t *Tablet) PullFindings(ctx context.Context, from FindingsSource) (int, error) {
	return t.pullFindings(ctx, from)
}

// CameIn is what a sync calls when records came.
func (t *Tablet) CameIn(ctx context.Context) { t.cameIn(ctx) }

// FoundBytes bounds what is kept of findings.
const FoundBytes = foundBytes

// SpoilFindings turns a bit of every part of the findings of a closed tablet.
func SpoilFindings(ctx context.Context, t *testing.T, dir string) {
	t.Helper()
	s, err := devicestore.Open(filepath.Join(dir, devicestore.FileName), sealer{&Tablet{}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range foundParts {
		raw, err := s.Note(ctx, partName(i))
		if err == nil && len(raw) > 0 {
			raw = append([]byte{}, raw...)
			raw[len(raw)/2] ^= 1
			err = s.SetNote(ctx, partName(i), raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
