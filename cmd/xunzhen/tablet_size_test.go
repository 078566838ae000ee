// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/tablet"
)

var tabletResidents = flag.Int("tablet-residents", 0,
	"have one tablet download an invented county of so many residents, and say how long that takes and how much it keeps; 6000 have some 60,000 records or more")

// A county has more records than a tablet keeps by the rule pack: it is told so first, keeps
// what the limits say, and a doctor can work on it.
func TestTabletAtSize(t *testing.T) {
	if *tabletResidents == 0 {
		t.Skip("-tablet-residents says how many")
	}
	s := newShell(t)
	s.ok("populate", s.env["XUNZHEN_DATA"], "--county", "431124", "--residents", strconv.Itoa(*tabletResidents))
	s.serve("--county", "431124")
	s.ok("tablet", "enrol", strings.TrimSpace(s.ok("enrol", "--scope", "431124", "--staff", "li")))

	timed := func(name string, args ...string) string {
		began := time.Now()
		out := s.ok(args...)
		t.Logf("%s: %v, %d MiB on disk", name, time.Since(began).Round(time.Millisecond), onDisk(t, s.env["XUNZHEN_TABLET"])>>20)
		return out
	}
	r := decode[tablet.SyncReport](t, timed("first sync", "tablet", "sync", "--json"))
	l := decode[limitsJSON](t, timed("limits", "tablet", "limits", "--json"))
	t.Logf("in scope %d records of %d MiB, received %d, let go %d, kept %d of %d MiB", r.ScopeRecords, r.ScopeBytes>>20, r.Received, r.Dropped, l.Kept, l.KeptBytes>>20)
	if !r.Complete || l.Kept > l.Records || l.KeptBytes > l.Bytes || l.Kept+l.Beyond != r.ScopeRecords || r.Dropped != int(l.Beyond) {
		t.Errorf("sync %+v, limits %+v", r, l)
	}
	timed("due list", "tablet", "due", "--json")
	s.in = `{"name": "试"}`
	timed("a new resident", "tablet", "save", "-", "--kind", "resident", "--scope", village, "--confirm")
	if again := decode[tablet.SyncReport](t, timed("second sync", "tablet", "sync", "--json")); !again.Complete || again.Received > 1 || again.Dropped > 1 {
		t.Errorf("second sync %+v", again)
	}
}

func onDisk(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
