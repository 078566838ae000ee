// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Each folder that a released program left is opened by this one, brought to its
// schema, and sound, replay included; what was in it is in it.
func TestCountiesOfReleasedVersionsAreTakenOver(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]struct{ Leaves, Revisions, Records int }{
		"v0.1.0": {7, 8, 6},   // two residents, a checkup, a conflict, and the acts of two enrolments
		"v0.2.0": {7, 17, 10}, // two residents, one with four forms and a review; a rule pack; a village with another code
	} {
		t.Run(version, func(t *testing.T) {
			s := newShell(t, filepath.Join(t.TempDir(), "data"))
			copyFolder(t, s.data, filepath.Join("testdata", "counties", version))
			var have []struct{ Leaves, Revisions, Records int }
			do(t, json.Unmarshal([]byte(s.ok("verify", "--replay", "--json")), &have))
			if len(have) != 1 || have[0] != want {
				t.Errorf("%+v, want %+v", have, want)
			}
			c := openCentre(t, s.data, nil)
			c.wantSound()
			c.invite("zhao", village) // and takes something new
			c.close()
			s.ok("verify", "--replay")
		})
	}
	folders, err := os.ReadDir(filepath.Join("testdata", "counties"))
	if must(t, folders, err); len(folders) != 3 { // and a README
		t.Errorf("%d folders, each of which needs a row here", len(folders)-1)
	}
}
