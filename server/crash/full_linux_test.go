// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// disk is a small file system in memory.
type disk struct {
	t       *testing.T
	dir     string
	ballast string
}

func mountDisk(t *testing.T, size string) *disk {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	do(t, os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("NOT TESTED: a disk that is really full; it needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return &disk{t: t, dir: dir, ballast: filepath.Join(dir, "ballast")}
}

// fill leaves so many bytes of room.
func (d *disk) fill(spare int) {
	d.t.Helper()
	file, err := os.Create(d.ballast)
	must(d.t, file, err)
	size := 0
	for block := make([]byte, 4096); ; {
		n, err := file.Write(block)
		size += n
		if err != nil {
			break
		}
	}
	do(d.t, file.Truncate(int64(max(0, size-spare))))
	do(d.t, file.Close())
}

func (d *disk) free() { do(d.t, os.Remove(d.ballast)) }

// B26 once more with a disk of the centre that is really full: then the system says
// where it ends, in the write-ahead log, its index or the file.
func TestB26CentreOnAFullDisk(t *testing.T) {
	t.Parallel()
	d := mountDisk(t, "24m")
	w := &world{t: t, data: filepath.Join(d.dir, "data")}
	c := openCentre(t, w.data, nil)
	w.enrol(c)
	w.work()
	w.quiet(c)
	refused := 0
	for round := range 8 {
		w.openForms()
		w.work()
		d.fill(round * 12 << 10)
		for _, x := range w.tablets {
			arrived := x.claims(c)
			if _, err := x.sync(c.server.Address()); err != nil {
				if refused++; tablet.ReasonOf(err) != full || x.claims(c) < arrived {
					t.Fatalf("round %d, tablet %s: %v", round, x.dir, err)
				}
			}
			x.add(1)
		}
		if err := w.device.push(c.server.Address()); err != nil && remote.ReasonOf(err) != full {
			t.Fatalf("round %d: %v", round, err)
		}
		w.wantGoingOn(c)
		d.free()
		w.wantRecovered(c)
	}
	if refused < 8 {
		t.Errorf("the disk was full for %d syncs only", refused)
	}
}

// B26 on the tablet: a save for which there is no room is refused with that reason and
// takes no dot; what was saved can be read and stays; with room, work goes on where it
// was, and all of it reaches the centre.
func TestB26TabletOnAFullDisk(t *testing.T) {
	t.Parallel()
	w, c := newWorld(t, nil)
	d := mountDisk(t, "8m")
	x := newTablet(t, c, filepath.Join(d.dir, "tablet"), "sun", village)
	w.tablets = append(w.tablets, x)
	w.work()
	w.quiet(c)
	for round := range 10 {
		w.openForms()
		d.fill(round * 8 << 10)
		x.saveUntilFull()
		if _, err := x.sync(c.server.Address()); err != nil && tablet.ReasonOf(err) != full {
			t.Fatalf("round %d: sync: %v", round, err)
		}
		x.claims(c)
		if round%3 == 0 {
			x.reopenFull()
		}
		d.free()
		x.edit()
		w.work()
		x.wantDense()
		w.wantRecovered(c)
	}
}

// saveUntilFull saves until there is no room, and tries to once more.
func (x *tab) saveUntilFull() {
	x.t.Helper()
	for range 500 {
		s, err := x.Add("resident", "", village, `{"name": "赵六", "workplace": "村委会"}`, "")
		if err == nil {
			x.remember(s, nil)
			continue
		}
		if tablet.ReasonOf(err) != full {
			x.t.Fatalf("no room: %v", err)
		}
		for _, one := range x.saves {
			if r, err := x.Get(one.id.String()); must(x.t, r, err).JSON == "" {
				x.t.Fatalf("record %s cannot be read", one.id)
			}
		}
		return
	}
	x.t.Fatal("the disk is never full")
}

// reopenFull closes the tablet and opens it again while there is no room, or, when
// that is refused for this reason, says so and leaves it to be opened with room.
func (x *tab) reopenFull() {
	x.t.Helper()
	do(x.t, x.Close())
	o := &tablet.Options{Dir: x.dir, CheapSecrets: true}
	tb, err := tablet.OpenWith(o, secret)
	if tablet.ReasonOf(err) == full {
		x.t.Log("it opens only with room")
		do(x.t, os.Remove(filepath.Join(filepath.Dir(x.dir), "ballast")))
		tb, err = tablet.OpenWith(o, secret)
		do(x.t, os.WriteFile(filepath.Join(filepath.Dir(x.dir), "ballast"), nil, 0o600))
	}
	x.Tablet = must(x.t, tb, err)
}

// wantDense asks that the saves that were confirmed have the counters from 1, in the
// order in which they were made: none was taken by one that was refused.
func (x *tab) wantDense() {
	x.t.Helper()
	var last causal.Dot
	for i, s := range x.saves {
		if s.dot.Counter != uint64(i)+1 || i > 0 && s.dot.Replica != last.Replica {
			x.t.Fatalf("save %d has dot %s, the one before %s", i+1, s.dot, last)
		}
		last = s.dot
	}
}
