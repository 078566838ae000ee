// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// release writes a tiny database of today's schema into testdata, beside what it
// holds. Do it once for each released schema, under the next number; a file that
// is there is never written again, and a migration it has behind it never edited.
var release = flag.String("release", "", "write testdata/NAME.db and NAME.json, for example schema1")

func TestFilesOfReleasedSchemasOpen(t *testing.T) {
	if *release != "" {
		writeRelease(t, filepath.Join("testdata", *release))
	}
	files, err := filepath.Glob("testdata/*.db")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no file in testdata")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shard.db")
			must(t, os.WriteFile(path, read(t, file), 0o600))
			s, err := sqlitestore.Open(path, sqlitestore.Options{})
			must(t, err)
			defer s.Close()
			want := readContents(t, strings.TrimSuffix(file, ".db")+".json")
			if d := storetest.Diff(want, everything(t, s)); d != "" {
				t.Errorf("(-written +read): %s", d)
			}
			if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
				t.Errorf("check: %q, %v", findings, err)
			}
			must(t, s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, 0, 10) }))
			must(t, s.Damage("UPDATE acts SET body = x'00'"), s.Damage("UPDATE named_values SET value = x'00'"))
			if findings, err := s.Check(t.Context()); err != nil || len(findings) < 2 {
				t.Errorf("rows of an earlier program have no sums: %q, %v", findings, err)
			}
		})
	}
}

func writeRelease(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name + ".db"); err == nil {
		t.Fatalf("%s.db is there", name)
	}
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	s, g := fresh(t), storetest.NewRandom(1)
	for range 40 {
		must(t, g.Update(s))
	}
	must(t, s.Backup(t.Context(), name+".db"))
	content, err := json.Marshal(flatten(everything(t, s)))
	must(t, err, os.WriteFile(name+".json", append(content, '\n'), 0o644))
}

// flat is Contents as JSON can have it.
type flat struct {
	storetest.Contents
	Sums []pile
}

type pile struct {
	Key syncengine.SumKey
	Sum syncengine.Sum
}

func flatten(c storetest.Contents) flat {
	out := flat{Contents: c}
	for _, k := range slices.SortedFunc(maps.Keys(c.Sums), func(a, b syncengine.SumKey) int {
		return strings.Compare(string(a.Division)+string(rune(a.Class)), string(b.Division)+string(rune(b.Class)))
	}) {
		out.Sums = append(out.Sums, pile{k, c.Sums[k]})
	}
	return out
}

func readContents(t *testing.T, path string) storetest.Contents {
	t.Helper()
	var f flat
	must(t, json.Unmarshal(read(t, path), &f))
	f.Contents.Sums = map[syncengine.SumKey]syncengine.Sum{}
	for _, p := range f.Sums {
		f.Contents.Sums[p.Key] = p.Sum
	}
	return f.Contents
}

func TestReleasedContentsSurviveTheirJSON(t *testing.T) {
	s, g := memstore.New(), storetest.NewRandom(2)
	for range 40 {
		must(t, g.Update(s))
	}
	want, path := everything(t, s), filepath.Join(t.TempDir(), "c.json")
	content, err := json.Marshal(flatten(want))
	must(t, err, os.WriteFile(path, content, 0o600))
	if d := storetest.Diff(want, readContents(t, path)); d != "" {
		t.Errorf("(-before +after): %s", d)
	}
}
