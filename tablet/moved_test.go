// SPDX-License-Identifier: Apache-2.0

//go:build unix

package tablet_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// A tablet whose file is moved, or replaced by a copy, while it is open confirms no save
// that would go with it; with the file where it was, work goes on.
func TestASaveIntoAFileThatWasTakenAwayIsNotConfirmed(t *testing.T) {
	o := options(t)
	tb, err := tablet.Create(o, secret)
	must(t, tb, err)
	defer tb.Close()
	path := filepath.Join(o.Dir, "tablet.db")
	for range 2 {
		before := addResident(t, tb, `{"name": "王建国"}`)
		do(t, os.Rename(path, path+".aside"))
		_, err := tb.Add("resident", "", village, `{"name": "赵六"}`, "zhang")
		wantReason(t, err, "moved")
		content, err := os.ReadFile(path + ".aside")
		must(t, content, err)
		do(t, os.WriteFile(path, content, 0o600))
		_, err = tb.Add("resident", "", village, `{"name": "赵六"}`, "zhang")
		wantReason(t, err, "moved")
		do(t, os.Rename(path+".aside", path))
		if get(t, tb, before.ID).JSON == "" {
			t.Error("what was saved before cannot be read")
		}
	}
	status, err := tb.Status()
	if must(t, status, err).Unsent != 2 {
		t.Errorf("%d saves are kept, want 2", status.Unsent)
	}
}
