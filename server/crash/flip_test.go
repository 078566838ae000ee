// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// flips is a county whose file is damaged, one bit at a time.
type flips struct {
	*world
	file    string // relative to the data folder
	whole   []byte
	before  storetest.Contents
	records []record.ID
	leaves  ledger.Size
	found   map[string]int
}

func newFlips(t *testing.T) *flips {
	t.Helper()
	w, c := newWorld(t, nil)
	for range 3 { // the later saves are edits, and moves
		w.work()
		w.quiet(c)
		w.openForms()
	}
	f := &flips{world: w, records: slices.Collect(maps.Keys(c.records())), leaves: c.county.Engine.Size(), found: map[string]int{}}
	f.before = f.contents(c.store)
	path := filepath.Join(c.county.Dir, "shard.db")
	c.close()
	relative, err := filepath.Rel(w.data, path)
	f.file, f.whole = must(t, relative, err), readFile(t, path)
	return f
}

func (f *flips) contents(s syncengine.Store) (out storetest.Contents) {
	f.t.Helper()
	do(f.t, s.View(f.t.Context(), func(r syncengine.Reader) (err error) {
		out, err = storetest.Read(r, f.records, []string{"epoch", "position", "centre", "stopped", "marks"})
		return err
	}))
	return out
}

// see opens the county with a damaged file and looks for the damage: it is not opened
// because of that, or verify finds it, or nothing that can be asked for is otherwise.
func (f *flips) see(what string, file []byte) {
	f.t.Helper()
	data := f.t.TempDir()
	copyFolder(f.t, data, f.data)
	do(f.t, os.WriteFile(filepath.Join(data, f.file), file, 0o600))
	var store syncengine.Store
	s, err := server.New(f.t.Context(), config(data, func(s syncengine.Store) syncengine.Store { store = s; return s }))
	if err != nil {
		f.found["not opened"]++
		f.wantReason(what, err)
		return
	}
	defer s.Close()
	r, err := s.Counties()[0].Engine.Verify(f.t.Context(), syncengine.VerifyOptions{Replay: true})
	if must(f.t, r, err); r.OK() {
		f.found["no harm"]++
		before, now := f.before, f.contents(store)
		before.Bodies, now.Bodies = nil, nil // verify has opened them: compressed otherwise, they say the same
		if d := storetest.Diff(before, now); d != "" {
			f.t.Errorf("%s: verify finds nothing, and it reads (-before +after): %s", what, d)
		}
		return
	}
	f.found["found"]++
	f.wantNamed(what, s.Counties()[0], store, r.Violations)
}

// wantReason wants a county not to be opened because of its file, and for nothing else.
func (f *flips) wantReason(what string, err error) {
	f.t.Helper()
	for _, reason := range []error{
		sqlitestore.ErrCorrupt, sqlitestore.ErrForeign, sqlitestore.ErrNewer, syncengine.ErrNotCreated, ledger.ErrUnreadable,
	} {
		if errors.Is(err, reason) {
			return
		}
	}
	f.t.Errorf("%s: %v", what, err)
}

// wantNamed wants each record and leaf that is not as it was to be named in what verify
// found, and the others to be answered.
func (f *flips) wantNamed(what string, c *county.County, store syncengine.Store, found []syncengine.Violation) {
	f.t.Helper()
	said := fmt.Sprint(found)
	for _, row := range f.before.Records {
		now, err := f.record(store, row.ID)
		if err == nil && bytes.Equal(now.State, row.State) && bytes.Equal(now.Places, row.Places) {
			if _, err := c.Engine.Get(f.t.Context(), row.ID); err != nil {
				f.t.Errorf("%s: record %s is whole and not answered: %v", what, row.ID, err)
			}
		} else if !strings.Contains(said, "record "+row.ID.String()) && len(found) < 100 {
			f.t.Errorf("%s: record %s is damaged and not named: %v", what, row.ID, found)
		}
	}
	for i := range ledger.Index(f.leaves) {
		named := regexp.MustCompile(fmt.Sprintf(`leaf %d\b`, i)).MatchString(said)
		if f.leafDamaged(store, i) && !named && len(found) < 100 {
			f.t.Errorf("%s: leaf %d is damaged and not named: %v", what, i, found)
		}
	}
}

func (f *flips) record(s syncengine.Store, id record.ID) (row syncengine.RecordRow, err error) {
	err = s.View(f.t.Context(), func(r syncengine.Reader) (err error) {
		row, _, err = r.Record(id)
		return err
	})
	return row, err
}

// leafDamaged reports whether a leaf, or the bytes of its segment, are not as they were.
func (f *flips) leafDamaged(s syncengine.Store, i ledger.Index) bool {
	return s.View(f.t.Context(), func(r syncengine.Reader) error {
		leaf, _, err := r.Leaf(i)
		stored, _, serr := r.SegmentBytes(i)
		if err := errors.Join(err, serr); err != nil {
			return err
		}
		if !bytes.Equal(leaf, f.before.Leaves[i]) || !bytes.Equal(stored, f.before.Bodies[i]) {
			return errors.New("other bytes")
		}
		return nil
	}) != nil
}

// wantProgramSaysSo wants the verify command to fail where a segment is damaged, and to
// name its leaf and what to do.
func (f *flips) wantProgramSaysSo(rnd *rand.Rand, trees []tree) {
	f.t.Helper()
	i := slices.IndexFunc(trees, func(x tree) bool { return x.name == "segment_bytes" })
	file := bytes.Clone(f.whole)
	for range 8 { // so that some are not in sizes and keys
		trees[i].flip(rnd, file)
	}
	s := newShell(f.t, f.t.TempDir())
	copyFolder(f.t, s.data, f.data)
	do(f.t, os.WriteFile(filepath.Join(s.data, f.file), file, 0o600))
	status, out, said := s.run("verify")
	if status != 1 || !strings.Contains(out, "the segment of leaf ") || !strings.Contains(out, "BROKEN") {
		f.t.Errorf("verify: status %d\n%s%s", status, out, said)
	}
}

// A bit of the county's file flips, in a cell of each of its tables and indexes: verify
// finds it and names the record or the leaf, and the others are answered; or the county
// is not opened, for that reason; or it was in what nobody asks for.
func TestI11FlippedBitsAreFoundAndNamed(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	f := newFlips(t)
	trees := treesOf(t, filepath.Join(f.data, f.file))
	rounds(1, func() {
		for _, x := range trees {
			for n := range 3 {
				file := bytes.Clone(f.whole)
				x.flip(rnd, file)
				f.see(fmt.Sprintf("%s, flip %d", x.name, n), file)
			}
		}
	})
	f.wantProgramSaysSo(rnd, trees)
	t.Logf("%d trees, %v", len(trees), f.found)
	if f.found["found"] == 0 || len(trees) < 20 {
		t.Error("there was next to nothing to find")
	}
}
