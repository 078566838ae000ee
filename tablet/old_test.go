// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

var folder = flag.String("folder", "", "keep a new folder of this name in testdata/folders: once for each released version")

const folders = "testdata/folders"

// A tablet's folder of every released version is opened by today's code.
func TestOldFoldersAreOpened(t *testing.T) {
	if *folder != "" {
		keepFolder(t, filepath.Join(folders, *folder))
	}
	old, err := os.ReadDir(folders)
	if must(t, old, err); len(old) == 0 {
		t.Fatal("no folders")
	}
	for _, entry := range old {
		t.Run(entry.Name(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tablet")
			do(t, os.CopyFS(dir, os.DirFS(filepath.Join(folders, entry.Name()))))
			tb, err := tablet.OpenWith(&tablet.Options{Dir: dir, Clock: &clock{1_772_000_000_001}}, secret)
			must(t, tb, err)
			defer tb.Close()
			l, err := tb.Search("王建国", 0)
			if must(t, l, err).Len() != 1 {
				t.Fatalf("%d residents found", l.Len())
			}
			r := get(t, tb, l.At(0).ID)
			if r.Conflicts.Len() != 1 || r.Conflicts.At(0).Path != "phone" {
				t.Fatalf("conflicts of %s", r.JSON)
			}
			s, err := tb.Resolve(r.Form, "phone", r.Conflicts.At(0).Values.At(0).Dot, "zhang")
			must(t, s, err)
			status, err := tb.Status()
			if must(t, status, err).Unsent != 4 {
				t.Fatalf("%d saves", status.Unsent)
			}
		})
	}
}

// keepFolder makes what the test expects.
func keepFolder(t *testing.T, dir string) {
	t.Helper()
	o := &tablet.Options{Dir: dir, CheapSecrets: true, Clock: &clock{1_772_000_000_000}}
	tb, err := tablet.Create(o, secret)
	must(t, tb, err)
	s := addResident(t, tb, `{"name": "王建国", "phone": "1"}`)
	for _, phone := range []string{"2", "3"} {
		one, err := tb.Save(s.Form, `{"name": "王建国", "phone": "`+phone+`"}`, "zhang")
		must(t, one, err)
	}
	do(t, tb.Close())
	for _, name := range []string{"tablet.db.lock", "reserve"} { // say which process made it, and nothing
		do(t, os.Remove(filepath.Join(dir, name)))
	}
}
