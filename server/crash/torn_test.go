// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/tablet"
)

// Sizes in SQLite's write-ahead log: https://www.sqlite.org/fileformat2.html#walformat
const (
	walHeader   = 32
	frameHeader = 24
)

// tornLog is what a server that was killed under load has left, and may be cut.
type tornLog struct {
	*world
	path   string // of the log in the data folder
	whole  []byte
	frame  int
	leaves [][]byte // of the whole
}

// newTornLog has tablets sync with the program, each several times, and kills it; then
// closes the tablets, so that they can be copied.
func newTornLog(t *testing.T, bursts int) *tornLog {
	t.Helper()
	w, c := newWorld(t, nil)
	c.close()
	server := newShell(t, w.data).serve()
	for range bursts {
		for _, x := range w.tablets {
			x.add(1)
			x.edit()
		}
		w.syncTablets(server.address)
		w.openForms()
	}
	server.kill()
	for _, x := range w.tablets {
		do(t, x.Close())
	}
	logs, err := filepath.Glob(filepath.Join(w.data, "*", "shard.db-wal"))
	if must(t, logs, err); len(logs) != 1 {
		t.Fatalf("logs %q", logs)
	}
	whole, err := os.ReadFile(logs[0])
	l := &tornLog{world: w, path: logs[0], whole: must(t, whole, err)}
	l.frame = frameHeader + int(binary.BigEndian.Uint32(whole[8:12]))
	l.leaves = l.found(l.cut(len(whole)))
	return l
}

// syncTablets has all tablets sync at the same time, each of which must succeed.
func (w *world) syncTablets(address string) {
	w.t.Helper()
	var all sync.WaitGroup
	for _, x := range w.tablets {
		all.Go(func() {
			if _, err := x.sync(address); err != nil {
				w.t.Errorf("tablet %s: %v", x.dir, err)
			}
		})
	}
	all.Wait()
}

func (l *tornLog) frames() int { return (len(l.whole) - walHeader) / l.frame }

// boundary returns the size of a log of so many frames.
func (l *tornLog) boundary(frames int) int { return walHeader + frames*l.frame }

// cut copies the world as a loss of power may leave it: the log ends after some bytes.
// The tablets of the copy are closed.
func (l *tornLog) cut(size int) *world {
	l.t.Helper()
	dir := l.t.TempDir()
	w := &world{t: l.t, data: filepath.Join(dir, "data")}
	copyFolder(l.t, w.data, l.data)
	relative, err := filepath.Rel(l.data, l.path)
	must(l.t, relative, err)
	do(l.t, os.WriteFile(filepath.Join(w.data, relative), l.whole[:size], 0o600))
	do(l.t, os.Remove(filepath.Join(w.data, filepath.Dir(relative), "shard.db-shm")))
	return w
}

// found opens what a cut has left, has all of it checked, and returns the leaves.
func (l *tornLog) found(w *world) (out [][]byte) {
	l.t.Helper()
	c := openCentre(l.t, w.data, nil)
	defer c.close()
	c.wantSound()
	do(l.t, c.store.View(l.t.Context(), func(r syncengine.Reader) error {
		for i := range ledger.Index(c.county.Engine.Size()) {
			leaf, _, err := r.Leaf(i)
			if err != nil {
				return err
			}
			out = append(out, leaf)
		}
		return nil
	}))
	return out
}

// copyFolder copies the files of a folder for nobody but their owner to read.
func copyFolder(t *testing.T, to, from string) {
	t.Helper()
	do(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, relative), 0o700)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, relative), content, 0o600)
	}))
}

// The log of a server that was killed is cut at every frame and within frames, as a
// loss of power may leave it: what is found is sound, replay included, and its ledger
// is a prefix of the whole one, no shorter than that of an earlier cut.
func TestI1ATornLogIsAPrefixOfTheLedger(t *testing.T) {
	t.Parallel()
	l := newTornLog(t, 2)
	shortest := 0
	see := func(size int) {
		have := l.found(l.cut(size))
		if n := len(have); n < shortest || n > len(l.leaves) || !slices.EqualFunc(have, l.leaves[:n], bytes.Equal) {
			t.Fatalf("a log of %d bytes has %d leaves, which are no prefix of %d from %d on", size, n, len(l.leaves), shortest)
		}
		shortest = len(have)
	}
	for k := range l.frames() + 1 {
		see(l.boundary(k))
		if k%4 == 1 && k < l.frames() {
			see(l.boundary(k) + 1 + (k*997)%(l.frame-1))
		}
	}
	if shortest != len(l.leaves) {
		t.Errorf("the last cut has %d of %d leaves", shortest, len(l.leaves))
	}
	t.Logf("%d frames, %d leaves", l.frames(), len(l.leaves))
}

// After a loss of power the tablets may have acks of what the file has not. Nothing of
// that is silent: the server takes and gives nothing until it is restored, when a
// tablet has a checkpoint that it does not reach, and says so on that tablet; and
// everything comes back.
func TestI7TabletsRefillWhatATornLogLost(t *testing.T) {
	t.Parallel()
	l := newTornLog(t, 3)
	cuts := []int{0, l.frames() / 3, l.frames() - 1}
	if *long > 0 {
		cuts = nil
		for k := range l.frames() {
			cuts = append(cuts, k)
		}
	}
	stopped := 0
	for _, k := range cuts {
		if l.cut(l.boundary(k)).refill(l) {
			stopped++
		}
	}
	if stopped < 2 {
		t.Errorf("the server stopped after %d of %d losses", stopped, len(cuts))
	}
	t.Logf("the server stopped after %d of %d losses", stopped, len(cuts))
}

// refill opens copies of the tablets and has them sync with what the cut has left. It
// reports whether the server had to be restored.
func (w *world) refill(l *tornLog) (stopped bool) {
	w.t.Helper()
	home, s := w.t.TempDir(), newShell(w.t, w.data)
	for _, x := range l.tablets {
		y := &tab{t: w.t, dir: filepath.Join(home, filepath.Base(x.dir)), saves: slices.Clone(x.saves), count: x.count}
		copyFolder(w.t, y.dir, x.dir)
		tb, err := tablet.OpenWith(&tablet.Options{Dir: y.dir, CheapSecrets: true}, secret)
		y.Tablet = must(w.t, tb, err)
		defer y.Close()
		w.tablets = append(w.tablets, y)
	}
	server := s.serve()
	for _, x := range w.tablets {
		if _, err := x.Sync(w.t.Context(), &tablet.SyncOptions{Address: server.address, Tries: 1}); err != nil {
			stopped = true
			x.wantToldOfTheLoss(err)
		}
	}
	server.kill()
	if stopped {
		s.ok("restore", "--author", "zhao", "--yes")
	}
	c := openCentre(w.t, w.data, nil)
	defer c.close()
	w.settle(c)
	c.wantSound()
	w.wantSavesThere(c)
	return stopped
}

// wantToldOfTheLoss wants an error that says that the centre runs older data, and the
// tablet to show so.
func (x *tab) wantToldOfTheLoss(err error) {
	x.t.Helper()
	if tablet.ReasonOf(err) != "rolled_back" && tablet.ReasonOf(err) != "epoch_behind" {
		x.t.Fatalf("tablet %s: %v", x.dir, err)
	}
	s, err := x.Status()
	if must(x.t, s, err); s.Behind == "" {
		x.t.Errorf("tablet %s shows nothing of the loss: %+v", x.dir, s)
	}
}

// settle has the tablets sync until nothing moves any more; a new epoch is allowed.
func (w *world) settle(c *centre) {
	w.t.Helper()
	for range 8 {
		moved := 0
		for _, x := range w.tablets {
			r, err := x.Sync(w.t.Context(), &tablet.SyncOptions{Address: c.server.Address(), Tries: 1})
			if must(w.t, r, err); !r.Complete || r.Refused > 0 || r.Blocked > 0 || r.Forked {
				w.t.Fatalf("tablet %s: %+v", x.dir, r)
			}
			moved += r.Pushed + r.Acks + r.Received + r.Departures
		}
		if moved == 0 {
			return
		}
	}
	w.t.Fatal("it does not come to rest")
}
