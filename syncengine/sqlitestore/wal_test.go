// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sqlitestore_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// Sizes in SQLite's write-ahead log: https://www.sqlite.org/fileformat2.html#walformat
const (
	walHeader   = 32
	frameHeader = 24
)

// TestCutWriteAheadLogIsAPrefixOfTheCommits does what a loss of power may do: the
// log ends at any frame, or within one, or a frame was written wrongly. (A killed
// process shows less: what it wrote is all there.)
func TestCutWriteAheadLogIsAPrefixOfTheCommits(t *testing.T) {
	c := crash{path: filepath.Join(t.TempDir(), "shard.db"), seed: 7, point: sqlitestore.AfterCommit, hit: 12}
	commits := c.run(t, 0) + 1
	prefixes := prefixesOf(t, c.seed, commits)
	file, wal := read(t, c.path), read(t, c.path+"-wal")
	frame := frameHeader + int(binary.BigEndian.Uint32(wal[8:12]))
	frames := (len(wal) - walHeader) / frame
	t.Logf("%d commits in %d frames", commits, frames)
	last := 0
	for k := range frames + 1 {
		end := walHeader + k*frame
		last = survivingPrefix(t, file, wal[:end], prefixes, last)
		if torn := end + 1 + (k*997)%(frame-1); k < frames && k%3 == 0 {
			survivingPrefix(t, file, wal[:torn], prefixes[:last+1], last)
		}
		if k < frames && k%5 == 0 {
			survivingPrefix(t, file, flipped(wal, end+frameHeader+(k*577)%(frame-frameHeader)), prefixes[:last+1], last)
		}
	}
	if last != commits {
		t.Errorf("the whole log has %d of %d commits", last, commits)
	}
}

// prefixesOf returns the contents after 0, 1, … commits.
func prefixesOf(t *testing.T, seed uint64, commits int) []storetest.Contents {
	t.Helper()
	s, g := memstore.New(), storetest.NewRandom(seed)
	out := []storetest.Contents{everything(t, s)}
	for range commits {
		must(t, g.Update(s))
		out = append(out, everything(t, s))
	}
	return out
}

// survivingPrefix opens the file with this log and returns how many commits it
// has, which must be at least so many.
func survivingPrefix(t *testing.T, file, wal []byte, prefixes []storetest.Contents, least int) int {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cut.db")
	must(t, os.WriteFile(path, file, 0o600), os.WriteFile(path+"-wal", wal, 0o600))
	s, err := sqlitestore.Open(path, sqlitestore.Options{Create: true, Readers: 1})
	must(t, err)
	have := everything(t, s)
	must(t, s.Close())
	for n := least; n < len(prefixes); n++ {
		if storetest.Diff(prefixes[n], have) == "" {
			return n
		}
	}
	t.Fatalf("a log of %d bytes has no prefix of the commits from %d to %d", len(wal), least, len(prefixes)-1)
	return 0
}

func flipped(wal []byte, at int) []byte {
	out := bytes.Clone(wal)
	out[at] ^= 0x10
	return out
}
